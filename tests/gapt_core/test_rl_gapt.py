"""Post-training: its log-probabilities, what it learns and hacks, and that it goes on where it was killed."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_corpus import write_corpus
from tiny_kit import SMALL, tiny_kit
from tiny_policy import TINY, tiny_net

from gapt_core.chords import CHORD_COUNT, QUALITY_NAMES
from gapt_core.errors import TrainingError
from gapt_core.model.policy import HIDDEN
from gapt_core.parts import CHORD, MELODY
from gapt_core.rl.adversary import Adversary, AdversaryConfig, Schedule
from gapt_core.rl.episodes import Episodes, Scores
from gapt_core.rl.gapt import Gapt, gather, train_gapt
from gapt_core.rl.kit import load_kit, save_kit
from gapt_core.rl.ppo import PpoConfig, choices, divergence
from gapt_core.rl.recipe import GaptConfig, for_part
from gapt_core.rl.rollout import Shown, actions_of, environment, roll_out
from gapt_core.train.batches import BatchConfig
from gapt_core.train.corpus import Corpus, load_corpus
from gapt_core.train.crops import CropSource
from gapt_core.train.policy import TrainConfig, Trained, Trainer, load_best
from gapt_core.vocabulary import CHORD_HOLD, CHORD_ONSET, legal_tokens

TONIC = 0
"""Chords on C."""

ADVERSARY = AdversaryConfig(
    net=SMALL,
    warm_rounds=8,
    rounds=2,
    rows=8,
    keep=4,
    rate=3e-3,
    matrix_rate=0.0,
    warm_steps=4,
    interval=3,
    threshold=0.75,
)
CONFIG = GaptConfig(
    steps=4, rollouts=8, frames=32, window=16, buffers=1, fit_rounds=1, save_every=1, adversary=ADVERSARY, warmup=2
)
QUICK = PpoConfig(rate=5e-3, value_rate=1e-2, minibatches=2)


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    return load_corpus(write_corpus(tmp_path / "songs"), "train")


@pytest.fixture
def truth(corpus: Corpus) -> Episodes:
    random = np.random.default_rng(0)
    source = CropSource(corpus, random)
    crops = [source.draw(32) for _ in range(6)]
    short = crops[0]._replace(melody=crops[0].melody[:20], chord=crops[0].chord[:20], metre=crops[0].metre[:20])
    return environment([short, *crops[1:]], 32, Shown(), random)


def gapt(corpus: Corpus, folder: Path, config: GaptConfig, rewards: list | None = None) -> Gapt:
    return Gapt(corpus, tiny_kit(), Trained(tiny_net(), ()), folder, config, rewards=rewards)


class TonicShare:
    """A reward that asks to be hacked: the share of the frames under chords of the tonic."""

    def __call__(self, episodes: Episodes) -> Scores:
        root = (episodes.chord - CHORD_ONSET) % CHORD_COUNT // len(QUALITY_NAMES)
        tonic = (episodes.chord >= CHORD_ONSET) & (root == TONIC) & episodes.valid
        return {"tonic": tonic.float() / episodes.valid.sum(1, keepdim=True)}


class Nothing:
    """No reward at all."""

    def __call__(self, episodes: Episodes) -> Scores:
        return {"nothing": torch.zeros(episodes.valid.shape)}


def tonic_share(net, truth: Episodes) -> float:
    played, _ = roll_out(net, truth, torch.Generator().manual_seed(3))
    return float(TonicShare()(played)["tonic"].sum(1).mean())


def test_the_environment_shows_the_first_half_of_the_rows_the_present_note(truth: Episodes) -> None:
    shown = truth.now[:3]
    assert ((shown == truth.melody[:3]) | (shown == HIDDEN)).all()
    assert (shown == truth.melody[:3]).float().mean() > 0.8
    assert (truth.now[3:] == HIDDEN).all()
    assert truth.valid[0].sum() == 20 and truth.last()[0] == 19


@pytest.mark.parametrize("part", [CHORD, MELODY])
def test_a_rollout_keeps_the_grammar_and_its_odds_are_those_of_training(truth: Episodes, part) -> None:
    net = tiny_net()
    played, chosen = roll_out(net, truth, torch.Generator().manual_seed(1), part, torch.float32)
    trained = choices(net, played, part, mixed=False)
    assert torch.allclose(trained.chosen * truth.valid, chosen, atol=1e-4)
    assert not (getattr(played, part.name)[~truth.valid] != part.silent).any()
    if part is CHORD:
        assert torch.equal(played.melody, truth.melody)
        for row, valid in zip(played.chord.numpy(), played.valid.numpy(), strict=True):
            tokens = [0, *row[valid]]
            assert all(legal_tokens(before)[token] for before, token in pairwise(tokens))
    else:
        assert torch.equal(played.chord, truth.chord)


def test_equal_seeds_roll_out_alike(truth: Episodes) -> None:
    one, other, third = (roll_out(tiny_net(), truth, torch.Generator().manual_seed(n))[0].chord for n in (1, 1, 2))
    assert torch.equal(one, other)
    assert not torch.equal(one, third)


def test_actions_are_tokens_without_their_hold(truth: Episodes) -> None:
    actions = actions_of(truth.chord)
    assert torch.equal(actions == CHORD.hold_action, truth.chord >= CHORD_HOLD)


def test_divergence_is_that_of_the_sums_by_hand() -> None:
    ours, theirs = torch.tensor([0.5, 0.5, 0.0]).log(), torch.tensor([0.25, 0.25, 0.5]).log()
    assert divergence(ours, theirs).item() == pytest.approx(np.log(2))
    assert divergence(ours, ours).item() == 0


def test_the_first_ratio_is_exactly_one(corpus: Corpus, tmp_path: Path) -> None:
    run = gapt(corpus, tmp_path / "run", CONFIG)
    records = [record for record in run.run() if record["step"]]
    assert all(record["ratio_error"] == 0.0 for record in records)
    assert any(record["gradient_norm"] > 0 for record in records)


def test_what_is_computed_in_parts_goes_back_to_its_rows(corpus: Corpus, truth: Episodes, tmp_path: Path) -> None:
    ppo = gapt(corpus, tmp_path / "run", CONFIG).ppo
    parts = ppo.minibatches(len(truth), torch.Generator().manual_seed(0))
    whole = ppo.before(truth)
    back = gather([ppo.before(truth.rows(rows)) for rows in parts], parts)
    assert all(torch.allclose(one, other, atol=0.1) for one, other in zip(whole, back, strict=True))


def test_advantages_of_each_mode_have_mean_nought_and_deviation_one(
    corpus: Corpus, truth: Episodes, tmp_path: Path
) -> None:
    ppo = gapt(corpus, tmp_path / "run", CONFIG).ppo
    rewards = torch.randn(truth.valid.shape) + torch.tensor([9.0, 9, 9, 0, 0, 0])[:, None]
    advantage, _ = ppo.estimate(rewards, ppo.before(truth), truth)
    for rows in (slice(0, 3), slice(3, 6)):
        inside = advantage[rows][truth.valid[rows]]
        assert abs(inside.mean()) < 1e-4 and inside.std() == pytest.approx(1, abs=0.05)
    assert (advantage[~truth.valid] == 0).all()


def test_it_finds_a_planted_hack_and_the_adversary_softens_it(corpus: Corpus, truth: Episodes, tmp_path: Path) -> None:
    recipe = TrainConfig(net=TINY, batch=BatchConfig(size=16, frames=32), steps=120, warmup=5, validate_every=120)
    start = load_best(Trainer(corpus, corpus, recipe, tmp_path / "start").to_end(lambda record: None))
    shares = {"start": tonic_share(start.net, truth)}
    for name, weight in (("alone", 0.0), ("opposed", 3.0)):
        against = replace(ADVERSARY, weight=weight, schedule="every", warm_rounds=40)
        config = replace(CONFIG, steps=30, rollouts=16, ppo=QUICK, save_every=100, adversary=against)
        init = Trained(copy.deepcopy(start.net), start.stages)
        run = Gapt(corpus, tiny_kit(), init, tmp_path / name, config, rewards=[TonicShare()])
        for _ in run.run():
            pass
        shares[name] = tonic_share(run.ppo.policy, truth)
    assert shares["start"] < 0.5
    assert shares["alone"] > 0.9
    assert shares["opposed"] < shares["alone"] - 0.2


def test_a_killed_run_goes_on_exactly(corpus: Corpus, tmp_path: Path) -> None:
    whole = gapt(corpus, tmp_path / "whole", CONFIG)
    train_gapt(whole, lambda record: None)
    for stop in (0, 2):
        folder = tmp_path / f"stopped-{stop}"

        def stopping(record: dict, stop: int = stop) -> None:
            if record["step"] > stop:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            train_gapt(gapt(corpus, folder, CONFIG), stopping)
        train_gapt(gapt(corpus, folder, CONFIG), lambda record: None)
        logs = [
            [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
            for run in (tmp_path / "whole", folder)
        ]
        for one, other in zip(*logs, strict=True):
            one.pop("seconds", None), other.pop("seconds", None)
            assert one == other
    nets = [load_best(run / "policy.pt").net.state_dict() for run in (tmp_path / "whole", folder)]
    assert all(torch.equal(nets[0][name], nets[1][name]) for name in nets[0])


def test_another_recipe_is_refused(corpus: Corpus, tmp_path: Path) -> None:
    for _ in gapt(corpus, tmp_path / "run", replace(CONFIG, steps=1)).run():
        pass
    with pytest.raises(TrainingError, match="another recipe"):
        gapt(corpus, tmp_path / "run", replace(CONFIG, seed=5))
    with pytest.raises(TrainingError, match="another recipe, kit"):
        Gapt(corpus, tiny_kit(seed=1), Trained(tiny_net(), ()), tmp_path / "run", replace(CONFIG, steps=1))


def test_a_run_that_comes_apart_says_so(corpus: Corpus, tmp_path: Path) -> None:
    class Infinite:
        def __call__(self, episodes: Episodes) -> Scores:
            return {"infinite": torch.full(episodes.valid.shape, torch.inf)}

    records = list(gapt(corpus, tmp_path / "run", replace(CONFIG, buffers=0), [Infinite()]).run())
    assert records[-1]["diverged"] is True and len(records) == 1


def test_the_melody_agent_is_trained_the_same_way(corpus: Corpus, tmp_path: Path) -> None:
    config = for_part(replace(CONFIG, steps=2), "melody")
    assert config.part == "melody" and config.ppo.entropy == 0.002
    run = gapt(corpus, tmp_path / "run", config)
    before = run.ppo.policy.melody_out.weight.clone()
    records = list(run.run())
    assert [record["step"] for record in records] == [0, 1, 2]
    assert not torch.equal(before, run.ppo.policy.melody_out.weight)


def steps_due(config: AdversaryConfig, rewards: list[float]) -> list[int]:
    schedule = Schedule(config)
    return [step for step, reward in enumerate(rewards, start=1) if schedule.due(step, reward)]


def test_the_two_phases() -> None:
    config = AdversaryConfig(warm_steps=10, interval=5, threshold=1.0, recent=3)
    rewards = [2.0] * 10 + [0.5, 0.5, 0.5, 2.0, 2.0, 0.1, 0.1, 0.1]
    # The means of three steps from the 11th on: 1.5, 1, .5, 1, 1.5, 1.37, .73, .1.
    assert steps_due(config, rewards) == [5, 10, 11, 15, 16]
    assert steps_due(replace(config, schedule="fixed"), rewards) == [5, 10, 15]
    assert steps_due(replace(config, schedule="every"), rewards) == list(range(1, 19))


def test_a_discriminator_of_two_halves_of_one_source_knows_nothing(truth: Episodes) -> None:
    adversary = Adversary(replace(ADVERSARY, rounds=1), CHORD, seed=0)
    # All in one metre and mode: else a track could be told by being heard in those of another.
    alike = {"now": torch.full_like(truth.now, HIDDEN), "metre": truth.metre[:1].expand_as(truth.metre)}
    whole = replace(truth, **alike).rows(slice(1, None))
    for _ in range(30):
        adversary.learn(whole, whole.rows(torch.tensor([4, 3, 2, 1, 0])))
    reward = adversary.reward(whole).sum(1)
    assert torch.allclose(reward, torch.full_like(reward, np.log(2)), atol=0.25)


def test_a_discriminator_learns_what_the_data_does_not_do(truth: Episodes) -> None:
    adversary = Adversary(replace(ADVERSARY, rounds=1), CHORD, seed=0)
    played, _ = roll_out(tiny_net(), truth, torch.Generator().manual_seed(1))
    for _ in range(60):
        adversary.learn(truth, played)
    assert adversary.accuracy(truth, played) == 1.0
    assert adversary.reward(truth).sum(1).mean() > 1.5
    assert 0 <= adversary.reward(played).sum(1).mean() < 0.3


def test_a_kit_comes_back_as_it_was_saved(truth: Episodes, tmp_path: Path) -> None:
    kit = tiny_kit()
    save_kit(kit, tmp_path / "kit")
    again = load_kit(tmp_path / "kit")
    assert set(again.judges) == set(kit.judges) and set(again.anchors) == {"chord", "melody"}
    for name, judge in kit.judges.items():
        scores = [net.eval().score(truth.melody, truth.chord, truth.valid) for net in (judge, again.judges[name])]
        assert torch.allclose(*scores, atol=1e-2)


def test_a_kit_that_is_not_whole_is_refused(tmp_path: Path) -> None:
    save_kit(tiny_kit(), tmp_path)
    (tmp_path / "contrastive-0.safetensors").unlink()
    with pytest.raises(TrainingError, match="no whole training kit"):
        load_kit(tmp_path)
