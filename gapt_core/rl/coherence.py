"""The coherence rewards: an ensemble of frozen nets that judge whole duets or windows of them (GAPT §3.4)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

from gapt_core.model.rewards import ContrastiveNet, DiscriminativeNet
from gapt_core.rl.episodes import Episodes, Scores

Judge = ContrastiveNet | DiscriminativeNet

LEAST_FRAMES = 16
"""A window with fewer frames of the piece than this is not judged."""


class Coherence:
    """Sums the judges of one kind; the total is the plain sum of all, as in the authors' code (method, §5.5).

    Args:
        judges: by name, `KIND-SEED`; those of one kind become one entry of the scores.
        window: frames a judge hears at once, or 0 for the whole crop, as in the paper. A window's score counts by its
            share of the piece, so the sum over time keeps its scale.
        hop: frames from one payment to the next. What is paid is how much the judge's opinion of the window so far
            has risen: the payments add up to the window's score, so that what is best stays best (Ng, Harada and
            Russell 1999), but a chord is paid for within a bar. 0 pays it all on the last frame, as the paper does.
    """

    def __init__(self, judges: Mapping[str, Judge], window: int = 0, hop: int = 0) -> None:
        self.judges = {name: judge.requires_grad_(False).eval() for name, judge in judges.items()}
        self.window = window
        self.hop = hop

    @torch.inference_mode()
    def __call__(self, episodes: Episodes) -> Scores:
        time = episodes.valid.shape[1]
        size = self.window or time
        parts = [_windows(part, size) for part in (episodes.melody, episodes.chord, episodes.valid)]
        count = parts[2].sum(1)
        share = count / episodes.valid.sum(1).repeat_interleave(len(count) // len(episodes))
        kinds = {name: name.rpartition("-")[0] for name in self.judges}
        paid = {kind: torch.zeros(parts[2].shape) for kind in kinds.values()}
        before = {name: torch.zeros(len(count)) for name in self.judges}
        hop = self.hop or size
        for end in range(hop, size + hop, hop):
            # Windows with frames that the last payment has not heard, and enough of them to be heard at all.
            rows = ((count > end - hop) & (count >= min(LEAST_FRAMES, size))).nonzero()[:, 0]
            heard = [part[rows, :end] for part in parts]
            for name, judge in self.judges.items():
                score = self._score(judge, heard)
                paid[kinds[name]][rows, count[rows].clamp(max=end) - 1] += (score - before[name][rows]) * share[rows]
                before[name][rows] = score
        return {kind: windows.view(len(episodes), -1)[:, :time] for kind, windows in paid.items()}

    def _score(self, judge: Judge, heard: list[Tensor]) -> Tensor:
        if not len(heard[0]):
            return torch.zeros(0)
        with torch.autocast(heard[0].device.type, torch.bfloat16):
            return judge.score(*heard)


def _windows(part: Tensor, size: int) -> Tensor:
    """Rows of `size` frames, the last one of each row of `part` filled up; `[batch * windows, size]`."""
    missing = -part.shape[1] % size
    return functional.pad(part, (0, missing)).reshape(-1, size)
