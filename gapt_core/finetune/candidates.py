"""Weights that may be shipped: those after each stage, and mixtures of them with those before all stages."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping

from gapt_core.finetune.recipe import SELECTION
from gapt_core.finetune.stages import LIKELIHOOD, POST_TRAINING, Learned
from gapt_core.finetune.verdict import Candidate
from gapt_core.model.policy import PolicyNet
from gapt_core.train.policy import Trained

SHARES = {LIKELIHOOD: (1.0, 0.5, 0.25, 0.12), POST_TRAINING: (1.0, 0.8, 0.6, 0.4, 0.2)}
"""How far candidates of a stage go. A little of what was learned by maximum likelihood goes far where the preset keeps
closer to the melody than the player's chords do: all of it then costs more harmony than it brings."""


def candidates(stages: Mapping[str, Learned]) -> Iterator[Candidate]:
    """All candidates, the last stage's first and those that go furthest before others."""
    for source in reversed(list(stages)):
        for share in SHARES[source]:
            yield Candidate(source, share)


def weights_of(candidate: Candidate, start: Trained, stages: Mapping[str, Learned]) -> Trained:
    """The net of a candidate, ready to play, and the stages that it went through."""
    end = stages[candidate.source].trained
    if candidate.share == 1:
        return end
    blend = {"kind": "blend", "share": candidate.share, "selection": SELECTION}
    return Trained(mixed_net(start.net, end.net, candidate.share), (*end.stages, blend))


def mixed_net(start: PolicyNet, end: PolicyNet, share: float) -> PolicyNet:
    """A net on the straight line from one to the other; 0 is `start`, 1 is `end`."""
    net = copy.deepcopy(start)
    ends = end.state_dict()
    net.load_state_dict({name: one + share * (ends[name] - one) for name, one in start.state_dict().items()})
    return net.requires_grad_(False).eval()
