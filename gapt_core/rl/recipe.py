"""The recipe of a run of post-training, and that of the paper."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from gapt_core.model.encoder import EncoderConfig
from gapt_core.rl.adversary import AdversaryConfig
from gapt_core.rl.ppo import PpoConfig
from gapt_core.rl.rollout import Shown
from gapt_core.rl.rules import RulesConfig


@dataclass(frozen=True)
class GaptConfig:
    """A run of post-training.

    Attributes:
        part: what is played: `chord` for the policy, `melody` for the melody agent.
        rollouts: episodes a step and process, `frames` long at most; half of them see the present note, if the part is
            `chord`.
        averaged: whether the coherence nets of one kind are averaged; the paper's code adds up all eight.
        window: frames the coherence nets judge at once; 0 is the whole crop, as in the paper.
        hop: frames from one payment of their rewards to the next; 0 pays at the end, as in the paper.
        warmup: steps of linear warm-up of the rates; from there a cosine falls to `floor` of the peak.
        buffers: batches of rollouts of the untouched policy on which value net and discriminator are fitted first, over
            `fit_rounds` passes. The paper has none: 0.
        save_every: steps between checkpoints.
    """

    part: str = "chord"
    steps: int = 150
    rollouts: int = 48
    frames: int = 192
    averaged: bool = False
    window: int = 64
    hop: int = 16
    shown: Shown = field(default_factory=Shown)
    ppo: PpoConfig = field(default_factory=PpoConfig)
    rules: RulesConfig = field(default_factory=RulesConfig)
    adversary: AdversaryConfig = field(default_factory=AdversaryConfig)
    warmup: int = 10
    floor: float = 0.1
    buffers: int = 6
    fit_rounds: int = 4
    save_every: int = 10
    seed: int = 0
    selection: str = "all"

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for the log and the checkpoint."""
        return asdict(self)


def as_published(config: GaptConfig) -> GaptConfig:
    """The same run with the constants of the paper's code (method, §7, §8), whatever they cost on a laptop.

    What stays ours: the grammar is a mask, a position is a frame, penalties are charged where they are incurred, the
    discriminator pools all frames and has a constant rate, and the kit's nets are small.
    """
    adversary = replace(
        config.adversary,
        interval=5,
        warm_steps=200,
        rounds=8,
        rows=48,
        keep=1,
        hop=0,
        rate=9e-5,
        threshold=1.0,
        matrix_rate=0.0,
        genre=False,
        metre=False,
        mode=False,
        warm_accuracy=0.0,
        net=EncoderConfig(width=512, layers=8, heads=8, feedforward=1024),
    )
    ppo = replace(
        config.ppo,
        rate=5e-6,
        value_rate=9e-5,
        value_layers=0,
        minibatches=8,
        discount=1.0,
        guide=0.0,
        bootstrap=False,
        by_mode=False,
    )
    return replace(
        config,
        steps=1000,
        rollouts=384,
        frames=256,
        window=0,
        hop=0,
        shown=replace(config.shown, share=0.0),
        ppo=ppo,
        rules=replace(config.rules, hold=0.0),
        adversary=adversary,
        warmup=12,
        buffers=0,
    )


def completed(saved: Mapping[str, Any]) -> dict[str, Any]:
    """A recipe as `GaptConfig.to_dict` gives it, of one that an earlier version of this package saved.

    What it could not say yet gets what was done then: its default, but of the discriminator's `mode`, of which none was
    told at first.
    """
    before = GaptConfig()
    return _filled(saved, replace(before, adversary=replace(before.adversary, mode=False)).to_dict())


def for_part(config: GaptConfig, part: str) -> GaptConfig:
    """The recipe for a part, by name: the melody agent's entropy bonus is a fifth of the policy's (method, §9)."""
    ppo = replace(config.ppo, entropy=0.002) if part == "melody" else config.ppo
    return replace(config, part=part, ppo=ppo)


def _filled(saved: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    parts = [name for name, part in known.items() if name in saved and isinstance(part, dict)]
    return {**known, **saved} | {name: _filled(saved[name], known[name]) for name in parts}
