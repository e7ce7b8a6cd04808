"""The coherence rewards: an ensemble of frozen nets that judge whole duets or windows of them (GAPT §3.4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from gapt_core.model.rewards import ContrastiveNet, DiscriminativeNet
from gapt_core.rl.episodes import Episodes, Scores

Judge = ContrastiveNet | DiscriminativeNet

LEAST_FRAMES = 16
"""A window with fewer frames of the piece than this is not judged."""


class Coherence:
    """The plain sum of all judges, as in the authors' code; the paper's words are a mean (method, §5.5).

    What is learned is not quite the windows' scores. Payments of rises add up to the score of the window only where
    nothing is discounted. With a discount d a frame, a window with opinions F_1 .. F_K, one every `hop` frames, is
    worth d^(hop - 1) times a mean of them to its first choice: F_k weighs d^((k - 1) hop) (1 - d^hop), and the last
    one, the score, d^((K - 1) hop). At d = .99, 16 frames a hop and 64 a window: .15, .13, .11 and .62. So a window
    that was good all along beats one that came good at its end. Nor is it the shaping of Ng, Harada and Russell (1999),
    which is paid besides a reward, adds up to nothing, and leaves the best policy what it is: here the rises are the
    reward.

    A window is judged as it is cut out of the piece: it may begin in the middle of a note or chord, with a hold, where
    the crops that the judges learned from begin with an onset.

    Args:
        judges: by name, `KIND-SEED`; those of one kind become one entry of the scores.
        window: frames a judge hears at once, or 0 for the whole crop, as in the paper. A window's score counts by its
            share of the piece, so the sum over time keeps its scale.
        hop: frames from one payment to the next; 0 pays a window's score on its last frame, as the paper does. Else
            what is paid is how much the judge's opinion of the window so far has risen, so that a chord is paid for
            within a bar.
        averaged: whether the judges of one kind are averaged, and only the kinds added up.
    """

    def __init__(self, judges: Mapping[str, Judge], window: int = 0, hop: int = 0, *, averaged: bool = False) -> None:
        self.judges = {name: judge.requires_grad_(False).eval() for name, judge in judges.items()}
        self.window = window
        self.hop = hop
        self.averaged = averaged

    @torch.inference_mode()
    def __call__(self, episodes: Episodes) -> Scores:
        parts = (episodes.melody, episodes.chord)
        scores: Scores = {}
        for name, judge in self.judges.items():
            kind = name.rpartition("-")[0]
            paid = payments(_in_half(judge), parts, episodes.valid, self.window, self.hop)
            scores[kind] = scores[kind] + paid if kind in scores else paid
        seeds = Counter(name.rpartition("-")[0] for name in self.judges)
        return {kind: paid / seeds[kind] if self.averaged else paid for kind, paid in scores.items()}


def payments(
    score: Callable[..., Tensor], parts: Sequence[Tensor], valid: Tensor, window: int = 0, hop: int = 0
) -> Tensor:
    """What `score` gives each window, paid bit by bit as its opinion of the window so far rises; `[batch, time]`.

    The payments of a window add up to its score, times its share of the piece; what a discount makes of that, see
    `Coherence`.

    Args:
        score: takes rows of `parts` and of `valid`, however long, and gives a number a row.
        window, hop: as in `Coherence`.
    """
    size = window or valid.shape[1]
    cut = [_windows(part, size) for part in (*parts, valid)]
    count = cut[-1].sum(1)
    share = count / valid.sum(1).repeat_interleave(len(count) // len(valid))
    paid = torch.zeros(cut[-1].shape, device=valid.device)
    before = torch.zeros(len(count), device=valid.device)
    hop = hop or size
    for end in range(hop, size + hop, hop):
        # Windows with frames that the last payment has not heard, and enough of them to be heard at all.
        rows = ((count > end - hop) & (count >= min(LEAST_FRAMES, size))).nonzero()[:, 0]
        if len(rows):
            now = score(*(part[rows, :end] for part in cut))
            paid[rows, count[rows].clamp(max=end) - 1] = (now - before[rows]) * share[rows]
            before[rows] = now
    return paid.view(len(valid), -1)[:, : valid.shape[1]]


def _in_half(judge: Judge) -> Callable[..., Tensor]:
    """The judge's score in half precision where that is as good and quicker."""

    def score(melody: Tensor, chord: Tensor, valid: Tensor) -> Tensor:
        with torch.autocast(melody.device.type, torch.bfloat16):
            return judge.score(melody, chord, valid)

    return score


def _windows(part: Tensor, size: int) -> Tensor:
    """Rows of `size` frames, the last one of each row of `part` filled up; `[batch * windows, size, ...]`."""
    missing = -part.shape[1] % size
    padded = functional.pad(part, (*(0, 0) * (part.ndim - 2), 0, missing))
    return padded.reshape(-1, size, *part.shape[2:])
