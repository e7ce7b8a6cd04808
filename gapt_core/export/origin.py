"""What a manifest says of a preset's training, worked out from the stages that its weights went through.

A stage is one of maximum likelihood by `gapt train policy`, one of post-training by `gapt train gapt` (its `kind` is
`gapt`), or one that another preset's manifest tells of. Stages say in `data` what they learned from. A training kit is
counted in: its nets decide what is rewarded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gapt_core.errors import ExportError

LIKELIHOOD = ("selection", "step", "rate", "matrix_rate", "cooldown", "seed")
"""What is told of a stage of maximum likelihood besides its validation and its batches."""

ORIGIN = ("data", "kit")
"""What is told once, for all stages."""

EVERYTHING = "all"

Stage = Mapping[str, Any]


def training_of(stages: Sequence[Stage], kit: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The manifest's `training`: selection, data and recipe.

    Args:
        stages: what the weights went through, oldest first.
        kit: the record of the kit that rides along.

    Raises:
        ExportError: no stage says what was learned from.
    """
    heard = list(_with_kits(stages)) + list(_stages_of(kit or {}))
    data: dict[str, Mapping[str, Any]] = {}
    for entry in (entry for stage in heard for entry in stage.get("data", ())):
        known = data.setdefault(entry["name"], entry)
        data[entry["name"]] = max(known, entry, key=lambda one: one["songs"])
    selections = sorted({stage["selection"] for stage in heard if "selection" in stage})
    if not data or not selections:
        raise ExportError("These weights do not say what they were trained on; train them again with this version.")
    selection = EVERYTHING if EVERYTHING in selections else " + ".join(selections)
    recipe = {"stages": [_told(stage) for stage in stages]}
    return {"selection": selection, "data": [dict(entry) for entry in data.values()], "recipe": recipe}


def _with_kits(stages: Sequence[Stage]) -> Iterator[Stage]:
    for stage in stages:
        yield stage
        yield from _stages_of(stage.get("kit", {}))


def _stages_of(record: Mapping[str, Any]) -> Iterator[Stage]:
    """The last stage of training of each net of a kit."""
    for group in ("anchors", "judges"):
        yield from record.get(group, {}).values()


def _told(stage: Stage) -> dict[str, Any]:
    if stage.get("kind") == "gapt" or "batch" not in stage:
        return {name: value for name, value in stage.items() if name not in ORIGIN}
    batch = {"crops": stage["batch"]["size"], "frames": stage["batch"]["frames"]}
    return {name: stage[name] for name in LIKELIHOOD} | {"validation": round(stage["validation"], 4)} | batch
