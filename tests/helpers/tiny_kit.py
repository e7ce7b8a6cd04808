"""A training kit small enough for a test, with weights of no meaning."""

from __future__ import annotations

import torch
from tiny_policy import tiny_net

from gapt_core.model.anchor import AnchorNet
from gapt_core.model.encoder import EncoderConfig
from gapt_core.model.rewards import JudgeConfig, build_judge
from gapt_core.parts import PARTS
from gapt_core.rl.kit import Kit

SMALL = EncoderConfig(width=16, layers=1, heads=1, feedforward=16)


def tiny_kit(seed: int = 0) -> Kit:
    """Anchors that play as `tiny_net` does, and one judge of each kind."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        anchors = {}
        for name, part in PARTS.items():
            net = tiny_net()
            anchors[name] = AnchorNet(net.config, SMALL, part)
            anchors[name].decoder.load_state_dict(net.state_dict())
        kinds = [("contrastive", False), ("discriminative", False), ("contrastive", True), ("discriminative", True)]
        judges = {
            f"{kind}{'_rhythm' * rhythm}-0": build_judge(JudgeConfig(kind, rhythm, SMALL)) for kind, rhythm in kinds
        }
    return Kit(anchors, judges, {"seed": seed})
