"""The report says what is in the runs' folders, no more: verdicts, tables, tests, what is missing."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from synthetic_runs import LEVELS, SETS, SONGS, Experiment, Level, log_of

from bridge.cli import gapt
from gapt_core.errors import TrainingError
from gapt_core.evaluate.measured import Measured
from gapt_core.experiment.beats import regained
from gapt_core.experiment.comparison import compare_sets, compare_splits
from gapt_core.experiment.folder import LOG, Run, open_experiment, standings
from gapt_core.experiment.grid import Grid
from gapt_core.experiment.report import text, write_report
from gapt_core.experiment.results import Results, load_results
from gapt_core.experiment.state import note_failure
from gapt_core.experiment.statistics import holm, t_interval
from gapt_core.experiment.training import divergence
from gapt_core.experiment.verdicts import Verdict, verdicts
from gapt_core.metrics import vendi
from gapt_core.rl.curves import curve, smoothed

ARMS = Grid("arms", lambdas=(), schedules=())
SWEEPS = Grid("sweeps", seeds=(0, 1), lambdas=(0.0, 1.0, 4.0), schedules=("two-phase", "fixed"), training={"steps": 40})
DRAWS = 50
WITH_RL = ("gapt", "rl")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return load_results(Experiment(tmp_path_factory.mktemp("arms"), ARMS).write(), DRAWS)


def verdicts_of(results: Results) -> dict[str, Verdict]:
    whole, by_set = compare_splits(results, [WITH_RL, ("gapt", "mle")]), compare_sets(results, WITH_RL)
    return {verdict.claim: verdict for verdict in verdicts(results, whole, by_set)}


def find(found: dict[str, Verdict], *words: str) -> Verdict:
    (verdict,) = [one for claim, one in found.items() if all(word in claim for word in words)]
    return verdict


def test_what_was_asked_is_seen_where_it_is_so(results: Results) -> None:
    found = verdicts_of(results)
    assert all(verdict.passed is not None for verdict in found.values())
    missed = {claim for claim, verdict in found.items() if not verdict.passed}
    assert not [claim for claim in missed if "longest repetition" not in claim]
    assert len(found) == 1 + 2 * 7 + 4 + 2 * 4 + 1
    assert re.match(
        r"test \d\.\d\d \[\d\.\d\d, \d\.\d\d\]; ood .*; 4 of 4 ood sets",
        find(found, "react", "Vendi at least 15 %").measured,
    )


def test_what_was_asked_is_missed_where_it_is_not_so(tmp_path: Path) -> None:
    levels = LEVELS | {"gapt": replace(LEVELS["rl"], note_in_chord=0.70, recovers=20)}
    found = verdicts_of(load_results(Experiment(tmp_path, ARMS, levels).write(), DRAWS))
    for words in ("Vendi at least 15 %", "entropy", "unique chords", "90 % of the data's", "more than a point"):
        assert find(found, "react: gapt", words).passed is False, words
    assert find(found, "anticipate: after a jump").passed is False
    assert find(found, "react: gapt's onsets per bar").passed is False
    assert find(found, "react: gapt's mean pitch classes").passed is False
    assert find(found, "react: gapt's note in chord at least 8 points").passed is True
    assert find(found, "react: without the adversary").passed is True


def test_another_weight_is_asked_the_same_where_it_has_the_seeds(tmp_path: Path) -> None:
    low = replace(LEVELS["gapt"], note_in_chord=0.60)
    grid = replace(ARMS, lambdas=(0.5,))
    folder = Experiment(tmp_path, grid, {**LEVELS, "lambda-0.5": low}).write()
    page = text(load_results(folder, DRAWS), "results")
    assert "### What was asked, at λ = 0.5" in page
    rows = [line for line in page.splitlines() if "note in chord not lower by more than a point" in line]
    assert [line.endswith("**pass** |") for line in rows if "gapt against rl" in line] == [True, True]
    assert [line.endswith("miss |") for line in rows if "lambda-0.5 against rl" in line] == [True, True]
    alone = Experiment(tmp_path / "alone", grid).write("lambda-0.5-seed2")
    assert "at λ = 0.5" not in text(load_results(alone, DRAWS), "results")


def test_missing_runs_leave_claims_open(tmp_path: Path) -> None:
    folder = Experiment(tmp_path, ARMS).write(*(f"rl-seed{seed}" for seed in ARMS.seeds), "gapt-seed2")
    found = verdicts_of(load_results(folder, DRAWS))
    assert find(found, "react: gapt against rl, entropy").passed is None
    assert find(found, "At least 3 seeds").passed is False
    assert find(found, "react: gapt's note in chord at least 8 points").passed is True
    page = text(load_results(folder, DRAWS), "results")
    assert "This report is partial: 5 of 9 runs are done" in page
    assert "rl-seed0 (missing)" in page
    assert "| rl, react | – |" in page  # noqa: RUF001


def test_an_empty_experiment_has_a_report(tmp_path: Path) -> None:
    folder = Experiment(tmp_path / "out", SWEEPS).write(*(run.name for run in SWEEPS.runs()))
    write_report(folder, tmp_path / "results.md")
    page = (tmp_path / "results.md").read_text()
    assert "0 of 10 runs are done" in page and "**pass**" not in page and "finetune.md" not in page


def test_other_pages_of_results_are_linked_where_they_are(tmp_path: Path) -> None:
    folder = Experiment(tmp_path / "out", ARMS).write("rl-seed0")
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "finetune.md").write_text("# Results of fine-tuning\n")
    write_report(folder, tmp_path / "results.md")
    assert "[finetune.md](results/finetune.md)" in (tmp_path / "results.md").read_text()


def test_figures_are_those_of_the_files(results: Results) -> None:
    keys = [key for key in SETS if key[0] == "ood"]
    loaded = [Measured.load(run.measured("play")) for run in results.runs if run.settings.condition == "gapt"]
    by_hand = []
    for measured in loaded:
        rows = [entry.rows["react"] for entry in measured.sets if entry.split == "ood"]
        by_hand.append(np.mean([np.mean([song.entropy for song in row.figures]) for row in rows]))
    assert results.per_seed("gapt", "react", "entropy", keys) == pytest.approx(by_hand)
    scores = [
        np.mean([vendi(e.rows["react"].embeddings["listener"]) for e in m.sets if e.split == "ood"]) for m in loaded
    ]
    assert results.per_seed("gapt", "react", "vendi", keys) == pytest.approx(scores)
    assert results.pieces("gapt", "react", "entropy", keys).shape == (4 * SONGS,)
    first = [measured.sets[2].rows["react"].figures[0].entropy for measured in loaded]
    assert results.pieces("gapt", "react", "entropy", [keys[0]])[0] == pytest.approx(np.mean(first))


def test_comparisons_are_families_of_holm(results: Results) -> None:
    family = compare_splits(results, [WITH_RL, ("gapt", "mle")])
    assert [(one.second, one.split, one.mode) for one in family[:2]] == [
        ("rl", "test", "anticipate"),
        ("rl", "test", "react"),
    ]
    tests = [tested for one in family for tested in one.tests.values()]
    assert len(tests) == 2 * 2 * 2 * 6
    assert [tested.p_holm for tested in tests] == holm([tested.test.p for tested in tests])
    whole = family[0]
    assert whole.tests["entropy"].test.pairs == 2 * SONGS
    assert whole.ratio.value == pytest.approx(whole.vendi[0] / whole.vendi[1])
    assert 1 < whole.ratio.low < whole.ratio.high
    assert len(compare_sets(results, WITH_RL)) == 2 * len(SETS)


def test_two_like_arms_do_not_differ(tmp_path: Path) -> None:
    levels = LEVELS | {"rl": LEVELS["gapt"]}
    same = load_results(Experiment(tmp_path, replace(ARMS, seeds=(0, 1)), levels).write(), DRAWS)
    for one in compare_splits(same, [WITH_RL]):
        assert one.ratio.value == pytest.approx(1.0) and one.ratio.low == pytest.approx(1.0)
        assert all(tested.p_holm == 1.0 for tested in one.tests.values())


def test_recovery_is_read_from_the_mean_curve(results: Results) -> None:
    one = regained(results, "gapt", "react", "test")
    assert one is not None and one.says_something and one.within(5) and not one.within(4)
    assert (one.found.beats, one.beats, one.window) == (5, "5 beats", 44)
    levels = one.found.before, one.found.drop, one.chance
    assert levels == pytest.approx((0.73, 0.1, 0.28), abs=0.01)


def test_who_has_no_level_has_nothing_to_regain(tmp_path: Path) -> None:
    levels = LEVELS | {"gapt": replace(LEVELS["gapt"], note_in_chord=0.3), "rl": replace(LEVELS["rl"], recovers=48)}
    results = load_results(Experiment(tmp_path, replace(ARMS, seeds=(0,)), levels).write(), DRAWS)
    low, never = (regained(results, arm, "react", "test") for arm in ("gapt", "rl"))
    assert low is not None and never is not None
    assert (low.beats, low.found.beats, low.within(8)) == ("nothing to regain", 5, False)
    assert (never.beats, never.within(8)) == ("never in 44 beats", False)
    told = find(verdicts_of(results), "react: after a jump")
    assert told.passed is False and told.measured.startswith("test nothing to regain (from 0.30 to 0.1")


def test_the_page_and_its_pictures_are_written_by_command_and_always_alike(tmp_path: Path) -> None:
    folder = Experiment(tmp_path / "out", SWEEPS).write("lambda-4-seed1")
    page = tmp_path / "docs" / "results.md"
    page.parent.mkdir()
    command = ["experiment", "report", str(folder), "-o", str(page)]
    first = CliRunner().invoke(gapt, command, catch_exceptions=False)
    assert (first.exit_code, first.stdout) == (0, f"The report is in {page}.\n")
    names = sorted(file.name for file in page.with_suffix("").iterdir())
    assert names == ["beats.png", "scatter.png", "training.png", "weights.png"]
    content = page.read_text()
    assert set(re.findall(r"\]\(results/([\w.]+)\)", content)) == set(names)
    for heading in ("Paired tests", "All runs", "The weight of the adversary", "test / a", "ood / f", "Latency"):
        assert f"{heading}\n" in content
    before = {name: (page.with_suffix("") / name).read_bytes() for name in names}
    CliRunner().invoke(gapt, command, catch_exceptions=False)
    assert page.read_text() == content
    assert before == {name: (page.with_suffix("") / name).read_bytes() for name in names}
    wrong = CliRunner().invoke(gapt, [*command[:3], "-o", str(tmp_path / "nowhere" / "r.md")])
    assert (wrong.exit_code, "There is no folder" in wrong.stderr) == (2, True)


def test_tables_have_as_many_cells_in_each_row(results: Results) -> None:
    tables = re.findall(r"(?:^\|.*\|\n)+", text(results, "results"), re.MULTILINE)
    assert len(tables) > 10
    for table in tables:
        assert len({line.count(" | ") for line in table.splitlines() if "---" not in line}) == 1, table


def test_divergence_is_what_the_log_says(tmp_path: Path) -> None:
    folder = Experiment(tmp_path, Grid("one", (0,), ("mle", "rl"), (), ())).write()
    start, run = open_experiment(folder)[1]
    assert divergence(start) == divergence(run) == ""
    records = log_of(run.settings, LEVELS["rl"])

    def told(*last: dict[str, object]) -> str:
        (run.folder / LOG).write_text("".join(json.dumps(one) + "\n" for one in [*records, *last]) + '{"cut sho')
        return divergence(Run(run.settings, run.folder))

    assert told() == ""
    assert told(records[-1] | {"diverged": True}) == "came apart in training"
    assert told(records[-1] | {"kl": float("nan")}) == "kl was not finite"
    assert told(*[records[-1] | {"kl": 60.0}] * 5).startswith("KL ")
    assert told(*[records[-1] | {"note_in_chord": 0.4}] * 5).startswith("note in chord fell")


def test_curves_are_those_of_the_log() -> None:
    records = log_of(ARMS.runs()[2], LEVELS["gapt"])[1:]
    assert curve(records, "kl")[-1] == pytest.approx(0.4)
    assert curve(records, "adversary.updated")[-1] == 8
    assert np.isnan(curve(records, "adversary.loss")).all()
    line = np.array([1.0, np.nan, 3.0, 5.0])
    assert smoothed(line, 2) == pytest.approx(np.array([1.0, 2.0, 4.0, 4.0]))


def test_runs_on_different_songs_are_not_compared(tmp_path: Path) -> None:
    folder = Experiment(tmp_path, replace(ARMS, seeds=(0,))).write()
    place = open_experiment(folder)[1][0].measured("play")
    measured = Measured.load(place)
    replace(measured, sets=measured.sets[1:]).save(place)
    with pytest.raises(TrainingError, match="different songs"):
        text(load_results(folder, DRAWS), "results")


def test_a_run_of_other_settings_counts_as_missing(tmp_path: Path) -> None:
    folder = Experiment(tmp_path, replace(ARMS, seeds=(0,))).write()
    Experiment(tmp_path / "other", replace(ARMS, seeds=(0,), training={"steps": 9})).write()
    (tmp_path / "other" / "grid.json").replace(folder / "grid.json")
    assert {row["state"] for row in standings(folder)} == {"missing"}


def test_a_failure_is_listed(tmp_path: Path) -> None:
    folder = Experiment(tmp_path, replace(ARMS, seeds=(0,))).write()
    note_failure(folder / "rl-seed0", "It fell over.")
    rows = {row["run"]: row for row in standings(folder)}
    assert (rows["rl-seed0"]["state"], rows["rl-seed0"]["note"]) == ("failed", "It fell over.")
    assert rows["gapt-seed0"]["steps"] == 40 and rows["gapt-seed0"]["seconds"] == 120.0
    assert "It fell over." in text(load_results(folder, DRAWS), "results")


def test_intervals_are_over_seeds(results: Results) -> None:
    keys = results.keys("test")
    interval = t_interval(results.per_seed("gapt", "react", "note_in_chord", keys))
    assert f"{interval.value:.3f} ± " in text(results, "results")
    assert Level(0.5, 0.5, 1.0, 3.0).recovers == 5
