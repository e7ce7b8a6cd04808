"""Draws tokens from logits under the grammar: a hold continues what sounds, and nothing is held after silence.

The noise of a draw depends on the seed and on the frame alone (the Gumbel-max trick: the greatest of
logit / temperature + noise is a sample of the softmax). So a frame that is planned again is drawn with the
same luck, and a plan changes only as far as the policy changed its mind.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gapt_core.chords import CHORD_COUNT
from gapt_core.patience import hold_penalty
from gapt_core.vocabulary import (
    ACTIONS,
    CHORD_HOLD,
    CHORD_ONSET,
    HOLD_ACTION,
    NO_CHORD,
    NOTE_HOLD,
    NOTE_HOLD_ACTION,
    NOTE_ONSET,
    PITCH_COUNT,
    SILENCE,
    token_of_action,
)
from plugin_host.accompanist import Sampling

Logits = NDArray[np.float32]

CHORD_STREAM, MELODY_STREAM = range(2)
SEED_MASK = (1 << 63) - 1
COLDEST = 1e-3
"""At a lower temperature the likeliest is taken: a number divided by less may be too large for single precision."""


class Sampler:
    """Chord tokens as `sampling` says, and imagined melody tokens at the same temperature."""

    def __init__(self, sampling: Sampling) -> None:
        self._sampling = sampling
        may_sound = _may_sound(sampling.allowed)
        self._bias = np.zeros(ACTIONS, dtype=np.float32)
        self._bias[CHORD_ONSET:CHORD_HOLD] = np.where(may_sound, sampling.density, -np.inf)
        self._may_be_held = np.concatenate(([False], may_sound, may_sound))  # by the token before

    def entry(self, logits: Logits, frame: int, fitting: frozenset[int]) -> int:
        """The chord token of `frame`, before which there was no chord: one of `fitting`, where one of them may be."""
        biased = logits + self._bias
        begins = np.full_like(biased, -np.inf)
        places = [CHORD_ONSET + chord for chord in fitting]
        begins[places] = biased[places]
        if not np.isfinite(begins).any():
            return self.chord(logits, NO_CHORD, frame)
        return token_of_action(self._draw(begins, CHORD_STREAM, frame), NO_CHORD)

    def chord(self, logits: Logits, previous: int, frame: int, held_frames: int = 0) -> int:
        """The chord token of `frame` after the chord token `previous`, which has sounded for `held_frames`.

        `logits` are `[ACTIONS]`.
        """
        biased = logits + self._bias
        if self._may_be_held[previous]:
            biased[HOLD_ACTION] -= hold_penalty(held_frames)
        else:
            biased[HOLD_ACTION] = -np.inf
        return token_of_action(self._draw(biased, CHORD_STREAM, frame), previous)

    def melody(self, logits: Logits, previous: int, frame: int) -> int:
        """The melody token of `frame` after the melody token `previous`; `logits` `[NOTE_ACTIONS]`."""
        legal = np.array(logits, dtype=np.float32)
        if previous == SILENCE:
            legal[NOTE_HOLD_ACTION] = -np.inf
        action = self._draw(legal, MELODY_STREAM, frame)
        if action != NOTE_HOLD_ACTION:
            return action
        return NOTE_HOLD + (previous - NOTE_ONSET) % PITCH_COUNT

    def _draw(self, logits: Logits, stream: int, frame: int) -> int:
        temperature = self._sampling.temperature
        if temperature < COLDEST:
            return int(logits.argmax())
        random = np.random.default_rng((self._sampling.seed & SEED_MASK, stream, frame))
        return int((logits / temperature + random.gumbel(size=len(logits))).argmax())


def _may_sound(allowed: frozenset[int] | None) -> NDArray[np.bool_]:
    """Which chords may be played; `[CHORD_COUNT]`."""
    may_sound = np.full(CHORD_COUNT, allowed is None)
    may_sound[[chord for chord in allowed or () if 0 <= chord < CHORD_COUNT]] = True
    return may_sound
