"""Proximal policy optimisation of one part of a duet (Schulman et al. 2017; GAPT C.5, method §8)."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from gapt_core.model.anchor import AnchorNet
from gapt_core.model.policy import HIDDEN, PolicyInput, PolicyNet
from gapt_core.parts import CHORD, Part
from gapt_core.rl.episodes import Episodes
from gapt_core.rl.gae import advantages
from gapt_core.rl.ranks import Ranks
from gapt_core.rl.rollout import actions_of
from gapt_core.rl.value import ValueNet
from gapt_core.train.losses import forbid_holds
from gapt_core.train.optimise import descend

ANCHOR, START = "anchor", "start"
"""What the policy may be held to."""

RULED_OUT = -100.0
"""Stands in for the logarithm of nothing where it is multiplied by nothing."""


@dataclass(frozen=True)
class PpoConfig:
    """Constants of the update; as published but for what is said here.

    Attributes:
        rate: peak learning rate of the policy, `value_rate` of the value net. A run here has some hundred steps of a
            small net, and the ratios stay near 1; the paper's 8000 steps of a larger net have 5e-6 and 9e-5.
        value_layers: blocks of the policy that the value net begins with; 0 takes all, as in the paper.
        discount: below 1, because a crop that was cut goes on: undiscounted, its value would have no bound. The
            paper has 1 and lets every crop end.
        reference: from what the divergence is that `kl` and `guide` weigh: `anchor`, as published, or `start`, the
            policy as it was, which then stands wherever the anchor is spoken of.
        guide: weight of the divergence from the anchor in the loss itself. In the reward alone (`kl`, as published) it
            can only teach earlier choices to avoid places where both differ, not the choice at hand: the gradient of
            GAPT eq. 4 has both terms. The paper's code has 0.
        bootstrap: whether a crop that was cut is worth something after its end; the paper lets every crop end.
        by_mode: whether advantages are normalised for rows that see the present note and for those that do not
            apart: else, which of both a row is would pass for merit.
    """

    rate: float = 4e-4
    value_rate: float = 4e-4
    value_layers: int = 2
    minibatches: int = 4
    clip: float = 0.2
    discount: float = 0.99
    trace: float = 0.95
    kl: float = 0.001
    reference: str = ANCHOR
    guide: float = 0.0
    entropy: float = 0.01
    gradient: float = 1.0
    bootstrap: bool = True
    by_mode: bool = True


class Prior(NamedTuple):
    """What held before the update, of some rows; `[batch, time]`, `anchor` the anchor's log-probabilities of every
    action."""

    chosen: Tensor
    anchor: Tensor
    kl: Tensor
    values: Tensor
    bootstrap: Tensor


class Choices(NamedTuple):
    """A policy's log-probabilities under the grammar, `[batch, time, actions]`, and those of what was played."""

    odds: Tensor
    chosen: Tensor


def choices(net: PolicyNet | AnchorNet, episodes: Episodes, part: Part, *, mixed: bool = True) -> Choices:
    """What `net` makes of every choice in `episodes`; `mixed` in bfloat16 where it is as good and quicker."""
    with torch.autocast(episodes.valid.device.type, torch.bfloat16, enabled=mixed):
        logits = part_logits(net, episodes, part)
    previous = episodes.seen().chord if part is CHORD else episodes.seen().melody
    odds = forbid_holds(logits.float(), previous, part.hold_action, part.silent).log_softmax(-1)
    actions = actions_of(getattr(episodes, part.name), part)
    return Choices(odds, odds.gather(-1, actions[..., None])[..., 0])


def part_logits(net: PolicyNet | AnchorNet, episodes: Episodes, part: Part) -> Tensor:
    """Logits of the part's actions; `[batch, time, actions]`."""
    if isinstance(net, AnchorNet):
        other = episodes.melody if part is CHORD else episodes.chord
        return net(episodes.seen(), other, episodes.valid)
    seen = episodes.seen()
    hidden = net.states(seen)
    return hidden @ (net.chord_out() if part is CHORD else net.melody_out()).T


def divergence(ours: Tensor, theirs: Tensor) -> Tensor:
    """KL(ours || theirs) of whole distributions of log-probabilities; `[...]` for `[..., actions]`."""
    return (ours.exp() * (ours.clamp(min=RULED_OUT) - theirs.clamp(min=RULED_OUT))).sum(-1)


