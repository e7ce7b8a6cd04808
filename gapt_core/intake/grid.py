"""Songs brought onto the grid of frames: notes that were played a little beside it, and songs that had none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gapt_core.intake.bars import Bars
from gapt_core.intake.patterns import Pattern
from gapt_core.song import ChordEvent, Metre, Note, Song, Tempo, bars_from_metres
from gapt_core.vocabulary import FRAMES_PER_BEAT

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SHARPEST, BLUREST = 0.05, 0.3
"""Frames: bounds of how far from its place a note is thought to be played, as a standard deviation."""

MEDIAN_TO_DEVIATION = 1.4826
SAME_PLACE = -6.0
"""Nats: what two onsets in one frame cost; an ornament may well be worth it."""


@dataclass(frozen=True)
class Reading:
    """A song's notes and chords in frames, unrounded: onsets and ends of its notes, onsets of its chord changes."""

    onsets: Floats
    ends: Floats
    chords: Floats


def reading(song: Song, frames_of: Callable[[Floats], Floats]) -> Reading:
    """A song in frames, by a function from its beats to frames."""
    onsets = [note.onset_beats for note in song.notes]
    ends = [note.end_beats for note in song.notes]
    chords = [event.onset_beats for event in song.chords or ()]
    return Reading(*(frames_of(np.array(places, np.float64)) for places in (onsets, ends, chords)))


def seconds_of(song: Song, beats: Sequence[float] | Floats) -> Floats:
    """When places of a song are, by its own tempos."""
    starts = np.array([tempo.onset_beats for tempo in song.tempos])
    lengths = np.array([60.0 / tempo.bpm for tempo in song.tempos])
    begun = np.concatenate([[0.0], np.cumsum(np.diff(starts) * lengths[:-1])])
    at = np.asarray(beats, np.float64)
    within = np.maximum(np.searchsorted(starts, at, side="right") - 1, 0)
    return begun[within] + (at - starts[within]) * lengths[within]


def snapped(exact: Floats, pattern: Pattern) -> Ints:
    """The frames that onsets were meant for: rising, or equal for ornaments.

    Each is at most one beside the nearest. A place is likelier that the rhythm of the metre goes to, and that is near,
    as measured by how near all are; so who plays well is taken at their word. `exact` are places in frames, rising, bar
    lines at multiples of the bar.
    """
    nearest = np.round(exact).astype(np.int64)
    spread = float(np.clip(MEDIAN_TO_DEVIATION * np.median(np.abs(exact - nearest)), SHARPEST, BLUREST))
    paths = [_snapped(exact, nearest, spread, rhythm) for rhythm in pattern.rhythm]
    return max(paths, key=lambda path: path[0])[1]


def _snapped(exact: Floats, nearest: Ints, spread: float, rhythm: Floats) -> tuple[float, Ints]:
    """Log-probability and frames of the likeliest reading in one style of rhythm."""
    choices = nearest[:, None] + np.array([-1, 0, 1])
    fits = -0.5 * ((exact[:, None] - choices) / spread) ** 2
    score, origin = fits[0].copy(), np.zeros(choices.shape, np.int64)
    for k in range(1, len(exact)):
        gaps = choices[k][None, :] - choices[k - 1][:, None]
        steps = rhythm[choices[k - 1][:, None] % len(rhythm), np.clip(gaps, 1, rhythm.shape[1] - 1)]
        totals = score[:, None] + np.where(gaps > 0, steps, np.where(gaps == 0, SAME_PLACE, -np.inf))
        origin[k] = totals.argmax(axis=0)
        score = totals.max(axis=0) + fits[k]
    path, at = np.empty(len(exact), np.int64), int(score.argmax())
    for k in range(len(exact) - 1, -1, -1):
        path[k] = choices[k, at]
        at = int(origin[k, at])
    return float(score.max()), path


def snapped_chords(exact: Floats, pattern: Pattern, spread: float = BLUREST) -> Ints:
    """The frames that chord changes were meant for: the nearest, or one beside it where chords rather change."""
    choices = np.round(exact).astype(np.int64)[:, None] + np.array([0, -1, 1])
    score = -0.5 * ((exact[:, None] - choices) / spread) ** 2 + pattern.chord[choices % pattern.bar]
    return choices[np.arange(len(exact)), score.argmax(axis=1)]


def on_grid(song: Song, read: Reading, bars: Bars) -> Song:
    """The song in whole frames, the bars' lines at its bar lines, without ornaments and without silence before it.

    Of its tempos the first stays. What begins in the second half of a bar is a pickup, a shorter bar from there on.
    """
    order = np.argsort(read.onsets, kind="stable")
    onsets = snapped(read.onsets[order] + bars.shift, bars.pattern)
    lengths = np.maximum(np.round(read.ends[order] + bars.shift).astype(np.int64) - onsets, 1)
    notes = [
        replace(song.notes[i], onset_beats=int(frame) / FRAMES_PER_BEAT, duration_beats=int(length) / FRAMES_PER_BEAT)
        for i, frame, length in zip(order, onsets, lengths, strict=True)
    ]
    chords = song.chords
    if chords:
        chords = _at(chords, snapped_chords(read.chords + bars.shift, bars.pattern))
    return _from_its_beginning(song, one_a_frame(notes), chords, Metre(0.0, *bars.pattern.signature))


def one_a_frame(notes: Sequence[Note]) -> tuple[Note, ...]:
    """Without ornaments: of the notes of one frame the longest, and of equals the highest."""
    best: dict[float, Note] = {}
    for note in notes:
        other = best.get(note.onset_beats)
        if other is None or (note.duration_beats, note.pitch) > (other.duration_beats, other.pitch):
            best[note.onset_beats] = note
    return tuple(best[onset] for onset in sorted(best))


def _at(chords: tuple[ChordEvent, ...], frames: Ints) -> tuple[ChordEvent, ...]:
    """Chord changes at frames; the last of each."""
    moved = {
        int(frame): replace(event, onset_beats=int(frame) / FRAMES_PER_BEAT)
        for event, frame in zip(chords, frames, strict=True)
    }
    return tuple(moved[frame] for frame in sorted(moved))


def _from_its_beginning(
    song: Song, notes: tuple[Note, ...], chords: tuple[ChordEvent, ...] | None, metre: Metre
) -> Song:
    """A song of notes and chords with bar lines at multiples of a bar, begun where they begin or at the line before."""
    sounding = [notes[0].onset_beats, *(event.onset_beats for event in chords or () if event.chord)]
    first = min(sounding)
    missing = first % metre.bar_beats
    if missing < metre.bar_beats / 2:
        first, missing = first - missing, 0.0
    notes = tuple(replace(note, onset_beats=note.onset_beats - first) for note in notes)
    chords = chords and tuple(replace(event, onset_beats=max(event.onset_beats - first, 0.0)) for event in chords)
    end = max([note.end_beats for note in notes] + [event.onset_beats for event in chords or ()])
    bars = bars_from_metres((metre,), end, metre.bar_beats - missing if missing else 0.0)
    return replace(
        song, notes=notes, chords=chords, metres=(metre,), bars=bars, tempos=(Tempo(0.0, song.tempos[0].bpm),),
        end_beats=bars[-1].onset_beats + bars[-1].duration_beats,
    )  # fmt: skip
