"""Runs stand side by side only if they share recipe, inputs and way of measuring; else a sentence says what differs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from synthetic_runs import Experiment

from bridge.cli import gapt
from gapt_core.errors import TrainingError
from gapt_core.evaluate.measured import Measured
from gapt_core.experiment.agreement import disagreement, flat, mixed, require_one_recipe, require_same_recipe
from gapt_core.experiment.folder import RECIPE, open_experiment, read_recipe
from gapt_core.experiment.grid import Grid
from gapt_core.experiment.results import load_results
from gapt_core.experiment.stages import gapt_config
from gapt_core.experiment.state import STATE
from gapt_core.rl.recipe import GaptConfig

GRID = Grid("small", seeds=(0, 1), lambdas=(2.0,), schedules=("fixed",))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Experiment(tmp_path / "out", GRID, kinds=("play",)).write()


def change(run: Path, *path: str, to: Any) -> None:
    recipe = json.loads((run / RECIPE).read_text())
    place = recipe
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = to
    (run / RECIPE).write_text(json.dumps(recipe))


def test_runs_may_differ_in_what_a_grid_varies(folder: Path) -> None:
    recipes = {run.settings.name: run.recipe for run in open_experiment(folder)[1]}
    assert recipes["mle-seed0"] is None
    trained = {name: recipe for name, recipe in recipes.items() if recipe}
    assert len({json.dumps(recipe) for recipe in trained.values()}) == len(trained) == 8
    assert mixed(trained) is None
    load_results(folder)


def test_without_an_adversary_its_recipe_means_nothing(folder: Path) -> None:
    for seed in (0, 1):
        change(folder / f"rl-seed{seed}", "adversary", "interval", to=7)
    load_results(folder)
    change(folder / "gapt-seed0", "adversary", "interval", to=7)
    with pytest.raises(TrainingError, match=r"adversary\.interval is 7 in gapt-seed0, but \d in gapt-seed1, "):
        load_results(folder)


def test_another_recipe_is_named_with_its_runs(folder: Path, tmp_path: Path) -> None:
    change(folder / "rl-seed1", "ppo", "rate", to=0.5)
    page = tmp_path / "results.md"
    found = CliRunner().invoke(gapt, ["experiment", "report", str(folder), "-o", str(page)])
    assert found.exit_code == 2 and not page.exists() and not page.with_suffix("").exists()
    said = " ".join(found.stderr.split())
    assert "The runs do not share a recipe: ppo.rate is " in said
    assert f"{GaptConfig().ppo.rate} in rl-seed0, gapt-seed0, gapt-seed1" in said and "but 0.5 in rl-seed1;" in said


def test_a_field_that_an_earlier_version_did_not_know_has_its_default(folder: Path) -> None:
    run = folder / "gapt-seed0"
    recipe = json.loads((run / RECIPE).read_text())
    del recipe["hop"], recipe["rules"]["hold"]
    (run / RECIPE).write_text(json.dumps(recipe))
    load_results(folder)
    change(run, "unheard", to=1)
    with pytest.raises(TrainingError, match=r"unheard is missing in .*, but 1 in gapt-seed0"):
        load_results(folder)


def test_a_run_is_what_its_record_says(folder: Path) -> None:
    change(folder / "rl-seed0", "adversary", "schedule", to="every")
    load_results(folder)
    change(folder / "gapt-seed1", "adversary", "weight", to=0.5)
    with pytest.raises(TrainingError, match=r"gapt-seed1 is not what it says: adversary\.weight is 0\.5 in run\.json"):
        load_results(folder)


def test_runs_of_other_inputs_are_refused(folder: Path) -> None:
    path = folder / "gapt-seed0" / STATE
    path.write_text(json.dumps(json.loads(path.read_text()) | {"inputs": "elsewhere"}))
    with pytest.raises(TrainingError, match=r"different songs or nets: .*but elsewhere in gapt-seed0"):
        load_results(folder)


def test_runs_that_were_measured_in_another_way_are_refused(folder: Path) -> None:
    place = folder / "rl-seed0" / "measured" / "play"
    measured = Measured.load(place)
    replace(measured, config=replace(measured.config, temperature=0.5)).save(place)
    with pytest.raises(TrainingError, match=r"not measured alike \(play\): temperature is .*0\.5 in rl-seed0"):
        _ = load_results(folder).plays


def test_a_training_goes_on_by_the_recipe_that_began_it(folder: Path) -> None:
    run = open_experiment(folder)[1][1]
    recipe = gapt_config(run.settings)
    require_same_recipe(run.folder, recipe)
    require_same_recipe(folder / "nowhere", recipe)
    with pytest.raises(
        TrainingError, match=r"begun by another recipe: steps is 150 in rl-seed0, but 9 in this version"
    ):
        require_same_recipe(run.folder, replace(recipe, steps=9))
    (run.folder / RECIPE).write_text("{")
    with pytest.raises(TrainingError, match=r"run\.json is damaged; remove the folder"):
        read_recipe(run.folder)


def test_a_folder_takes_no_runs_of_another_recipe(folder: Path) -> None:
    recipes = [gapt_config(settings) for settings in GRID.runs() if not settings.is_start]
    require_one_recipe(folder, recipes)
    change(folder / "gapt-seed0", "window", to=32)
    with pytest.raises(TrainingError, match=r"window is 32 in gapt-seed0, but 64 in .*; choose another --out"):
        require_one_recipe(folder, recipes)


def test_the_first_field_that_differs_is_found() -> None:
    told = {"a": {"x": 1, "z": 0}, "b": {"x": 1, "y": 2, "z": 1}, "c": {"x": 1, "y": 2, "z": 1}}
    found = disagreement(told)
    assert found is not None and str(found) == "y is missing in a, but 2 in b and c"
    assert disagreement({"a": {"x": 1}, "b": {"x": 1.0}}) is disagreement({}) is None
    assert flat({"a": {"b": {"c": 1}, "d": 2}}) == {"a.b.c": 1, "a.d": 2}
