"""Tokens, actions and the grammar."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gapt_core import vocabulary
from gapt_core.chords import CHORD_COUNT, chord_at
from gapt_core.vocabulary import (
    ACTIONS,
    CHORD_HOLD,
    CHORD_ONSET,
    CHORD_TOKENS,
    HOLD_ACTION,
    NO_CHORD,
    describe_chord,
    fingerprint,
    legal_actions,
    legal_tokens,
    pitch_class_table,
    sounding_chord,
    token_of_action,
)

tokens = st.integers(0, CHORD_TOKENS - 1)


@given(tokens)
def test_the_mask_is_never_empty_and_holds_only_what_sounds(previous: int) -> None:
    legal = legal_tokens(previous)
    assert legal[:CHORD_HOLD].all()
    holds = np.flatnonzero(legal[CHORD_HOLD:]).tolist()
    assert holds == ([] if previous == NO_CHORD else [sounding_chord(previous)])


def test_nothing_may_be_held_after_silence_and_a_hold_may_follow_the_very_first_onset() -> None:
    assert not legal_actions(NO_CHORD)[HOLD_ACTION]
    assert legal_actions(CHORD_ONSET)[HOLD_ACTION] and legal_actions(CHORD_HOLD)[HOLD_ACTION]


@given(tokens)
def test_actions_and_tokens_say_the_same(previous: int) -> None:
    reached = [token_of_action(action, previous) for action in np.flatnonzero(legal_actions(previous)).tolist()]
    assert sorted(reached) == np.flatnonzero(legal_tokens(previous)).tolist()


def test_a_hold_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="sounding chord"):
        token_of_action(HOLD_ACTION, NO_CHORD)
    assert ACTIONS == HOLD_ACTION + 1


@given(st.integers(0, CHORD_COUNT - 1))
def test_chord_index_round_trip(index: int) -> None:
    assert chord_at(index).index == index
    assert sounding_chord(CHORD_ONSET + index) == sounding_chord(CHORD_HOLD + index) == index


def test_pitch_class_table_agrees_with_the_chords() -> None:
    table = pitch_class_table()
    assert not table[NO_CHORD].any()
    for index in range(CHORD_COUNT):
        expected = sorted(chord_at(index).pitch_classes)
        assert np.flatnonzero(table[CHORD_ONSET + index]).tolist() == expected
        assert np.flatnonzero(table[CHORD_HOLD + index]).tolist() == expected


def test_describe_chord() -> None:
    assert describe_chord(NO_CHORD) == "N"
    assert describe_chord(CHORD_ONSET) == describe_chord(CHORD_HOLD) == "C:maj"


def test_the_fingerprint_notices_another_meaning(monkeypatch: pytest.MonkeyPatch) -> None:
    before = fingerprint()
    assert before == fingerprint() and len(before) == 64
    monkeypatch.setattr(vocabulary, "STYLES", (*vocabulary.STYLES, "polka"))
    assert fingerprint() != before
