"""Metrics against figures worked out by hand, and against the definitions."""

import math
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import chord_tracks, melody_tracks, transposed_chords, transposed_melody

from gapt_core.chords import CHORD_COUNT, Chord
from gapt_core.metrics import (
    SongFigures,
    chord_embedding,
    chord_histogram,
    column_means,
    figures,
    harmony_by_beat,
    mean_figures,
    note_in_chord,
    shuffled,
    vendi,
)
from gapt_core.metrics import mean as mean_of
from gapt_core.vocabulary import CHORD_HOLD, CHORD_ONSET, NO_CHORD, legal_tokens

C, G7 = Chord(0, "maj").index, Chord(7, "7").index
ON, HOLD = CHORD_ONSET, CHORD_HOLD


def metre_of(length: int, bar: int = 16) -> np.ndarray:
    return np.stack([np.arange(length) % bar, np.full(length, bar), np.full(length, 4)], axis=1)


def test_figures_by_hand() -> None:
    melody = np.array([1 + 60, 129 + 60, 1 + 62, 129 + 62, 0, 1 + 65, 1 + 64, 129 + 64])
    chord = np.array([ON + C, HOLD + C, ON + C, NO_CHORD, ON + G7, HOLD + G7, ON + C, ON + C])
    result = figures(melody, chord, metre_of(8))
    assert result.note_in_chord == pytest.approx(5 / 6)  # 60 60 | 62 misses C | 65 in G7 | 64 64 in C
    assert result.note_in_chord_strict == pytest.approx(5 / 7)
    assert result.silence == pytest.approx(1 / 7)
    assert result.onsets_per_bar == pytest.approx(5 / (8 / 16))
    assert result.unique_chords == 2
    assert result.entropy == pytest.approx(-(5 / 7) * math.log(5 / 7) - (2 / 7) * math.log(2 / 7))
    assert result.pitch_classes == pytest.approx((5 * 3 + 2 * 4) / 7)
    assert result.longest_repetition == 2


def test_rests_between_equal_onsets_do_not_break_a_run() -> None:
    chord = np.array([ON + C, NO_CHORD, ON + C, HOLD + C, ON + C, ON + G7])
    assert figures(np.zeros(6, np.int64), chord, metre_of(6)).longest_repetition == 3


def test_undefined_figures_are_nan_and_left_out_of_means() -> None:
    silent = figures(np.full(4, 61), np.zeros(4, np.int64), metre_of(4))
    assert math.isnan(silent.note_in_chord) and math.isnan(silent.entropy) and math.isnan(silent.pitch_classes)
    assert (silent.note_in_chord_strict, silent.silence, silent.onsets_per_bar) == (0.0, 1.0, 0.0)
    unharmonised = figures(np.full(4, 61), None, metre_of(4))
    assert all(math.isnan(getattr(unharmonised, field.name)) for field in fields(SongFigures))
    full = figures(np.full(4, 61), np.full(4, ON + C), metre_of(4))
    mean = mean_figures([silent, unharmonised, full])
    assert mean.note_in_chord == 1.0 and mean.note_in_chord_strict == 0.5
    assert math.isnan(mean_figures([]).silence)


@given(melody_tracks(24), chord_tracks(24), st.integers(-11, 11))
def test_figures_do_not_depend_on_the_key(melody: np.ndarray, chord: np.ndarray, semitones: int) -> None:
    here = figures(melody, chord, metre_of(24))
    there = figures(transposed_melody(melody, semitones), transposed_chords(chord, semitones), metre_of(24))
    for field in fields(SongFigures):
        assert getattr(here, field.name) == pytest.approx(getattr(there, field.name), nan_ok=True)


@given(melody_tracks(24), chord_tracks(24))
def test_figures_equal_their_definitions(melody: np.ndarray, chord: np.ndarray) -> None:
    from gapt_core.chords import chord_at
    from gapt_core.vocabulary import sounding_chord

    hits, misses, bare = 0, 0, 0
    for note, token in zip(melody.tolist(), chord.tolist(), strict=True):
        index = sounding_chord(token)
        if note and index is None:
            bare += 1
        elif note:
            inside = (note - 1) % 128 % 12 in chord_at(index).pitch_classes
            hits, misses = hits + inside, misses + (not inside)
    result = figures(melody, chord, metre_of(24))
    nan = math.nan
    assert result.note_in_chord == pytest.approx(hits / (hits + misses) if hits + misses else nan, nan_ok=True)
    active = hits + misses + bare
    assert result.note_in_chord_strict == pytest.approx(hits / active if active else nan, nan_ok=True)
    assert result.silence == pytest.approx(bare / active if active else nan, nan_ok=True)


