"""A player's songs small enough for a test, and a preset to fine-tune that is as small."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from tiny_corpus import song_record
from tiny_kit import SMALL, tiny_kit
from tiny_policy import TINY, tiny_net
from tiny_presets import tiny_fields

from gapt_core.data.jsonl import song_from_record
from gapt_core.export.preset import export_preset
from gapt_core.finetune.material import Material, Tune, tune_of
from gapt_core.finetune.recipe import LIKELIHOOD, POST_TRAINING, Recipe
from gapt_core.finetune.tuning import Start
from gapt_core.rl.kit import kit_members
from gapt_core.train.policy import Trained
from presets.preset import Preset

RECIPE = Recipe(
    likelihood=replace(
        LIKELIHOOD, net=TINY, batch=replace(LIKELIHOOD.batch, size=4, frames=64), rate=5e-3, matrix_rate=1e-2
    ),
    gapt=replace(
        POST_TRAINING,
        rollouts=8,
        frames=32,
        window=16,
        buffers=1,
        fit_rounds=1,
        save_every=2,
        adversary=replace(POST_TRAINING.adversary, net=SMALL, warm_rounds=4, rounds=2, rows=8),
    ),
    draws=1,
    heard=2,
)
"""The recipe, so small that a step takes no time."""


def tiny_material(songs: int = 10, bars: int = 4, *, chords: bool = True) -> Material:
    """Songs in which every bar has one chord, which the melody plays: six to learn from in ten, two that choose."""
    random = np.random.default_rng(3)
    made = [song_from_record(song_record(f"song {number}", bars, random)) for number in range(songs)]
    tunes: list[Tune] = [tune_of(song if chords else replace(song, chords=None)) for song in made]
    fifth = max(1, songs // 5)
    return Material(tunes[2 * fifth :], tunes[fifth : 2 * fifth], tunes[:fifth], notes=("song 1: used",))


def tiny_start() -> Start:
    """A policy without a meaning, and a kit of such nets."""
    stage = {"selection": "all", "data": [{"name": "hymns", "style": "hymn", "songs": 3, "licence": "public domain"}]}
    return Start(Trained(tiny_net(), (stage,)), tiny_kit(), temperature=1.0, density=0.0)


def write_tunable_preset(folder: Path) -> Preset:
    """A preset with a training kit, at `folder`."""
    fields = tiny_fields()
    del fields["network"], fields["vocabulary"]
    return export_preset(tiny_net(), folder, fields, "# A tiny preset\n", kit=kit_members(tiny_kit()))
