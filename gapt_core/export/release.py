"""From a run's best weights and its measured figures to a preset with a generated card."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gapt_core.errors import TrainingError
from gapt_core.evaluate.card import figures_of, model_card
from gapt_core.evaluate.tables import from_json
from gapt_core.export.preset import export_preset
from gapt_core.train.policy import Trained, load_best
from presets.preset import Preset

REPORTED = ("selection", "step", "rate", "matrix_rate", "cooldown", "seed")


def release(
    weights: Path, figures: Path, folder: Path, temperature: float, said: Mapping[str, str], *, replace: bool = False
) -> Preset:
    """Write the preset in `folder`.

    Args:
        weights: a run's `best.pt`.
        figures: the JSON of `gapt evaluate` for the same weights.
        temperature: the preset's own temperature.
        said: `description`, `licence` and `preset_version`.

    Raises:
        TrainingError: the weights or figures cannot be read.
        PresetError: the preset cannot be written.
    """
    trained = load_best(weights)
    try:
        measured = json.loads(figures.read_text(encoding="utf-8"))
        tables = figures_of(from_json(measured))
    except (ValueError, KeyError, TypeError) as error:
        raise TrainingError(f"{figures} holds no figures; make it with `gapt evaluate -o`.") from error
    fields = {
        "version": said["preset_version"],
        "description": said["description"],
        "licence": said["licence"],
        "training": _training(trained),
        "network": trained.net.config.to_dict(),
        "figures": tables,
        "sampling": {"mode": "react", "temperature": temperature, "density": 0.0},
    }
    command = f"gapt evaluate --preset {folder.name} --data SONGS"
    card = model_card(folder.name, fields, measured["config"], command)
    return export_preset(trained.net, folder, fields, card, replace=replace)


def _training(trained: Trained) -> dict[str, Any]:
    last = trained.stages[-1]
    stages = [
        {name: stage[name] for name in REPORTED}
        | {
            "validation": round(stage["validation"], 4),
            "crops": stage["batch"]["size"],
            "frames": stage["batch"]["frames"],
        }
        for stage in trained.stages
    ]
    return {"selection": last["selection"], "data": last["data"], "recipe": {"stages": stages}}
