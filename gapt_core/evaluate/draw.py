"""Tokens drawn from logits, many songs side by side, under the grammar and the patience with long holds."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from gapt_core.parts import CHORD, MELODY, Part
from gapt_core.patience import hold_penalty
from gapt_core.train.losses import forbid_holds


class Sounded(NamedTuple):
    """The chord tokens of a frame, and for how many frames, this one included, each has sounded; `[batch]`."""

    token: Tensor
    frames: Tensor

    def then(self, token: Tensor) -> Sounded:
        """The next frame, with these tokens."""
        return Sounded(token, torch.where(token >= CHORD.hold, self.frames + 1, 1))


class Drawer:
    """Draws both parts at one temperature; no chord sounds for more than `longest` frames."""

    def __init__(self, temperature: float, longest: int, device: torch.device) -> None:
        self._temperature = temperature
        self._penalties = torch.from_numpy(hold_penalty(np.arange(longest + 1))).to(device)

    def chord(self, logits: Tensor, before: Sounded, random: torch.Generator) -> Sounded:
        """The chords after `before`; `logits` `[batch, ACTIONS]` are changed."""
        logits[:, CHORD.hold_action] -= self._penalties[before.frames]
        return before.then(self._token(logits, before.token, random, CHORD))

    def melody(self, logits: Tensor, before: Tensor, random: torch.Generator) -> Tensor:
        """The melody tokens after `before`; `logits` `[batch, NOTE_ACTIONS]`."""
        return self._token(logits, before, random, MELODY)

    def _token(self, logits: Tensor, before: Tensor, random: torch.Generator, part: Part) -> Tensor:
        return tokens_of(sample(logits, before, self._temperature, random, part), before, part)


def sample(logits: Tensor, previous: Tensor, temperature: float, random: torch.Generator, part: Part = CHORD) -> Tensor:
    """One action a row: softmax of `logits / temperature` under the grammar; the best one at temperature 0."""
    legal = forbid_holds(logits.float(), previous, part.hold_action, part.silent)
    if temperature <= 0:
        return legal.argmax(-1)
    return torch.multinomial((legal / temperature).softmax(-1), 1, generator=random)[:, 0]


def tokens_of(actions: Tensor, previous: Tensor, part: Part = CHORD) -> Tensor:
    """Tokens of actions: a hold becomes the hold of what sounds; `[batch]`."""
    held = torch.where(previous >= part.hold, previous, previous + part.count)
    return torch.where(actions == part.hold_action, held, actions)
