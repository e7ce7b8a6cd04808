"""`gapt train gapt`: what its options make of a run, and a run of the smallest size from its start to its picture."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import click
import pytest
import torch
from click.testing import CliRunner
from tiny_corpus import write_corpus
from tiny_kit import SMALL as TINY_ENCODER
from tiny_kit import tiny_kit
from tiny_policy import write_policy_preset

from bridge.cli import gapt
from gapt_core.errors import TrainingError
from gapt_core.rl.adversary import AdversaryConfig
from gapt_core.rl.gapt import Gapt
from gapt_core.rl.kit import Kit, save_kit
from gapt_core.rl.recipe import GaptConfig, as_published, for_part
from gapt_core.train.policy import load_best

SMALL = ("--steps", "2", "--rollouts", "2", "--frames", "16")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with songs, a kit and a preset."""
    place = tmp_path_factory.mktemp("place")
    save_kit(tiny_kit(), place / "kit")
    write_policy_preset(place / "tiny")
    write_corpus(place / "songs", songs=2)
    return place


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short warming up, a small discriminator, a checkpoint every other step."""
    net = AdversaryConfig(net=TINY_ENCODER, warm_rounds=2, rounds=1, rows=4, keep=1)
    small = partial(GaptConfig, adversary=net, buffers=1, fit_rounds=1, save_every=2)
    monkeypatch.setattr("gapt_core.rl.recipe.GaptConfig", small)


def command(place: Path, out: Path, *options: str | Path) -> list[str]:
    where = ("--data", place / "songs", "--kit", place / "kit", "--init", place / "tiny", "--out", out)
    return [str(part) for part in ("train", "gapt", *where, *options)]


def said(command: list[str], exit_code: int = 0) -> str:
    """What `gapt` prints."""
    result = CliRunner().invoke(gapt, command)
    assert result.exit_code == exit_code, result.output
    return result.output


def log_of(folder: Path) -> list[dict[str, Any]]:
    """The records of a run, without what depends on the clock."""
    records = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [{name: value for name, value in record.items() if name != "seconds"} for record in records]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), GaptConfig()),
        (("--part", "melody"), for_part(GaptConfig(), "melody")),
        (("--paper",), as_published(GaptConfig())),
        (
            ("--paper", "--part", "melody", "--steps", "7"),
            replace(for_part(as_published(GaptConfig()), "melody"), steps=7),
        ),
        (("--steps", "3", "--rollouts", "5", "--frames", "20"), replace(GaptConfig(), steps=3, rollouts=5, frames=20)),
        (("--rate", "1e-3"), replace(GaptConfig(), ppo=replace(GaptConfig().ppo, rate=1e-3))),
        (("--adversary", "0"), replace(GaptConfig(), adversary=replace(GaptConfig().adversary, weight=0.0))),
        (("--adversary", ".5"), replace(GaptConfig(), adversary=replace(GaptConfig().adversary, weight=0.5))),
        (("--schedule", "every"), replace(GaptConfig(), adversary=replace(GaptConfig().adversary, schedule="every"))),
        (("--seed", "9", "--selection", "public-domain"), replace(GaptConfig(), seed=9, selection="public-domain")),
    ],
)
def test_options_make_the_recipe(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], expected: GaptConfig
) -> None:
    asked = []

    class Asked(Gapt):
        def __init__(
            self, corpus: object, kit: object, init: object, folder: Path, config: GaptConfig, **_: Any
        ) -> None:
            asked.append(config)
            raise TrainingError("That is all.")

    monkeypatch.setattr("gapt_core.rl.gapt.Gapt", Asked)
    assert "That is all." in said(command(place, tmp_path / "run", *options), exit_code=2)
    assert asked == [expected]


def test_the_defaults_are_those_that_the_help_tells_of(place: Path) -> None:
    help_text = " ".join(said(["train", "gapt", "--help"]).split())
    ours, theirs = GaptConfig(), as_published(GaptConfig())
    for name, count in (("Steps in all", "steps"), ("Episodes a step and process", "rollouts")):
        assert f"{name}; {getattr(ours, count)}, or the paper's {getattr(theirs, count)}" in help_text
    assert f"at most; {ours.frames}, or the paper's {theirs.frames}" in help_text
    ours_told, theirs_told = help_text.partition("rate of the policy; ")[2].split(", or the paper's ")[:2]
    rates = [float(ours_told), float(theirs_told.split()[0].rstrip("."))]
    assert rates == pytest.approx([ours.ppo.rate, theirs.ppo.rate])


@pytest.mark.usefixtures("quick")
def test_the_melody_agent_is_trained_against_an_adversary_and_drawn(place: Path, tmp_path: Path) -> None:
    png = tmp_path / "run.png"
    options = (*SMALL, "--part", "melody", "--adversary", ".5", "--schedule", "every", "--seed", "3", "--plot", png)
    assert f"Weights in {tmp_path / 'run' / 'policy.pt'}" in said(command(place, tmp_path / "run", *options))
    records = log_of(tmp_path / "run")
    assert [record["step"] for record in records] == [0, 1, 2]
    assert all(record["adversary"]["updated"] for record in records[1:])
    assert records[1]["rewards"]["adversarial"] == pytest.approx(0.5 * records[1]["adversary"]["reward"])
    assert png.read_bytes().startswith(b"\x89PNG")
    stage = load_best(tmp_path / "run" / "policy.pt").stages[-1]
    assert (stage["kind"], stage["part"], stage["seed"], stage["ppo"]["entropy"]) == ("gapt", "melody", 3, 0.002)


@pytest.mark.usefixtures("quick")
def test_a_run_that_was_interrupted_goes_on_as_if_it_had_not_been(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C in the second step of four, before there is a checkpoint, and in the fourth, a step after it."""
    size = ("--steps", "4", *SMALL[2:])
    said(command(place, tmp_path / "whole", *size))
    step = Gapt.train_step
    for done in (1, 3):

        def interrupted(run: Gapt, done: int = done) -> dict[str, Any]:
            if run.step == done:
                raise KeyboardInterrupt
            return step(run)

        with monkeypatch.context() as patch:
            patch.setattr(Gapt, "train_step", interrupted)
            assert "Resuming" not in said(command(place, tmp_path / "stopped", *size), exit_code=130)
    assert "Resuming at step 2." in said(command(place, tmp_path / "stopped", *size))
    assert log_of(tmp_path / "stopped") == log_of(tmp_path / "whole")
    whole, stopped = (load_best(tmp_path / name / "policy.pt").net.state_dict() for name in ("whole", "stopped"))
    assert all(torch.equal(whole[name], stopped[name]) for name in whole)


