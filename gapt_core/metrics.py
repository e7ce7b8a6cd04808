"""Figures of one song's chords against its melody, their mean over songs, and the diversity of a set.

Everything works on frame tokens (`gapt_core.vocabulary`), needs no net and no training. A figure that is
undefined (no melody sounds, no chord sounds, the song has no chords) is NaN and left out of means.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from functools import cache

import numpy as np
from numpy.typing import NDArray

from gapt_core import kernels
from gapt_core.chords import CHORD_COUNT
from gapt_core.vocabulary import (
    CHORD_HOLD,
    CHORD_ONSET,
    FRAMES_PER_BEAT,
    NO_CHORD,
    NOTE_ONSET,
    PITCH_COUNT,
    SILENCE,
    pitch_class_table,
)

Tokens = NDArray[np.int64]
Floats = NDArray[np.float64]

NO_CHORD_BIN = CHORD_COUNT
"""Place of no chord in histograms, after the chords."""


@dataclass(frozen=True, slots=True)
class SongFigures:
    """Figures of one song, or their mean over songs.

    Attributes:
        note_in_chord: share of the frames with both a note and a chord whose pitch class is in the chord.
        note_in_chord_strict: the same over all frames with a note, so that silence is a miss.
        silence: share of the frames with a note that have no chord.
        onsets_per_bar: chord onsets, over the length of the song in full bars of its own metre.
        unique_chords: number of different chords.
        entropy: of the chord over the frames that have one, in nats.
        pitch_classes: mean number of pitch classes over the frames that have a chord.
        longest_repetition: longest run of onsets of one and the same chord; holds and rests do not count.
    """

    note_in_chord: float
    note_in_chord_strict: float
    silence: float
    onsets_per_bar: float
    unique_chords: float
    entropy: float
    pitch_classes: float
    longest_repetition: float


def figures(melody: Tokens, chord: Tokens | None, metre: NDArray[np.int64]) -> SongFigures:
    """The figures of one song; `melody` and `chord` `[frames]`, `metre` `[frames, 3]` as in `Frames`."""
    if chord is None:
        return SongFigures(*[math.nan] * len(fields(SongFigures)))
    table = _pitch_classes()
    inside, covered, active = kernels.count_harmony(melody, chord, table)
    onsets = chord[_is_onset(chord)]
    sounding = _chord_bins(chord[chord != NO_CHORD])
    bars = float(np.sum(1.0 / np.maximum(metre[:, 1], 1)))
    return SongFigures(
        note_in_chord=_ratio(inside, covered),
        note_in_chord_strict=_ratio(inside, active),
        silence=_ratio(active - covered, active),
        onsets_per_bar=_ratio(len(onsets), bars),
        unique_chords=float(len(np.unique(sounding))),
        entropy=_entropy(np.bincount(sounding)) if len(sounding) else math.nan,
        pitch_classes=_ratio(int(table[chord].sum()), len(sounding)),
        longest_repetition=float(kernels.longest_run(onsets)),
    )


def note_in_chord(melody: Tokens, chord: Tokens) -> float:
    """That figure alone."""
    inside, covered, _ = kernels.count_harmony(melody, chord, _pitch_classes())
    return _ratio(inside, covered)


def harmony_by_beat(melody: Tokens, chord: Tokens, beats: int, start: int = 0) -> Floats:
    """Note in chord of each of the `beats` quarters from frame `start` on, which may lie before the song; `[beats]`.

    NaN where no frame has both a note and a chord, and outside the song.
    """
    span = slice(max(start, 0), max(start + beats * FRAMES_PER_BEAT, 0))
    notes, chords = melody[span], chord[span]
    place = slice(max(-start, 0), max(-start, 0) + len(notes))
    covered = np.zeros(beats * FRAMES_PER_BEAT, dtype=np.bool_)
    inside = np.zeros_like(covered)
    covered[place] = (notes != SILENCE) & (chords != NO_CHORD)
    inside[place] = _pitch_classes()[chords, (notes - NOTE_ONSET) % PITCH_COUNT % 12]
    counts = covered.reshape(beats, FRAMES_PER_BEAT).sum(1)
    hits = (inside & covered).reshape(beats, FRAMES_PER_BEAT).sum(1)
    return np.divide(hits, counts, out=np.full(beats, np.nan), where=counts > 0)


def agreement(one: Tokens, other: Tokens) -> float:
    """Share of the frames in which both tracks name the same chord, or none, struck or held; NaN for no frames."""
    return _ratio(int(np.sum(_chord_bins(one) == _chord_bins(other))), len(one))


def mean_figures(songs: Iterable[SongFigures]) -> SongFigures:
    """Mean over songs of each figure, every song counting once and NaN left out; all NaN for no songs."""
    rows = list(songs)
    return SongFigures(*[mean(getattr(row, field.name) for row in rows) for field in fields(SongFigures)])


def mean(values: Iterable[float]) -> float:
    """Mean of what is not NaN; NaN for nothing."""
    defined = [value for value in values if not math.isnan(value)]
    return math.fsum(defined) / len(defined) if defined else math.nan


def column_means(rows: Floats) -> Floats:
    """Mean over the first axis of what is not NaN; NaN where there is nothing."""
    known = ~np.isnan(rows)
    counts = known.sum(0)
    sums = np.where(known, rows, 0.0).sum(0)
    return np.divide(sums, counts, out=np.full(counts.shape, np.nan), where=counts > 0)


def chord_histogram(tokens: Tokens) -> Floats:
    """Share of the frames of each chord, onset or hold, and last of no chord; `[CHORD_COUNT + 1]`, sums to 1."""
    return np.bincount(_chord_bins(tokens), minlength=CHORD_COUNT + 1) / len(tokens)


def chord_embedding(tokens: Tokens) -> Floats:
    """A fixed unit vector for a chord track, `[CHORD_COUNT + 1 + 13 + 13 * 13]`, none of it trained.

    The square roots of three distributions, a third of the weight each: time per chord; time per pitch
    class (each chord's time shared among its pitch classes); changes between pitch classes (each change
    of chord shared among all pairs of one pitch class before and one after; the track is entered
    from and left to no chord). No chord is a thirteenth pitch class. The cosine of two such vectors is
    the mean of the three Bhattacharyya coefficients: 1 for tracks alike, 0 for nothing in common.
    """
    spread = _spread()
    time = chord_histogram(tokens)
    bins = _chord_bins(tokens)
    changes = np.concatenate([[NO_CHORD_BIN], bins[_is_change(bins)], [NO_CHORD_BIN]])
    pairs = spread[changes[:-1]].T @ spread[changes[1:]] / (len(changes) - 1)
    return np.sqrt(np.concatenate([time, time @ spread, pairs.ravel()]) / 3.0)


def vendi(embeddings: Floats) -> float:
    """Vendi score of unit rows `[songs, features]`: how many different songs there seem to be, 1 to `songs`.

    Exp of the entropy of the eigenvalues of the cosine Gram matrix over `songs` (Friedman and Dieng 2023).
    Two scores compare only for the same number of songs and the same embedding.

    Raises:
        ValueError: no rows, or a row that is not of length 1.
    """
    count = len(embeddings)
    if count == 0 or not np.allclose(np.linalg.norm(embeddings, axis=1), 1.0, atol=1e-3):
        raise ValueError("the Vendi score needs rows of length 1, and at least one")
    rows = np.asarray(embeddings, dtype=np.float64)
    gram = rows @ rows.T if count <= rows.shape[1] else rows.T @ rows
    return math.exp(_entropy(np.linalg.eigvalsh(gram / count)))


def shuffled(chords: Sequence[Tokens], lengths: Sequence[int]) -> list[Tokens]:
    """The control: each song gets the chords of the next one, repeated or cut to its own length in frames.

    A repeat or cut begins again with the onset of what sounds, so the grammar holds.
    """
    moved = [*chords[1:], *chords[:1]]
    return [_fit(track, length) for track, length in zip(moved, lengths, strict=True)]


def _fit(track: Tokens, length: int) -> Tokens:
    tokens = np.resize(track, length)
    heads = tokens[:: len(track)]
    heads[heads >= CHORD_HOLD] -= CHORD_COUNT
    return tokens


def _is_onset(chord: Tokens) -> NDArray[np.bool_]:
    return (chord >= CHORD_ONSET) & (chord < CHORD_HOLD)


def _is_change(bins: Tokens) -> NDArray[np.bool_]:
    return np.concatenate([[True], bins[1:] != bins[:-1]])


def _chord_bins(tokens: Tokens) -> Tokens:
    return np.where(tokens == NO_CHORD, NO_CHORD_BIN, (tokens - CHORD_ONSET) % CHORD_COUNT)


@cache
def _pitch_classes() -> NDArray[np.bool_]:
    return pitch_class_table()


@cache
def _spread() -> Floats:
    """Each chord's weight shared among its pitch classes, no chord as the thirteenth; `[CHORD_COUNT + 1, 13]`."""
    spread = np.zeros((CHORD_COUNT + 1, 13))
    table = _pitch_classes()[CHORD_ONSET:CHORD_HOLD]
    spread[:CHORD_COUNT, :12] = table / table.sum(axis=1, keepdims=True)
    spread[NO_CHORD_BIN, 12] = 1.0
    return spread


def _entropy(weights: NDArray[np.generic]) -> float:
    positive = np.asarray(weights, dtype=np.float64)
    shares = positive[positive > 1e-12] / positive.sum()
    return max(0.0, -float(np.sum(shares * np.log(shares))))


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else math.nan
