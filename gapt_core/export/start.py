"""What a training begins from: a preset by its name, or the best weights of a run."""

from __future__ import annotations

from pathlib import Path

from gapt_core.export.load import load_policy
from gapt_core.train.policy import Trained, load_best
from presets.store import Store


def load_start(name: str) -> Trained:
    """The policy of a run where `name` is a file, else of the preset of that name or in that folder.

    Raises:
        TrainingError: the file holds no policy.
        PresetError: there is no such preset, or it is damaged.
    """
    if Path(name).is_file():
        return load_best(Path(name))
    preset = Store.default().find(name)
    stages = preset.manifest.training["recipe"].get("stages", [])
    return Trained(load_policy(preset), tuple(stages))