@given(chord_tracks(32))
def test_histogram_and_embedding_are_normalised(chord: np.ndarray) -> None:
    histogram = chord_histogram(chord)
    assert histogram.shape == (CHORD_COUNT + 1,) and histogram.sum() == pytest.approx(1.0)
    assert np.linalg.norm(chord_embedding(chord)) == pytest.approx(1.0)


def test_embedding_hears_order_and_onsets_do_not_matter() -> None:
    forth = np.repeat([ON + C, ON + Chord(5, "maj").index, ON + G7], 4)
    back = forth[::-1].copy()
    assert chord_embedding(forth) @ chord_embedding(back) < 0.99
    held = forth.copy()
    held[1::2] += CHORD_COUNT
    assert chord_embedding(forth) @ chord_embedding(held) == pytest.approx(1.0)


def test_vendi_counts_what_differs() -> None:
    assert vendi(np.eye(5)) == pytest.approx(5.0)
    assert vendi(np.tile(np.eye(7)[0], (6, 1))) == pytest.approx(1.0)
    assert vendi(np.repeat(np.eye(3), 4, axis=0)) == pytest.approx(3.0)
    angle = 0.7
    pair = np.array([[1.0, 0.0], [math.cos(angle), math.sin(angle)]])
    shares = np.array([1 + math.cos(angle), 1 - math.cos(angle)]) / 2
    assert vendi(pair) == pytest.approx(math.exp(-(shares * np.log(shares)).sum()))


@pytest.mark.parametrize("rows", [np.zeros((0, 3)), np.zeros((2, 3)), 2 * np.eye(3)])
def test_vendi_refuses_rows_that_are_not_of_length_one(rows: np.ndarray) -> None:
    with pytest.raises(ValueError, match="length 1"):
        vendi(rows)


@given(st.lists(chord_tracks(12), min_size=1, max_size=3), st.integers(1, 40))
def test_the_shuffled_control_fits_and_obeys_the_grammar(tracks: list[np.ndarray], length: int) -> None:
    for moved in shuffled(tracks, [length] * len(tracks)):
        assert len(moved) == length
        previous = NO_CHORD
        for token in moved.tolist():
            assert legal_tokens(previous)[token]
            previous = token


def test_harmony_by_beat_counts_each_quarter() -> None:
    melody = np.array([61, 61, 62, 62] + [0] * 4 + [61] * 4 + [61] * 2)  # C C C# C# | rest | C C C C | C C
    chord = np.array([ON + C] * 8 + [NO_CHORD] * 4 + [ON + C] * 2)
    np.testing.assert_array_equal(harmony_by_beat(melody, chord, beats=5), [0.5, np.nan, np.nan, 1.0, np.nan])
    np.testing.assert_array_equal(harmony_by_beat(melody, chord, beats=2, start=12), [1.0, np.nan])
    np.testing.assert_array_equal(harmony_by_beat(melody, chord, beats=1, start=2), [0.0])
    np.testing.assert_array_equal(harmony_by_beat(melody, chord, beats=3, start=-6), [np.nan, 1.0, 0.0])
    np.testing.assert_array_equal(harmony_by_beat(melody, chord, beats=2, start=-9), [np.nan, np.nan])
    np.testing.assert_array_equal(harmony_by_beat(melody, chord, beats=1, start=20), [np.nan])


def test_means_leave_out_what_is_undefined() -> None:
    rows = np.array([[1.0, np.nan, np.nan], [3.0, 2.0, np.nan]])
    assert column_means(rows) == pytest.approx([2.0, 2.0, np.nan], nan_ok=True)
    assert column_means(rows) == pytest.approx([mean_of(column) for column in rows.T], nan_ok=True)
    assert np.isnan(column_means(np.zeros((0, 2)))).all()


@given(melody_tracks(24), chord_tracks(24))
def test_note_in_chord_alone_is_that_of_all_figures(melody: np.ndarray, chord: np.ndarray) -> None:
    whole = figures(melody, chord, metre_of(24)).note_in_chord
    assert note_in_chord(melody, chord) == pytest.approx(whole, nan_ok=True)
