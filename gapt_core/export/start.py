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
    training = preset.manifest.training
    *earlier, last = training["recipe"].get("stages") or [{}]
    # A manifest says once, for all stages, what was learnt from; what goes on from there must say so too.
    origin = {"selection": training["selection"], "data": training["data"]}
    return Trained(load_policy(preset), (*earlier, origin | last))
