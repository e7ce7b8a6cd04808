"""Let a policy play on its own over fixed melodies, many songs side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gapt_core.chords import CHORD_COUNT
from gapt_core.model.policy import HIDDEN, PolicyNet
from gapt_core.model.step import Stepper
from gapt_core.patience import hold_penalty
from gapt_core.train.corpus import Piece
from gapt_core.train.losses import forbid_holds
from gapt_core.vocabulary import CHORD_HOLD, HOLD_ACTION, NO_CHORD

MODES = ("anticipate", "react")


@dataclass(frozen=True)
class PlayConfig:
    """How a policy plays: `mode` is `anticipate` (chord t from melody < t) or `react` (melody <= t)."""

    mode: str = "react"
    temperature: float = 1.0
    seed: int = 0


@torch.inference_mode()
def play(net: PolicyNet, pieces: Sequence[Piece], config: PlayConfig) -> list[NDArray[np.int64]]:
    """Chord tokens `[frames]` for the melody of each piece, sampled under the grammar; style unknown."""
    length = max(map(len, pieces))
    melody = _stack([piece.melody for piece in pieces], length)
    metre = _stack([piece.metre for piece in pieces], length)
    random = torch.Generator().manual_seed(config.seed)
    stepper = Stepper(net, batch=len(pieces), spare=1).eval()
    style = torch.zeros(len(pieces), dtype=torch.long)
    before, chord = torch.zeros_like(style), torch.zeros_like(style)
    hidden = torch.full_like(style, HIDDEN)
    held = torch.zeros_like(style)
    played = torch.zeros_like(melody)
    for frame in range(length):
        now = melody[:, frame] if config.mode == "react" else hidden
        logits, _ = stepper.step(before, chord, now, metre[:, frame], style)
        logits[:, HOLD_ACTION] -= torch.from_numpy(hold_penalty(held.numpy()))
        chord = tokens_of(sample(logits, chord, config.temperature, random), chord)
        held = torch.where(chord >= CHORD_HOLD, held + 1, 1)
        played[:, frame] = chord
        before = melody[:, frame]
    return [row[: len(piece)].numpy() for row, piece in zip(played, pieces, strict=True)]


def sample(logits: Tensor, previous: Tensor, temperature: float, random: torch.Generator) -> Tensor:
    """One action a row: softmax of `logits / temperature` under the grammar; the best one at temperature 0."""
    legal = forbid_holds(logits.float(), previous, HOLD_ACTION, NO_CHORD)
    if temperature <= 0:
        return legal.argmax(-1)
    return torch.multinomial((legal / temperature).softmax(-1), 1, generator=random)[:, 0]


def tokens_of(actions: Tensor, previous: Tensor) -> Tensor:
    """Chord tokens of actions: a hold becomes the hold of what sounds; `[batch]`."""
    held = torch.where(previous >= CHORD_HOLD, previous, previous + CHORD_COUNT)
    return torch.where(actions == HOLD_ACTION, held, actions)


def _stack(parts: list[NDArray[np.int64]], length: int) -> Tensor:
    padded = [np.pad(part, [(0, length - len(part))] + [(0, 0)] * (part.ndim - 1)) for part in parts]
    return torch.from_numpy(np.stack(padded))
