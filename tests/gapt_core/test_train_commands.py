"""From songs to a training kit by the commands alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from tiny_corpus import write_corpus
from tiny_policy import TINY, write_policy_preset

from bridge.cli import gapt
from gapt_core.rl.kit import load_kit


def run(*arguments: str | Path, exit_code: int = 0) -> str:
    """What `gapt` prints."""
    result = CliRunner().invoke(gapt, [str(argument) for argument in arguments])
    assert result.exit_code == exit_code, result.output
    return result.output


@pytest.fixture
def songs(tmp_path: Path) -> Path:
    return write_corpus(tmp_path / "songs", songs=2)


def test_a_kit_is_made_of_a_preset_and_songs(songs: Path, tmp_path: Path) -> None:
    preset = write_policy_preset(tmp_path / "tiny").folder
    common = ("--data", songs, "--steps", "1")
    for part in ("chord", "melody"):
        options = ("--init", preset, "--batch", "1", "--out", tmp_path / part)
        assert "nats; weights in" in run("train", "anchor", "--part", part, *common, *options)
    name = "discriminative_rhythm-0"
    run("train", "rewards", *common, "--only", name, "--out", tmp_path / "rewards")
    anchors = ("--anchor", tmp_path / "chord", "--anchor", tmp_path / "melody")
    said = run("train", "kit", *anchors, "--rewards", tmp_path / "rewards", "--data", songs, "--out", tmp_path / "kit")
    assert "2 anchors and 1 rewards" in said
    kit = load_kit(tmp_path / "kit")
    assert kit.anchors["melody"].config == TINY
    assert set(kit.record["judges"][name]["test"]) >= {"precision", "recall", "f1", "pairs"}
    assert kit.record["anchors"]["chord"]["step"] == 1


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
