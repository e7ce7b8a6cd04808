"""Tokens drawn from logits, many songs side by side, under the grammar and the patience with long holds.

The noise of a draw depends on the seed and on the frame alone (the Gumbel-max trick), as in `plugin_host.sampler`. So a
frame that is imagined before it comes is drawn with the luck that it will have, and whatever is compared, two ways to
play or two nets, is compared under the same luck.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from gapt_core.parts import CHORD, MELODY, Part
from gapt_core.patience import hold_penalty
from gapt_core.rl.rollout import tokens_of
from gapt_core.train.losses import forbid_holds

OTHER_PART = 1 << 62
"""What tells the seeds of the two parts' luck apart."""


class Sounded(NamedTuple):
    """The chord tokens of a frame, and for how many frames, this one included, each has sounded; `[batch]`."""

    token: Tensor
    frames: Tensor

    def then(self, token: Tensor) -> Sounded:
        """The next frame, with these tokens."""
        return Sounded(token, torch.where(token >= CHORD.hold, self.frames + 1, 1))


class Luck:
    """Gumbel noise `[batch, actions]` of each frame; frames are asked for the first time in their order."""

    def __init__(self, seed: int, shape: tuple[int, int], device: torch.device) -> None:
        self._random = torch.Generator(device).manual_seed(seed)
        self._shape = shape
        self._noise: dict[int, Tensor] = {}
        self._next = 0

    def at(self, frame: int) -> Tensor:
        """The noise of a frame that is not forgotten."""
        while self._next <= frame:
            waits = torch.empty(self._shape, device=self._random.device).exponential_(generator=self._random)
            self._noise[self._next] = -waits.log()
            self._next += 1
        return self._noise[frame]

    def forget(self, frame: int) -> None:
        """No frame before `frame` will be asked for again."""
        self._noise = {index: noise for index, noise in self._noise.items() if index >= frame}


class Drawer:
    """Draws either part for `batch` songs of at most `longest` frames.

    `density` is added to the logit of every onset of a chord.
    """

    def __init__(
        self, temperature: float, density: float, seed: int, batch: int, longest: int, device: torch.device
    ) -> None:
        self._temperature = temperature
        self._density = density
        self._penalties = torch.from_numpy(hold_penalty(np.arange(longest + 1))).to(device)
        seeds = {CHORD: seed, MELODY: seed ^ OTHER_PART}
        self._luck = {part.name: Luck(seeds[part], (batch, part.actions), device) for part in seeds}

    def chord(self, logits: Tensor, before: Sounded, frame: int) -> Sounded:
        """The chords of `frame` after `before`; `logits` `[batch, ACTIONS]` are changed."""
        logits[:, CHORD.hold_action] -= self._penalties[before.frames]
        logits[:, CHORD.onset : CHORD.hold_action] += self._density
        return before.then(self._token(logits, before.token, frame, CHORD))

    def melody(self, logits: Tensor, before: Tensor, frame: int) -> Tensor:
        """The melody tokens of `frame` after `before`; `logits` `[batch, NOTE_ACTIONS]`."""
        return self._token(logits, before, frame, MELODY)

    def forget(self, frame: int) -> None:
        """Nothing before `frame` will be drawn again."""
        for luck in self._luck.values():
            luck.forget(frame)

    def _token(self, logits: Tensor, before: Tensor, frame: int, part: Part) -> Tensor:
        legal = forbid_holds(logits.float(), before, part.hold_action, part.silent)
        if self._temperature > 0:
            legal = legal / self._temperature + self._luck[part.name].at(frame)
        return tokens_of(legal.argmax(-1), before, part)
