"""What an experiment has measured, as arrays: by condition and seed, set, row and figure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gapt_core.errors import TrainingError
from gapt_core.evaluate.measured import HISTOGRAM, LISTENER, PLAY, Measured, MeasuredRow
from gapt_core.experiment.folder import Run, open_experiment
from gapt_core.experiment.grid import Grid
from gapt_core.experiment.statistics import RESAMPLES, resamples, vendi_resampled
from gapt_core.metrics import SongFigures, vendi

Floats = NDArray[np.float64]

VENDI = "vendi"
HISTOGRAM_VENDI = "vendi_histogram"
SONG_FIGURES = tuple(field.name for field in fields(SongFigures))
SPLITS = ("test", "ood")

Key = tuple[str, str]
"""Split and name of a set."""


class Measurement:
    """A measurement of one run; what is asked for often is worked out once."""

    def __init__(self, measured: Measured) -> None:
        self.measured = measured
        self.rows: dict[Key, dict[str, MeasuredRow]] = {(s.split, s.name): s.rows for s in measured.sets}
        self.embedder = LISTENER if LISTENER in measured.embedders else HISTOGRAM
        self._vendi: dict[tuple[Key, str, str], float] = {}

    def songs(self, key: Key, row: str, figure: str) -> Floats:
        """The figure of each song; `[songs]`, NaN where it is undefined."""
        return np.array([getattr(song, figure) for song in self.rows[key][row].figures], dtype=np.float64)

    def embeddings(self, key: Key, row: str, embedder: str) -> Floats:
        """Unit rows of the songs that the Vendi score is over; `[songs, features]`."""
        rows = self.rows[key][row].embeddings[embedder]
        return np.asarray(rows[: self.measured.config.vendi_songs], dtype=np.float64)

    def value(self, key: Key, row: str, figure: str) -> float:
        """The figure of a set: mean over its songs, or its Vendi score."""
        if figure not in (VENDI, HISTOGRAM_VENDI):
            return _mean(self.songs(key, row, figure))
        embedder = self.embedder if figure == VENDI else HISTOGRAM
        place = key, row, embedder
        if place not in self._vendi:
            self._vendi[place] = vendi(self.embeddings(key, row, embedder))
        return self._vendi[place]


class Results:
    """The grid, all its runs, and the measurements of those that have them; bootstraps of Vendi have `draws` draws."""

    def __init__(self, grid: Grid, runs: list[Run], draws: int = RESAMPLES) -> None:
        self.grid = grid
        self.runs = runs
        self.draws = draws
        self._resampled: dict[tuple[str, str, Key], Floats] = {}
        self._found: dict[str, dict[str, list[Measurement]]] = {}

    @property
    def plays(self) -> dict[str, list[Measurement]]:
        """Condition to the plain measurements of its runs, in the order of the seeds."""
        return self.measurements(PLAY)

    def measurements(self, kind: str) -> dict[str, list[Measurement]]:
        """Condition to the measurements of one kind; a run that has none is left out.

        Raises:
            TrainingError: two runs were measured on different songs.
        """
        if kind not in self._found:
            self._found[kind] = self._load(kind)
        return self._found[kind]

    def _load(self, kind: str) -> dict[str, list[Measurement]]:
        found: dict[str, list[Measurement]] = {}
        for run in self.runs:
            if run.is_measured and (run.measured(kind) / "figures.json").exists():
                measurement = Measurement(Measured.load(run.measured(kind)))
                found.setdefault(run.settings.condition, []).append(measurement)
        _require_same_songs([one for several in found.values() for one in several])
        return found

    @property
    def any_play(self) -> Measurement | None:
        """Some plain measurement: ground truth and control are the same in all."""
        return next((several[0] for several in self.plays.values()), None)

    @property
    def embedder(self) -> str:
        """What the Vendi scores of all runs are by."""
        return self.any_play.embedder if self.any_play else HISTOGRAM

    def keys(self, split: str) -> list[Key]:
        """The sets of a split."""
        return [key for key in self.any_play.rows if key[0] == split] if self.any_play else []

    @property
    def splits(self) -> list[str]:
        """The splits of which there are sets."""
        return [split for split in SPLITS if self.keys(split)]

    def has(self, *conditions: str) -> bool:
        """Whether there are figures of all these conditions."""
        return all(condition in self.plays for condition in conditions)

    def seeds(self, condition: str) -> list[int]:
        """Seeds of the measured runs of a condition."""
        return [run.settings.seed for run in self.runs if run.settings.condition == condition and run.is_measured]

    def per_seed(self, condition: str, row: str, figure: str, keys: Sequence[Key]) -> list[float]:
        """A run's mean over sets, each set counting once, for every run of the condition."""
        return [_mean(np.array([one.value(key, row, figure) for key in keys])) for one in self.plays.get(condition, [])]

    def reference(self, row: str, figure: str, keys: Sequence[Key]) -> float:
        """The same for a row that is no policy's: ground truth or control."""
        one = self.any_play
        return _mean(np.array([one.value(key, row, figure) for key in keys])) if one else math.nan

    def pieces(self, condition: str, row: str, figure: str, keys: Sequence[Key]) -> Floats:
        """Each song's mean over the seeds, sets one after the other; `[songs]`."""
        several = self.plays[condition]
        stacks = [np.stack([one.songs(key, row, figure) for one in several]) for key in keys]
        return np.concatenate([mean_over_seeds(stack) for stack in stacks])

    def vendi_over(self, condition: str, row: str, key: Key) -> Floats:
        """Vendi of resamples of a set's songs, the mean over seeds of each; `[draws]`.

        The songs that are drawn are the same for every condition and row, and every time.
        """
        place = condition, row, key
        if place not in self._resampled:
            several = [one.embeddings(key, row, self.embedder) for one in self.plays[condition]]
            random = np.random.default_rng(list(self.plays[condition][0].rows).index(key))
            counts = resamples(len(several[0]), random, self.draws)
            self._resampled[place] = np.mean([vendi_resampled(rows, counts) for rows in several], axis=0)
        return self._resampled[place]


def load_results(folder: Path, draws: int = RESAMPLES) -> Results:
    """The results in the folder of an experiment.

    Raises:
        TrainingError: there is no experiment.
    """
    return Results(*open_experiment(folder), draws)


def mean_over_seeds(stack: Floats) -> Floats:
    """Mean over the first axis without NaN, and NaN where there is nothing else."""
    known = ~np.isnan(stack)
    counts = known.sum(0)
    sums = np.where(known, stack, 0.0).sum(0)
    return np.divide(sums, counts, out=np.full(counts.shape, np.nan), where=counts > 0)


def _require_same_songs(measurements: Sequence[Measurement]) -> None:
    for one in measurements[1:]:
        first = measurements[0]
        same = [[(s.split, s.name, s.titles) for s in m.measured.sets] for m in (first, one)]
        if same[0] != same[1] or first.embedder != one.embedder:
            raise TrainingError("Runs were measured on different songs or by different nets; measure them again.")


def _mean(values: Floats) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else math.nan
