"""The stages of a real run, on a corpus, a kit and a policy of the smallest size."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from tiny_corpus import write_corpus
from tiny_kit import tiny_kit
from tiny_policy import write_policy_preset

from bridge.cli import gapt
from gapt_core.errors import TrainingError
from gapt_core.evaluate.measure import CONTROL, TRUTH
from gapt_core.evaluate.measured import Measured
from gapt_core.experiment.folder import RECIPE, open_experiment, standings, write_grid
from gapt_core.experiment.grid import Grid
from gapt_core.experiment.runner import Outcome, perform, tasks_of
from gapt_core.experiment.stages import STAGES, WEIGHTS, gapt_config
from gapt_core.export.start import load_start
from gapt_core.rl.kit import save_kit
from gapt_core.rl.recipe import GaptConfig, as_published
from gapt_core.train.policy import load_best

TRAINING = {
    "steps": 2,
    "rollouts": 4,
    "frames": 32,
    "buffers": 1,
    "fit_rounds": 1,
    "ppo": {"minibatches": 2},
    "adversary": {"warm_rounds": 1, "rounds": 1, "interval": 1, "net": {"width": 16, "layers": 1, "heads": 1}},
}
MEASURING = {"songs": 3, "frames": 128, "vendi_songs": 3, "kinds": ["play", "adaptation single"]}
GRID = Grid("tiny", (0,), ("mle", "rl", "gapt"), (), (), TRAINING, MEASURING)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    place = tmp_path_factory.mktemp("inputs")
    save_kit(tiny_kit(), place / "kit")
    write_policy_preset(place / "tiny")
    return {"songs": write_corpus(place / "songs"), "kit": place / "kit", "start": place / "tiny"}


def test_every_arm_is_trained_and_measured(inputs: dict[str, Path], tmp_path: Path) -> None:
    tasks = {task.settings.condition: task for task in tasks_of(GRID, tmp_path, inputs, STAGES)}
    write_grid(tmp_path, GRID)
    assert [perform(task) for task in tasks.values()] == [Outcome.DONE] * 3
    start = load_start(str(inputs["start"])).net
    nets = {name: load_best(task.folder / WEIGHTS).net for name, task in tasks.items()}
    moved = {
        name: not all(map(torch.equal, net.state_dict().values(), start.state_dict().values()))
        for name, net in nets.items()
    }
    assert moved == {"mle": False, "rl": True, "gapt": True}
    runs = {run.settings.condition: run for run in open_experiment(tmp_path)[1]}
    assert "adversarial" in runs["gapt"].log[-1]["rewards"] and "adversarial" not in runs["rl"].log[-1]["rewards"]
    assert {row["state"] for row in standings(tmp_path)} == {"done"}
    assert [row["steps"] for row in standings(tmp_path)] == [0, 2, 2]
    for task in tasks.values():
        measured = Measured.load(task.folder / "measured" / "play")
        rows = measured.sets[0].rows
        assert {TRUTH, "anticipate", "react"} <= set(rows)
        assert rows[TRUTH].shuffled == pytest.approx([song.note_in_chord for song in rows[CONTROL].figures])
        assert len(rows["react"].shuffled) == 3 and rows["react"].shuffled != rows[TRUTH].shuffled
        assert Measured.load(task.folder / "measured" / "adaptation-single").kind == "adaptation single"
        latency = json.loads((task.folder / "latency.json").read_text())
        assert 0 < latency["p50"] <= latency["p95"] and 0.2 < latency["ratio"] < 5


def test_settings_become_a_recipe() -> None:
    by_condition = {run.condition: run for run in replace(GRID, lambdas=(2.0,), schedules=("every",)).runs()}
    recipe = gapt_config(by_condition["lambda-2"])
    assert (recipe.adversary.weight, recipe.adversary.schedule, recipe.seed) == (2.0, "two-phase", 0)
    assert gapt_config(by_condition["schedule-every"]).adversary.schedule == "every"
    assert gapt_config(by_condition["rl"]).adversary.weight == 0.0
    assert recipe.ppo == replace(GaptConfig().ppo, minibatches=2)
    assert recipe.adversary.net.width == 16
    published = gapt_config(replace(by_condition["gapt"], training={"paper": True, "steps": 3}))
    assert published == replace(as_published(GaptConfig()), steps=3)
    with pytest.raises(TrainingError, match=r"training\.ppo has no “speed”"):
        gapt_config(replace(by_condition["gapt"], training={"ppo": {"speed": 3}}))


def test_a_training_by_another_recipe_does_not_go_on(inputs: dict[str, Path], tmp_path: Path) -> None:
    (task,) = tasks_of(replace(GRID, arms=("rl",)), tmp_path / "out", inputs, STAGES)
    task.folder.mkdir(parents=True)
    earlier = json.dumps(replace(gapt_config(task.settings), window=32).to_dict())
    (task.folder / RECIPE).write_text(earlier)
    with pytest.raises(TrainingError, match="window is 32 in rl-seed0, but 64 in this version; go on with"):
        perform(task)
    assert (task.folder / RECIPE).read_text() == earlier
    grid = tmp_path / "gapt.json"
    grid.write_text(json.dumps(replace(GRID, arms=("gapt",)).to_dict()))
    options = ["--data", inputs["songs"], "--kit", inputs["kit"], "--init", inputs["start"]]
    command = ["experiment", "run", grid, "--out", tmp_path / "out", *options]
    result = CliRunner().invoke(gapt, [str(part) for part in command])
    assert (result.exit_code, "holds runs of another recipe: window is 32 in rl-seed0" in result.stderr) == (2, True)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["rl-seed0"]


def test_further_kinds_are_measured_later(inputs: dict[str, Path], tmp_path: Path) -> None:
    (task,) = tasks_of(replace(GRID, arms=("mle",)), tmp_path, inputs, STAGES[:1])
    write_grid(tmp_path, replace(GRID, arms=("mle", "rl")))
    assert perform(task) is Outcome.DONE

    def measure(*more: object) -> tuple[int, str]:
        command = ["experiment", "measure", tmp_path, "against", "--data", inputs["songs"], *more]
        result = CliRunner().invoke(gapt, [str(part) for part in command])
        return result.exit_code, result.stdout or result.stderr

    code, said = measure()
    assert code == 2 and "Duets need a melody agent" in said
    assert measure("--against", inputs["start"]) == (0, "mle-seed0: done\nrl-seed0: is not trained yet\n")
    measured = Measured.load(task.folder / "measured" / "against")
    assert measured.kind == "against" and measured.config.songs == 3 and measured.config.frames == 128
    before = (task.folder / "measured" / "against" / "figures.json").stat().st_mtime_ns
    assert measure("--run", "mle-seed0") == (0, "mle-seed0: done\n")
    assert (task.folder / "measured" / "against" / "figures.json").stat().st_mtime_ns == before
    code, said = measure("humming", "--against", inputs["start"])
    assert code == 2 and "There is no kind of measurement “humming”; name play," in said
    code, said = measure("--run", "gapt-seed7")
    assert code == 2 and "has no run gapt-seed7" in said


def test_from_the_command_line(inputs: dict[str, Path], tmp_path: Path) -> None:
    grid = tmp_path / "start.json"
    grid.write_text(json.dumps(replace(GRID, arms=("mle",)).to_dict()))
    options = ["--data", inputs["songs"], "--kit", inputs["kit"], "--init", inputs["start"]]
    command = ["experiment", "run", grid, "--out", tmp_path / "out", *options]
    for said in ("done", "was done before"):
        result = CliRunner().invoke(gapt, [str(part) for part in command])
        assert (result.exit_code, result.stdout) == (0, f"mle-seed0: {said}\n")
    listed = CliRunner().invoke(gapt, ["experiment", "list", str(tmp_path / "out"), "--json"])
    assert [row["state"] for row in json.loads(listed.stdout)] == ["done"]
    assert "mle-seed0" in CliRunner().invoke(gapt, ["experiment", "list", str(tmp_path / "out")]).stdout


def test_a_failed_run_is_said_at_the_end(inputs: dict[str, Path], tmp_path: Path) -> None:
    grid = tmp_path / "wrong.json"
    grid.write_text(json.dumps(replace(GRID, arms=("mle",), measuring={"tunes": 3}).to_dict()))
    options = ["--data", inputs["songs"], "--kit", inputs["kit"], "--init", inputs["start"]]
    command = ["experiment", "run", grid, "--out", tmp_path / "out", *options]
    result = CliRunner().invoke(gapt, [str(part) for part in command])
    assert result.exit_code == 2
    assert "mle-seed0 failed; `gapt experiment list" in result.stderr
    (row,) = standings(tmp_path / "out")
    assert row["state"] == "failed" and "no “tunes”" in row["note"]


def test_a_start_that_is_not_there(inputs: dict[str, Path], tmp_path: Path) -> None:
    options = ["--data", inputs["songs"], "--kit", "nothing", "--init", inputs["start"]]
    result = CliRunner().invoke(
        gapt, [str(part) for part in ["experiment", "run", "smoke", "--out", tmp_path, *options]]
    )
    assert (result.exit_code, "There is no preset, file or folder nothing" in result.stderr) == (2, True)


def test_a_folder_that_is_no_experiment(tmp_path: Path) -> None:
    result = CliRunner().invoke(gapt, ["experiment", "list", str(tmp_path)])
    assert (result.exit_code, "begin one with" in result.stderr) == (2, True)
