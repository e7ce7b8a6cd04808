"""What a recipe decides: what the discriminator is told, what the paper has, and what older records leave unsaid."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_corpus import write_corpus
from tiny_kit import SMALL, tiny_kit
from tiny_policy import tiny_net

from gapt_core.errors import TrainingError
from gapt_core.model.policy import HIDDEN
from gapt_core.parts import CHORD
from gapt_core.rl.adversary import Adversary, AdversaryConfig
from gapt_core.rl.episodes import Episodes
from gapt_core.rl.gapt import Gapt
from gapt_core.rl.recipe import GaptConfig, as_published, completed
from gapt_core.train.corpus import Corpus, load_corpus
from gapt_core.train.policy import Trained
from gapt_core.train.run import read_state, save_atomically

ADVERSARY = AdversaryConfig(schedule="every", net=SMALL, warm_rounds=2, rounds=1, rows=4, keep=1)
CONFIG = GaptConfig(
    steps=1, rollouts=4, frames=32, window=16, buffers=1, fit_rounds=1, save_every=1, adversary=ADVERSARY, warmup=2
)


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    return load_corpus(write_corpus(tmp_path / "songs", songs=2), "train")


def begun(corpus: Corpus, folder: Path, config: GaptConfig = CONFIG) -> Gapt:
    return Gapt(corpus, tiny_kit(), Trained(tiny_net(), ()), folder, config)


def duets(rows: int = 6, frames: int = 24) -> Episodes:
    random = torch.Generator().manual_seed(0)
    chord = torch.randint(1, CHORD.hold, (rows, frames), generator=random)
    metre = torch.randint(16, (rows, frames, 3), generator=random)
    style = torch.randint(8, (rows,), generator=random)
    told = torch.ones(rows, frames, dtype=torch.bool)
    return Episodes(chord, chord, metre, style, chord, told, style == 0, style)


@pytest.mark.parametrize("told", [{"metre", "genre", "mode"}, {"metre"}, {"genre"}, {"mode"}, set()])
def test_the_discriminator_knows_of_a_track_what_it_is_told(told: set[str]) -> None:
    config = replace(ADVERSARY, **{name: name in told for name in ("metre", "genre", "mode")})
    adversary = Adversary(config, CHORD, seed=0)
    adversary.net.eval()
    heard = duets()
    said = adversary.logits(heard)
    other = {
        "metre": replace(heard, metre=(heard.metre + 1) % 16),
        "genre": replace(heard, genre=(heard.genre + 1) % 8),
        "mode": replace(heard, now=torch.full_like(heard.now, HIDDEN)),
        "melody": replace(heard, melody=heard.melody.roll(1, dims=1)),
        "chord": replace(heard, chord=heard.chord.roll(1, dims=1)),
    }
    hears = {name for name, changed in other.items() if not torch.equal(adversary.logits(changed), said)}
    assert hears == {"chord"} | told


def test_weights_have_one_layout_whatever_it_is_told() -> None:
    nets = [Adversary(replace(ADVERSARY, metre=metre), CHORD, seed=0).net for metre in (True, False)]
    one, other = (net.state_dict() for net in nets)
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_policy_is_post_trained_against_a_discriminator_of_the_track_alone(corpus: Corpus, tmp_path: Path) -> None:
    alone = replace(CONFIG, adversary=replace(ADVERSARY, metre=False, genre=False, mode=False))
    records = {
        name: list(begun(corpus, tmp_path / name, config).run()) for name, config in (("a", CONFIG), ("b", alone))
    }
    rewards = [record[-1]["rewards"]["adversarial"] for record in records.values()]
    assert rewards[0] != rewards[1]
    assert records["b"][-1]["adversary"]["updated"]
    assert json.loads((tmp_path / "b" / "run.json").read_text())["adversary"]["metre"] is False


def test_the_papers_discriminator_sees_the_track_alone_and_ours_does_not() -> None:
    ours, theirs = GaptConfig().adversary, as_published(GaptConfig()).adversary
    assert (ours.metre, ours.genre, ours.mode) == (True, True, True)
    assert (theirs.metre, theirs.genre, theirs.mode) == (False, False, False)


def without_metre(config: dict[str, Any]) -> dict[str, Any]:
    """A recipe as it was saved before there was a choice."""
    adversary = {name: value for name, value in config["adversary"].items() if name != "metre"}
    return config | {"adversary": adversary}


def test_what_an_older_record_leaves_unsaid_is_what_was_done_then() -> None:
    config = replace(CONFIG, seed=3).to_dict()
    assert completed(without_metre(config)) == config
    assert completed(config) == config
    del config["adversary"]["mode"]
    assert completed(config)["adversary"]["mode"] is False
    assert completed({})["ppo"] == GaptConfig().to_dict()["ppo"]


def test_a_run_from_before_there_was_a_choice_goes_on(corpus: Corpus, tmp_path: Path) -> None:
    for _ in begun(corpus, tmp_path / "run").run():
        pass
    checkpoint = tmp_path / "run" / "checkpoint.pt"
    state = read_state(checkpoint)
    save_atomically(checkpoint, state | {"config": without_metre(state["config"])})
    assert begun(corpus, tmp_path / "run").step == 1
    with pytest.raises(TrainingError, match="another recipe"):
        begun(corpus, tmp_path / "run", replace(CONFIG, adversary=replace(ADVERSARY, metre=False)))
    save_atomically(checkpoint, state | {"config": {"adversary": 3}})
    with pytest.raises(TrainingError, match="is damaged"):
        begun(corpus, tmp_path / "run")
    state["adversary"]["net"].popitem()
    save_atomically(checkpoint, state)
    with pytest.raises(TrainingError, match="left by another version"):
        begun(corpus, tmp_path / "run")
