"""A policy whose logits depend on everything it has heard and on nothing else, and which remembers its steps."""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

from gapt_core.vocabulary import ACTIONS, HOLD_ACTION, NOTE_ACTIONS
from plugin_host.player import StepInput


class ScriptedPolicy:
    """What was imagined and rewound shows in `taken`, not in `past`.

    Args:
        salt: policies of another one play something else.
        hold: how much more than by chance it likes to hold a chord.
    """

    def __init__(self, window: int = 64, spare: int = 16, salt: str = "", hold: float = 0.0) -> None:
        self.window = window
        self.spare = spare
        self._salt = salt
        self._hold = hold
        self.past: list[StepInput] = []
        """Steps as they stand."""
        self.taken = 0
        """Steps ever taken."""
        self._furthest = 0

    @property
    def position(self) -> int:
        return len(self.past)

    def step(self, frame: StepInput) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        self.past.append(frame)
        self.taken += 1
        self._furthest = max(self._furthest, self.position)
        heard = f"{self._salt}{self.past[-self.window :]}"
        random = np.random.default_rng(zlib.crc32(heard.encode()))
        chord, melody = random.normal(size=ACTIONS), random.normal(size=NOTE_ACTIONS)
        chord[HOLD_ACTION] += self._hold
        return chord.astype(np.float32), melody.astype(np.float32)

    def rewind(self, position: int) -> None:
        if not 0 <= position <= self.position or self._furthest - position > self.spare:
            raise ValueError("too far")
        del self.past[position:]

    def reset(self) -> None:
        self.past.clear()
        self._furthest = 0
