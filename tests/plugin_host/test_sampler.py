"""Draws are legal, follow the softmax, and depend on seed and frame alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gapt_core.chords import CHORD_COUNT
from gapt_core.patience import FRAMES_PER_NAT, FREE_FRAMES, hold_penalty
from gapt_core.vocabulary import (
    ACTIONS,
    CHORD_HOLD,
    CHORD_ONSET,
    CHORD_TOKENS,
    HOLD_ACTION,
    MELODY_TOKENS,
    NO_CHORD,
    NOTE_ACTIONS,
    NOTE_HOLD,
    NOTE_HOLD_ACTION,
    NOTE_ONSET,
    SILENCE,
    legal_tokens,
    sounding_chord,
)
from plugin_host.accompanist import Sampling
from plugin_host.sampler import Sampler

allowed_sets = st.none() | st.frozensets(st.integers(0, CHORD_COUNT - 1), max_size=12)
samplings = st.builds(
    Sampling,
    st.sampled_from([0.0, 1e-300, 0.1, 1.0, 3.0]),
    st.sampled_from([-4.0, 0.0, 4.0]),
    st.integers(-5, 2**70),
    allowed_sets,
)
frames = st.integers(0, 2**40)


def logits(size: int) -> st.SearchStrategy[np.ndarray]:
    return hnp.arrays(np.float32, size, elements=st.floats(-50, 50, width=32))


@given(samplings, logits(ACTIONS), st.integers(0, CHORD_TOKENS - 1), frames)
def test_a_chord_is_legal(sampling: Sampling, drawn_from: np.ndarray, previous: int, frame: int) -> None:
    drawn_from[HOLD_ACTION] += 60  # so that a hold is nearly always wanted
    token = Sampler(sampling).chord(drawn_from, previous, frame)
    assert legal_tokens(previous)[token]
    assert sampling.allowed is None or sounding_chord(token) in {None, *sampling.allowed}


@given(allowed_sets, st.integers(0, CHORD_TOKENS - 1))
def test_whatever_is_legal_and_allowed_can_be_drawn(allowed: frozenset[int] | None, previous: int) -> None:
    sampler = Sampler(Sampling(temperature=0.0, allowed=allowed))
    drawn = {sampler.chord(row, previous, 0) for row in np.eye(ACTIONS, dtype=np.float32)}
    may_sound = {None, *(range(CHORD_COUNT) if allowed is None else allowed)}
    assert drawn == {token for token in np.flatnonzero(legal_tokens(previous)) if sounding_chord(token) in may_sound}


def test_a_chord_that_is_not_allowed_any_more_ends_at_once() -> None:
    held = np.zeros(ACTIONS, dtype=np.float32)
    held[HOLD_ACTION], held[CHORD_ONSET + 9] = 50.0, 1.0
    sampler = Sampler(Sampling(temperature=0.0, allowed=frozenset({7, 9})))
    assert sampler.chord(held, CHORD_HOLD + 8, 0) == CHORD_ONSET + 9
    assert sampler.chord(held, CHORD_HOLD + 7, 0) == CHORD_HOLD + 7


def test_where_nothing_is_allowed_there_is_silence() -> None:
    wanted = np.full(ACTIONS, 50.0, dtype=np.float32)
    wanted[NO_CHORD] = -50.0
    assert Sampler(Sampling(allowed=frozenset())).chord(wanted, CHORD_ONSET + 3, 0) == NO_CHORD


@given(samplings, logits(NOTE_ACTIONS), st.integers(0, MELODY_TOKENS - 1), frames)
def test_an_imagined_note_is_legal(sampling: Sampling, drawn_from: np.ndarray, previous: int, frame: int) -> None:
    drawn_from[NOTE_HOLD_ACTION] += 60
    token = Sampler(sampling).melody(drawn_from, previous, frame)
    held = token >= NOTE_HOLD
    assert 0 <= token < MELODY_TOKENS
    assert not held or previous in (token, token - NOTE_HOLD + NOTE_ONSET)


@given(st.integers(0, ACTIONS - 1), frames)
def test_temperature_zero_takes_the_best(best: int, frame: int) -> None:
    values = np.zeros(ACTIONS, dtype=np.float32)
    values[best] = 1.0
    expected = CHORD_HOLD + 7 if best == HOLD_ACTION else best
    assert Sampler(Sampling(temperature=0.0)).chord(values, CHORD_ONSET + 7, frame) == expected


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_draws_follow_the_softmax(temperature: float) -> None:
    values = np.full(ACTIONS, -1e9, dtype=np.float32)
    values[:4] = [0.0, 1.0, 2.0, 0.5]
    sampler = Sampler(Sampling(temperature=temperature, seed=1))
    drawn = np.bincount([sampler.chord(values, NO_CHORD, frame) for frame in range(4000)], minlength=4) / 4000
    expected = np.exp(values[:4] / temperature)
    assert drawn == pytest.approx(expected / expected.sum(), abs=0.03)


@pytest.mark.parametrize("chords", [CHORD_COUNT, 24])
def test_density_weighs_onsets_and_nothing_else(chords: int) -> None:
    def onsets(density: float) -> float:
        sampler = Sampler(Sampling(density=density, allowed=frozenset(range(chords))))
        tokens = [sampler.chord(np.zeros(ACTIONS, dtype=np.float32), CHORD_ONSET, frame) for frame in range(1000)]
        return float(np.mean([CHORD_ONSET <= token < CHORD_HOLD for token in tokens]))

    def share(density: float) -> float:
        weight = chords * np.exp(density)
        return weight / (weight + 2)

    for density in (-8.0, -5.0, 0.0):
        assert onsets(density) == pytest.approx(share(density), abs=0.05)


def test_luck_depends_on_seed_and_frame_alone() -> None:
    values = np.zeros(ACTIONS, dtype=np.float32)

    def draw(seed: int, frame: int) -> int:
        return Sampler(Sampling(seed=seed)).chord(values, NO_CHORD, frame)

    first = [draw(1, frame) for frame in range(20)]
    assert first == [draw(1, frame) for frame in range(20)]
    assert first != [draw(2, frame) for frame in range(20)]
    assert len(set(first)) > 10


def test_a_chord_and_a_note_of_one_frame_have_luck_of_their_own() -> None:
    sampler = Sampler(Sampling())
    values = np.zeros(NOTE_ACTIONS, dtype=np.float32)
    wide = np.concatenate([values, np.full(ACTIONS - NOTE_ACTIONS, -1e9, dtype=np.float32)])
    pairs = [(sampler.chord(wide, NO_CHORD, frame), sampler.melody(values, SILENCE, frame)) for frame in range(40)]
    assert sum(chord == note for chord, note in pairs) < 10


def test_a_chord_held_for_long_is_let_go_sooner_or_later() -> None:
    sure = np.zeros(ACTIONS, dtype=np.float32)
    sure[HOLD_ACTION] = 12.0
    sampler, chord = Sampler(Sampling(temperature=0.0)), CHORD_ONSET
    held = [sampler.chord(sure, chord, frame, frame) >= CHORD_HOLD for frame in range(1, 300)]
    assert all(held[: FREE_FRAMES + 11 * FRAMES_PER_NAT]) and not any(held[FREE_FRAMES + 12 * FRAMES_PER_NAT :])


def test_four_bars_are_free_and_each_further_one_costs_a_nat() -> None:
    assert [hold_penalty(frames) for frames in (1, 64, 72, 96)] == [0.0, 0.0, 0.5, 2.0]
