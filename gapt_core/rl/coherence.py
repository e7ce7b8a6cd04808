"""The coherence rewards: an ensemble of frozen nets that judge whole duets or windows of them (GAPT §3.4)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from gapt_core.model.rewards import ContrastiveNet, DiscriminativeNet
from gapt_core.rl.episodes import Episodes, Scores

Judge = ContrastiveNet | DiscriminativeNet

LEAST_FRAMES = 16
"""A window with fewer frames of the piece than this is not judged."""


class Coherence:
    """Sums the judges of one kind; the total is the plain sum of all, as in the authors' code (method, §5.5).

    Args:
        judges: by name, `KIND-SEED`; those of one kind become one entry of the scores.
        window: frames a judge hears at once, or 0 for the whole crop, as in the paper. A window's score is paid on
            its last frame, weighted by its share of the piece: the sum over time keeps its scale, and a choice is
            paid for sooner.
    """

    def __init__(self, judges: Mapping[str, Judge], window: int = 0) -> None:
        self.judges = {name: judge.requires_grad_(False).eval() for name, judge in judges.items()}
        self.window = window

    @torch.inference_mode()
    def __call__(self, episodes: Episodes) -> Scores:
        batch, time = episodes.valid.shape
        size = self.window or time
        count = -(-time // size)
        melody, chord, valid = (
            _windows(part, size, count) for part in (episodes.melody, episodes.chord, episodes.valid)
        )
        judged = valid.sum(1) >= min(LEAST_FRAMES, time)
        share = valid.sum(1) / episodes.valid.sum(1).repeat_interleave(count)
        last = (torch.arange(len(valid)) % count) * size + valid.sum(1) - 1
        scores: Scores = {}
        for name, judge in self.judges.items():
            score = torch.zeros(len(valid))
            with torch.autocast(melody.device.type, torch.bfloat16):
                score[judged] = judge.score(melody[judged], chord[judged], valid[judged])
            paid = torch.zeros(batch, time)
            paid.scatter_add_(1, last.clamp(min=0).view(batch, count), (score * share).view(batch, count))
            kind = name.rpartition("-")[0]
            scores[kind] = scores[kind] + paid if kind in scores else paid
        return scores


def _windows(part: Tensor, size: int, count: int) -> Tensor:
    """Rows of `size` frames; `[batch * count, size]`."""
    padded = torch.nn.functional.pad(part, (0, size * count - part.shape[1]))
    return padded.reshape(-1, size)
