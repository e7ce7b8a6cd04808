"""A policy small enough for a test, with weights of no meaning, and presets of it that can be played."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from tiny_presets import tiny_fields

from gapt_core.export.preset import export_preset
from gapt_core.model.policy import HIDDEN, PolicyConfig, PolicyInput, PolicyNet
from gapt_core.vocabulary import CHORD_TOKENS, MELODY_TOKENS, STYLES
from presets.preset import Preset

TINY = PolicyConfig(width=32, layers=2, heads=2, feedforward=48, window=24)


def tiny_net(seed: int = 0) -> PolicyNet:
    """A net in which no weight has a value that would hide a mistake, such as a norm's 1."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = PolicyNet(TINY)
        with torch.no_grad():
            for parameter in net.parameters():
                parameter.add_(torch.randn_like(parameter) * 0.2)
    return net.eval()


def random_input(frames: int, seed: int = 0, batch: int = 1) -> PolicyInput:
    """Any tokens whatever, legal or not."""
    random = torch.Generator().manual_seed(seed)
    shape = (batch, frames)
    melody, chord, now = (torch.randint(n, shape, generator=random) for n in (MELODY_TOKENS, CHORD_TOKENS, HIDDEN + 1))
    places = torch.randint(80, (*shape, 1), generator=random)  # past the end of the tables too
    metre = torch.cat((places, torch.randint(1, 80, (*shape, 1), generator=random), places % 20), dim=-1)
    return PolicyInput(melody, chord, now, metre, torch.randint(len(STYLES), (batch,), generator=random))


def write_policy_preset(folder: Path, seed: int = 0, kit: Mapping[str, bytes] | None = None) -> Preset:
    """A preset that can be played, at `folder`, with the members of a training kit if they are given."""
    fields = tiny_fields()
    del fields["network"], fields["vocabulary"]
    return export_preset(tiny_net(seed), folder, fields, "# A tiny preset\n", kit=kit)
