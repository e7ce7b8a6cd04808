"""From trained weights and their measured figures to a preset with a generated card."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from gapt_core.errors import TrainingError
from gapt_core.evaluate.card import figures_of, model_card
from gapt_core.export.origin import training_of
from gapt_core.export.preset import export_preset
from gapt_core.rl.kit import Kit, kit_members
from gapt_core.train.policy import Trained
from presets.preset import Preset


def release(
    trained: Trained,
    figures: Path,
    folder: Path,
    said: Mapping[str, str],
    *,
    drawn: Mapping[str, float] | None = None,
    kit: Kit | None = None,
    replace: bool = False,
) -> Preset:
    """Write the preset in `folder`.

    Args:
        trained: the weights and where they come from.
        figures: the JSON of `gapt evaluate` for the same weights.
        said: `description`, `licence` and `preset_version`.
        drawn: the preset's own `temperature` and `density`, where they are not those of the figures.
        kit: the training kit that rides along.

    Raises:
        TrainingError: the figures cannot be read.
        ExportError: the weights do not say what they were trained on, or are not finite in half precision.
        PresetError: the preset cannot be written.
    """
    try:
        measured = json.loads(figures.read_text(encoding="utf-8"))
        tables, protocol = figures_of(measured), measured["config"]
        sampling = {name: protocol[name] for name in ("temperature", "density")} | dict(drawn or {})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise TrainingError(f"{figures} holds no figures; make it with `gapt evaluate -o`.") from error
    fields = {
        "version": said["preset_version"],
        "description": said["description"],
        "licence": said["licence"],
        "training": training_of(trained.stages, kit.record if kit else None),
        "network": trained.net.config.to_dict(),
        "figures": tables,
        "sampling": {"mode": "react", **sampling},
    }
    command = f"gapt evaluate --preset {folder.name} --data SONGS"
    card = model_card(folder.name, fields, protocol, command, kit.origins() if kit else None)
    members = kit_members(kit) if kit else None
    return export_preset(trained.net, folder, fields, card, kit=members, replace=replace)
