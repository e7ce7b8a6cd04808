"""Folders of runs that never ran: figures and logs drawn at random around means that are known."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from gapt_core.evaluate.ahead import AHEAD_BEATS
from gapt_core.evaluate.duet import DUET, DUET_CONTROL
from gapt_core.evaluate.measure import CONTROL, ROWS, TRUTH
from gapt_core.evaluate.measured import LISTENER, Measured, MeasuredRow, MeasuredSet
from gapt_core.evaluate.rollout import MODES
from gapt_core.evaluate.sets import EvaluateConfig
from gapt_core.experiment.folder import LATENCY, LOG, RECIPE, WEIGHTS, measured_folder, write_grid
from gapt_core.experiment.grid import Grid, RunSettings
from gapt_core.experiment.stages import gapt_config
from gapt_core.experiment.state import RunState, write_state
from gapt_core.metrics import SongFigures
from gapt_core.train.run import save_atomically

SONGS = 24
FEATURES = 32
SETS = (("test", "a"), ("test", "b"), ("ood", "c"), ("ood", "d"), ("ood", "e"), ("ood", "f"))
CONFIG = EvaluateConfig(songs=SONGS, frames=64, vendi_songs=SONGS)
BEATS = {"play": 24, "adaptation single": 64, "adaptation multiple": 64}
"""Kind of measurement to the columns of its curves."""

START = {"selection": "all", "step": 600, "seed": 2}
KIT = {
    "anchors": {"chord": {"selection": "all", "step": 360, "seed": 0}},
    "judges": {
        "contrastive-0": {
            "step": 360,
            "test": {
                "recall_1": 0.25,
                "recall_5": 0.5,
                "recall_10": 0.75,
                "mean_average_precision_10": 0.375,
                "gallery": 9.0,
            },
        },
        "discriminative-0": {"step": 300, "test": {"precision": 0.9, "recall": 0.8, "f1": 0.85, "pairs": 18.0}},
    },
}


@dataclass(frozen=True)
class Level:
    """What the songs of a row lie around; `spread`, 0 to 1, is how different they are to the listener."""

    note_in_chord: float
    spread: float
    onsets: float
    chords: float
    pitch_classes: float = 3.2
    recovers: int = 5


TRUTH_LEVEL = Level(0.75, 0.8, 1.2, 9.0)
CONTROL_LEVEL = Level(0.3, 0.8, 1.2, 9.0)
LEVELS = {
    "mle": Level(0.60, 0.85, 2.0, 11.0),
    "rl": Level(0.72, 0.3, 3.0, 5.0, 3.0),
    "gapt": Level(0.73, 0.8, 1.25, 9.5),
}


@dataclass
class Experiment:
    """Writes an experiment into `folder`; `levels` by condition, the others being as `gapt`.

    `kinds` are the measurements that its runs have. Those of `older` ones do not try chords under the next melody.
    """

    folder: Path
    grid: Grid
    levels: dict[str, Level] = field(default_factory=lambda: dict(LEVELS))
    kinds: tuple[str, ...] = ("play", "adaptation single")
    older: bool = False

    def write(self, *missing: str) -> Path:
        """Write the grid and all runs but the missing ones; the folder."""
        write_grid(self.folder, self.grid)
        for settings in self.grid.runs():
            if settings.name not in missing:
                self.write_run(settings)
        return self.folder

    def write_run(self, settings: RunSettings) -> None:
        """One run as if it were done."""
        folder = self.folder / settings.name
        folder.mkdir(parents=True)
        level = self.levels.get(settings.condition, LEVELS["gapt"])
        stages: list[dict[str, Any]] = [START]
        if not settings.is_start:
            recipe = gapt_config(settings).to_dict()
            (folder / RECIPE).write_text(json.dumps(recipe))
            stages.append({"kind": "gapt", **recipe, "kit": KIT, "data": [{"name": "tunes", "songs": 7}]})
            lines = [json.dumps(record) for record in log_of(settings, level)]
            (folder / LOG).write_text("\n".join(lines) + "\n")
        save_atomically(folder / WEIGHTS, {"stages": stages})
        for kind in self.kinds:
            _measured(kind, level, settings.seed, self.older).save(measured_folder(folder, kind))
        (folder / LATENCY).write_text(json.dumps({"p50": 1.5, "p95": 2.0, "ratio": 1.01}))
        done = {"train": 10.0, "measure": 5.0, "latency": 1.0}
        write_state(folder, RunState(settings.to_dict(), settings.digest, "inputs", done))


def log_of(settings: RunSettings, level: Level, steps: int = 40) -> list[dict[str, Any]]:
    """A log that rises from the level of `mle` to that of the run."""
    random = np.random.default_rng(settings.seed)
    records: list[dict[str, Any]] = [{"step": 0, "accuracy": 0.8, "explained_variance": 0.5}]
    for step in range(1, steps + 1):
        share, noise = step / steps, float(random.normal(scale=0.01))
        rewards = {"contrastive": 0.3 + 0.2 * share + noise, "silence": -0.1 * (1 - share), "repetition": 0.0}
        adversary: dict[str, Any] = {"updated": False}
        if settings.weight:
            rewards["adversarial"] = settings.weight * (0.7 + noise)
            adversary = {"updated": step % 5 == 0, "accuracy": 0.75 + noise, "loss": None, "reward": 0.7 + noise}
        records.append(
            {
                "step": step,
                "reward": sum(rewards.values()),
                "rewards": rewards,
                "kl": 0.1 + 0.3 * share,
                "entropy": 0.6 - 0.2 * share + noise,
                "clip_fraction": 0.1,
                "explained_variance": 0.5,
                "value_loss": 0.1,
                "policy_loss": -0.01,
                "gradient_norm": 0.2,
                "adversary": adversary,
                "onsets_per_bar": 2.0 + (level.onsets - 2.0) * share,
                "note_in_chord": 0.6 + (level.note_in_chord - 0.6) * share + noise,
                "silence": 0.02 * (1 + share),
                "seconds": {"rollout": 1.0, "total": 3.0},
            }
        )
    return records


def _measured(kind: str, level: Level, seed: int, older: bool) -> Measured:
    random = np.random.default_rng((seed, int(1000 * level.spread)))
    sets = []
    for split, name in SETS:
        fixed = np.random.default_rng(len(sets))
        rows = {}
        for row in _rows_of(kind):
            known = {TRUTH: TRUTH_LEVEL, CONTROL: CONTROL_LEVEL, DUET_CONTROL: CONTROL_LEVEL}
            one = next((known[head] for head in known if row.startswith(head)), level)
            made = _row(one, fixed if row.startswith((TRUTH, CONTROL)) else random, BEATS.get(kind, 16))
            kept = (
                {f"kept {beats}": [0.5 / beats] * SONGS for beats in AHEAD_BEATS}
                if kind == "ahead" and row in MODES
                else {}
            )
            rows[row] = replace(made, extra=kept, shuffled=[] if older else made.shuffled)
        sets.append(MeasuredSet(split, name, [f"song {i}" for i in range(SONGS)], rows))
    return Measured(kind, replace(CONFIG, seed=seed), (LISTENER, "histogram"), sets)


def _rows_of(kind: str) -> list[str]:
    if kind == "sessions":
        return [f"{row} {quarter}/4" for row in ROWS for quarter in (1, 2, 3, 4)]
    if kind == "ahead":
        ways = ["", *(f" {sign}{beats}" for sign in "+/" for beats in AHEAD_BEATS)]
        return [TRUTH, CONTROL, *(mode + way for mode in MODES for way in ways)]
    return [TRUTH, CONTROL, DUET, DUET_CONTROL] if kind == "against" else list(ROWS)


def _row(level: Level, random: np.random.Generator, beats: int) -> MeasuredRow:
    songs = [
        SongFigures(
            note_in_chord=level.note_in_chord + random.normal(scale=0.03),
            note_in_chord_strict=level.note_in_chord - 0.01 + random.normal(scale=0.03),
            silence=0.02,
            onsets_per_bar=level.onsets * float(np.exp(random.normal(scale=0.05))),
            unique_chords=float(max(1, round(level.chords + random.normal(scale=1.0)))),
            entropy=np.log(level.chords) + random.normal(scale=0.1),
            pitch_classes=level.pitch_classes + random.normal(scale=0.02),
            longest_repetition=float(random.integers(1, 4)),
        )
        for _ in range(SONGS)
    ]
    common = np.random.default_rng(99).normal(size=FEATURES)
    vectors = (1 - level.spread) * common + level.spread * random.normal(size=(SONGS, FEATURES))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    curve = np.full((SONGS, beats), level.note_in_chord) + random.normal(scale=0.02, size=(SONGS, beats))
    if beats > BEATS["play"]:
        curve[:, 16 : 16 + level.recovers] = 0.1
    else:
        curve[:, :2] -= 0.3
        curve[::2, 20:] = np.nan
    embeddings = {LISTENER: vectors.astype("f4"), "histogram": vectors.astype("f4")}
    return MeasuredRow(songs, embeddings, curve.astype("f4"), shuffled=[0.1 * level.pitch_classes] * SONGS)
