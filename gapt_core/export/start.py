"""What a training begins from: a policy and a training kit, each from a preset or from what a run left."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gapt_core.export.load import load_policy
from gapt_core.rl.kit import Kit, load_kit, preset_kit
from gapt_core.train.policy import Trained, load_best
from presets.manifest import MANIFEST
from presets.preset import Preset, load_preset
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
    return Trained(load_policy(preset), stages_of(preset))


def stages_of(preset: Preset) -> tuple[dict[str, Any], ...]:
    """The stages of a preset's training, as what goes on from there has them in its own record."""
    training = preset.manifest.training
    *earlier, last = training["recipe"].get("stages") or [{}]
    # A manifest says once, for all stages, what was learned from; what goes on from there must say so too.
    return *earlier, {"selection": training["selection"], "data": training["data"]} | last


def find_kit(name: str) -> Kit:
    """The kit of the preset of that name or in that folder, else the kit that stands in the folder `name`.

    Raises:
        TrainingError: neither is there, or the folder's kit is damaged.
        PresetError: the preset has no kit, or a damaged one.
    """
    store = Store.default()
    if name in store.folders():
        return preset_kit(store.find(name))
    if (Path(name) / MANIFEST).is_file():
        return preset_kit(load_preset(Path(name)))
    return load_kit(Path(name))
