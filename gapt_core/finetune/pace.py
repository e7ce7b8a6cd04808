"""How many steps there is time for: the first steps of both stages are timed, then the numbers are fixed for good."""

from __future__ import annotations

import copy
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from gapt_core.rl.gapt import Gapt
from gapt_core.rl.kit import Kit
from gapt_core.rl.recipe import GaptConfig
from gapt_core.train.corpus import Corpus
from gapt_core.train.policy import PolicyLearner, TrainConfig, Trained

LIKELIHOOD_SHARE = 0.3
"""How much of the time for training is at most for maximum likelihood, where there are chords."""

FEWEST = 5
"""Steps of a stage, however little time there is."""

AGAIN = 1.3
"""What a pass of the value net costs besides its gradient step: its values are asked for first."""


@dataclass(frozen=True)
class Steps:
    """Steps of either stage."""

    likelihood: int
    gapt: int


@dataclass(frozen=True)
class Cost:
    """Seconds: of a step of either stage, of what comes before the first step of post-training, and after the last."""

    likelihood: float
    gapt: float
    before: float = 0.0
    after: float = 0.0


def affordable(seconds: float, cost: Cost, most: Steps) -> Steps:
    """As many steps as fit into `seconds`, at most `most` and at least `FEWEST` of a stage that is made at all."""
    left = seconds - cost.before - cost.after
    likelihood = _within(LIKELIHOOD_SHARE * left, cost.likelihood, most.likelihood)
    return Steps(likelihood, _within(left - likelihood * cost.likelihood, cost.gapt, most.gapt))


def time_likelihood(start: Trained, corpus: Corpus, valid: Corpus, config: TrainConfig) -> float:
    """Seconds of a step of maximum likelihood; nothing is kept of what is tried."""
    learner = PolicyLearner(corpus, valid, config, start)
    learner.learn(0)
    return _seconds(lambda: learner.learn(1))


def time_post_training(start: Trained, corpus: Corpus, kit: Kit, config: GaptConfig) -> tuple[float, float]:
    """Seconds of a step of post-training, and of what comes before the first; nothing is kept of what is tried."""
    always = replace(config.adversary, schedule="every")
    tried = replace(config, buffers=0, adversary=always)
    with tempfile.TemporaryDirectory() as folder:
        run = Gapt(corpus, kit, Trained(copy.deepcopy(start.net), ()), Path(folder), tried)
        run.train_step()
        run.step += 1
        parts = run.train_step()["seconds"]
    learns = 1 / config.adversary.interval
    step = parts["total"] - (1 - learns) * parts["adversary"]
    return step, _warming(config, parts)


def _warming(config: GaptConfig, parts: dict[str, float]) -> float:
    """What fitting discriminator and value net on the first rollouts takes, by the parts of a step."""
    adversary = config.adversary
    passes = adversary.warm_rounds / max(1, adversary.rounds * config.buffers)
    rollouts = config.buffers * (parts["rollout"] + parts["rewards"] + parts["anchor"])
    fitting = config.buffers * config.fit_rounds * AGAIN * parts["value"]
    return rollouts + fitting + passes * (config.buffers * parts["adversary"] + parts["rollout"])


def _within(seconds: float, step: float, most: int) -> int:
    return min(most, max(FEWEST, int(seconds / max(step, 1e-6))))


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
