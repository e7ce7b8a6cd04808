"""How a policy is fine-tuned: the recipes of both stages, and what a player may change of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from gapt_core.model.policy import PolicyConfig
from gapt_core.rl.adversary import AdversaryConfig
from gapt_core.rl.ppo import START, PpoConfig
from gapt_core.rl.recipe import GaptConfig
from gapt_core.train.batches import BatchConfig
from gapt_core.train.policy import TrainConfig

SELECTION = "own songs"
"""What a stage calls the selection of its data."""

LIKELIHOOD = TrainConfig(
    batch=BatchConfig(size=8),
    steps=160,
    rate=2e-4,
    matrix_rate=3e-3,
    weight_decay=0.0,
    cooldown=0.7,
    patience=3,
    selection=SELECTION,
)
"""Maximum likelihood: a tenth and a seventh of the rates of training from nothing."""

POST_TRAINING = GaptConfig(
    steps=200,
    rollouts=40,
    adversary=AdversaryConfig(weight=0.25),
    ppo=PpoConfig(rate=4e-4, value_rate=4e-4, kl=0.005, guide=0.005, reference=START),
    buffers=4,
    save_every=5,
    selection=SELECTION,
)
"""Post-training, held to the policy as it was before it: its divergence from that is weighed in the reward and, for the
choice at hand, in the loss. Of the weights that the adversary was tried with (docs/results.md), a quarter kept the
variety for about a point of harmony."""

GENTLE = 0.5
"""For few songs the rates are this much smaller, and the steps a third as many."""

VALIDATIONS = 8
PHASE_ONE = 0.5
"""The share of post-training in which the discriminator learns at fixed intervals."""


@dataclass(frozen=True)
class Options:
    """What a player decides.

    Attributes:
        minutes: how long it may take in all, evaluation and report included, where no `steps` are given.
        steps: of each stage.
        strength: how far it may go: a factor to the rates, and a divisor of the weights that hold the policy to what
            it was; above 0, at most 2.
        seed: of all draws.
        threads: of the CPU; 0 is one a core, at most four.
    """

    minutes: float = 12.0
    steps: int | None = None
    strength: float = 1.0
    seed: int = 0
    threads: int = 0


@dataclass(frozen=True)
class Recipe:
    """The constants of everything; the stages' `steps` are how many they have at most.

    Attributes:
        passes: how often maximum likelihood may see as many frames as there are: few songs are soon known by heart.
        onward: how far on the way from the preset's weights to those of maximum likelihood post-training begins. Where
            the preset keeps closer to the melody than the player does, all the way costs more harmony than it brings
            back in minutes.
        own_share: how much of what is learned from, and of what is real to the discriminator, are the player's chords;
            the rest are the anchor's.
        draws: how often the anchor answers each melody, at most.
        answers: how many answers it gives in all, at most; of more melodies it answers some, spread over all.
        heard: how often each song is played where it is measured.
        frames: how much of a song is measured, at most.
        songs: how many songs are measured, at most.
        diverse: by how many melodies the diversity of a candidate is heard, where there are so many: by those of the
            songs that choose and, if they are fewer, by some that were learned from.
    """

    likelihood: TrainConfig = field(default_factory=lambda: LIKELIHOOD)
    gapt: GaptConfig = field(default_factory=lambda: POST_TRAINING)
    passes: float = 16.0
    onward: float = 0.2
    own_share: float = 0.75
    draws: int = 3
    answers: int = 240
    heard: int = 3
    frames: int = 384
    songs: int = 48
    diverse: int = 24

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def gentle(recipe: Recipe) -> Recipe:
    """The recipe for few songs."""
    likelihood, gapt = recipe.likelihood, recipe.gapt
    return replace(
        recipe,
        likelihood=replace(
            likelihood,
            steps=max(1, likelihood.steps // 3),
            rate=likelihood.rate * GENTLE,
            matrix_rate=likelihood.matrix_rate * GENTLE,
        ),
        gapt=replace(gapt, steps=max(1, gapt.steps // 3), ppo=replace(gapt.ppo, rate=gapt.ppo.rate * GENTLE)),
    )


def likelihood_config(recipe: Recipe, options: Options, steps: int, net: PolicyConfig) -> TrainConfig:
    """The recipe of maximum likelihood, in `steps` steps."""
    usual = recipe.likelihood
    return replace(
        usual,
        net=net,
        steps=steps,
        rate=usual.rate * options.strength,
        matrix_rate=usual.matrix_rate * options.strength,
        warmup=max(1, steps // 10),
        validate_every=max(1, steps // VALIDATIONS),
        seed=options.seed,
    )


def gapt_config(recipe: Recipe, options: Options, steps: int) -> GaptConfig:
    """The recipe of post-training, in `steps` steps."""
    usual = recipe.gapt
    ppo = replace(
        usual.ppo,
        rate=usual.ppo.rate * options.strength,
        kl=usual.ppo.kl / options.strength,
        guide=usual.ppo.guide / options.strength,
    )
    adversary = replace(usual.adversary, warm_steps=max(1, round(PHASE_ONE * steps)))
    warmup = max(1, min(usual.warmup, steps // 10))
    return replace(usual, steps=steps, ppo=ppo, adversary=adversary, warmup=warmup, seed=options.seed)
