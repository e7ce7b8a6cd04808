"""Chords of the vocabulary: indices, names, transposition, the nearest quality."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import chords

from gapt_core.chords import CHORD_COUNT, QUALITIES, Chord, chord_at, fitting_chords, nearest_chord, nearest_quality


@given(st.integers(0, CHORD_COUNT - 1))
def test_index_round_trip(index: int) -> None:
    assert chord_at(index).index == index


@given(chords(), st.integers(-24, 24))
def test_transposition_is_exact_and_can_be_undone(chord: Chord, semitones: int) -> None:
    moved = chord.transpose(semitones)
    assert moved.pitch_classes == tuple((pitch_class + semitones) % 12 for pitch_class in chord.pitch_classes)
    assert moved.transpose(-semitones) == chord


@given(chords())
def test_a_chord_is_nearest_to_itself(chord: Chord) -> None:
    assert nearest_chord(chord.root, chord.pitch_classes) == chord


@given(chords(), st.sets(st.integers(0, 11)), st.integers(0, 11))
def test_nearest_chord_commutes_with_transposition(chord: Chord, pitch_classes: set[int], semitones: int) -> None:
    here = nearest_chord(chord.root, pitch_classes)
    there = nearest_chord((chord.root + semitones) % 12, {pitch_class + semitones for pitch_class in pitch_classes})
    assert here.transpose(semitones) == there


@pytest.mark.parametrize(
    ("intervals", "quality"),
    [
        ({0}, "maj"),
        ({0, 7}, "maj"),
        ({0, 3}, "min"),
        ({0, 4, 10}, "7"),
        ({0, 3, 4, 7, 10}, "7"),
        ({0, 2, 4, 7, 9, 10}, "9"),
        ({0, 2, 4, 7, 9}, "maj6"),
        ({0, 2, 5, 7, 10}, "sus4(b7)"),
        ({0, 1, 3, 4, 8, 10}, "aug(b7)"),
    ],
)
def test_nearest_quality_by_ear(intervals: set[int], quality: str) -> None:
    assert nearest_quality(frozenset(intervals)) == quality


def test_qualities_differ_and_begin_at_the_root() -> None:
    assert len(set(QUALITIES.values())) == len(QUALITIES)
    assert all(intervals[0] == 0 and list(intervals) == sorted(set(intervals)) for intervals in QUALITIES.values())


@given(st.integers(0, CHORD_COUNT - 1))
def test_names_mean_to_mir_eval_what_they_mean_here(index: int) -> None:
    harte = pytest.importorskip("mir_eval.chord")
    chord = chord_at(index)
    root, bitmap, bass = harte.encode(chord.name, reduce_extended_chords=True)
    assert (root, bass) == (chord.root, 0)
    assert {int(interval) for interval in bitmap.nonzero()[0]} == set(QUALITIES[chord.quality])


def test_chords_that_fit_one_note_hold_it_in_their_triad() -> None:
    weights = [0.0] * 12
    weights[0] = 3.0
    names = {chord_at(index).name for index in fitting_chords(weights)}
    assert {"C:maj", "C:min7", "A:min", "F:maj", "Ab:maj7"} <= names
    assert all(0 in chord_at(index).pitch_classes[:3] for index in fitting_chords(weights))


def test_chords_that_fit_a_broken_triad_are_that_triad_and_what_stands_on_it() -> None:
    weights = [1.0 if pitch_class in (0, 4, 7) else 0.0 for pitch_class in range(12)]
    assert {chord_at(index).name for index in fitting_chords(weights)} == {"C:maj", "C:7", "C:maj7", "C:maj6"}


def test_nothing_heard_fits_any_chord_of_up_to_four_notes() -> None:
    assert len(fitting_chords([0.0] * 12)) == sum(len(chord_at(i).pitch_classes) <= 4 for i in range(CHORD_COUNT))
