"""What the runs of an experiment stand on, as their own weights tell: the start, the kit, the songs."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gapt_core.experiment.folder import WEIGHTS, Run
from gapt_core.export.start import stages_of
from gapt_core.train.run import DAMAGE, read_state
from presets.errors import PresetError
from presets.manifest import KIT
from presets.store import Store

Stage = dict[str, Any]


@dataclass(frozen=True)
class Origin:
    """What is known.

    Attributes:
        start: stages of the training of the policy before post-training; empty if no run tells.
        kit: the record of the training kit; `data`, the songs of post-training. Empty likewise.
        start_presets, kit_presets: names of the presets here that have the same.
    """

    start: Sequence[Stage] = ()
    kit: Mapping[str, Any] = field(default_factory=dict)
    data: Sequence[Mapping[str, Any]] = ()
    start_presets: Sequence[str] = ()
    kit_presets: Sequence[str] = ()


def origin_of(runs: Iterable[Run]) -> Origin:
    """What the first run that was post-trained tells, or else the first that tells anything: all have the same."""
    told = [run for run in runs if run.state is not None and (run.folder / WEIGHTS).exists()]
    for run in sorted(told, key=lambda run: run.settings.is_start):
        try:
            stages: list[Stage] = list(read_state(run.folder / WEIGHTS)["stages"])
        except DAMAGE:
            continue
        last = {} if run.settings.is_start else stages.pop()
        kit = last.get("kit", {})
        return Origin(stages, kit, last.get("data", ()), _presets_of_start(stages), _presets_of_kit(kit))
    return Origin()


def _presets_of_start(stages: Sequence[Stage]) -> list[str]:
    found = []
    for name in Store.default().folders():
        with contextlib.suppress(PresetError):
            found += [name] if list(stages_of(Store.default().find(name))) == list(stages) else []
    return found


def _presets_of_kit(record: Mapping[str, Any]) -> list[str]:
    found = []
    for name, folder in Store.default().folders().items():
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            found += [name] if json.loads((folder / KIT).read_text("utf-8"))["record"] == record else []
    return found
