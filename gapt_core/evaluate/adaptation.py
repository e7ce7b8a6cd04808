"""Adaptation: the song goes into another key on the way (GAPT fig. 7). How deep does harmony fall, and for how long?

`SINGLE`: from bar 5 on a tritone higher. `MULTIPLE`: bars 3 and 4 by +6, 5 and 6 by +4, 7 and 8 by -10 semitones,
each from the song's own key, then home again; in 4/4 these are the paper's frames 32, 64, 96 and 128. Bars are the
song's own, and a pickup is none. The song's own chords go with its melody.

What is looked at is the mean over songs of note in chord by quarter. Every stretch between two changes has columns of
its own, so that songs of different metres change in the same column. A quarter in which less than a third of the
songs sound does not count.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from gapt_core.evaluate.embedding import Embedder
from gapt_core.evaluate.measure import Meter, Tracks, both_modes
from gapt_core.evaluate.measured import Measured
from gapt_core.evaluate.sets import EvaluateConfig, SongSet, cut
from gapt_core.evaluate.tables import SetTable, set_table
from gapt_core.metrics import column_means, harmony_by_beat, mean
from gapt_core.model.policy import PolicyNet
from gapt_core.train.corpus import Piece
from gapt_core.train.crops import start_with_onset, transpose_chords, transpose_melody
from gapt_core.vocabulary import CHORD_HOLD, CHORD_ONSET, FRAMES_PER_BEAT, NOTE_HOLD, NOTE_ONSET

Floats = NDArray[np.floating]

SHORTEST_BEATS = 8
"""A song that ends sooner after the last change is left out."""

SMOOTHED_BEATS = 4
RECOVERED = 0.9
SOUNDING = 1 / 3


@dataclass(frozen=True)
class Perturbation:
    """Changes of key.

    Attributes:
        name: what the figures are filed under.
        bars: at which bars, from 1, the key changes.
        semitones: how much higher than its own key the song is from each of them on.
        before: columns, in quarters, before the first change.
        level: how many of these, the last ones, the level before is the mean of: a song's first quarters are worse.
        between: columns of each stretch between two changes.
        after: columns after the last change.
    """

    name: str
    bars: tuple[int, ...]
    semitones: tuple[int, ...]
    before: int
    level: int
    between: int
    after: int

    @property
    def last(self) -> int:
        """The first column after the last change."""
        return self.before + self.between * (len(self.bars) - 1)


SINGLE = Perturbation("single", (5,), (6,), before=16, level=8, between=8, after=48)
MULTIPLE = Perturbation("multiple", (3, 5, 7, 9), (6, 4, -10, 0), before=8, level=4, between=8, after=32)


@dataclass(frozen=True)
class Recovery:
    """What a change of key costs.

    Attributes:
        before: mean level before the first change.
        drop: mean level of the `SMOOTHED_BEATS` quarters after the last change.
        after: mean level of all quarters after it.
        beats: quarters from the last change to the first from which on the mean of `SMOOTHED_BEATS` quarters is at
            least `RECOVERED` of the level before; infinity for never.
        area: what is missing to the level before, summed over all quarters since the first change.
    """

    before: float
    drop: float
    after: float
    beats: float
    area: float

    def to_extra(self) -> dict[str, float]:
        """By column; whoever never recovers has no time of recovery, and a 0 for `recovered`."""
        recovered = math.isfinite(self.beats)
        return {
            "before": self.before,
            "drop": self.drop,
            "after": self.after,
            "recovered": math.nan if math.isnan(self.before) else float(recovered),
            "recovery beats": self.beats if recovered else math.nan,
            "area lost": self.area,
        }


def measure_adaptation(
    net: PolicyNet,
    sets: Sequence[SongSet],
    config: EvaluateConfig,
    embedder: Embedder | None,
    perturbation: Perturbation = SINGLE,
) -> Measured:
    """Free play over the songs that are long enough; the beats of a row are the columns of `aligned`.

    A set of which no song is long enough is left out.
    """
    meter = Meter(embedder)
    how = config.playing
    measured = []
    for entry in sets:
        changes = [(piece, starts) for piece in entry.pieces if (starts := changes_of(piece, perturbation))]
        if changes:
            pieces = [perturbed(piece, starts, perturbation) for piece, starts in changes]
            curves = partial(_columns, perturbation, [starts for _, starts in changes])
            moved = entry._replace(pieces=pieces)
            measured.append(meter.measured_set(moved, both_modes(net, pieces, how), curves))
    return Measured(f"adaptation {perturbation.name}", config, meter.embedders, measured)


def adaptation_tables(measured: Measured, perturbation: Perturbation = SINGLE) -> list[SetTable]:
    """A table for each set; beside the usual figures of the perturbed songs stand those of `Recovery`."""
    return [
        set_table(
            entry,
            measured.config.vendi_songs,
            {name: recovery(row.beats, perturbation).to_extra() for name, row in entry.rows.items()},
        )
        for entry in measured.sets
    ]


def changes_of(piece: Piece, perturbation: Perturbation) -> list[int] | None:
    """The frames where the key changes; None where the song is too short."""
    bars = np.flatnonzero(piece.metre[:, 0] == 0)
    if len(bars) < max(perturbation.bars):
        return None
    starts = [int(bars[bar - 1]) for bar in perturbation.bars]
    return starts if len(piece) >= starts[-1] + SHORTEST_BEATS * FRAMES_PER_BEAT else None


def perturbed(piece: Piece, starts: Sequence[int], perturbation: Perturbation) -> Piece:
    """The song in its keys, cut where the columns end; what sounds at a change is struck anew."""
    whole = cut(piece, starts[-1] + perturbation.after * FRAMES_PER_BEAT)
    melody, chord = [whole.melody[: starts[0]]], [whole.chord[: starts[0]]]
    for start, end, semitones in zip(starts, [*starts[1:], len(whole)], perturbation.semitones, strict=True):
        notes = start_with_onset(whole.melody[start:end], NOTE_ONSET, NOTE_HOLD)
        chords = start_with_onset(whole.chord[start:end], CHORD_ONSET, CHORD_HOLD)
        melody.append(transpose_melody(notes, semitones))
        chord.append(transpose_chords(chords, semitones))
    return Piece(piece.title, piece.style, np.concatenate(melody), np.concatenate(chord), whole.metre)


def aligned(
    melody: NDArray[np.int64], chord: NDArray[np.int64], starts: Sequence[int], perturbation: Perturbation
) -> Floats:
    """Note in chord by quarter, in the columns of `perturbation`: NaN where there is none; `[columns]`."""
    before = harmony_by_beat(
        melody[: starts[0]], chord[: starts[0]], perturbation.before, starts[0] - perturbation.before * FRAMES_PER_BEAT
    )
    ends = [*starts[1:], len(melody)]
    lengths = [perturbation.between] * (len(starts) - 1) + [perturbation.after]
    parts = [
        harmony_by_beat(melody[:end], chord[:end], length, start)
        for start, end, length in zip(starts, ends, lengths, strict=True)
    ]
    return np.concatenate([before, *parts])


def recovery(columns: Floats, perturbation: Perturbation = SINGLE) -> Recovery:
    """What the change costs, by the mean curve of `[songs, columns]`."""
    curve = mean_curve(columns)
    first, last = perturbation.before, perturbation.last
    before = mean(curve[first - perturbation.level : first])
    after = curve[last:]
    missing = np.maximum(0.0, before - curve[first:])
    area = math.nan if math.isnan(before) else float(np.nansum(missing))
    windows = [mean(after[beat : beat + SMOOTHED_BEATS]) for beat in range(len(after) - SMOOTHED_BEATS + 1)]
    back = [beat for beat, level in enumerate(windows) if level >= RECOVERED * before]
    return Recovery(before, windows[0], mean(after), min(back, default=math.inf), area)


def mean_curve(columns: Floats) -> Floats:
    """Mean over songs of each column of `[songs, columns]`, NaN where less than `SOUNDING` of the songs have one."""
    counts = (~np.isnan(columns)).sum(0)
    return np.where(counts >= SOUNDING * len(columns), column_means(columns.astype(np.float64)), np.nan)


def _columns(
    perturbation: Perturbation, changes: Sequence[Sequence[int]], pieces: Sequence[Piece], chords: Tracks
) -> Floats:
    rows = zip(pieces, chords, changes, strict=True)
    return np.array([aligned(piece.melody, chord, starts, perturbation) for piece, chord, starts in rows])
