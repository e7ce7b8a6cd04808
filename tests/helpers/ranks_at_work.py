"""What each of several processes does in the tests of `Ranks`: `torchrun ... ranks_at_work.py FOLDER`.

Every process writes what it saw to `FOLDER/RANK.json`; the runs stand in folders beside.
"""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tiny_corpus import write_corpus
from tiny_kit import SMALL, tiny_kit
from tiny_policy import tiny_net
from torch import Tensor, nn

from gapt_core.parts import CHORD
from gapt_core.rl.adversary import Adversary, AdversaryConfig
from gapt_core.rl.episodes import Episodes, Scores
from gapt_core.rl.gapt import Gapt, train_gapt
from gapt_core.rl.ppo import Ppo, PpoConfig
from gapt_core.rl.ranks import Ranks
from gapt_core.rl.recipe import GaptConfig
from gapt_core.rl.rollout import Shown, environment
from gapt_core.train.corpus import Corpus, load_corpus
from gapt_core.train.crops import CropSource
from gapt_core.train.policy import Trained

ADVERSARY = AdversaryConfig(schedule="every", net=SMALL, warm_rounds=8, rounds=2, rows=4, keep=2)
CONFIG = GaptConfig(
    steps=3, rollouts=4, frames=32, window=16, buffers=1, fit_rounds=1, save_every=1, adversary=ADVERSARY, warmup=2
)
ROWS = 8


def main() -> None:
    """Do everything."""
    folder = Path(sys.argv[1])
    torch.set_num_threads(1)
    with Ranks.joined() as ranks:
        if ranks.rank == 0:
            write_corpus(folder / "songs")
        ranks.mean(0.0)
        corpus = load_corpus(folder / "songs", "train")
        truth = drawn(corpus)
        seen = {
            "means": ranks.means({"one": float(ranks.rank), "other": 4.0}),
            "gathered": ranks.gathered(f"rank {ranks.rank}"),
            "error": policy_error(ranks, truth) | discriminator_error(ranks, truth),
            "whole": trained(corpus, folder / "whole", ranks),
            "stopped": stopped(corpus, folder / "stopped", ranks),
            "apart": apart(corpus, folder / "apart", ranks),
        }
        (folder / f"{ranks.rank}.json").write_text(json.dumps(seen))


def drawn(corpus: Corpus) -> Episodes:
    """The same rows in every process."""
    random = np.random.default_rng(0)
    source = CropSource(corpus, random)
    return environment([source.draw(32) for _ in range(ROWS)], 32, Shown(), random)


def policy_error(ranks: Ranks, truth: Episodes) -> dict[str, float]:
    """How far what the processes do with a share of the rows each is from what one does with all."""
    together, alone = (Ppo(tiny_net(), tiny_kit().anchor(CHORD), CHORD, PPO, each) for each in (ranks, Ranks()))
    own = torch.arange(ranks.rank, ROWS, ranks.size)
    prior = alone.before(truth)
    rewards = torch.randn(truth.valid.shape, generator=torch.Generator().manual_seed(1))
    advantage, returns = alone.estimate(rewards, prior, truth)
    mine = type(prior)(*(column[own] for column in prior))
    some = truth.rows(own)
    shared, _ = together.estimate(rewards[own], mine, some)
    alone.improve_policy(truth, prior, advantage)
    together.improve_policy(some, mine, advantage[own])
    alone.fit_value(truth, returns)
    together.fit_value(some, returns[own])
    return {
        "advantage": relative(shared, advantage[own]),
        "policy": relative(gradient(together.policy), gradient(alone.policy)),
        "value": relative(gradient(together.value), gradient(alone.value)),
    }


PPO = PpoConfig(gradient=1e9, guide=0.1)
"""Gradients as they are: no clipping."""


def discriminator_error(ranks: Ranks, truth: Episodes) -> dict[str, float]:
    """The same of the discriminator, which tells rows from the same rows a frame late."""
    config = AdversaryConfig(net=SMALL, rounds=1, hop=0, dropout=0.0, rows=ROWS)
    together, alone = Adversary(config, CHORD, 0), Adversary(config, CHORD, 0)
    played = replace(truth, chord=truth.chord.roll(1, dims=1))
    own = torch.arange(ranks.rank, ROWS, ranks.size)
    alone.learn(truth, played)
    together.learn(truth.rows(own), played.rows(own), ranks.average)
    return {"discriminator": relative(gradient(together.net), gradient(alone.net))}


def trained(corpus: Corpus, folder: Path, ranks: Ranks) -> dict[str, Any]:
    """A run from its start, or from where it stands, to its end."""
    run = begun(corpus, folder, ranks)
    shown: list[int] = []
    train_gapt(run, lambda record: shown.append(record["step"]))
    return {"digest": digest(run), "shown": shown, "crops": str(run.source.random.bit_generator.state)}


def stopped(corpus: Corpus, folder: Path, ranks: Ranks) -> dict[str, Any]:
    """The same run, stopped in its second step, and gone on with."""
    for record in begun(corpus, folder, ranks).run():
        if record["step"] == 2:
            break
    return trained(corpus, folder, ranks)


def apart(corpus: Corpus, folder: Path, ranks: Ranks) -> list[bool]:
    """What a run says whose rewards are infinite in the last process alone."""
    last = ranks.rank == ranks.size - 1

    def reward(episodes: Episodes) -> Scores:
        return {"infinite": torch.full(episodes.valid.shape, torch.inf if last else 0.0)}

    return [record.get("diverged", False) for record in begun(corpus, folder, ranks, rewards=[reward]).run()]


def begun(corpus: Corpus, folder: Path, ranks: Ranks, **given: Any) -> Gapt:
    """A run of `CONFIG`."""
    return Gapt(corpus, tiny_kit(), Trained(tiny_net(), ()), folder, CONFIG, ranks=ranks, **given)


def digest(run: Gapt) -> str:
    """A fingerprint of all weights."""
    content = hashlib.sha256()
    for net in (run.ppo.policy, run.ppo.value, run.adversary.net):
        for tensor in net.state_dict().values():
            content.update(tensor.numpy().tobytes())
    return content.hexdigest()


def gradient(net: nn.Module) -> Tensor:
    """All gradients of a net as one vector."""
    return torch.cat([parameter.grad.flatten() for parameter in net.parameters() if parameter.grad is not None])


def relative(ours: Tensor, theirs: Tensor) -> float:
    """Length of the difference over that of `theirs`."""
    return float((ours - theirs).norm() / theirs.norm())


if __name__ == "__main__":
    main()
