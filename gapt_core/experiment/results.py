"""What an experiment has measured, as arrays: by condition and seed, set, row and figure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gapt_core.errors import TrainingError
from gapt_core.evaluate.measured import HISTOGRAM, LISTENER, PLAY, Measured, MeasuredRow
from gapt_core.evaluate.rollout import MODES
from gapt_core.experiment.agreement import SEED, disagreement, require_agreement
from gapt_core.experiment.folder import Run, open_experiment
from gapt_core.experiment.grid import Grid
from gapt_core.experiment.statistics import (
    RESAMPLES,
    Counts,
    Interval,
    percentile_interval,
    ratio_interval,
    resamples,
    vendi_resampled,
)
from gapt_core.metrics import SongFigures, column_means, mean, vendi

Floats = NDArray[np.float64]

VENDI = "vendi"
HISTOGRAM_VENDI = "vendi_histogram"
SONG_FIGURES = tuple(field.name for field in fields(SongFigures))
OVER_LUCK = "over_luck"
"""Note in chord minus a twelfth of the pitch classes a chord: a note that is any of the twelve is in it so often."""
OVER_NEXT = "over_next"
"""Note in chord minus that of the same row's chords for the next song: what they owe to this one's melody."""

PITCH_CLASSES = 12
SPLITS = ("test", "ood")

Key = tuple[str, str]
"""Split and name of a set."""


class Measurement:
    """A measurement of one run, which `run` is the name of; what is asked for often is worked out once."""

    def __init__(self, measured: Measured, run: str = "") -> None:
        self.measured = measured
        self.run = run
        self.rows: dict[Key, dict[str, MeasuredRow]] = {(s.split, s.name): s.rows for s in measured.sets}
        self.embedder = LISTENER if LISTENER in measured.embedders else HISTOGRAM
        self._vendi: dict[tuple[Key, str, str], float] = {}

    def songs(self, key: Key, row: str, figure: str) -> Floats:
        """The figure of each song; `[songs]`, NaN where it is undefined or was not measured."""
        found = self.rows[key][row]
        if figure == OVER_LUCK:
            return self.songs(key, row, "note_in_chord") - self.songs(key, row, "pitch_classes") / PITCH_CLASSES
        if figure == OVER_NEXT:
            shuffled = found.shuffled or [math.nan] * len(found.figures)
            return self.songs(key, row, "note_in_chord") - np.array(shuffled, dtype=np.float64)
        return np.array([getattr(song, figure) for song in found.figures], dtype=np.float64)

    def embeddings(self, key: Key, row: str, embedder: str) -> Floats:
        """Unit rows of the songs that the Vendi score is over; `[songs, features]`."""
        rows = self.rows[key][row].embeddings[embedder]
        return np.asarray(rows[: self.measured.config.vendi_songs], dtype=np.float64)

    def value(self, key: Key, row: str, figure: str) -> float:
        """The figure of a set: mean over its songs, or its Vendi score."""
        if figure not in (VENDI, HISTOGRAM_VENDI):
            return mean(self.songs(key, row, figure))
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
        self._counts: dict[tuple[Key, int], Counts] = {}
        self._resampled: dict[tuple[str | None, str, Key], Floats] = {}
        self._found: dict[str, dict[str, list[Measurement]]] = {}

    @property
    def plays(self) -> dict[str, list[Measurement]]:
        """Condition to the plain measurements of its runs, in the order of the seeds."""
        return self.measurements(PLAY)

    def measurements(self, kind: str) -> dict[str, list[Measurement]]:
        """Condition to the measurements of one kind; a run that has none is left out.

        Raises:
            TrainingError: two runs were measured on different songs, or in different ways.
        """
        if kind not in self._found:
            self._found[kind] = self._load(kind)
        return self._found[kind]

    def _load(self, kind: str) -> dict[str, list[Measurement]]:
        found: dict[str, list[Measurement]] = {}
        for run in self.runs:
            if run.is_measured and (run.measured(kind) / "figures.json").exists():
                measurement = Measurement(Measured.load(run.measured(kind)), run.settings.name)
                found.setdefault(run.settings.condition, []).append(measurement)
        everything = [one for several in found.values() for one in several]
        _require_same_way(kind, everything)
        _require_same_songs(kind, everything)
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

    def knows(self, figure: str) -> bool:
        """Whether some run was measured so that a song's figure is defined."""
        plays = (one for several in self.plays.values() for one in several)
        return any(
            not np.isnan(one.songs(key, row, figure)).all() for one in plays for key in one.rows for row in MODES
        )

    def has(self, *conditions: str) -> bool:
        """Whether there are figures of all these conditions."""
        return all(condition in self.plays for condition in conditions)

    def seeds(self, condition: str) -> list[int]:
        """Seeds of the measured runs of a condition."""
        return [run.settings.seed for run in self.runs if run.settings.condition == condition and run.is_measured]

    def per_seed(self, condition: str, row: str, figure: str, keys: Sequence[Key]) -> list[float]:
        """A run's mean over sets, each set counting once, for every run of the condition."""
        return [mean(one.value(key, row, figure) for key in keys) for one in self.plays.get(condition, [])]

    def reference(self, row: str, figure: str, keys: Sequence[Key]) -> float:
        """The same for a row that is no policy's: ground truth or control."""
        one = self.any_play
        return mean(one.value(key, row, figure) for key in keys) if one else math.nan

    def pieces(self, condition: str | None, row: str, figure: str, keys: Sequence[Key]) -> Floats:
        """Each song's mean over the seeds, sets one after the other; `[songs]`. No condition: as in `reference`."""
        several = self._several(condition)
        stacks = [np.stack([one.songs(key, row, figure) for one in several]) for key in keys]
        return np.concatenate([column_means(stack) for stack in stacks])

    def over_pieces(self, condition: str | None, row: str, figure: str, keys: Sequence[Key]) -> Interval:
        """The figure, mean over seeds and sets, with its bootstrap interval over the songs of each set.

        Without a condition it is that of a row that is no policy's. A Vendi score by the histogram has no interval.
        """
        value = mean(mean(one.value(key, row, figure) for key in keys) for one in self._several(condition))
        if figure == HISTOGRAM_VENDI or math.isnan(value):
            return Interval(value, math.nan, math.nan)
        if figure == VENDI:
            return ratio_interval(value, np.sum([self.vendi_over(condition, row, key) for key in keys], axis=0))
        return percentile_interval(
            value, np.mean([self._means_over(condition, row, figure, key) for key in keys], axis=0)
        )

    def vendi_over(self, condition: str | None, row: str, key: Key) -> Floats:
        """Vendi of resamples of a set's songs, the mean over seeds of each; `[draws]`.

        The songs that are drawn are the same for every condition and row, and every time.
        """
        place = condition, row, key
        if place not in self._resampled:
            several = [one.embeddings(key, row, self.embedder) for one in self._several(condition)]
            counts = self._drawn(key, len(several[0]))
            self._resampled[place] = np.mean([vendi_resampled(rows, counts) for rows in several], axis=0)
        return self._resampled[place]

    def _means_over(self, condition: str | None, row: str, figure: str, key: Key) -> Floats:
        """Mean of a figure over resamples of a set's songs, NaN being left out; `[draws]`."""
        songs = self.pieces(condition, row, figure, [key])
        known, counts = ~np.isnan(songs), self._drawn(key, len(songs))
        drawn = counts @ known
        return np.divide(counts @ np.where(known, songs, 0.0), drawn, out=np.full(self.draws, np.nan), where=drawn > 0)

    def _drawn(self, key: Key, songs: int) -> Counts:
        """How often each of a set's songs is in each resample; the same for whatever is asked of the set."""
        if (key, songs) not in self._counts:
            keys = [key for split in SPLITS for key in self.keys(split)]
            self._counts[key, songs] = resamples(songs, np.random.default_rng(keys.index(key)), self.draws)
        return self._counts[key, songs]

    def _several(self, condition: str | None) -> list[Measurement]:
        """Plain measurements of a condition, or some one where all are alike."""
        if condition is not None:
            return self.plays.get(condition, [])
        return [self.any_play] if self.any_play else []


def load_results(folder: Path, draws: int = RESAMPLES) -> Results:
    """The results in the folder of an experiment.

    Raises:
        TrainingError: there is no experiment, or its runs cannot be compared.
    """
    grid, runs = open_experiment(folder)
    require_agreement(runs)
    return Results(grid, runs, draws)


def _require_same_way(kind: str, measurements: Sequence[Measurement]) -> None:
    ways = {
        one.run: {name: value for name, value in asdict(one.measured.config).items() if name != SEED}
        for one in measurements
    }
    if found := disagreement(ways):
        raise TrainingError(f"The runs were not measured alike ({kind}): {found}; measure them again.")


def _require_same_songs(kind: str, measurements: Sequence[Measurement]) -> None:
    for one in measurements[1:]:
        first = measurements[0]
        same = [[(s.split, s.name, s.titles) for s in m.measured.sets] for m in (first, one)]
        if same[0] != same[1] or first.embedder != one.embedder:
            raise TrainingError(
                f"{first.run} and {one.run} were measured on different songs, or heard by different nets ({kind}); "
                "measure them again."
            )
