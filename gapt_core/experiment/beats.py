"""Harmony by beat: after the song has changed its key, and from a cold start; always the mean curve over songs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gapt_core.evaluate.adaptation import MULTIPLE, RECOVERED, SINGLE, SMOOTHED_BEATS, Perturbation, Recovery, recovery
from gapt_core.evaluate.measure import CONTROL
from gapt_core.experiment.results import Floats, Measurement, Results
from gapt_core.metrics import column_means, mean

TRITONE = "adaptation single"
CHANGES = {TRITONE: SINGLE, "adaptation multiple": MULTIPLE}
"""Kinds of measurement in which the song changes its key, and how."""


@dataclass(frozen=True)
class Regained:
    """What a change of key costs, and what the same songs' chords have by chance when each goes to the next song.

    Attributes:
        found: by the mean curve.
        chance: level of the control after the change.
        window: the last beat at which a recovery could begin; `found.beats` is infinite where none did.
    """

    found: Recovery
    chance: float
    window: int

    @property
    def says_something(self) -> bool:
        """Whether what counts as recovered is more than chance: else there was nothing to lose."""
        return not RECOVERED * self.found.before <= self.chance

    @property
    def beats(self) -> str:
        """Until recovered, in words."""
        if math.isnan(self.found.before):
            return "unknown"
        if not self.says_something:
            return "nothing to regain"
        return f"{self.found.beats:.0f} beats" if math.isfinite(self.found.beats) else f"never in {self.window} beats"

    def within(self, beats: float) -> bool:
        """Whether the level before was more than chance, and regained so soon."""
        return self.says_something and self.found.beats <= beats


def regained(results: Results, condition: str, row: str, split: str, kind: str = TRITONE) -> Regained | None:
    """What a condition's change of key costs over a split; None where it was not measured."""
    several, change = results.measurements(kind).get(condition, []), CHANGES[kind]
    own, control = (beats_of(several, name, split) for name in (row, CONTROL))
    if not len(own):
        return None
    return Regained(recovery(own, change), recovery(control, change).after, last_beat(change))


def last_beat(change: Perturbation) -> int:
    """Beats after the last change of key from which a recovery can still be told."""
    return change.after - SMOOTHED_BEATS


def beats_of(several: Sequence[Measurement], row: str, split: str) -> Floats:
    """Note in chord by beat of all songs of a split, the mean over seeds; `[songs, beats]`."""
    keys = [key for key in several[0].rows if key[0] == split] if several else []
    tables = [column_means(np.array([one.rows[key][row].beats for one in several], dtype=float)) for key in keys]
    beats = max((table.shape[1] for table in tables), default=0)
    padded = [np.pad(table, [(0, 0), (0, beats - table.shape[1])], constant_values=np.nan) for table in tables]
    return np.concatenate([np.zeros((0, beats)), *padded])


def cold_level(results: Results, condition: str, row: str, split: str, beat: int) -> float:
    """Mean note in chord in one of the first beats, from 1; NaN where it was not measured."""
    return mean(beats_of(results.plays.get(condition, []), row, split)[:, beat - 1 : beat].ravel())
