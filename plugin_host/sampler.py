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
    CHORD_ONSET,
    HOLD_ACTION,
    NOTE_HOLD,
    NOTE_HOLD_ACTION,
    NOTE_ONSET,
    PITCH_COUNT,
    SILENCE,
    legal_actions,
    token_of_action,
)
from plugin_host.accompanist import Sampling

Logits = NDArray[np.float32]

CHORD_STREAM, MELODY_STREAM = range(2)
SEED_MASK = (1 << 63) - 1


class Sampler:
    """Chord tokens as `sampling` says, and imagined melody tokens at the same temperature."""

    def __init__(self, sampling: Sampling) -> None:
        self._sampling = sampling
        self._bias = np.zeros(HOLD_ACTION + 1, dtype=np.float32)
        self._bias[CHORD_ONSET : CHORD_ONSET + CHORD_COUNT] = sampling.density

    def chord(self, logits: Logits, previous: int, frame: int, held_frames: int = 0) -> int:
        """The chord token of `frame` after the chord token `previous`, which has sounded for `held_frames`.

        `logits` are `[ACTIONS]`.
        """
        biased = logits + self._bias
        biased[HOLD_ACTION] -= hold_penalty(held_frames)
        action = self._draw(np.where(legal_actions(previous), biased, -np.inf), CHORD_STREAM, frame)
        return token_of_action(action, previous)

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
        if temperature <= 0:
            return int(logits.argmax())
        random = np.random.default_rng((self._sampling.seed & SEED_MASK, stream, frame))
        return int((logits / temperature + random.gumbel(size=len(logits))).argmax())
