"""What an anchor answers to whole melodies, knowing what comes (GAPT eq. 5); one cached step a frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from gapt_core.evaluate.draw import Drawer, Sounded
from gapt_core.finetune.rows import Tracks, nobody, several_times
from gapt_core.model.anchor import AnchorNet
from gapt_core.model.step import Stepper
from gapt_core.train.corpus import Piece
from gapt_core.train.crops import side_by_side


class _Melodies(NamedTuple):
    """Melodies side by side: `melody` and `valid` `[batch, time]`, `metre` `[batch, time, 3]`."""

    melody: Tensor
    metre: Tensor
    valid: Tensor


class AnchorStepper(Stepper):
    """The step of an anchor: the policy's, with what the encoder has read of the melody added at every position."""

    def __init__(self, anchor: AnchorNet, heard: _Melodies, cache: torch.dtype = torch.bfloat16) -> None:
        super().__init__(anchor.decoder, batch=len(heard.melody), spare=1, cache=cache)
        self.read = anchor.read(*heard)

    def embed(self, melody: Tensor, chord: Tensor, now: Tensor, metre: Tensor, style: Tensor) -> Tensor:
        """What a policy sees, and what is known of the melody there; `[batch, width]`."""
        return super().embed(melody, chord, now, metre, style) + self.read[:, self.position]


def answers(
    anchor: AnchorNet,
    pieces: Sequence[Piece],
    draws: int,
    temperature: float,
    seed: int,
    told: Callable[[], None] = nobody,
) -> list[Tracks]:
    """`draws` chord tracks, tokens `[frames]`, for the melody of each piece, style unknown; a list of tracks a draw.

    They are sampled under the grammar and with the patience of all play (`gapt_core.patience`).
    """
    return several_times(pieces, draws, lambda rows, number: _answered(anchor, rows, temperature, seed + number), told)


@torch.inference_mode()
def _answered(anchor: AnchorNet, pieces: Sequence[Piece], temperature: float, seed: int) -> Tracks:
    heard, device = _side_by_side(pieces), anchor.decoder.norm.device
    heard = _Melodies(*(part.to(device) for part in heard))
    batch, length = heard.melody.shape
    stepper = AnchorStepper(anchor, heard).to(device).eval()
    drawer = Drawer(temperature, 0.0, seed, batch, length, device)
    note = style = torch.zeros_like(heard.melody[:, 0])
    sounded, played = Sounded(note, note), torch.zeros_like(heard.melody)
    for frame in range(length):
        now = heard.melody[:, frame]
        logits, _ = stepper.step(note, sounded.token, now, heard.metre[:, frame], style)
        sounded = drawer.chord(logits, sounded, frame)
        played[:, frame] = sounded.token
        drawer.forget(frame)
        note = now
    tracks = played.cpu().numpy()
    return [tracks[row, : len(piece)] for row, piece in enumerate(pieces)]


def _side_by_side(pieces: Sequence[Piece]) -> _Melodies:
    length = max(map(len, pieces))
    lengths = torch.tensor([len(piece) for piece in pieces])
    return _Melodies(
        side_by_side([piece.melody for piece in pieces], length),
        side_by_side([piece.metre for piece in pieces], length),
        torch.arange(length) < lengths[:, None],
    )