@pytest.mark.usefixtures("quick")
def test_a_run_may_be_made_longer_but_not_otherwise_be_changed(place: Path, tmp_path: Path) -> None:
    begin = command(place, tmp_path / "run", "--adversary", "0", *SMALL)
    said(begin)
    assert "Resuming at step 2." in said([*begin, "--steps", "3"])
    assert [record["step"] for record in log_of(tmp_path / "run")] == [0, 1, 2, 3]
    for other in (("--rate", "1e-3"), ("--part", "melody"), ("--adversary", "1"), ("--seed", "1")):
        assert "holds a run of another recipe, kit, --init or data" in said([*begin, *other], exit_code=2)
    save_kit(tiny_kit(seed=1), tmp_path / "kit")
    assert "of another recipe, kit" in said([*begin, "--kit", str(tmp_path / "kit")], exit_code=2)


@pytest.mark.usefixtures("quick")
def test_a_run_that_comes_apart_says_so(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    step = Gapt.train_step
    monkeypatch.setattr(Gapt, "train_step", lambda run: step(run) | {"kl": float("nan")})
    told = said(command(place, tmp_path / "run", "--adversary", "0", *SMALL), exit_code=2)
    assert "came apart at step 1: take a smaller --rate and another --out" in told
    assert log_of(tmp_path / "run")[-1]["diverged"] is True


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--kit", "nowhere"), "nowhere holds no whole training kit"),
        (("--kit", "{place}/tiny"), "has no training kit; make one with `gapt train kit`"),
        (("--init", "no-such-preset"), "There is no preset"),
        (("--init", "{place}/kit/kit.json"), "holds no trained policy"),
        (("--data", "{place}/kit"), "holds no song sets"),
        (("--plot", "nowhere/run.png"), "There is no folder nowhere; make it first"),
        (("--frames", "15"), "15 is not in the range x>=16"),
        (("--rollouts", "1"), "1 is not in the range x>=2"),
        (("--rate", "0"), "0.0 is not in the range x>0"),
        (("--adversary", "nan"), "'nan' is not a number"),
        (("--schedule", "sometimes"), "'sometimes' is not one of 'two-phase', 'fixed', 'every'"),
    ],
)
def test_wrong_inputs_get_a_sentence(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, str], sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    name, value = options
    told = said(command(place, tmp_path / "run", *SMALL, name, value.format(place=place)), exit_code=2)
    assert sentence in click.unstyle(" ".join(told.split()))
    assert "Traceback" not in told and not (tmp_path / "run").exists()


def test_a_part_without_an_anchor_is_refused(place: Path, tmp_path: Path) -> None:
    kit = tiny_kit()
    save_kit(Kit({"chord": kit.anchors["chord"]}, kit.judges, kit.record), tmp_path / "kit")
    options = ("--kit", tmp_path / "kit", "--part", "melody")
    told = said(command(place, tmp_path / "run", *SMALL, *options), exit_code=2)
    assert "The kit has no anchor for the melody part; train one with `gapt train anchor`" in told
