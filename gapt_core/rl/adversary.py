"""The adversary: a discriminator of one part, its reward, and when it learns (GAPT §3.3, C.6, C.8)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from gapt_core.model.encoder import EncoderConfig
from gapt_core.model.rewards import JudgeConfig, PartDiscriminator
from gapt_core.parts import Part
from gapt_core.rl.coherence import payments
from gapt_core.rl.episodes import Episodes
from gapt_core.train.optimise import alone, descend, make_optimisers
from gapt_core.train.run import Recipe
from gapt_core.vocabulary import STYLES


@dataclass(frozen=True)
class AdversaryConfig:
    """The adversarial term.

    Attributes:
        weight: lambda, the weight of its reward; 0 is post-training without an adversary.
        schedule: `two-phase` (the paper's), `fixed` (phase 1 for ever), or `every` step.
        interval: steps from one update to the next in phase 1 (the paper: 5); `warm_steps`, T_warm, how long that phase
            is (the paper: 200 of 1000 steps).
        threshold: tau, what the mean reward of the last `recent` steps must exceed for an update in phase 2. One that
            cannot tell gives .69; in a pilot, at the paper's 1, the gate of a small discriminator never opened.
        rounds: gradient steps an update, each on `rows` pairs of a rollout and the data's own part, drawn from those of
            the last `keep` updates. The paper's eight steps share the rollouts of one step.
        hop: frames from one payment of its reward to the next, as in `gapt_core.rl.coherence.Coherence`; the
            discriminator then learns from beginnings of crops as well. 0 pays at the end, as in the paper.
        genre: whether the discriminator is told the style of a piece, `metre` whether the metre, and `mode` whether the
            present note was shown: who reacts changes too often, who anticipates too rarely, and a discriminator of
            both in one is content with the mean. The paper's sees the chord track alone.
        smoothing: alpha of the label smoothing; the targets are 1 - alpha / 2 and alpha / 2, as in the authors' code.
        warm_accuracy: before post-training starts, the discriminator learns from rollouts of the untouched policy until
            it tells fresh ones from data this well, or for `warm_rounds` gradient steps, in whole passes. The paper's
            has 0: cold.
        rate: of AdamW; `matrix_rate` of Muon for the matrices of the blocks, or 0 for AdamW alone, as in the paper.
    """

    weight: float = 1.0
    schedule: str = "two-phase"
    interval: int = 2
    warm_steps: int = 75
    threshold: float = 0.6
    recent: int = 3
    rounds: int = 6
    rows: int = 24
    keep: int = 2
    hop: int = 32
    rate: float = 2e-3
    matrix_rate: float = 0.02
    genre: bool = True
    metre: bool = True
    mode: bool = True
    smoothing: float = 0.1
    dropout: float = 0.1
    warm_accuracy: float = 0.75
    warm_rounds: int = 24
    net: EncoderConfig = field(default_factory=EncoderConfig)


class Schedule:
    """Decides which steps are followed by an update of the discriminator (GAPT §3.3)."""

    def __init__(self, config: AdversaryConfig) -> None:
        self.config = config
        self.rewards: deque[float] = deque(maxlen=config.recent)

    def phase(self, step: int) -> int:
        """1 while updates come at fixed intervals, else 2; steps count from 1."""
        fixed = self.config.schedule != "two-phase" or step <= self.config.warm_steps
        return 1 if fixed else 2

    def due(self, step: int, reward: float) -> bool:
        """Whether to update after `step`, whose mean adversarial reward was `reward`."""
        self.rewards.append(reward)
        if self.config.schedule == "every":
            return True
        if self.phase(step) == 1:
            return step % self.config.interval == 0
        return len(self.rewards) == self.config.recent and self.mean() > self.config.threshold

    def mean(self) -> float:
        """Mean adversarial reward of the last steps."""
        return sum(self.rewards) / max(1, len(self.rewards))


class Pair(NamedTuple):
    """The same part as the data has it and as a policy played it; `[batch, time]`, `metre` `[batch, time, 3]`."""

    truth: Tensor
    played: Tensor
    metre: Tensor
    kind: Tensor
    valid: Tensor


class Adversary:
    """The discriminator of `part` with its optimiser and schedule; the net is on `device`."""

    def __init__(self, config: AdversaryConfig, part: Part, seed: int, device: torch.device | str = "cpu") -> None:
        self.config = config
        self.part = part
        self.device = torch.device(device)
        self.schedule = Schedule(config)
        self.random = torch.Generator().manual_seed(seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            judge = JudgeConfig(f"{part.name}s", False, config.net)
            net = PartDiscriminator(part, judge, config.dropout, metre=config.metre)
        self.net = net.to(device)
        self.optimisers = _optimisers(self.net, config)
        self.memory: deque[Pair] = deque(maxlen=config.keep)

    def logits(self, episodes: Episodes) -> Tensor:
        """Logit of "from the data" of each episode's part; `[batch]`."""
        return self._logits(*self._seen(episodes))

    def _seen(self, episodes: Episodes) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        kind = episodes.genre * self.config.genre + len(STYLES) * (episodes.shown() & self.config.mode)
        told = kind[:, None].expand_as(episodes.valid)
        return getattr(episodes, self.part.name), episodes.metre, told, episodes.valid

    def _logits(self, tokens: Tensor, metre: Tensor, kind: Tensor, valid: Tensor) -> Tensor:
        with torch.autocast(valid.device.type, torch.bfloat16):
            return self.net(tokens, metre, kind, valid)

    @torch.no_grad()
    def reward(self, episodes: Episodes) -> Tensor:
        """R_adv = -log(1 - D(y)), never negative in its undiscounted sum (GAPT §3.3); `[batch, time]`."""
        self.net.eval()
        *parts, valid = self._seen(episodes)
        return payments(lambda *seen: functional.softplus(self._logits(*seen)), parts, valid, 0, self.config.hop)

    @torch.no_grad()
    def accuracy(self, truth: Episodes, played: Episodes) -> float:
        """Share of the parts, half of them data and half rollouts, that it tells rightly."""
        self.net.eval()
        return float(torch.cat((self.logits(truth) > 0, self.logits(played) <= 0)).float().mean())

    def learn(self, truth: Episodes, played: Episodes, average: Callable[[nn.Module], None] = alone) -> float:
        """Remember the pairs and take `rounds` gradient steps; their mean loss. `average` is for several processes."""
        self.net.train()
        self.memory.append(Pair(self._seen(truth)[0], *self._seen(played)))
        pairs = Pair(*(torch.cat(column) for column in zip(*self.memory, strict=True)))
        with torch.random.fork_rng(devices=[]):
            # Dropout draws from torch's own luck, which no checkpoint keeps.
            torch.manual_seed(int(torch.randint(1 << 62, (), generator=self.random)))
            losses = [self._step(self._some(pairs), average) for _ in range(self.config.rounds)]
        return sum(losses) / len(losses)

    def _some(self, pairs: Pair) -> Pair:
        rows = torch.randperm(len(pairs.valid), generator=self.random)[: self.config.rows]
        return Pair(*(column[rows] for column in pairs))

    def _step(self, pairs: Pair, average: Callable[[nn.Module], None]) -> float:
        end = self._end(pairs.valid.shape[1])
        truth, played, *told = (column[:, :end] for column in pairs)
        logits = torch.cat([self._logits(tokens, *told) for tokens in (truth, played)])
        low = self.config.smoothing / 2
        target = torch.tensor([1 - low, low], device=logits.device).repeat_interleave(len(truth))
        loss = functional.binary_cross_entropy_with_logits(logits, target)
        descend(loss, self.net, self.optimisers, 1.0, average)
        return float(loss.detach())

    def _end(self, time: int) -> int:
        """How much of the crops a gradient step looks at: what `reward` asks about, the whole as often as all else."""
        beginnings = range(self.config.hop, time, self.config.hop) if self.config.hop else range(0)
        chosen = int(torch.randint(2 * len(beginnings) + 1, (), generator=self.random))
        return beginnings[chosen] if chosen < len(beginnings) else time

    def state_dict(self) -> dict[str, Any]:
        """Everything that a resumed run needs besides what was remembered."""
        return {
            "net": self.net.state_dict(),
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
            "recent": list(self.schedule.rewards),
            "random": self.random.get_state(),
        }

    def remembered(self) -> list[tuple[Tensor, ...]]:
        """The pairs that it learns from; of several processes, each has its own."""
        return [tuple(part.cpu() for part in pair) for pair in self.memory]

    def load_state_dict(self, state: dict[str, Any], remembered: list[tuple[Tensor, ...]]) -> None:
        """Go on where both were taken."""
        self.net.load_state_dict(state["net"])
        for optimiser, saved in zip(self.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(saved)
        self.memory.extend(Pair(*(part.to(self.device) for part in pair)) for pair in remembered)
        self.schedule.rewards.extend(state["recent"])
        self.random.set_state(state["random"])


def _optimisers(net: nn.Module, config: AdversaryConfig) -> list[torch.optim.Optimizer]:
    if config.matrix_rate:
        return make_optimisers(net, Recipe(rate=config.rate, matrix_rate=config.matrix_rate, weight_decay=0.0))
    return [torch.optim.AdamW(net.parameters(), config.rate, betas=(0.9, 0.95), weight_decay=0.0)]
