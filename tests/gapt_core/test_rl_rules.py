"""The rules on worked examples, and each kernel against its slow definition and its plain Python twin."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby, pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from strategies import chord_tracks, melody_tracks

from gapt_core.parts import MELODY
from gapt_core.rl import kernels
from gapt_core.rl.episodes import Episodes, Reward
from gapt_core.rl.rules import Rules, RulesConfig
from gapt_core.vocabulary import CHORD_COUNT, CHORD_HOLD, CHORD_ONSET, NO_CHORD, NOTE_HOLD, NOTE_ONSET, SILENCE

TIME = 24
NOTE = NOTE_ONSET + 60
C, G = CHORD_ONSET, CHORD_ONSET + 7

lengths = st.lists(st.integers(0, TIME), min_size=2, max_size=2).map(np.array)
duets = st.tuples(
    st.tuples(melody_tracks(TIME), melody_tracks(TIME)).map(np.stack),
    st.tuples(chord_tracks(TIME), chord_tracks(TIME)).map(np.stack),
)


def held(chord: int, frames: int) -> list[int]:
    """A chord that is struck once and lasts so many frames."""
    return [chord, *[chord + CHORD_COUNT] * (frames - 1)]


def episodes(melody: list[int], chord: list[int], valid: int | None = None) -> Episodes:
    """One duet, of which `valid` frames count."""
    count = len(chord)
    assert len(melody) == count
    return Episodes(
        melody=torch.tensor([melody]),
        chord=torch.tensor([chord]),
        metre=torch.zeros(1, count, 3, dtype=torch.long),
        style=torch.zeros(1, dtype=torch.long),
        now=torch.tensor([melody]),
        valid=torch.arange(count)[None] < (count if valid is None else valid),
        ended=torch.tensor([True]),
        genre=torch.zeros(1, dtype=torch.long),
    )


def penalties(duet: Episodes, config: RulesConfig | None = None) -> dict[str, dict[int, float]]:
    """What each rule takes at which frame, nothing left out but zeros."""
    rules: Reward = Rules(config or RulesConfig())
    scores = rules(duet)
    assert all(score.shape == duet.chord.shape and score.is_floating_point() for score in scores.values())
    assert set(scores) == {"silence", "early_stop", "repetition", "hold"}
    taken = {
        name: {frame: pytest.approx(value) for frame, value in enumerate(score[0].tolist()) if value}
        for name, score in scores.items()
    }
    return {name: at for name, at in taken.items() if at}


def test_silence_costs_each_frame_once_it_is_too_much() -> None:
    # 50 frames after the free ones: two silent frames are the 4 % that are free, three are not.
    chord = [NO_CHORD] * 8 + held(C, 50)
    duet = episodes([NOTE] * 58, chord)
    duet.chord[0, [20, 40]] = NO_CHORD
    assert penalties(duet) == {}
    duet.chord[0, 30] = NO_CHORD
    assert penalties(duet) == {"silence": {20: -0.1, 30: -0.1, 40: -0.1}}


def test_rests_of_the_melody_count_in_the_share_and_cost_nothing() -> None:
    # One of 25 valid frames is silent, 4 %, though one of 5 with a note.
    duet = episodes([NOTE] * 12 + [SILENCE] * 20 + [NOTE], [*[NO_CHORD] * 8, NO_CHORD, *held(C, 24)])
    assert penalties(duet) == {}
    # One of 24.
    assert penalties(episodes([NOTE] * 12 + [SILENCE] * 20, [*[NO_CHORD] * 9, *held(C, 23)])) == {"silence": {8: -0.1}}


def test_an_early_stop_counts_the_notes_that_are_left_alone() -> None:
    melody = [NOTE, NOTE, NOTE, SILENCE, NOTE, SILENCE]
    assert penalties(episodes(melody, [*held(C, 2), *[NO_CHORD] * 4])) == {"early_stop": {2: -0.1, 4: -0.1}}
    assert penalties(episodes(melody, [*held(C, 5), NO_CHORD])) == {}


def test_without_any_chord_all_notes_are_left_alone() -> None:
    assert penalties(episodes([NOTE, SILENCE, NOTE], [NO_CHORD] * 3)) == {"early_stop": {0: -0.1, 2: -0.1}}


def test_repetition_counts_runs_of_more_than_four_onsets() -> None:
    silence = [SILENCE] * 12
    assert penalties(episodes(silence[:9], [C] * 4 + [G] + [C] * 4)) == {}
    assert penalties(episodes(silence, [C] * 5 + [G] + [C] * 6)) == {"repetition": {4: -0.5, 10: -0.5, 11: -0.1}}


def test_neither_a_rest_nor_a_hold_breaks_a_repetition() -> None:
    chord = [*held(C, 2), NO_CHORD, C, C, NO_CHORD, NO_CHORD, *held(C, 3), C, NO_CHORD]
    assert penalties(episodes([SILENCE] * len(chord), chord)) == {"repetition": {10: -0.5}}


def test_a_held_chord_is_one_event_of_a_length() -> None:
    silence = [SILENCE] * 130
    assert penalties(episodes(silence[:128], held(C, 64) + held(C, 64))) == {}
    assert penalties(episodes(silence[:129], held(C, 64) + held(C, 65))) == {"hold": {128: -0.1}}
    assert penalties(episodes(silence[:130], held(C, 65) + held(C, 65))) == {"hold": {64: -0.1, 129: -0.1}}


def test_a_crop_may_begin_within_a_hold() -> None:
    chord = [C + CHORD_COUNT] * 5
    assert penalties(episodes([SILENCE] * 5, chord), RulesConfig(hold_frames=4)) == {"hold": {4: -0.1}}
    assert penalties(episodes([SILENCE] * 5, chord), RulesConfig(hold_frames=5)) == {}


def test_frames_past_the_end_never_count() -> None:
    melody, chord = [NOTE] * 20, held(C, 10) + [G] * 3 + [NO_CHORD] * 7
    config = RulesConfig(hold_frames=8, repetitions=2)
    alone, overheld = {10: -0.1, 11: -0.1}, {8: -0.1, 9: -0.1}
    expected = {"silence": alone, "early_stop": alone, "hold": overheld}
    assert penalties(episodes(melody[:12], held(C, 10) + [NO_CHORD] * 2), config) == expected
    assert penalties(episodes(melody, chord, valid=10), config) == {"hold": overheld}
    assert penalties(episodes(melody, chord, valid=13), config) == {"repetition": {12: -0.3}, "hold": overheld}


@pytest.mark.parametrize("name", ["silence", "early_stop", "repetition", "hold"])
def test_a_weight_scales_its_rule_and_0_switches_it_off(name: str) -> None:
    duet = episodes([NOTE] * 90, [C] * 5 + held(C, 70) + [NO_CHORD] * 15)
    every = penalties(duet)
    assert list(every) == ["silence", "early_stop", "repetition", "hold"]
    without = {other: at for other, at in every.items() if other != name}
    assert penalties(duet, RulesConfig(**{name: 0.0})) == without
    twice = {frame: pytest.approx(2 * value.expected) for frame, value in every[name].items()}
    assert penalties(duet, RulesConfig(**{name: 2.0})) == {**every, name: twice}


def test_the_melody_is_judged_against_the_chords() -> None:
    duet = episodes([NOTE] * 5 + [NOTE_HOLD + 60, SILENCE, SILENCE], [*held(C, 7), NO_CHORD])
    scores = Rules(RulesConfig(), MELODY)(duet)
    assert {name: score.sum().item() for name, score in scores.items()} == {
        "silence": 0.0,
        "early_stop": pytest.approx(-0.1),
        "repetition": pytest.approx(-0.5),
        "hold": 0.0,
    }


def agree(kernel: Callable, slow: Callable, *arguments: object) -> None:
    """A kernel equals its twin, and, row by row, the slow definition: of each frame, or of the sum."""
    *tracks, lengths, numbers = arguments
    compiled = kernel(*tracks, lengths, *numbers)
    np.testing.assert_array_equal(compiled, kernel.py_func(*tracks, lengths, *numbers))
    for row, length in enumerate(lengths):
        expected = slow(*(track[row, :length].tolist() for track in tracks), *numbers)
        np.testing.assert_array_equal(compiled[row] if np.ndim(expected) else compiled[row].sum(), expected)
        assert not compiled[row, length:].any()


@given(duets, lengths, st.integers(0, 10), st.sampled_from([0.0, 0.25, 0.5]))
def test_silent_frames(duet: tuple, lengths: np.ndarray, free: int, share: float) -> None:
    def slow(melody: list[int], chord: list[int], free: int, share: float) -> list[bool]:
        silent = [
            frame >= free and note != SILENCE and answer == NO_CHORD
            for frame, (note, answer) in enumerate(zip(melody, chord, strict=True))
        ]
        too_many = sum(silent) > share * len(silent[free:])
        return [*(one and too_many for one in silent), *[False] * (TIME - len(silent))]

    agree(kernels.silent_frames, slow, *duet, lengths, (free, share))


@given(duets, lengths)
def test_frames_alone_at_end(duet: tuple, lengths: np.ndarray) -> None:
    def slow(melody: list[int], chord: list[int]) -> int:
        end = max((frame + 1 for frame, token in enumerate(chord) if token != NO_CHORD), default=0)
        return sum(note != SILENCE for note in melody[end:])

    agree(kernels.frames_alone_at_end, slow, *duet, lengths, ())


@given(duets, lengths, st.integers(0, 5))
def test_onsets_repeated(duet: tuple, lengths: np.ndarray, limit: int) -> None:
    def slow(chord: list[int], hold: int, limit: int) -> int:
        runs = [len(list(run)) for _, run in groupby(token for token in chord if NO_CHORD < token < hold)]
        return sum(run for run in runs if run > limit)

    agree(kernels.onsets_repeated, slow, duet[1], lengths, (CHORD_HOLD, limit))


@given(duets, lengths, st.integers(0, 5))
def test_frames_overheld(duet: tuple, lengths: np.ndarray, limit: int) -> None:
    def slow(chord: list[int], hold: int, limit: int) -> int:
        starts = [frame for frame, token in enumerate(chord) if token < hold] + [len(chord)]
        events = [end - start for start, end in pairwise(starts) if chord[start] != NO_CHORD]
        return sum(max(0, frames - limit) for frames in events)

    agree(kernels.frames_overheld, slow, duet[1], lengths, (CHORD_HOLD, limit))
