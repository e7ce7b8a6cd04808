"""A batch of duets as post-training sees them, and the seam of a reward."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Protocol

import torch
from torch import Tensor

from gapt_core.model.policy import HIDDEN, PolicyInput

Scores = dict[str, Tensor]
"""Name of a reward to what it gives at each frame; float `[batch, time]`, 0 outside the piece."""


@dataclass(frozen=True)
class Episodes:
    """Duets cut to one length; long tensors `[batch, time]` unless said otherwise.

    Attributes:
        melody: melody tokens.
        chord: chord tokens.
        metre: `[batch, time, 3]`.
        style: what the policy is told of it, or unknown; `[batch]`.
        now: what the policy was shown of the frame itself: its melody token or `HIDDEN`.
        valid: bool; a prefix of each row, False past the end of a piece.
        ended: bool `[batch]`; whether the piece ends inside the crop, else it is truncated.
        genre: the piece's own style, told or not; `[batch]`.
    """

    melody: Tensor
    chord: Tensor
    metre: Tensor
    style: Tensor
    now: Tensor
    valid: Tensor
    ended: Tensor
    genre: Tensor

    def __len__(self) -> int:
        return len(self.melody)

    def seen(self) -> PolicyInput:
        """What the policy sees at every frame."""
        return PolicyInput(late(self.melody), late(self.chord), self.now, self.metre, self.style)

    def rows(self, index: Tensor | slice) -> Episodes:
        """Some of the rows."""
        return Episodes(*(getattr(self, field.name)[index] for field in fields(self)))

    def to(self, device: torch.device) -> Episodes:
        """The same episodes on `device`."""
        return Episodes(*(getattr(self, field.name).to(device) for field in fields(self)))

    def shown(self) -> Tensor:
        """Whether the policy was shown the present note; bool `[batch]`."""
        return (self.now != HIDDEN).any(1)

    def last(self) -> Tensor:
        """Index of the last valid frame; `[batch]`."""
        return self.valid.sum(1) - 1


class Reward(Protocol):
    """What judges duets."""

    def __call__(self, episodes: Episodes) -> Scores: ...


def late(tokens: Tensor) -> Tensor:
    """Tokens one frame late, 0 at the first: what a frame knows of the one before; `[batch, time]`."""
    return torch.cat((torch.zeros_like(tokens[:, :1]), tokens[:, :-1]), dim=1)
