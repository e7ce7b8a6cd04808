"""The one quantiser: songs and live playing become frames of a sixteenth note by the same rule.

An onset belongs to the frame whose grid line is nearest (half way goes up), and so does a note's end.
A note lasts at least one frame. Monophony: a newer note cuts an older one, which does not come back;
of notes with the very same onset the highest is heard. Where one pitch is struck again before it ended,
its ends belong to its onsets in the order of both, for that is all that note-offs can say.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gapt_core import kernels
from gapt_core.song import Song
from gapt_core.vocabulary import (
    CHORD_HOLD,
    CHORD_ONSET,
    FRAMES_PER_BEAT,
    NOTE_HOLD,
    NOTE_ONSET,
    SILENCE,
)


def frame_of(beats: float) -> int:
    """The frame an event at `beats` belongs to."""
    return math.floor(beats * FRAMES_PER_BEAT + 0.5 + 1e-6)


@dataclass(frozen=True)
class Frames:
    """A song on the grid.

    `melody` and `chord` are tokens `[frames]`; `metre` is `[frames, 3]`: place in the bar,
    length of the full bar and length of a beat, in frames. `chord` is None without chords.
    """

    melody: NDArray[np.int64]
    chord: NDArray[np.int64] | None
    metre: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.melody)


def song_to_frames(song: Song) -> Frames:
    """Quantise a whole song; the first frame is beat 0, the last holds the end of the last bar or note."""
    length = max(1, frame_of(song.end_beats))
    return Frames(melody_frames(song, length), chord_frames(song, length), metre_frames(song, length))


def melody_frames(song: Song, length: int) -> NDArray[np.int64]:
    """Melody tokens `[length]`."""
    onsets = np.array([note.onset_beats for note in song.notes], dtype=np.float64)
    ends = np.array([note.end_beats for note in song.notes], dtype=np.float64)
    pitches = np.array([note.pitch for note in song.notes], dtype=np.int64)
    by_pitch = np.lexsort((ends, onsets, pitches))
    ends[by_pitch] = ends[np.lexsort((ends, pitches))]
    order = np.lexsort((ends, pitches, onsets))
    tokens = np.full(length, SILENCE, dtype=np.int64)
    starts = np.maximum(_frames_of(onsets[order]), 0)
    kernels.paint_notes(starts, _frames_of(ends[order]), pitches[order], NOTE_ONSET, NOTE_HOLD, tokens)
    return tokens


def chord_frames(song: Song, length: int) -> NDArray[np.int64] | None:
    """Chord tokens `[length]`, or None where the song has no chords."""
    if song.chords is None:
        return None
    events = sorted(song.chords, key=lambda event: event.onset_beats)
    starts = np.maximum(_frames_of([event.onset_beats for event in events]), 0)
    chords = np.array([-1 if event.chord is None else event.chord.index for event in events], dtype=np.int64)
    tokens = np.zeros(length, dtype=np.int64)
    kernels.paint_chords(starts, chords, CHORD_ONSET, CHORD_HOLD, tokens)
    return tokens


def metre_frames(song: Song, length: int) -> NDArray[np.int64]:
    """Place in the bar, full bar and beat of every frame; `[length, 3]`, in frames, the place below the bar.

    A short first bar is a pickup and counts from its end; two neighbouring short bars that make up a
    full one (a repeat sign inside a bar) count as one. What no bar covers counts on in the last one's metre.
    """
    starts = _frames_of([bar.onset_beats for bar in song.bars])
    metres = [song.metre_at(bar.onset_beats) for bar in song.bars]
    full = np.maximum(_frames_of([metre.bar_beats for metre in metres]), 1)
    beats = np.maximum(_frames_of([metre.beat_beats for metre in metres]), 1)
    lengths = _frames_of([bar.duration_beats for bar in song.bars])
    metre = np.zeros((length, 3), dtype=np.int64)
    kernels.paint_bars(starts, _offsets(full, lengths), np.maximum(full, lengths), beats, metre)
    return metre


def _offsets(full: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where in a full bar each bar begins, in frames: not at 0 for a pickup and for the rest of a divided bar."""
    offsets = np.zeros(len(full), dtype=np.int64)
    for i in range(len(full)):
        missing = full[i] - lengths[i]
        continued = i > 0 and offsets[i - 1] == 0 and lengths[i - 1] == missing
        if missing > 0 and (i == 0 or continued):
            offsets[i] = missing
    return offsets


def _frames_of(beats: list[float] | NDArray[np.float64]) -> NDArray[np.int64]:
    return np.floor(np.asarray(beats, dtype=np.float64) * FRAMES_PER_BEAT + 0.5 + 1e-6).astype(np.int64)


@dataclass
class _Sounding:
    pitch: int
    onset_beats: float
    end_beats: float | None = None


class LiveMelody:
    """Live playing to melody tokens, by the rule of `song_to_frames`.

    Feed note events in the order they were played; ask for frames in rising order. A frame's
    token is final once every event up to half a frame past its grid line has been fed.
    """

    def __init__(self) -> None:
        self._notes: list[_Sounding] = []
        self._owed: Counter[int] = Counter()

    def note_on(self, beats: float, pitch: int) -> None:
        """A key went down at `beats`."""
        place = len(self._notes)
        while place and self._notes[place - 1].onset_beats == beats and self._notes[place - 1].pitch > pitch:
            place -= 1
        self._notes.insert(place, _Sounding(pitch, beats))

    def note_off(self, beats: float, pitch: int) -> None:
        """A key went up at `beats`; of a note struck twice the older one ends first."""
        if self._owed[pitch]:
            self._owed[pitch] -= 1
            return
        for note in self._notes:
            if note.pitch == pitch and note.end_beats is None:
                note.end_beats = beats
                return

    def token(self, frame: int) -> int:
        """Melody token of `frame` from what has been fed so far; notes that cannot matter later are dropped."""
        heard = [i for i, note in enumerate(self._notes) if frame_of(note.onset_beats) <= frame]
        if not heard:
            return SILENCE
        note = self._notes[heard[-1]]
        start = frame_of(note.onset_beats)
        self._forget(heard[-1])
        if start == frame:
            return NOTE_ONSET + note.pitch
        ended = note.end_beats is not None and max(frame_of(note.end_beats), start + 1) <= frame
        return SILENCE if ended else NOTE_HOLD + note.pitch

    def clear(self) -> None:
        """Forget everything, after a jump or a stop."""
        self._notes.clear()
        self._owed.clear()

    def _forget(self, newest: int) -> None:
        """Drop the notes before `newest`, which it has cut; the ends of those still held are owed."""
        self._owed.update(note.pitch for note in self._notes[:newest] if note.end_beats is None)
        del self._notes[:newest]
