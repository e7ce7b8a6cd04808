"""Every term of the update by hand: the divergence in the reward, clip, entropy, guide, and what comes after a cut."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from tiny_corpus import write_corpus
from tiny_kit import tiny_kit
from tiny_policy import tiny_net
from torch import Tensor, nn

from gapt_core.parts import CHORD
from gapt_core.rl import ppo as ppo_module
from gapt_core.rl.episodes import Episodes
from gapt_core.rl.ppo import Ppo, PpoConfig, Prior, choices
from gapt_core.rl.ranks import Ranks
from gapt_core.rl.rollout import Shown, environment
from gapt_core.train.corpus import load_corpus
from gapt_core.train.crops import CropSource
from gapt_core.vocabulary import HOLD_ACTION, NO_CHORD

ROWS, FRAMES = 4, 32
ACTIONS = HOLD_ACTION + 1
BARE = PpoConfig(discount=1.0, entropy=0.0, guide=0.0, kl=0.0, gradient=1e9)
"""Nothing but the clipped objective, its gradient as it is."""


class Constant(nn.Module):
    """A policy, or an anchor, whose logits are the same at every frame."""

    def __init__(self, logits: Tensor) -> None:
        super().__init__()
        self.logits = nn.Parameter(logits.clone())

    def states(self, seen: object) -> Tensor:
        return torch.ones(*seen.chord.shape, 1)  # type: ignore[attr-defined]

    def chord_out(self) -> Tensor:
        return self.logits[:, None]


@pytest.fixture(scope="module")
def longer(tmp_path_factory: pytest.TempPathFactory) -> Episodes:
    """Crops of one frame more than `truth`, which all go on."""
    random = np.random.default_rng(0)
    corpus = load_corpus(write_corpus(tmp_path_factory.mktemp("ppo") / "songs"), "train")
    crops = [CropSource(corpus, random).draw(FRAMES + 1) for _ in range(8)]
    return environment([crop for crop in crops if not crop.ended][:ROWS], FRAMES + 1, Shown(share=0.0), random)


@pytest.fixture
def truth(longer: Episodes) -> Episodes:
    cut = {name: getattr(longer, name)[:, :FRAMES] for name in ("melody", "chord", "metre", "now", "valid")}
    return replace(longer, **cut)


@pytest.fixture
def exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    """No half precision: what is compared is worked out by hand."""
    monkeypatch.setattr(ppo_module, "choices", partial(choices, mixed=False))


def ppo_of(config: PpoConfig, policy: nn.Module | None = None, anchor: nn.Module | None = None) -> Ppo:
    """PPO of these nets, which takes a whole gradient as its step."""
    ppo = Ppo(tiny_net(), tiny_kit().anchor(CHORD), CHORD, config, Ranks())
    if policy is not None:
        ppo.policy, ppo.anchor = policy, anchor or policy  # type: ignore[assignment]
        ppo.optimisers[0] = torch.optim.SGD(policy.parameters(), 1.0)
    return ppo


def random_logits(seed: int = 0) -> Tensor:
    return torch.randn(ACTIONS, generator=torch.Generator().manual_seed(seed))


def mean_over_frames(
    truth: Episodes, of: Callable[[np.ndarray, np.ndarray], np.ndarray], *logits: Tensor
) -> np.ndarray:
    """The mean of `of`, given the odds of each net at a frame, `[actions]`, over frames and rows; `[actions]`."""
    rows = []
    for chords in truth.chord.tolist():
        for previous in [NO_CHORD, *chords[:-1]]:
            # Where nothing sounds, the hold is no choice at all.
            allowed = np.array([action != HOLD_ACTION or previous != NO_CHORD for action in range(ACTIONS)])
            odds = [np.where(allowed, np.exp(each.detach().double().numpy()), 0.0) for each in logits]
            rows.append(of(*(each / each.sum() for each in odds)))
    return np.mean(rows, axis=0)


def prior_of(ppo: Ppo, truth: Episodes, ratio: float = 1.0) -> Prior:
    """What held before, had the policy found everything that was played `ratio` times less likely."""
    prior = ppo.before(truth)
    return prior._replace(chosen=prior.chosen - np.log(ratio))


def moved(ppo: Ppo, truth: Episodes, prior: Prior, advantage: float) -> tuple[np.ndarray, dict[str, float]]:
    """How far one update moves the logits of a `Constant` policy, and what it says."""
    before = ppo.policy.logits.detach().clone()  # type: ignore[union-attr]
    figures = ppo.improve_policy(truth, prior, torch.full(truth.chord.shape, advantage))
    return (ppo.policy.logits.detach() - before).double().numpy(), figures  # type: ignore[operator]


def test_a_cut_is_worth_what_the_state_after_it_is_worth(longer: Episodes, truth: Episodes) -> None:
    ppo = ppo_of(BARE)
    nn.init.normal_(ppo.value.head.weight)
    values, after = ppo.values(truth)
    whole, _ = ppo.values(longer)
    # Of the next frame its place in the bar is known, but not its note.
    assert longer.metre[:, FRAMES, 0].unique().numel() > 1
    torch.testing.assert_close(values, whole[:, :FRAMES])
    torch.testing.assert_close(after, whole[:, FRAMES], atol=1e-2, rtol=1e-2)
    assert (after - values[:, -1]).abs().max() > 0.1


def test_a_crop_that_goes_on_gets_that_worth_and_one_that_ended_does_not(truth: Episodes) -> None:
    ppo = ppo_of(replace(BARE, trace=1.0, discount=0.9))
    some = replace(truth, ended=torch.tensor([False, True, False, True]))
    prior = ppo.before(some)._replace(bootstrap=torch.full((ROWS,), 5.0))
    _, returns = ppo.estimate(torch.zeros(some.chord.shape), prior, some)
    assert returns[:, -1].tolist() == pytest.approx([4.5, 0, 4.5, 0])
    assert returns[0, 0].item() == pytest.approx(5 * 0.9**FRAMES, rel=1e-5)
    ppo = ppo_of(replace(BARE, trace=1.0, bootstrap=False))
    _, returns = ppo.estimate(torch.zeros(some.chord.shape), prior, some)
    assert not returns.any()


@pytest.mark.usefixtures("exactly")
def test_the_divergence_from_the_anchor_is_that_of_whole_distributions(truth: Episodes) -> None:
    tilted = torch.zeros(ACTIONS)
    tilted[3] = 2.0
    ppo = ppo_of(BARE, Constant(torch.zeros(ACTIONS)), Constant(tilted))
    kl = ppo.before(truth).kl
    held = torch.cat((torch.zeros(ROWS, 1, dtype=torch.bool), truth.chord[:, :-1] != NO_CHORD), 1)
    # The policy is even over n actions, the anchor e^2 times as likely to take one of them.
    expected = torch.tensor([np.log((n - 1 + np.exp(2)) / n) - 2 / n for n in (ACTIONS - 1, ACTIONS)])
    torch.testing.assert_close(kl, expected.float()[held.long()], atol=1e-6, rtol=1e-5)


def test_the_divergence_is_taken_from_the_reward(truth: Episodes) -> None:
    ppo = ppo_of(replace(BARE, kl=0.5, trace=1.0, discount=0.5))
    some = replace(truth, ended=torch.ones(ROWS, dtype=torch.bool))
    kl = torch.zeros(some.chord.shape)
    kl[:, 2], kl[:, 4] = 0.3, 0.8
    prior = ppo.before(some)._replace(kl=kl)
    rewards = torch.zeros(some.chord.shape)
    rewards[:, 4] = 1.0
    # -.15 is paid in the third frame, 1 - .4 in the fifth.
    by_hand = [-0.15 / 4 + 0.6 / 16, -0.15 / 2 + 0.6 / 8, -0.15 + 0.6 / 4, 0.6 / 2, 0.6, 0.0]
    for found in (ppo.outcome(rewards, prior, some), ppo.estimate(rewards, prior, some)[1]):
        assert found[0, :6].tolist() == pytest.approx(by_hand, abs=1e-6)
    without = ppo_of(replace(BARE, trace=1.0, discount=0.5)).outcome(rewards, prior, some)
    assert without[0, 2:5].tolist() == pytest.approx([0.25, 0.5, 1.0])


@pytest.mark.usefixtures("exactly")
@pytest.mark.parametrize(
    ("ratio", "advantage", "learns"), [(1.5, 1.0, False), (1.5, -1.0, True), (0.5, 1.0, True), (0.5, -1.0, False)]
)
def test_a_ratio_past_the_clip_is_learned_from_only_where_that_leads_back(
    truth: Episodes, ratio: float, advantage: float, learns: bool
) -> None:
    ppo = ppo_of(BARE, Constant(random_logits()))
    movement, figures = moved(ppo, truth, prior_of(ppo, truth, ratio), advantage)
    bound = 1.2 if ratio > 1 else 0.8
    gain = ratio * advantage if learns else bound * advantage
    assert figures["policy_loss"] == pytest.approx(-gain, rel=1e-5)
    assert figures["clip_fraction"] == 1.0
    assert bool(np.abs(movement).max() > 1e-3) is learns


@pytest.mark.usefixtures("exactly")
def test_inside_the_clip_the_step_is_that_of_the_policy_gradient(truth: Episodes) -> None:
    policy = Constant(random_logits())
    ppo = ppo_of(BARE, policy)
    share = mean_over_frames(truth, lambda p: p, policy.logits)
    played = np.bincount(torch.where(truth.chord >= CHORD.hold, HOLD_ACTION, truth.chord).flatten(), minlength=ACTIONS)
    movement, figures = moved(ppo, truth, prior_of(ppo, truth, ratio=1.1), 2.0)
    np.testing.assert_allclose(movement, 2.0 * 1.1 * (played / played.sum() - share), atol=1e-6, rtol=1e-5)
    assert figures["clip_fraction"] == 0.0


@pytest.mark.parametrize("weight", [0.0, 0.7])
@pytest.mark.usefixtures("exactly")
def test_the_entropy_bonus_makes_the_policy_more_even(truth: Episodes, weight: float) -> None:
    def entropy(p: np.ndarray) -> np.ndarray:
        return -np.where(p > 0, p * np.log(np.where(p > 0, p, 1.0)), 0.0)

    def slope(p: np.ndarray) -> np.ndarray:
        return entropy(p) - p * entropy(p).sum()

    policy = Constant(random_logits())
    ppo = ppo_of(replace(BARE, entropy=weight), policy)
    expected = mean_over_frames(truth, slope, policy.logits)
    known = mean_over_frames(truth, entropy, policy.logits).sum()
    movement, figures = moved(ppo, truth, prior_of(ppo, truth), 0.0)
    np.testing.assert_allclose(movement, weight * expected, atol=1e-6)
    assert figures["entropy"] == pytest.approx(known, rel=1e-5)
    again = moved(ppo, truth, prior_of(ppo, truth), 0.0)[1]["entropy"]
    assert bool(again > known + 1e-4) is (weight > 0)


@pytest.mark.parametrize("weight", [0.0, 0.7])
@pytest.mark.usefixtures("exactly")
def test_the_guide_draws_the_policy_to_its_anchor(truth: Episodes, weight: float) -> None:
    def slope(p: np.ndarray, q: np.ndarray) -> np.ndarray:
        apart = np.log(np.where(p > 0, p, 1.0)) - np.log(np.where(q > 0, q, 1.0))
        return p * (apart - (p * apart).sum())

    policy, anchor = Constant(random_logits(1)), Constant(random_logits(2))
    ppo = ppo_of(replace(BARE, guide=weight), policy, anchor)
    expected = mean_over_frames(truth, slope, policy.logits, anchor.logits)
    before = ppo.before(truth).kl.mean()
    movement, _ = moved(ppo, truth, prior_of(ppo, truth), 0.0)
    np.testing.assert_allclose(movement, -weight * expected, atol=1e-6)
    assert bool(ppo.before(truth).kl.mean() < before) is (weight > 0)


def test_the_hold_of_nothing_has_no_odds(truth: Episodes) -> None:
    odds = choices(Constant(torch.zeros(ACTIONS)), truth, CHORD, mixed=False).odds
    assert torch.isinf(odds[:, 0, HOLD_ACTION]).all()
    assert odds[:, 0, :HOLD_ACTION].exp().sum(-1).tolist() == pytest.approx([1.0] * ROWS, rel=1e-5)
