"""Generative adversarial post-training: one loop, one folder, exact resume (GAPT §3, algorithm 1).

A step: draw melodies, let the policy play, judge, estimate advantages, update policy and value net, and the
discriminator when its schedule says so. A run that is killed goes on where its last checkpoint stands.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gapt_core.errors import TrainingError
from gapt_core.parts import PARTS
from gapt_core.rl.adversary import Adversary
from gapt_core.rl.coherence import Coherence
from gapt_core.rl.episodes import Episodes, Reward, Scores
from gapt_core.rl.kit import Kit
from gapt_core.rl.ppo import Ppo, Prior, explained_variance
from gapt_core.rl.ranks import Ranks
from gapt_core.rl.recipe import GaptConfig, completed
from gapt_core.rl.record import Seconds, came_apart, forget_after, musical_figures
from gapt_core.rl.rollout import environment, roll_out
from gapt_core.rl.rules import Rules
from gapt_core.train.corpus import Corpus, describe_data
from gapt_core.train.crops import CropSource
from gapt_core.train.policy import Trained
from gapt_core.train.rewards import draw_pairs
from gapt_core.train.run import DAMAGE, read_state, save_atomically
from presets.files import write_atomically

CHECKPOINT = "checkpoint.pt"
LOG = "log.jsonl"
RUN = "run.json"
WEIGHTS = "policy.pt"


class Gapt:
    """One run in one folder.

    Args:
        corpus: whose melodies are the environment, and whose chords are real to the discriminator.
        kit: anchor and reward nets.
        init: the policy to start from.
        folder: gets checkpoint, weights and log; a run found there is resumed.
        ranks: the processes that share the run.
        rewards: what judges besides the discriminator; by default the kit's nets and the rules.

    Raises:
        TrainingError: the folder holds a run of another recipe, or a damaged one.
    """

    def __init__(
        self,
        corpus: Corpus,
        kit: Kit,
        init: Trained,
        folder: Path,
        config: GaptConfig,
        *,
        ranks: Ranks | None = None,
        rewards: Sequence[Reward] | None = None,
    ) -> None:
        self.config = config
        self.folder = folder
        self.init = init
        self.origin = {"data": describe_data(corpus), "kit": kit.record}
        self.ranks = ranks or Ranks()
        self.part = PARTS[config.part]
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        seed = config.seed * self.ranks.size + self.ranks.rank
        net, anchor = init.net.requires_grad_(True).to(self.device), kit.anchor(self.part).to(self.device)
        judges = {name: judge.to(self.device) for name, judge in kit.judges.items()}
        self.ppo = Ppo(net, anchor, self.part, config.ppo, self.ranks)
        self.adversary = Adversary(config.adversary, self.part, config.seed, self.device)
        coherence = Coherence(judges, config.window, config.hop, averaged=config.averaged)
        self.rewards = rewards or (coherence, Rules(config.rules, self.part))
        self.random = torch.Generator().manual_seed(seed)
        self.source = CropSource(corpus, np.random.default_rng(seed))
        self.step = 0
        self.warmed = config.buffers == 0
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / CHECKPOINT).exists():
            self._load()
        elif self.ranks.rank == 0:
            write_atomically(folder / RUN, (json.dumps(config.to_dict(), indent=1) + "\n").encode())

    def run(self) -> Iterator[dict[str, Any]]:
        """Train to the end, yielding a record a step; a run that comes apart ends with `diverged`."""
        if not self.warmed:
            yield self.warm_up()
            self.save()
        while self.step < self.config.steps:
            record = self.train_step()
            self.step += 1
            if came_apart(record):
                yield record | {"diverged": True}
                return
            yield record
            if self.step % self.config.save_every == 0 or self.step == self.config.steps:
                self.save()

    def warm_up(self) -> dict[str, Any]:
        """Fit the discriminator, then the value net, on rollouts of the policy as it is (method, §22.9)."""
        seconds = Seconds()
        pairs = [self.play(seconds) for _ in range(self.config.buffers)]
        accuracy = self._warm_adversary(pairs)
        judged = [(played, self.ppo.before(played), sum_of(self.judge(played))) for _, played in pairs]
        variance = 0.0
        for _ in range(self.config.fit_rounds):
            for played, prior, reward in judged:
                values, bootstrap = self.ppo.values(played)
                now = prior._replace(values=values, bootstrap=bootstrap)
                returns = self.ppo.outcome(reward, now, played)
                variance = explained_variance(values, returns, played.valid)
                for rows in self.ppo.minibatches(len(played), self.random):
                    self.ppo.fit_value(played.rows(rows), returns[rows])
        self.warmed = True
        return {"step": 0, "accuracy": accuracy, "explained_variance": self.ranks.mean(variance)}

    def _warm_adversary(self, pairs: list[tuple[Episodes, Episodes]]) -> float | None:
        config = self.config.adversary
        if not config.weight or not config.warm_accuracy:
            return None
        accuracy, learned = 0.0, 0
        while learned < config.warm_rounds:
            for truth, played in pairs:
                self.adversary.learn(truth, played, self.ranks.average)
                learned += config.rounds
            accuracy = self.ranks.mean(self.adversary.accuracy(*self.play(Seconds())))
            if accuracy >= config.warm_accuracy:
                break
        return accuracy

    def train_step(self) -> dict[str, Any]:
        """One step of algorithm 1; its record for the log."""
        seconds, started = Seconds(), time.perf_counter()
        self._set_rates()
        truth, played = self.play(seconds)
        with seconds.of("rewards"):
            scores = self.judge(played)
        parts = self.ppo.minibatches(len(played), self.random)
        with seconds.of("anchor"):
            prior = gather([self.ppo.before(played.rows(rows)) for rows in parts], parts)
        advantage, returns = self.ppo.estimate(sum_of(scores), prior, played)
        outcome = self.ppo.outcome(sum_of(scores), prior, played)
        figures: list[dict[str, float]] = []
        for rows in parts:
            some = played.rows(rows)
            with seconds.of("policy"):
                one = self.ppo.improve_policy(some, Prior(*(column[rows] for column in prior)), advantage[rows])
            with seconds.of("value"):
                figures.append(one | self.ppo.fit_value(some, returns[rows]))
        with seconds.of("adversary"):
            adversary = self._meet(truth, played, scores)
        record = self._record(played, scores, prior, outcome, figures)
        seconds.parts["total"] = time.perf_counter() - started
        return record | {
            "adversary": adversary,
            "seconds": {name: round(value, 4) for name, value in seconds.parts.items()},
        }

    def play(self, seconds: Seconds) -> tuple[Episodes, Episodes]:
        """Fresh duets of the data, and the same ones with the part played by the policy."""
        config = self.config
        with seconds.of("rollout"):
            crops = draw_pairs(self.source, config.frames, config.rollouts)
            shown = config.shown if config.part == "chord" else replace(config.shown, share=0.0)
            truth = environment(crops, config.frames, shown, self.source.random).to(self.device)
            # The device's own luck would bind a checkpoint to it; a seed from ours does not.
            luck = torch.Generator(self.device).manual_seed(int(torch.randint(1 << 62, (), generator=self.random)))
            played, _ = roll_out(self.ppo.policy, truth, luck, self.part)
        return truth, played

    def judge(self, played: Episodes) -> Scores:
        """Every reward, already weighted; `[batch, time]` each."""
        scores = {name: score for reward in self.rewards for name, score in reward(played).items()}
        if self.config.adversary.weight:
            scores["adversarial"] = self.config.adversary.weight * self.adversary.reward(played)
        return scores

    def _meet(self, truth: Episodes, played: Episodes, scores: Scores) -> dict[str, Any]:
        """Let the discriminator learn if it is time; what happened, its accuracy before learning included."""
        weight = self.config.adversary.weight
        if not weight:
            return {"updated": False}
        reward = self.ranks.mean(float(scores["adversarial"].sum(1).mean()) / weight)
        due = self.adversary.schedule.due(self.step + 1, reward)
        accuracy = self.ranks.mean(self.adversary.accuracy(truth, played))
        loss = self.ranks.mean(self.adversary.learn(truth, played, self.ranks.average)) if due else None
        return {
            "updated": due,
            "accuracy": accuracy,
            "loss": loss,
            "reward": reward,
            "recent": self.adversary.schedule.mean(),
            "phase": self.adversary.schedule.phase(self.step + 1),
        }

    def _record(
        self, played: Episodes, scores: Scores, prior: Prior, outcome: Tensor, figures: list[dict[str, float]]
    ) -> dict[str, Any]:
        means = {name: float(np.mean([one[name] for one in figures])) for name in figures[0]}
        means["ratio_error"] = figures[0]["ratio_error"]
        rewards = self.ranks.means({name: float(score.sum(1).mean()) for name, score in scores.items()})
        of_all = {
            "kl": float(prior.kl.sum() / played.valid.sum()),
            "explained_variance": explained_variance(prior.values, outcome, played.valid),
            **means,
            **musical_figures(played),
        }
        return {
            "step": self.step + 1,
            "reward": sum(rewards.values()),
            "rewards": rewards,
            **self.ranks.means(of_all),
        }

    def _set_rates(self) -> None:
        config = self.config
        rise = min(1.0, (self.step + 1) / max(1, config.warmup))
        through = max(0.0, self.step - config.warmup) / max(1, config.steps - config.warmup)
        fall = config.floor + (1 - config.floor) * 0.5 * (1 + math.cos(math.pi * min(1.0, through)))
        for optimiser, peak in zip(self.ppo.optimisers, (config.ppo.rate, config.ppo.value_rate), strict=True):
            for group in optimiser.param_groups:
                group["lr"] = peak * rise * fall

    def save(self) -> None:
        """Write the checkpoint and the weights, each whole or not at all."""
        own = {
            "random": self.random.get_state(),
            "crops": json.dumps(self.source.random.bit_generator.state),
            "remembered": self.adversary.remembered(),
        }
        each = self.ranks.gathered(own)
        if self.ranks.rank:
            return
        state = {
            "policy": self.ppo.policy.state_dict(),
            "value": self.ppo.value.state_dict(),
            "optimisers": [optimiser.state_dict() for optimiser in self.ppo.optimisers],
            "adversary": self.adversary.state_dict(),
            "step": self.step,
            "warmed": self.warmed,
            "each": each,
            "config": self.config.to_dict(),
            "origin": self._origin(),
        }
        save_atomically(self.folder / CHECKPOINT, state)
        stage = {"kind": "gapt", "step": self.step, **self.config.to_dict(), **self.origin}
        net = {"net": self.ppo.policy.config.to_dict()}
        weights = {"net": self.ppo.policy.state_dict(), "config": net, "stages": [*self.init.stages, stage]}
        save_atomically(self.folder / WEIGHTS, weights)

    def _origin(self) -> dict[str, Any]:
        """What the weights come from besides the recipe: a run is resumed only with the same."""
        return {**self.origin, "earlier": list(self.init.stages), "net": self.ppo.policy.config.to_dict()}

    def _load(self) -> None:
        path = self.folder / CHECKPOINT
        try:
            state = read_state(path)
            config, each = completed(state["config"]) | {"steps": self.config.steps}, state["each"]
            origin = state["origin"]
        except DAMAGE as error:
            raise TrainingError(f"{path} is damaged, or of another kind of run; choose another --out.") from error
        if config != self.config.to_dict() or origin != self._origin():
            raise TrainingError(
                f"{self.folder} holds a run of another recipe, kit, --init or data; choose another --out or remove it."
            )
        if len(each) != self.ranks.size:
            raise TrainingError(f"{self.folder} holds a run of {len(each)} processes; start it with as many.")
        try:
            self._restore(state, each[self.ranks.rank])
        except DAMAGE as error:
            raise TrainingError(f"{path} was left by another version of this package; choose another --out.") from error

    def _restore(self, state: dict[str, Any], own: dict[str, Any]) -> None:
        """Go on from what all processes share, and from what this one had of its own; may raise `DAMAGE`."""
        self.ppo.policy.load_state_dict(state["policy"])
        self.ppo.value.load_state_dict(state["value"])
        for optimiser, saved in zip(self.ppo.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(saved)
        self.adversary.load_state_dict(state["adversary"], own["remembered"])
        self.step, self.warmed = state["step"], state["warmed"]
        self.random.set_state(own["random"])
        self.source.random.bit_generator.state = json.loads(own["crops"])


def train_gapt(gapt: Gapt, show: Callable[[dict[str, Any]], None]) -> Path:
    """Run `gapt` to its end, logging every record; the path of the weights."""
    log = gapt.folder / LOG
    if gapt.ranks.rank == 0:
        forget_after(log, gapt.step if gapt.warmed else -1)
    for record in gapt.run():
        if gapt.ranks.rank == 0:
            with log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(record) + "\n")
            show(record)
    return gapt.folder / WEIGHTS


def sum_of(scores: Scores) -> Tensor:
    """The plain sum of all rewards (method, §5.5); `[batch, time]`."""
    return torch.stack(list(scores.values())).sum(0)


def gather(priors: list[Prior], parts: list[Tensor]) -> Prior:
    """What was computed for the rows of each part, put back in the order of the rows."""
    back = torch.cat(parts).argsort()
    return Prior(*(torch.cat(columns)[back] for columns in zip(*priors, strict=True)))