class Ppo:
    """A policy, its value net and their optimisers; `anchor` is what the policy is held to, unless `config` holds it to
    itself as it was."""

    def __init__(self, policy: PolicyNet, anchor: AnchorNet, part: Part, config: PpoConfig, ranks: Ranks) -> None:
        self.policy = policy
        reference = anchor if config.reference == ANCHOR else copy.deepcopy(policy)
        self.anchor = reference.requires_grad_(False).eval()
        self.part = part
        self.config = config
        self.ranks = ranks
        self.value = ValueNet(policy, config.value_layers or policy.config.layers).to(policy.norm.device)
        self.optimisers = [
            torch.optim.AdamW(net.parameters(), rate, betas=(0.9, 0.95), weight_decay=0.0, fused=True)
            for net, rate in ((self.policy, config.rate), (self.value, config.value_rate))
        ]

    def minibatches(self, rows: int, random: torch.Generator) -> list[Tensor]:
        """A partition of the rows; the same one serves before and in the update, so that both compute alike."""
        return list(torch.randperm(rows, generator=random).chunk(self.config.minibatches))

    @torch.no_grad()
    def values(self, episodes: Episodes) -> tuple[Tensor, Tensor]:
        """Value of the state before each choice `[batch, time]` and of the state after the last one `[batch]`."""
        with torch.autocast(episodes.valid.device.type, torch.bfloat16):
            values = self.value(_and_after(episodes))
        return values[:, :-1], values[:, -1]

    @torch.no_grad()
    def before(self, episodes: Episodes) -> Prior:
        """Log-probabilities, divergence from the anchor and values under the nets as they are."""
        ours = choices(self.policy, episodes, self.part)
        anchor = choices(self.anchor, episodes, self.part).odds
        kl = divergence(ours.odds, anchor)
        return Prior(ours.chosen, anchor, kl * episodes.valid, *self.values(episodes))

    def estimate(self, rewards: Tensor, prior: Prior, episodes: Episodes) -> tuple[Tensor, Tensor]:
        """Normalised advantages and returns `[batch, time]`; the divergence is part of the reward (GAPT eq. 4)."""
        raw, returns = self._traced(rewards, prior, episodes, self.config.trace)
        return self._normalised(raw, episodes), returns

    def outcome(self, rewards: Tensor, prior: Prior, episodes: Episodes) -> Tensor:
        """What came of every state, discounted, with no value in it but the one after a crop's end; `[batch, time]`."""
        return self._traced(rewards, prior, episodes, 1.0)[1]

    def _traced(self, rewards: Tensor, prior: Prior, episodes: Episodes, trace: float) -> tuple[Tensor, Tensor]:
        paid = rewards - self.config.kl * prior.kl
        ended = episodes.ended if self.config.bootstrap else torch.ones_like(episodes.ended)
        ends = (episodes.valid, ended, prior.bootstrap)
        return advantages(paid, prior.values, *ends, self.config.discount, trace)

    def _normalised(self, raw: Tensor, episodes: Episodes) -> Tensor:
        shown = episodes.shown()
        groups = (shown, ~shown) if self.config.by_mode else (torch.ones_like(shown),)
        normal = torch.zeros_like(raw)
        for group in groups:
            mask = episodes.valid & group[:, None]
            count, total, squares = self.ranks.sums(
                torch.stack((mask.sum().float(), raw[mask].sum(), raw[mask].square().sum()))
            )
            mean = total / count.clamp(min=1)
            deviation = (squares / count.clamp(min=1) - mean.square()).clamp(min=0).sqrt()
            normal = torch.where(mask, (raw - mean) / (deviation + 1e-6), normal)
        return normal

    def improve_policy(self, episodes: Episodes, prior: Prior, advantage: Tensor) -> dict[str, float]:
        """The clipped objective with entropy and guide; each row counts once, whatever its length."""
        ours = choices(self.policy, episodes, self.part)
        ratio = (ours.chosen - prior.chosen).exp()
        clipped = ratio.clamp(1 - self.config.clip, 1 + self.config.clip)
        gain = row_mean(torch.minimum(ratio * advantage, clipped * advantage), episodes.valid)
        entropy = row_mean(-(ours.odds.exp() * ours.odds.clamp(min=RULED_OUT)).sum(-1), episodes.valid)
        apart = row_mean(divergence(ours.odds, prior.anchor), episodes.valid)
        loss = -gain - self.config.entropy * entropy + self.config.guide * apart
        norm = descend(loss, self.policy, self.optimisers[:1], self.config.gradient, self.ranks.average)
        off = ((ratio.detach() - 1).abs() > self.config.clip).float()
        return {
            "policy_loss": -gain.item(),
            "entropy": entropy.item(),
            "clip_fraction": row_mean(off, episodes.valid).item(),
            "ratio_error": ((ratio.detach() - 1).abs() * episodes.valid).max().item(),
            "gradient_norm": norm.item(),
        }

    def fit_value(self, episodes: Episodes, returns: Tensor) -> dict[str, float]:
        """Half the mean squared error of the values."""
        with torch.autocast(episodes.valid.device.type, torch.bfloat16):
            values = self.value(episodes.seen())
        loss = 0.5 * row_mean((values - returns).square(), episodes.valid)
        descend(loss, self.value, self.optimisers[1:], self.config.gradient, self.ranks.average)
        return {"value_loss": loss.item()}


def row_mean(values: Tensor, valid: Tensor) -> Tensor:
    """Mean over the valid frames of each row, then over the rows; a scalar."""
    return ((values * valid).sum(1) / valid.sum(1).clamp(min=1)).mean()


def explained_variance(values: Tensor, returns: Tensor, valid: Tensor) -> float:
    """1 - Var(returns - values) / Var(returns) over the valid frames; 1 is perfect, 0 is no better than the mean."""
    wanted = returns[valid]
    return float(1 - (wanted - values[valid]).var() / wanted.var().clamp(min=1e-12))


def _and_after(episodes: Episodes) -> PolicyInput:
    """What is seen at every frame and, as one more position, after the last one."""
    metre = functional.pad(episodes.metre, (0, 0, 0, 1), mode="constant")
    place, bar, beat = episodes.metre[:, -1].unbind(-1)
    metre[:, -1] = torch.stack(((place + 1) % bar.clamp(min=1), bar, beat), dim=-1)
    return PolicyInput(
        functional.pad(episodes.melody, (1, 0)),
        functional.pad(episodes.chord, (1, 0)),
        functional.pad(episodes.now, (0, 1), value=HIDDEN),
        metre,
        episodes.style,
    )
