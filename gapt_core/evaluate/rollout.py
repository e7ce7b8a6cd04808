"""Let a policy play on its own over fixed melodies, many songs side by side.

In the plain form each frame's chord is drawn when its frame comes. A policy that has to commit itself earlier
does what `plugin_host.player` does live: it steps on from what is known, with the chords decided already and the
melody that it expects itself, draws the chords to be decided, and is set back (ReaLJam §2; the past stays true).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gapt_core.evaluate.draw import Drawer, Sounded
from gapt_core.model.policy import HIDDEN, PolicyNet
from gapt_core.model.step import Stepper
from gapt_core.train.corpus import Piece
from gapt_core.train.crops import side_by_side
from gapt_core.vocabulary import FRAMES_PER_BEAT

MODES = ("anticipate", "react")

UNSEEN = -1
"""Stands where no chord was shown."""

Tokens = NDArray[np.int64]


@dataclass(frozen=True)
class PlayConfig:
    """How a policy plays.

    Attributes:
        mode: `anticipate` (the melody before a frame is known when it is its turn) or `react` (and that of the frame).
        temperature: of chords and of the melody that is imagined.
        density: what is added to the logit of every chord's onset.
        seed: of all draws.
        commit: quarters between the frame at which a chord is decided and the frame where it sounds.
        block: how many frames are decided at once.
        lookahead: for how many quarters chords are shown at each quarter; changes nothing of what is played.
    """

    mode: str = "react"
    temperature: float = 1.0
    density: float = 0.0
    seed: int = 0
    commit: int = 0
    block: int = 1
    lookahead: int = 0


@dataclass(frozen=True)
class Played:
    """Chord tokens `[frames]` of a piece, and those shown 1, 2, ... quarters before, `[lookahead, frames]`."""

    chords: Tokens
    shown: Tokens


def play(net: PolicyNet, pieces: Sequence[Piece], config: PlayConfig) -> list[Tokens]:
    """Chord tokens `[frames]` for the melody of each piece, sampled under the grammar; style unknown."""
    return [played.chords for played in play_ahead(net, pieces, config)]


@torch.inference_mode()
def play_ahead(net: PolicyNet, pieces: Sequence[Piece], config: PlayConfig) -> list[Played]:
    """The same with what was shown of it before; `UNSEEN` where nothing was."""
    stage = _Stage(net, pieces, config)
    for first in range(0, stage.length, config.block):
        stage.play_block(first)
    chords, shown = stage.chords.cpu().numpy(), stage.shown.cpu().numpy()
    return [Played(chords[i, : len(piece)], shown[:, i, : len(piece)]) for i, piece in enumerate(pieces)]


class _Stage:
    """Songs being played: their melodies, what was decided of their chords, and the net in step with them."""

    def __init__(self, net: PolicyNet, pieces: Sequence[Piece], config: PlayConfig) -> None:
        device = net.norm.device
        self.length = max(map(len, pieces))
        self._config = config
        self._melody = side_by_side([piece.melody for piece in pieces], self.length).to(device)
        self._metre = side_by_side([piece.metre for piece in pieces], self.length).to(device)
        self.chords = torch.zeros_like(self._melody)
        self.shown = torch.full((config.lookahead, *self._melody.shape), UNSEEN, device=device)
        self._decided = 0
        self._none = torch.zeros_like(self._melody[:, 0])
        self._hidden = torch.full_like(self._none, HIDDEN)
        self._before = Sounded(self._none, self._none)
        self._drawer = Drawer(config.temperature, config.density, config.seed, len(pieces), self.length, device)
        furthest = FRAMES_PER_BEAT * (max(config.commit, config.lookahead) + 1) + config.block
        self._stepper = Stepper(net, batch=len(pieces), spare=furthest).to(device).eval()

    def play_block(self, first: int) -> None:
        """Decide the next chords as of frame `first`, and go on to the end of its block."""
        end = min(first + self._config.block, self.length)
        self._imagine(first)
        self._stepper.rewind(first + 1)
        self._before = self._before.then(self.chords[:, first])
        for frame in range(first + 1, end):
            self._step(frame, self._melody[:, frame - 1], self._before.token, self._now(frame))
            self._before = self._before.then(self.chords[:, frame])
        self._drawer.forget(end)

    def _imagine(self, first: int) -> None:
        """Draw the chords that are to be decided, and to be shown, at `first`; all before it is known."""
        decide = min(first + FRAMES_PER_BEAT * self._config.commit + self._config.block, self.length)
        shown = self._config.lookahead if first % FRAMES_PER_BEAT == 0 else 0
        end = max(decide, min(first + FRAMES_PER_BEAT * (shown + 1), self.length) if shown else 0)
        note, now = self._melody[:, first - 1] if first else self._none, self._now(first)
        sounded = self._before
        for frame in range(first, end):
            logits, expected = self._step(frame, note, sounded.token, now)
            if frame < self._decided:
                sounded = sounded.then(self.chords[:, frame])
            else:
                sounded = self._drawer.chord(logits, sounded, frame)
            if frame < decide:
                self.chords[:, frame] = sounded.token
            if shown and frame >= first + FRAMES_PER_BEAT:
                self.shown[(frame - first) // FRAMES_PER_BEAT - 1, :, frame] = sounded.token
            if frame + 1 < end:
                heard = frame == first and self._config.mode == "react"
                note = now if heard else self._drawer.melody(expected, note, frame)
                now = self._hidden
        self._decided = decide

    def _now(self, frame: int) -> Tensor:
        return self._melody[:, frame] if self._config.mode == "react" else self._hidden

    def _step(self, frame: int, note: Tensor, chord: Tensor, now: Tensor) -> tuple[Tensor, Tensor]:
        return self._stepper.step(note, chord, now, self._metre[:, frame], self._none)
