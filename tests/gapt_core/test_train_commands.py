"""From songs to a training kit by the commands alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from tiny_corpus import write_corpus
from tiny_kit import SMALL
from tiny_policy import TINY, write_policy_preset

from bridge.cli import gapt
from gapt_core.evaluate.listener import Listener
from gapt_core.model.rewards import JudgeConfig
from gapt_core.rl.kit import load_kit
from gapt_core.rl.make_kit import KINDS, judge_recipes
from gapt_core.train.corpus import load_corpus
from gapt_core.train.rewards import JudgeTraining, judge_run
from gapt_core.train.run import read_state, save_atomically


def run(*arguments: str | Path, exit_code: int = 0) -> str:
    """What `gapt` prints."""
    result = CliRunner().invoke(gapt, [str(argument) for argument in arguments])
    assert result.exit_code == exit_code, result.output
    return result.output


@pytest.fixture
def songs(tmp_path: Path) -> Path:
    return write_corpus(tmp_path / "songs", songs=2)


def judge(songs: Path, name: str, place: Path) -> None:
    """Train a reward of the smallest size for a step."""
    kind, _, seed = name.rpartition("-")
    config = JudgeConfig(kind.removesuffix("_rhythm"), kind.endswith("_rhythm"), SMALL)
    recipe = JudgeTraining(judge=config, batch=2, lengths=(16,), steps=1, seed=int(seed))
    judge_run(load_corpus(songs, "train"), load_corpus(songs, "valid"), recipe, place).to_end(lambda record: None)


def half_a_kit(songs: Path, tmp_path: Path, *names: str) -> tuple[str | Path, ...]:
    """A command that makes a kit of an anchor and these rewards."""
    preset = write_policy_preset(tmp_path / "tiny").folder
    common = ("--data", songs, "--steps", "1", "--batch", "1")
    run("train", "anchor", "--part", "melody", *common, "--init", preset, "--out", tmp_path / "melody")
    for name in names:
        judge(songs, name, tmp_path / "rewards" / name)
    folders = ("--anchor", tmp_path / "melody", "--rewards", tmp_path / "rewards", "--out", tmp_path / "kit")
    return ("train", "kit", *folders, "--data", songs)


def test_a_kit_is_made_of_a_preset_and_songs(songs: Path, tmp_path: Path) -> None:
    names = [f"{kind}-0" for kind in KINDS]
    command = half_a_kit(songs, tmp_path, *names[:3])
    common = ("--data", songs, "--steps", "1")
    run("train", "rewards", *common, "--only", names[3], "--out", tmp_path / "rewards")
    chord = ("--batch", "1", "--init", tmp_path / "tiny", "--out", tmp_path / "chord")
    assert "nats; weights in" in run("train", "anchor", "--part", "chord", *common, *chord)
    said = run(*command, "--anchor", tmp_path / "chord")
    assert "has 4 rewards, and anchors to post-train: melody and chord." in said
    assert "The method has 2 rewards of each kind, this kit has one; train the others with" in said
    kit = load_kit(tmp_path / "kit")
    assert kit.anchors["melody"].config == TINY
    assert set(kit.record["judges"]) == set(names)
    assert set(kit.record["judges"][names[3]]["test"]) >= {"precision", "recall", "f1", "pairs", "f1_hard"}
    assert kit.record["anchors"]["chord"]["step"] == 1
    # What a part has no anchor for cannot be post-trained.
    run(*command)
    init = ("--kit", tmp_path / "kit", "--init", tmp_path / "tiny", "--out", tmp_path / "run")
    assert "The kit has no anchor for the chord part" in run("train", "gapt", *init, "--data", songs, exit_code=2)


def test_half_a_set_of_rewards_makes_no_kit(songs: Path, tmp_path: Path) -> None:
    command = half_a_kit(songs, tmp_path, "contrastive-0", "contrastive_rhythm-0", "contrastive_rhythm-1")
    said = run(*command, exit_code=2)
    missing = "discriminative-0, discriminative_rhythm-0, contrastive-1, discriminative-1, discriminative_rhythm-1"
    assert f"has no {missing}, and half a set judges by other weights; train what is missing" in said
    assert not (tmp_path / "kit").exists()


def test_a_reward_bears_its_own_name(songs: Path, tmp_path: Path) -> None:
    command = half_a_kit(songs, tmp_path, "contrastive-0")
    (tmp_path / "rewards" / "contrastive-0").rename(tmp_path / "rewards" / "contrastive-1")
    said = run(*command, exit_code=2)
    assert "contrastive-1 holds the reward contrastive-0; give the folder its name" in said


@pytest.mark.parametrize("lost", ["stages", "config"])
def test_a_reward_that_does_not_say_where_it_is_from_makes_no_kit(songs: Path, tmp_path: Path, lost: str) -> None:
    command = half_a_kit(songs, tmp_path, "contrastive-0")
    best = tmp_path / "rewards" / "contrastive-0" / "best.pt"
    state = {name: value for name, value in read_state(best).items() if name != lost}
    save_atomically(best, state)
    sentence = {"stages": "does not say how it was trained; train it again", "config": "holds no reward net; give"}
    assert sentence[lost] in run(*command, exit_code=2)


def test_no_reward_has_the_seed_of_the_listener(songs: Path, tmp_path: Path) -> None:
    said = run("train", "rewards", "--data", songs, "--seeds", "8", "--out", tmp_path / "rewards", exit_code=2)
    assert "8 is not in the range 1<=x<=7" in said
    assert max(int(name.rpartition("-")[2]) for name in judge_recipes(7, "all")) < Listener().recipe["seed"]


def test_a_command_called_again_resumes_and_says_so(songs: Path, tmp_path: Path) -> None:
    command = ("train", "rewards", "--data", songs, "--only", "contrastive_rhythm-0", "--out", tmp_path / "rewards")
    assert "Resuming" not in run(*command, "--steps", "1")
    assert "Resuming at step 1" in run(*command, "--steps", "2")


def test_what_is_not_there_is_said_in_a_sentence(songs: Path, tmp_path: Path) -> None:
    common = ("--data", songs, "--out", tmp_path / "run")
    said = run("train", "rewards", *common, "--only", "aesthetic-0", exit_code=2)
    assert "There is no net aesthetic-0; choose from contrastive-0" in said
    said = run("train", "anchor", "--part", "chord", *common, "--init", "no-such-preset", exit_code=2)
    assert "There is no preset" in said
    (tmp_path / "empty").mkdir()
    said = run("train", "kit", "--anchor", tmp_path / "empty", "--rewards", tmp_path / "empty", *common, exit_code=2)
    assert "no trained anchor" in said
