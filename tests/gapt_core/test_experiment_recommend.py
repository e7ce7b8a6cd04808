"""What a sweep recommends is worked out from what was measured, mode by mode, and says on how little it rests."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from synthetic_runs import LEVELS, Experiment, Level

from gapt_core.evaluate.rollout import MODES
from gapt_core.experiment.folder import open_experiment, standings, write_grid
from gapt_core.experiment.grid import Grid
from gapt_core.experiment.recommend import judged, recommendations, spread
from gapt_core.experiment.results import OVER_LUCK, Results, load_results
from gapt_core.experiment.sweeps import over_schedules, over_weights

SWEEP = Grid("sweep", (0,), ("mle", "rl", "gapt"), (0.0, 0.5, 1.0, 2.0, 4.0), ("two-phase", "fixed"), {"steps": 40})
RISING = LEVELS | {
    "rl": Level(0.74, 0.3, 3.0, 5.0, 4.2),
    "lambda-0.5": Level(0.735, 0.75, 1.5, 9.0),
    "gapt": Level(0.73, 0.8, 1.25, 9.5),
    "lambda-2": Level(0.69, 0.8, 1.2, 9.5),
    "lambda-4": Level(0.40, 0.8, 1.2, 9.5),
}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return load_results(Experiment(tmp_path_factory.mktemp("sweep"), SWEEP, RISING).write(), 5)


def test_the_rule_is_applied_in_each_mode(results: Results) -> None:
    points = over_weights(results)
    assert [point.label for point in points] == ["λ = 0", "λ = 0.5", "λ = 1", "λ = 2", "λ = 4"]
    for mode in MODES:
        against = {one.point.label: one.against for one in judged(results, points, mode)}
        assert against["λ = 0.5"] == against["λ = 1"] == ()
        (vendi,) = against["λ = 0"]
        (harmony,) = against["λ = 2"]
        diverged, _ = against["λ = 4"]
        assert vendi.startswith("Vendi ") and harmony.startswith("note in chord ")
        assert diverged == "1 of 1 runs diverged"
    fat = {one.point.label: one.lost for one in judged(results, points, "react", OVER_LUCK)}
    assert fat["λ = 0"] > 0.06 > 0.02 > fat["λ = 1"]


def test_the_recommendation_is_a_range_with_its_reasons(results: Results) -> None:
    anticipate, react, both, over, seeds = recommendations(results, over_weights(results))
    assert anticipate.startswith("**anticipate: λ = 0.5 to 1.** No run diverged there, Vendi is ")
    assert react.startswith("**react: λ = 0.5 to 1.**")
    assert " has the best note in chord (0.7" in react
    assert "Not recommended: λ = 0 (Vendi " in react and "λ = 4 (1 of 1 runs diverged, " in react
    assert both == "**In both modes: λ = 0.5 to 1.**"
    assert over.startswith("By note in chord over luck it would be: anticipate: λ = 0.5 to 1; react: ")
    assert seeds == "All of this rests on one seed a point: luck and effect cannot be told apart."


def test_the_schedules_have_one_too(results: Results) -> None:
    points = over_schedules(results)
    assert [point.label for point in points] == ["two-phase", "fixed"]
    assert recommendations(results, points)[2] == "**In both modes: two-phase, fixed.**"


def test_nothing_is_recommended_where_nothing_will_do(results: Results) -> None:
    points = [replace(point, diverged=1) for point in over_weights(results)]
    anticipate, _, both, *_ = recommendations(results, points)
    assert anticipate.startswith("**anticipate: nothing fulfils the rule.**")
    assert anticipate.endswith(("The least speaks against λ = 0.5.", "The least speaks against λ = 1."))
    assert both == "**In both modes: none.**"
    assert recommendations(results, points[:1]) == [
        "There are not enough runs to recommend anything: fewer than two points are measured."
    ]
    lacking = [*points[:2], replace(points[2], measured=0)]
    assert "Not measured yet: λ = 1." in recommendations(results, lacking)


def test_a_range_has_no_gap(results: Results) -> None:
    points = over_weights(results)
    assert spread(["λ = 0", "λ = 0.5", "λ = 1"], points) == "λ = 0 to 1"
    assert spread(["λ = 0", "λ = 1"], points) == "λ = 0, λ = 1"
    assert spread(["λ = 0", "λ = 0.5"], points[:2]) == "λ = 0, λ = 0.5"


def test_a_smaller_grid_forgets_no_run(tmp_path: Path) -> None:
    folder = Experiment(tmp_path, replace(SWEEP, lambdas=(2.0,)), RISING).write()
    write_grid(folder, replace(SWEEP, arms=("rl",), seeds=(0, 1), lambdas=(), schedules=()))
    (folder / "notes").mkdir()
    grid, runs = open_experiment(folder)
    names = [run.settings.name for run in runs]
    assert grid.arms == ("rl",)
    assert names == ["rl-seed0", "rl-seed1", "mle-seed0", "schedule-fixed-seed0", "gapt-seed0", "lambda-2-seed0"]
    assert {row["run"] for row in standings(folder) if row["state"] == "done"} == set(names) - {"rl-seed1"}
    found = load_results(folder, 5)
    assert [point.label for point in over_weights(found)] == ["λ = 0", "λ = 1", "λ = 2"]
    assert [point.label for point in over_schedules(found)] == ["two-phase", "fixed"]
