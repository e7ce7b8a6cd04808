"""Weights that may be shipped: those of the preset, moved some of the way that each stage went."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping

from gapt_core.finetune.recipe import SELECTION
from gapt_core.finetune.stages import LIKELIHOOD, POST_TRAINING, Learned
from gapt_core.finetune.verdict import Candidate
from gapt_core.model.policy import PolicyNet
from gapt_core.train.policy import Trained

ALONE = {LIKELIHOOD: (1.0, 0.5, 0.25, 0.12), POST_TRAINING: (1.0, 0.8, 0.6, 0.4, 0.2)}
"""How far candidates go the way of one stage alone. A little of what was learned by maximum likelihood goes far where
the preset keeps closer to the melody than the player's chords do: all of it then costs more harmony than it brings."""

TOGETHER = {LIKELIHOOD: (0.5, 0.25, 0.12), POST_TRAINING: (1.0, 0.7, 0.4)}
"""How far they go both ways at once: post-training brings back the harmony, and some of the surprise."""


def candidates(stages: Mapping[str, Learned]) -> Iterator[Candidate]:
    """All candidates, those that go furthest before others."""
    if len(stages) == len(ALONE):
        for far in TOGETHER[POST_TRAINING]:
            yield from (Candidate(share, far) for share in TOGETHER[LIKELIHOOD])
        yield from (alone(LIKELIHOOD, share) for share in ALONE[LIKELIHOOD])
        return
    for stage in stages:
        yield from (alone(stage, share) for share in ALONE[stage])


def alone(stage: str, share: float) -> Candidate:
    """The one that goes so far the way of one stage."""
    return Candidate(share, 0.0) if stage == LIKELIHOOD else Candidate(0.0, share)


def whole(stages: Mapping[str, Learned]) -> Candidate:
    """The one that goes all the way of the last stage, and of the one before as far as there is a candidate."""
    return next(candidates(stages))


def number_of_candidates(with_chords: bool) -> int:
    """How many there are after all stages."""
    if not with_chords:
        return len(ALONE[POST_TRAINING])
    return len(TOGETHER[LIKELIHOOD]) * len(TOGETHER[POST_TRAINING]) + len(ALONE[LIKELIHOOD])


def weights_of(candidate: Candidate, start: Trained, stages: Mapping[str, Learned]) -> Trained:
    """The net of a candidate, ready to play, and the stages that it went through.

    Each stage moved its weights from where it began to where it ended, and the shares of both moves are added to the
    weights of `start` (task arithmetic, Ilharco et al. 2023, arXiv 2212.04089).
    """
    ways = {LIKELIHOOD: candidate.likelihood, POST_TRAINING: candidate.post_training}
    shares = {name: share for name, share in ways.items() if share}
    moves = [(share, stages[name].began.net, stages[name].trained.net) for name, share in shares.items()]
    last = stages[next(name for name in reversed(list(stages)) if name in shares)]
    blend = {"kind": "blend", "shares": shares, "selection": SELECTION}
    return Trained(moved(start.net, moves), (*last.trained.stages, blend))


def moved(start: PolicyNet, moves: list[tuple[float, PolicyNet, PolicyNet]]) -> PolicyNet:
    """A net at `start`, and of each move `(share, from, to)` its share further."""
    net = copy.deepcopy(start)
    weights = {name: one.clone() for name, one in start.state_dict().items()}
    for share, began, ended in moves:
        to = ended.state_dict()
        for name, one in began.state_dict().items():
            weights[name] += share * (to[name] - one)
    net.load_state_dict(weights)
    return net.requires_grad_(False).eval()
