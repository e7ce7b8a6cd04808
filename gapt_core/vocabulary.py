"""Tokens of the two parts, the policy's actions, the grammar, and the fingerprint of it all.

Melody tokens: 0 silence, 1 + p onset of pitch p, 129 + p hold of pitch p.
Chord tokens: 0 no chord, 1 + c onset of chord c, 1 + CHORD_COUNT + c hold of chord c.
Actions: 0 no chord, 1 + c onset of chord c, CHORD_COUNT + 1 hold. At most one hold is ever
legal (a hold continues what sounds), so all holds share one output of the policy.
"""

from __future__ import annotations

import hashlib
import json

import numpy as np
from numpy.typing import NDArray

from gapt_core.chords import CHORD_COUNT, PITCH_CLASSES, QUALITIES, chord_at

FRAMES_PER_BEAT = 4

SILENCE = 0
PITCH_COUNT = 128
NOTE_ONSET = 1
NOTE_HOLD = NOTE_ONSET + PITCH_COUNT
MELODY_TOKENS = NOTE_HOLD + PITCH_COUNT

NO_CHORD = 0
CHORD_ONSET = 1
CHORD_HOLD = CHORD_ONSET + CHORD_COUNT
CHORD_TOKENS = CHORD_HOLD + CHORD_COUNT

HOLD_ACTION = CHORD_COUNT + 1
ACTIONS = CHORD_COUNT + 2

NOTE_HOLD_ACTION = PITCH_COUNT + 1
NOTE_ACTIONS = PITCH_COUNT + 2

STYLES = ("unknown", "pop", "lied", "standards", "jazz", "hymn", "chorale", "folk", "rock")


def fingerprint() -> str:
    """SHA-256 of everything a token means; weights of another fingerprint are refused."""
    meaning = {
        "frames_per_beat": FRAMES_PER_BEAT,
        "pitch_classes": PITCH_CLASSES,
        "qualities": list(QUALITIES.items()),
        "melody_tokens": MELODY_TOKENS,
        "chord_tokens": CHORD_TOKENS,
        "styles": STYLES,
    }
    return hashlib.sha256(json.dumps(meaning).encode()).hexdigest()


def sounding_chord(token: int) -> int | None:
    """Index of the chord that a chord token leaves sounding; None after no chord."""
    if token == NO_CHORD:
        return None
    return token - (CHORD_HOLD if token >= CHORD_HOLD else CHORD_ONSET)


def token_of_action(action: int, previous_token: int) -> int:
    """The chord token that an action means after `previous_token`.

    Raises:
        ValueError: a hold where nothing sounds, which the grammar forbids.
    """
    if action != HOLD_ACTION:
        return action
    chord = sounding_chord(previous_token)
    if chord is None:
        raise ValueError("a hold needs a sounding chord")
    return CHORD_HOLD + chord


def legal_actions(previous_token: int) -> NDArray[np.bool_]:
    """Grammar: every action but a hold after no chord; `[ACTIONS]`."""
    legal = np.ones(ACTIONS, dtype=np.bool_)
    legal[HOLD_ACTION] = previous_token != NO_CHORD
    return legal


def legal_tokens(previous_token: int) -> NDArray[np.bool_]:
    """The same grammar over chord tokens: onsets, no chord and the one hold that continues; `[CHORD_TOKENS]`."""
    legal = np.zeros(CHORD_TOKENS, dtype=np.bool_)
    legal[:CHORD_HOLD] = True
    chord = sounding_chord(previous_token)
    if chord is not None:
        legal[CHORD_HOLD + chord] = True
    return legal


def describe_chord(token: int) -> str:
    """Harte name of the chord a token names, `N` for none."""
    chord = sounding_chord(token)
    return "N" if chord is None else chord_at(chord).name


def pitch_class_table() -> NDArray[np.bool_]:
    """Pitch classes of each chord token; `[CHORD_TOKENS, 12]`, row 0 empty."""
    table = np.zeros((CHORD_TOKENS, 12), dtype=np.bool_)
    for index in range(CHORD_COUNT):
        pitch_classes = list(chord_at(index).pitch_classes)
        table[CHORD_ONSET + index, pitch_classes] = True
        table[CHORD_HOLD + index, pitch_classes] = True
    return table
