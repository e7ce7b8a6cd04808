"""Before and after, figure by figure: tests paired by song, and for Vendi scores a ratio with its interval."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from gapt_core.evaluate.measured import HISTOGRAM, LISTENER
from gapt_core.experiment.statistics import Interval, PairedTest, paired_test, ratio_interval
from gapt_core.finetune.copied import By
from gapt_core.finetune.hearing import Floats, Heard

FIGURES = {
    "note_in_chord": ("note in chord", 3),
    "nats": ("surprise at your own chords, nats a frame", 4),
    "onsets_per_bar": ("chord onsets a bar", 2),
    "silence": ("silent while the melody sounds", 3),
    "unique_chords": ("different chords a song", 1),
    "entropy": ("entropy of a song's chords, nats", 2),
}
"""Figure of a song to what it is called and how many digits it has."""

DIVERSITY = {LISTENER: "diversity (Vendi)", HISTOGRAM: "diversity (Vendi, histogram)"}

BOTH = "both"
"""Stands for a mode: the mean of both."""

SEED = 0
"""Of what is resampled: a report says the same whenever it is written."""


class Pair(Protocol):
    """The same songs as heard before and after something, or from one and from another, and their own chords."""

    @property
    def before(self) -> By:
        """By mode, what is compared with."""

    @property
    def after(self) -> By:
        """By mode, what is compared."""

    @property
    def own(self) -> Heard | None:
        """The songs' own chords; None unless all of them have some."""


@dataclass(frozen=True)
class Comparison:
    """A figure before and after, in one mode or both, and in the player's own chords, NaN where that is undefined; with
    a test paired by song or, of a Vendi score, the ratio."""

    figure: str
    mode: str
    before: float
    after: float
    own: float
    test: PairedTest | None = None
    ratio: Interval | None = None


def comparisons(result: Pair) -> list[Comparison]:
    """Every figure that is defined, in each mode and in both."""
    return [
        compared(result, figure, mode)
        for figure in (*FIGURES, *DIVERSITY)
        for mode in (*result.before, BOTH)
        if math.isfinite(level(result.before, figure, mode))
    ]


def level(heard: By, figure: str, mode: str) -> float:
    """A figure, mean over songs, in a mode or in both."""
    return float(np.mean([one.mean(figure) for one in _in(heard, mode)]))


def compared(result: Pair, figure: str, mode: str) -> Comparison:
    """One figure, in a mode or in both."""
    own = result.own.mean(figure) if result.own is not None and figure != "nats" else math.nan
    before, after = (level(heard, figure, mode) for heard in (result.before, result.after))
    if figure in DIVERSITY:
        resampled = [_resampled(heard, figure, mode) for heard in (result.before, result.after)]
        ratio = ratio_interval(after / before, resampled[1] / resampled[0])
        return Comparison(figure, mode, before, after, own, ratio=ratio)
    first, second = (_of_songs(heard, figure, mode) for heard in (result.after, result.before))
    return Comparison(figure, mode, before, after, own, paired_test(first, second, np.random.default_rng(SEED)))


def _of_songs(heard: By, figure: str, mode: str) -> Floats:
    return np.asarray(np.mean([one.of_songs(figure) for one in _in(heard, mode)], axis=0), dtype=np.float64)


def _resampled(heard: By, embedder: str, mode: str) -> Floats:
    """Vendi scores of resampled songs, the same ones whatever was heard; `[resamples]`."""
    scores = [one.vendi_resampled(embedder, np.random.default_rng(SEED)) for one in _in(heard, mode)]
    return np.asarray(np.mean(scores, axis=0), dtype=np.float64)


def _in(heard: By, mode: str) -> list[Heard]:
    return list(heard.values()) if mode == BOTH else [heard[mode]]
