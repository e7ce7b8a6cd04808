"""Adaptation: songs change their key at their own bars, and what it costs is what a hand works out."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tiny_corpus import write_corpus
from tiny_policy import tiny_net

from gapt_core.chords import Chord
from gapt_core.evaluate.adaptation import (
    MULTIPLE,
    SINGLE,
    Recovery,
    adaptation_tables,
    aligned,
    changes_of,
    mean_curve,
    measure_adaptation,
    perturbed,
    recovery,
)
from gapt_core.evaluate.measure import CONTROL, TRUTH
from gapt_core.evaluate.sets import EvaluateConfig, load_test_sets
from gapt_core.metrics import figures, harmony_by_beat
from gapt_core.train.corpus import Piece
from gapt_core.vocabulary import CHORD_HOLD, CHORD_ONSET, NOTE_HOLD, NOTE_ONSET

C, F_SHARP = Chord(0, "maj").index, Chord(6, "maj").index


def long_c(frames: int, bar: int = 16, pickup: int = 0) -> Piece:
    """One long C under a chord of C major."""
    melody, chord = np.full(frames, NOTE_HOLD + 60), np.full(frames, CHORD_HOLD + C)
    melody[0], chord[0] = NOTE_ONSET + 60, CHORD_ONSET + C
    places = (np.arange(frames) + (bar - pickup) % bar) % bar
    return Piece("C", 0, melody, chord, np.stack([places, np.full(frames, bar), np.full(frames, 4)], axis=1))


def curve(*levels: float) -> np.ndarray:
    """One song whose level before the change is .8, and then as told, the last level for good."""
    after = [*levels, *[levels[-1]] * (SINGLE.after - len(levels))]
    return np.array([[0.8] * SINGLE.before + after])


def test_the_key_changes_at_bar_five_of_the_songs_own_bars() -> None:
    assert changes_of(long_c(96), SINGLE) == [64]
    assert changes_of(long_c(100, pickup=4), SINGLE) == [68]
    assert changes_of(long_c(80, bar=12), SINGLE) == [48]
    assert changes_of(long_c(160), MULTIPLE) == [32, 64, 96, 128]


def test_a_song_that_ends_too_soon_is_left_out() -> None:
    assert changes_of(long_c(95), SINGLE) is None
    assert changes_of(long_c(159), MULTIPLE) is None
    assert changes_of(long_c(40), MULTIPLE) is None


def test_a_tritone_up_is_struck_anew() -> None:
    moved = perturbed(long_c(100), [64], SINGLE)
    assert moved.melody[63] == NOTE_HOLD + 60
    assert moved.melody[64:66].tolist() == [NOTE_ONSET + 66, NOTE_HOLD + 66]
    assert moved.chord[63] == CHORD_HOLD + C
    assert moved.chord[64:66].tolist() == [CHORD_ONSET + F_SHARP, CHORD_HOLD + F_SHARP]
    assert len(moved) == 100
    assert len(perturbed(long_c(400), [64], SINGLE)) == 64 + 4 * 48


def test_several_changes_each_from_the_songs_own_key() -> None:
    moved = perturbed(long_c(200), [32, 64, 96, 128], MULTIPLE)
    pitches = (moved.melody[[31, 32, 63, 64, 95, 96, 127, 128, 199]] - NOTE_ONSET) % 128
    assert pitches.tolist() == [60, 66, 66, 64, 64, 50, 50, 60, 60]
    assert (np.flatnonzero(moved.melody < NOTE_HOLD) == [0, 32, 64, 96, 128]).all()


@pytest.mark.parametrize("perturbation", [SINGLE, MULTIPLE], ids=["single", "multiple"])
def test_chords_that_move_along_stay_in_harmony(tmp_path: Path, perturbation) -> None:
    """Transposing melody and chords leaves note in chord as it is, frame by frame."""
    (entry,) = load_test_sets(write_corpus(tmp_path / "songs", bars=12), EvaluateConfig())
    for piece in entry.pieces:
        wrong = replace(piece, chord=np.roll(piece.chord, 5))
        starts = changes_of(wrong, perturbation)
        moved = perturbed(wrong, starts, perturbation)
        for before, after in ((wrong, moved), (piece, perturbed(piece, starts, perturbation))):
            expected = harmony_by_beat(before.melody, before.chord, len(after) // 4)
            np.testing.assert_array_equal(harmony_by_beat(after.melody, after.chord, len(after) // 4), expected)
        assert figures(moved.melody, moved.chord, moved.metre).note_in_chord == pytest.approx(
            figures(wrong.melody, wrong.chord, wrong.metre).note_in_chord
        )


def test_columns_of_every_metre_change_together() -> None:
    song = perturbed(long_c(102, bar=12, pickup=2), [26, 50, 74, 98], MULTIPLE)
    still = np.full(len(song), CHORD_HOLD + C)  # stays where it is while the melody moves away
    still[0] = CHORD_ONSET + C
    columns = aligned(song.melody, still, [26, 50, 74, 98], MULTIPLE)
    nan = math.nan
    before = [nan] + [1.0] * 7  # 26 frames are six quarters and a half
    stretches = [*[0.0] * 6, nan, nan], [*[1.0] * 6, nan, nan], [*[0.0] * 6, nan, nan]  # F#, E, D and C over C major
    last = [1.0] + [nan] * 31  # the song ends after four frames more
    np.testing.assert_array_equal(columns, [*before, *stretches[0], *stretches[1], *stretches[2], *last])


def test_recovery_by_hand() -> None:
    found = recovery(curve(0.0, 0.0, 0.2, 0.4, 0.8))
    assert found.before == pytest.approx(0.8)
    assert found.drop == pytest.approx(0.15)
    # From quarter 3 on the next four have (.4 + .8 + .8 + .8) / 4 = .70 < .72, from quarter 4 on .80.
    assert found.beats == 4
    assert found.area == pytest.approx(0.8 + 0.8 + 0.6 + 0.4)
    assert found.after == pytest.approx((0.6 + 44 * 0.8) / 48)


def test_a_single_good_quarter_is_no_recovery() -> None:
    assert recovery(curve(0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.8)).beats == 6


def test_who_never_recovers_has_no_time_of_recovery() -> None:
    found = recovery(curve(0.1, 0.5))
    assert found.beats == math.inf
    assert math.isnan(found.to_extra()["recovery beats"]) and found.to_extra()["recovered"] == 0.0
    assert found.area == pytest.approx(0.7 + 47 * 0.3)


def test_who_never_falls_recovers_at_once() -> None:
    found = recovery(curve(0.9, 0.75))
    assert found.beats == 0 and found.to_extra()["recovered"] == 1.0
    assert found.area == pytest.approx(47 * 0.05)  # what is above the level before is no gain


def test_what_has_no_level_before_is_undefined() -> None:
    silent = curve(0.5)
    silent[:, : SINGLE.before] = math.nan
    assert all(
        math.isnan(value) for name, value in recovery(silent).to_extra().items() if name not in ("drop", "after")
    )


def test_several_changes_cost_from_the_first_and_end_after_the_last() -> None:
    columns = np.full((1, MULTIPLE.last + MULTIPLE.after), 0.4)
    columns[0, : MULTIPLE.before] = [0.0] * 4 + [0.8] * 4  # of the first bars only the last quarters count
    columns[0, MULTIPLE.last + 2 :] = 0.8
    found = recovery(columns, MULTIPLE)
    assert (found.before, found.beats) == (pytest.approx(0.8), 2)
    assert found.area == pytest.approx(0.4 * (3 * 8 + 2))


def test_a_mean_curve_needs_a_third_of_the_songs() -> None:
    nan = math.nan
    columns = np.array([[1.0, 0.5, nan], [0.0, nan, nan], [0.5, nan, nan], [0.5, nan, 1.0]])
    np.testing.assert_array_equal(mean_curve(columns), [0.5, nan, nan])
    np.testing.assert_array_equal(mean_curve(columns[:3]), [0.5, 0.5, nan])


@pytest.mark.parametrize("perturbation", [SINGLE, MULTIPLE], ids=["single", "multiple"])
def test_a_measurement_has_the_truth_unhurt_and_all_figures(tmp_path: Path, perturbation) -> None:
    config = EvaluateConfig(songs=3)
    sets = load_test_sets(write_corpus(tmp_path / "songs", songs=3, bars=12), config)
    measured = measure_adaptation(tiny_net(), sets, config, None, perturbation)
    (table,) = adaptation_tables(measured, perturbation)
    assert list(table.rows) == [TRUTH, CONTROL, "anticipate", "react"]
    truth = table.rows[TRUTH]
    assert truth.figures.note_in_chord == 1.0
    assert truth.extra == Recovery(1.0, 1.0, 1.0, 0, 0.0).to_extra()
    assert measured.sets[0].rows["react"].beats.shape == (3, perturbation.last + perturbation.after)


def test_a_set_without_a_song_that_is_long_enough_is_left_out(tmp_path: Path) -> None:
    sets = load_test_sets(write_corpus(tmp_path / "songs", songs=2, bars=4), EvaluateConfig())
    assert measure_adaptation(tiny_net(), sets, EvaluateConfig(), None).sets == []


def test_a_policy_does_not_know_of_the_change_before_it_comes(tmp_path: Path) -> None:
    config = EvaluateConfig(songs=2)
    sets = load_test_sets(write_corpus(tmp_path / "songs", songs=2, bars=12), config)
    higher = replace(SINGLE, semitones=(1,))
    one, other = (measure_adaptation(tiny_net(), sets, config, None, p).sets[0].rows["react"] for p in (SINGLE, higher))
    np.testing.assert_array_equal(one.beats[:, : SINGLE.before], other.beats[:, : SINGLE.before])
    assert (one.beats[:, SINGLE.before :] != other.beats[:, SINGLE.before :]).any()
