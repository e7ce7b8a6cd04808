"""Hypothesis strategies for chords, token tracks and songs."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from gapt_core.chords import CHORD_COUNT, QUALITY_NAMES, Chord, chord_at
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
