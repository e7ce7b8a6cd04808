"""Invented performances of songs whose beats are known, and how near beats that were found come to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import mir_eval
import numpy as np
from numpy.typing import NDArray

from gapt_core.intake.grid import seconds_of
from gapt_core.song import Metre, Note, Song, Tempo, bars_from_metres

Floats = NDArray[np.float64]

RIGHT = 0.9
"""So much of the beats must be right for a file's to be right."""

NEAR_BEATS = 4.0
"""Beats farther from any onset than this are nobody's concern."""

CLAIMED_BPM = 120.0


@dataclass(frozen=True)
class Manner:
    """How somebody plays.

    Attributes:
        name: in a table.
        jitter: seconds; standard deviation of each onset.
        drift: how far the tempo wanders over the song, as a share.
        rubato: how far it goes to and fro in four bars, as a share.
        click: whether to the beats of the file; else its tempo map says 120 whatever is played.
    """

    name: str
    jitter: float = 0.0
    drift: float = 0.0
    rubato: float = 0.0
    click: bool = False


MANNERS = (
    Manner("to a click, 10 ms", 0.01, click=True),
    Manner("to a click, 30 ms", 0.03, click=True),
    Manner("to a click, 40 ms", 0.04, click=True),
    Manner("map of 120, 10 ms", 0.01),
    Manner("map of 120, 30 ms", 0.03),
    Manner("map of 120, 20 ms, drift 5 %", 0.02, drift=0.05),
    Manner("map of 120, 40 ms, drift 5 %", 0.04, drift=0.05),
    Manner("map of 120, 20 ms, rubato 5 %", 0.02, rubato=0.05),
    Manner("map of 120, 20 ms, rubato 10 %", 0.02, rubato=0.1),
)


@dataclass(frozen=True)
class Performance:
    """A song as a file would have it, and when each of its true beats is, in seconds."""

    song: Song
    seconds: Callable[[Floats], Floats]


def performed(song: Song, manner: Manner, bpm: float, random: np.random.Generator) -> Performance:
    """The melody as somebody plays it, without its chords, bar lines and pickup."""
    when = _clock(song.end_beats + 4, manner, bpm, random)
    onsets = when(np.array([note.onset_beats for note in song.notes]))
    ends = when(np.array([note.end_beats for note in song.notes]))
    onsets = np.maximum(onsets + random.normal(0.0, max(manner.jitter, 1e-9), len(onsets)), 0.0)
    claimed = bpm if manner.click else CLAIMED_BPM
    order = np.argsort(onsets, kind="stable")
    notes = tuple(
        Note(onsets[i] * claimed / 60, max(ends[i] - onsets[i], 0.02) * claimed / 60, song.notes[i].pitch)
        for i in order
    )
    metre = song.metres[0] if manner.click else Metre(0.0, 4, 4)
    end = max(note.end_beats for note in notes)
    file = Song(song.title, notes, None, (metre,), bars_from_metres((metre,), end), (Tempo(0.0, claimed),), end)
    return Performance(file, when)


def _clock(beats: float, manner: Manner, bpm: float, random: np.random.Generator) -> Callable[[Floats], Floats]:
    """Seconds of beats."""
    at = np.linspace(0.0, beats, 4000)
    walk = np.cumsum(random.normal(size=16))
    walk = (walk - walk.mean()) / np.abs(walk - walk.mean()).max()
    slow = manner.drift * np.interp(at, np.linspace(0.0, beats, 16), walk)
    slow = slow + manner.rubato * np.sin(2 * np.pi * at / 16 + random.uniform(0, 2 * np.pi))
    lengths = np.exp(slow) * 60.0 / bpm
    seconds = np.concatenate([[0.0], np.cumsum((lengths[1:] + lengths[:-1]) / 2 * np.diff(at))])
    return lambda places: np.interp(places, at, seconds)


@dataclass(frozen=True)
class Marks:
    """What of a file is right: its beats, or its beats but for an octave, its bar lines, its metre; share of frames."""

    beats: bool
    octave: bool
    lines: bool
    metre: bool
    frames: float


def marks(truth: Song, performance: Performance, found: Song, when: Callable[[Floats], Floats]) -> Marks:
    """Judge `found`, whose beats are at `when` seconds, by the beats of `truth`.

    Beats are right where nine in ten are, as CMLt has it; but for an octave where that is so of AMLt (Hainsworth 2004;
    Davies and others 2009); bar lines where their F-measure is .9 (70 ms).
    """
    onsets = seconds_of(performance.song, [note.onset_beats for note in performance.song.notes])
    true_beats, beats = (_near(at, onsets) for at in (performance.seconds(felt_beats(truth)), when(felt_beats(found))))
    true_lines, lines = (_near(at, onsets) for at in (performance.seconds(bar_lines(truth)), when(bar_lines(found))))
    _, right, _, nearly = mir_eval.beat.continuity(true_beats, beats)
    same = mir_eval.beat.f_measure(true_lines, lines) if len(lines) and len(true_lines) else 0.0
    metre = (
        truth.metres[0].bar_beats == found.metres[0].bar_beats
        and truth.metres[0].beat_beats == found.metres[0].beat_beats
    )
    return Marks(right >= RIGHT, right < RIGHT <= nearly, same >= RIGHT, metre, _frames_right(truth, found))


def felt_beats(song: Song) -> Floats:
    """Places of all felt beats, in quarters."""
    line = bar_lines(song)[0] if len(bar_lines(song)) else 0.0
    step = song.metres[0].beat_beats
    return np.arange(line % step, song.end_beats + 1e-6, step)


def bar_lines(song: Song) -> Floats:
    """Places of all bar lines, in quarters; the beginning of a pickup is none."""
    short = song.bars[0].duration_beats < song.metres[0].bar_beats - 1e-6
    return np.array([bar.onset_beats for bar in song.bars[int(short) :]])


def _near(seconds: Floats, onsets: Floats) -> Floats:
    reach = NEAR_BEATS * 0.5
    return np.array([at for at in seconds if np.abs(onsets - at).min() <= reach])


def _frames_right(truth: Song, found: Song) -> float:
    """The share of the notes whose distance to the next in frames is right."""
    true, heard = (np.array([round(note.onset_beats * 4) for note in song.notes]) for song in (truth, found))
    if len(true) != len(heard):
        return float("nan")
    return float(np.mean(np.diff(true) == np.diff(heard)))


def without_rests(song: Song) -> Song:
    """The song as a reader of files would have it: one note a frame."""
    best: dict[int, Note] = {}
    for note in song.notes:
        frame = round(note.onset_beats * 4)
        if frame not in best or note.duration_beats > best[frame].duration_beats:
            best[frame] = note
    return replace(song, notes=tuple(best[frame] for frame in sorted(best)))
