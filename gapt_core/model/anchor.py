"""The anchor: a policy that sees the whole other part, past and future (GAPT §3.2, eq. 5).

`phi(y[t] | x, y[<t])` for the chords, `phi(x[t] | y, x[<t])` for the melody. It is a policy with one thing
more in the sum at each position: what a bidirectional encoder knows of the other part there. That begins as
zero, so that an anchor begins as the policy whose weights it was given.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from gapt_core.model.encoder import Encoder, EncoderConfig
from gapt_core.model.features import chord_identity, pitch_identity, token_rows
from gapt_core.model.policy import HIDDEN, PLACES, FactorTable, PolicyConfig, PolicyInput, PolicyNet
from gapt_core.parts import CHORD, Part


class AnchorNet(nn.Module):
    """Logits of one part's actions, given the whole of the other part and the part's own past.

    Args:
        config: dimensions of the policy inside, `decoder`.
        encoder: dimensions of what reads the other part.
        part: the part that is answered with: `CHORD` for the anchor of the policy, `MELODY` for the melody agent's.
    """

    def __init__(self, config: PolicyConfig, encoder: EncoderConfig, part: Part) -> None:
        super().__init__()
        self.config = config
        self.part = part
        other = pitch_identity() if part is CHORD else chord_identity()
        self.other_in = FactorTable(token_rows(other), encoder.width, 0.1)
        self.place_in = nn.Embedding(PLACES, encoder.width)
        nn.init.normal_(self.place_in.weight, std=0.1)
        self.encoder = Encoder(encoder)
        self.join = nn.Linear(encoder.width, config.width, bias=False)
        nn.init.zeros_(self.join.weight)
        self.decoder = PolicyNet(config)

    def forward(self, seen: PolicyInput, other: Tensor, valid: Tensor) -> Tensor:
        """Logits of every frame; `[batch, time, part.actions]`.

        Args:
            seen: what a policy sees; `now` is not looked at: the anchor has the other part.
            other: tokens of the other part, frame by frame and not one late, `[batch, time]`.
            valid: which frames are of the piece, bool `[batch, time]`; at least one a row.
        """
        # The melody of the frame itself is for the chords to see, never for the melody.
        now = other if self.part is CHORD else torch.full_like(other, HIDDEN)
        states = self.decoder.attend(self.decoder.embed(seen._replace(now=now)) + self.read(other, seen.metre, valid))
        head = self.decoder.chord_out if self.part is CHORD else self.decoder.melody_out
        return states @ head().T

    def read(self, other: Tensor, metre: Tensor, valid: Tensor) -> Tensor:
        """What is known of the other part at every frame; `[batch, time, config.width]`."""
        places = self.place_in(metre[..., 0].clamp(0, PLACES - 1))
        read: Tensor = self.join(self.encoder(functional.embedding(other, self.other_in()) + places, valid))
        return read
