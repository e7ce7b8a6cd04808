"""Each kernel against its plain Python twin, on the same arguments."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from strategies import chord_tracks, melody_tracks

from gapt_core import kernels
from gapt_core.chords import CHORD_COUNT
from gapt_core.vocabulary import CHORD_HOLD, CHORD_ONSET, NOTE_HOLD, NOTE_ONSET, pitch_class_table


def ints(values: list[int]) -> np.ndarray:
    return np.array(values, dtype=np.int64)


frames = st.integers(0, 40)
spans = st.lists(st.tuples(frames, st.integers(0, 12), st.integers(0, 127)), max_size=12).map(sorted)


@given(spans, st.integers(1, 40))
def test_paint_notes(spans: list[tuple[int, int, int]], length: int) -> None:
    starts, lengths, pitches = (ints([span[i] for span in spans]) for i in range(3))
    compiled, plain = np.zeros(length, np.int64), np.zeros(length, np.int64)
    kernels.paint_notes(starts, starts + lengths, pitches, NOTE_ONSET, NOTE_HOLD, compiled)
    kernels.paint_notes.py_func(starts, starts + lengths, pitches, NOTE_ONSET, NOTE_HOLD, plain)
    assert np.array_equal(compiled, plain)


@given(st.lists(st.tuples(frames, st.integers(-1, CHORD_COUNT - 1)), max_size=8).map(sorted), st.integers(1, 40))
def test_paint_chords(changes: list[tuple[int, int]], length: int) -> None:
    starts, chords = (ints([change[i] for change in changes]) for i in range(2))
    compiled, plain = np.zeros(length, np.int64), np.zeros(length, np.int64)
    kernels.paint_chords(starts, chords, CHORD_ONSET, CHORD_HOLD, compiled)
    kernels.paint_chords.py_func(starts, chords, CHORD_ONSET, CHORD_HOLD, plain)
    assert np.array_equal(compiled, plain)


@given(
    st.lists(st.tuples(frames, st.integers(0, 7), st.integers(1, 16)), min_size=1, max_size=6).map(sorted),
    st.integers(1, 40),
)
def test_paint_bars(bars: list[tuple[int, int, int]], length: int) -> None:
    starts, offsets, lengths = (ints([bar[i] for bar in bars]) for i in range(3))
    compiled, plain = np.zeros((length, 3), np.int64), np.zeros((length, 3), np.int64)
    kernels.paint_bars(starts, offsets, lengths, np.full_like(starts, 4), compiled)
    kernels.paint_bars.py_func(starts, offsets, lengths, np.full_like(starts, 4), plain)
    assert np.array_equal(compiled, plain)


@given(melody_tracks(32), chord_tracks(32))
def test_count_harmony(melody: np.ndarray, chord: np.ndarray) -> None:
    table = pitch_class_table()
    assert kernels.count_harmony(melody, chord, table) == kernels.count_harmony.py_func(melody, chord, table)


@given(st.lists(st.integers(0, 2), max_size=30).map(ints))
def test_longest_run(events: np.ndarray) -> None:
    assert kernels.longest_run(events) == kernels.longest_run.py_func(events)
