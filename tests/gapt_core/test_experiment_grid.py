"""A grid names every run once, whatever coincides in it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from gapt_core.errors import TrainingError
from gapt_core.experiment.grid import GRIDS, Grid, find_grid, of_schedule, of_weight, read_grid


def test_the_full_grid_has_each_condition_once_with_each_seed() -> None:
    runs = GRIDS["full"].runs()
    conditions = ["mle", "rl", "gapt", "lambda-0.25", "lambda-0.5", "lambda-2", "lambda-4"]
    conditions += ["schedule-fixed", "schedule-every"]
    names = [run.name for run in runs]
    assert len(names) == len(set(names)) == 3 * len(conditions)
    assert set(names) == {f"{condition}-seed{seed}" for condition in conditions for seed in range(3)}
    assert names[:4] == ["mle-seed0", "rl-seed0", "gapt-seed0", "mle-seed1"]


def test_what_coincides_is_the_same_condition() -> None:
    assert of_weight(0).name == "rl"
    assert of_weight(1).name == "gapt" == of_schedule("two-phase").name
    assert of_weight(0.25).name == "lambda-0.25"
    only_curves = Grid("curves", seeds=(5,), arms=(), lambdas=(0, 1), schedules=("two-phase",))
    assert [run.name for run in only_curves.runs()] == ["rl-seed5", "gapt-seed5"]


def test_settings_say_what_a_run_is() -> None:
    grid = Grid("g", seeds=(4,), training={"steps": 9, "start": "runs/mle-{seed}/best.pt"})
    by_name = {run.name: run for run in grid.runs()}
    half = by_name["lambda-0.5-seed4"]
    assert (half.weight, half.schedule, half.seed) == (0.5, "two-phase", 4)
    assert half.training == {"steps": 9, "start": "runs/mle-4/best.pt"}
    assert (by_name["rl-seed4"].weight, by_name["rl-seed4"].schedule) == (0.0, "none")
    assert by_name["mle-seed4"].is_start and not half.is_start
    digests = {run.digest for run in [*grid.runs(), replace(half, training={"steps": 8})]}
    assert len(digests) == len(by_name) + 1
    assert half.digest == replace(half, training=dict(reversed(half.training.items()))).digest


def test_a_grid_survives_its_file(tmp_path: Path) -> None:
    grid = Grid("mine", seeds=(3, 4, 5), arms=("rl", "gapt"), lambdas=(0.5,), schedules=(), measuring={"songs": 8})
    file = tmp_path / "mine.json"
    file.write_text(json.dumps(grid.to_dict()))
    assert find_grid(str(file)) == grid
    assert find_grid("full") is GRIDS["full"]


@pytest.mark.parametrize(
    "values",
    [
        {"seed": [0]},
        {"seeds": []},
        {"seeds": [0, 0]},
        {"seeds": [True]},
        {"seeds": 3},
        {"arms": ["dpo"]},
        {"lambdas": [-1]},
        {"lambdas": [float("nan")]},
        {"lambdas": ["1"]},
        {"schedules": ["none"]},
        {"training": [1]},
        {"name": ""},
        ["seeds"],
    ],
)
def test_what_is_no_grid_is_refused(values: object) -> None:
    with pytest.raises(TrainingError):
        read_grid(values, "bad")


def test_an_unknown_grid_is_one_sentence(tmp_path: Path) -> None:
    for name in ("nothing", str(tmp_path)):
        with pytest.raises(TrainingError, match="name full, arms, smoke or a JSON file"):
            find_grid(name)
