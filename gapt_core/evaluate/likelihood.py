"""How well a policy foretells the chords that a song has: nats a frame, song by song (GAPT eq. 3)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from gapt_core.model.policy import PolicyNet
from gapt_core.train.batches import NOT_ASKED, whole_pieces
from gapt_core.train.corpus import Piece
from gapt_core.train.losses import forbid_holds
from gapt_core.vocabulary import HOLD_ACTION, NO_CHORD

ROWS = 16
"""Songs that are looked at side by side, at most."""


@torch.inference_mode()
def nats_a_frame(net: PolicyNet, pieces: Sequence[Piece], *, shown: bool) -> NDArray[np.float64]:
    """Mean cross-entropy of each song's own chords under the grammar, true histories given; `[songs]`.

    `shown` says whether the melody of the frame itself is seen (`react`) or not (`anticipate`).
    """
    found = [_nats(net, list(pieces[first : first + ROWS]), shown) for first in range(0, len(pieces), ROWS)]
    return np.concatenate([np.zeros(0), *found])


def _nats(net: PolicyNet, pieces: list[Piece], shown: bool) -> NDArray[np.float64]:
    batch = whole_pieces(pieces, max(map(len, pieces)), shown).to(net.norm.device)
    logits = forbid_holds(net(batch.seen).chord, batch.seen.chord, HOLD_ACTION, NO_CHORD)
    losses = functional.cross_entropy(
        logits.transpose(1, 2), batch.chord_target, ignore_index=NOT_ASKED, reduction="none"
    )
    asked = (batch.chord_target != NOT_ASKED).sum(1)
    means: NDArray[np.float64] = (losses.sum(1) / asked).double().cpu().numpy()
    return means
