"""The maximum-likelihood loss (GAPT, eq. 3) of both heads, under the grammar."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from gapt_core.model.policy import PolicyOutput
from gapt_core.train.batches import Batch
from gapt_core.vocabulary import HOLD_ACTION, NO_CHORD, NOTE_HOLD_ACTION, SILENCE


class Losses(NamedTuple):
    """Mean cross-entropies in nats a frame."""

    chord: Tensor
    melody: Tensor


def forbid_holds(logits: Tensor, previous: Tensor, hold: int, silent: int) -> Tensor:
    """Logits with the hold ruled out where nothing sounds; `[..., actions]` and `[...]`."""
    illegal = (previous == silent)[..., None] & (torch.arange(logits.shape[-1], device=logits.device) == hold)
    return logits.masked_fill(illegal, float("-inf"))


def likelihood_losses(output: PolicyOutput, batch: Batch) -> Losses:
    """Cross-entropy of the chords, and of the melody where it was hidden."""
    chord = forbid_holds(output.chord.float(), batch.seen.chord, HOLD_ACTION, NO_CHORD)
    melody = forbid_holds(output.melody.float(), batch.seen.melody, NOTE_HOLD_ACTION, SILENCE)
    return Losses(_mean_loss(chord, batch.chord_target), _mean_loss(melody, batch.melody_target))


def _mean_loss(logits: Tensor, target: Tensor) -> Tensor:
    total = functional.cross_entropy(logits.flatten(0, -2), target.flatten(), ignore_index=-100, reduction="sum")
    return total / (target != -100).sum().clamp(min=1)
