"""The value net: what a policy's state is worth. A net of its own, begun from the policy's first blocks (GAPT §3.2)."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from gapt_core.model.policy import PolicyInput, PolicyNet


class ValueNet(nn.Module):
    """Reads what the policy reads, and says what is still to come.

    Args:
        policy: where the weights begin; `layers` of its blocks are taken. The paper takes all of them; fewer are
            as good a judge here, and a step of training is shorter for it.
    """

    def __init__(self, policy: PolicyNet, layers: int) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            self.trunk = PolicyNet(replace(policy.config, layers=layers))
        weights = self.trunk.state_dict()
        self.trunk.load_state_dict({name: policy.state_dict()[name] for name in weights})
        for table in (self.trunk.chord_out, self.trunk.melody_out):
            table.requires_grad_(False)
        self.head = nn.Linear(policy.config.width, 1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, seen: PolicyInput) -> Tensor:
        """Value of the state before each choice; float `[batch, time]`."""
        return self.head(self.trunk.states(seen))[..., 0].float()
