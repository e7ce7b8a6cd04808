"""Hypothesis strategies for chords, token tracks and songs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from gapt_core.chords import CHORD_COUNT, QUALITY_NAMES, Chord, chord_at
from gapt_core.song import ChordEvent, Metre, Note, Song, Tempo, bars_from_metres
from gapt_core.vocabulary import CHORD_HOLD, CHORD_ONSET, NO_CHORD, NOTE_HOLD, NOTE_ONSET, SILENCE

NONE, ONSET, HOLD = range(3)
LOWEST, HIGHEST = 36, 90
"""Pitches that may be moved by an octave either way and stay MIDI pitches."""


def chords() -> st.SearchStrategy[Chord]:
    """Any chord of the vocabulary."""
    return st.builds(Chord, st.integers(0, 11), st.sampled_from(QUALITY_NAMES))


def chord_tracks(length: int) -> st.SearchStrategy[np.ndarray]:
    """Legal chord tokens `[length]`; few different chords, so that runs and repetitions happen."""
    step = st.tuples(st.integers(NONE, HOLD), st.sampled_from([0, 3, 60, CHORD_COUNT - 1]))
    return st.lists(step, min_size=length, max_size=length).map(
        lambda steps: _track(steps, NO_CHORD, CHORD_ONSET, CHORD_HOLD)
    )


def melody_tracks(length: int) -> st.SearchStrategy[np.ndarray]:
    """Legal melody tokens `[length]`."""
    step = st.tuples(st.integers(NONE, HOLD), st.integers(LOWEST, HIGHEST))
    return st.lists(step, min_size=length, max_size=length).map(
        lambda steps: _track(steps, SILENCE, NOTE_ONSET, NOTE_HOLD)
    )


def times(latest: int = 24) -> st.SearchStrategy[float]:
    """Beats on the grid, between its lines, on triplets and anywhere, so that ties and near misses happen."""
    divided = st.sampled_from([1, 2, 3, 4, 6, 8, 12]).flatmap(
        lambda parts: st.integers(0, latest * parts).map(lambda count: count / parts)
    )
    return divided | st.floats(0, latest, allow_nan=False)


def notes() -> st.SearchStrategy[Note]:
    """Notes of few pitches, some without length, that overlap and meet in every way."""
    pitches = st.sampled_from([60, 61, 64, 72])
    return st.builds(Note, times(), st.just(0.0) | times(6), pitches, st.integers(1, 127))


def melodies(max_size: int = 12) -> st.SearchStrategy[tuple[Note, ...]]:
    """Notes in any order."""
    return st.lists(notes(), max_size=max_size).map(tuple)


def metre_maps() -> st.SearchStrategy[tuple[Metre, ...]]:
    """One to three metres that change at whole beats; the first from 0."""
    signature = st.sampled_from([(4, 4), (3, 4), (2, 4), (6, 8), (7, 8), (5, 4), (12, 8), (2, 2), (1, 4)])
    changes = st.lists(st.tuples(st.integers(1, 20), signature), max_size=2, unique_by=lambda change: change[0])
    return st.tuples(signature, changes).map(
        lambda drawn: (
            Metre(0.0, *drawn[0]),
            *(Metre(float(beats), *pair) for beats, pair in sorted(drawn[1])),
        )
    )


def chord_events() -> st.SearchStrategy[tuple[ChordEvent, ...]]:
    """Chord changes in order, no two at once, some of them to no chord."""
    event = st.builds(ChordEvent, times(), st.none() | chords())
    by_onset = st.lists(event, max_size=8, unique_by=lambda event: event.onset_beats)
    return by_onset.map(lambda events: tuple(sorted(events, key=lambda event: event.onset_beats)))


@st.composite
def songs(draw: st.DrawFn) -> Song:
    """Songs of up to 30 beats with pickups, metre changes, and chords or none."""
    metres = draw(metre_maps())
    pickup = draw(st.sampled_from([0.0, 0.5, 1.0, 1.5]).filter(lambda beats: beats < metres[0].bar_beats))
    end = draw(st.integers(1, 30)) / draw(st.sampled_from([1, 2, 4]))
    return Song(
        title="a song",
        notes=draw(melodies()),
        chords=draw(st.none() | chord_events()),
        metres=metres,
        bars=bars_from_metres(metres, end, pickup),
        tempos=(Tempo(0.0, 120.0),),
        end_beats=end,
    )


def transposed_song(song: Song, semitones: int) -> Song:
    """The same song `semitones` higher."""
    moved_chords = song.chords and tuple(
        replace(event, chord=event.chord and event.chord.transpose(semitones)) for event in song.chords
    )
    moved_notes = tuple(replace(note, pitch=note.pitch + semitones) for note in song.notes)
    return replace(song, notes=moved_notes, chords=moved_chords)


def transposed_chords(tokens: np.ndarray, semitones: int) -> np.ndarray:
    """The same chord track `semitones` higher."""
    moved = [chord_at(index).transpose(semitones).index for index in range(CHORD_COUNT)]
    table = np.array([NO_CHORD, *(CHORD_ONSET + i for i in moved), *(CHORD_HOLD + i for i in moved)])
    return table[tokens]


def transposed_melody(tokens: np.ndarray, semitones: int) -> np.ndarray:
    """The same melody track `semitones` higher."""
    return np.where(tokens == SILENCE, SILENCE, tokens + semitones)


def _track(steps: list[tuple[int, int]], none: int, onset: int, hold: int) -> np.ndarray:
    tokens, sounding = [], None
    for kind, value in steps:
        if kind == HOLD and sounding is not None:
            tokens.append(hold + sounding)
        elif kind == ONSET:
            sounding = value
            tokens.append(onset + value)
        else:
            sounding = None
            tokens.append(none)
    return np.array(tokens, dtype=np.int64)
