"""The report says how the experiment was done and what its judges are worth, and shows all that runs have measured."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from synthetic_runs import LEVELS, SONGS, START, Experiment

from gapt_core.evaluate.measured import Measured
from gapt_core.experiment.folder import WEIGHTS, Run
from gapt_core.experiment.grid import Grid
from gapt_core.experiment.kinds import OPTIONAL
from gapt_core.experiment.origin import Origin, origin_of
from gapt_core.experiment.protocol import judges, protocol
from gapt_core.experiment.report import text
from gapt_core.experiment.results import HISTOGRAM_VENDI, OVER_LUCK, OVER_NEXT, VENDI, Results, load_results
from gapt_core.metrics import vendi

GRID = Grid("one", (3, 4), ("mle", "rl", "gapt"), (), (), {"steps": 40, "ppo": {"clip": 0.3}})
DRAWS = 200


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    experiment = Experiment(tmp_path_factory.mktemp("one"), GRID, kinds=("play", *OPTIONAL))
    return load_results(experiment.write("rl-seed4"), DRAWS)


@pytest.fixture(scope="module")
def page(results: Results) -> str:
    return text(Results(results.grid, results.runs, 5), "results")


def test_how_it_was_done_is_said(page: str) -> None:
    for line in (
        "* **Runs**: `mle` seeds 3, 4; `rl` seeds 3; `gapt` seeds 3, 4",
        "* **Training**: 40 steps, each of 48 rollouts of 192 frames",
        "* **Start**: stage 1: all, steps 600, seed 2",
        "* **Kit**: anchor of the chord part (all, steps 360, seed 0); 2 judges, see below",
        "* **Songs of post-training**: tunes (7)",
        "* **Inputs**: songs, kit and start of all runs have the hash `inputs`",
        f"| test / a |{f' {SONGS} |' * 7}",
    ):
        assert line in page
    assert f"at most {SONGS} songs a set, at most 64 frames a song, temperature 1, density 0;" in page
    assert f"over the first {SONGS} songs of a set or fewer" in page
    assert (
        "| songs | play | adaptation single | adaptation multiple | sessions | ahead | against | N of Vendi |" in page
    )
    assert re.search(r"All post-trained runs have one recipe, .*`ppo\.clip` 0\.3, ", page)
    assert "`seed`" not in page and "in no run" not in page


def test_an_installed_preset_is_known_by_its_record(results: Results) -> None:
    from gapt_core.export.start import stages_of
    from presets.store import Store

    assert origin_of(results.runs).start_presets == []
    preset = Store.default().find("default-mle")
    told = Origin([*stages_of(preset)], start_presets=["default-mle"])
    assert "* **Start**: as in the preset `default-mle`; stage 1: " in protocol(results, told)
    assert START not in told.start


def test_without_weights_nothing_is_known_of_the_nets(tmp_path: Path, results: Results) -> None:
    lost = [Run(run.settings, tmp_path / run.settings.name) for run in results.runs]
    assert origin_of(lost) == Origin()
    assert "The runs' files do not tell what the judges score." in judges(Origin())
    (results.runs[0].folder / "damaged").mkdir()
    (results.runs[0].folder / "damaged" / WEIGHTS).write_bytes(b"no weights")
    assert origin_of([Run(results.runs[0].settings, results.runs[0].folder / "damaged")]) == Origin()


def test_the_judges_have_their_scores(page: str) -> None:
    assert "| net | steps | R@1 | R@5 | R@10 | mAP@10 | gallery |" in page
    assert "| contrastive-0 | 360 | 0.250 | 0.500 | 0.750 | 0.375 | 9 |" in page
    assert "| discriminative-0 | 300 | 0.900 | 0.800 | 0.850 | – | 18 |" in page  # noqa: RUF001


def test_every_measurement_has_its_table(page: str) -> None:
    assert "No run has this measured" not in page
    for title, beats in (("One change", 5), ("Several changes", 0)):
        (told,) = re.findall(rf"### {title} of key\n.*?(\| gapt, react, test .*?)\n", page, re.DOTALL)
        assert told.count("|") == 8 and f" | {beats} beats | " in told
    (ahead,) = re.findall(r"### Deciding early\n.*?(\| rl, anticipate, ood .*?)\n", page, re.DOTALL)
    assert ahead.count("|") == 12 and ahead.endswith("| 0.500 | 0.250 | 0.125 |")
    (session,) = re.findall(r"### Sessions .*?(\| mle, react, test .*?)\n", page, re.DOTALL)
    assert session.count("|") == 10
    for row in ("gapt, duet, test", "gapt, shuffled duet, ood", "ground truth, test", "shuffled control, ood"):
        assert f"| {row} | " in page


def test_what_no_run_has_is_said(tmp_path: Path) -> None:
    few = load_results(Experiment(tmp_path, replace(GRID, seeds=(0,), arms=("gapt",))).write(), 5)
    page = text(few, "results")
    assert page.count("No run has this measured; `gapt experiment measure` does it.") == 4
    assert "adaptation single (gapt; 64 frames); in no run: adaptation multiple, sessions, ahead, against" in page


def test_intervals_over_pieces_are_bootstraps(results: Results) -> None:
    keys = results.keys("ood")
    found = results.over_pieces("gapt", "react", "note_in_chord", keys)
    assert found.value == pytest.approx(np.mean(results.per_seed("gapt", "react", "note_in_chord", keys)))
    pieces, random = (
        results.pieces("gapt", "react", "note_in_chord", keys).reshape(len(keys), SONGS),
        np.random.default_rng(5),
    )
    drawn = [np.mean([random.choice(row, SONGS).mean() for row in pieces]) for _ in range(DRAWS)]
    low, high = np.percentile(drawn, (2.5, 97.5))
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.2 * (high - low))
    score = results.over_pieces("gapt", "react", VENDI, keys)
    assert score.value == pytest.approx(np.mean(results.per_seed("gapt", "react", VENDI, keys)))
    assert score.low < score.value < score.high
    assert np.isnan(results.over_pieces("gapt", "react", HISTOGRAM_VENDI, keys).low)
    truth = results.over_pieces(None, "ground truth", VENDI, keys[:1])
    vectors = Measured.load(results.runs[0].measured("play")).sets[2].rows["ground truth"].embeddings["listener"]
    assert truth.value == pytest.approx(vendi(vectors.astype(float))) and truth.low < truth.value


def test_the_arms_have_intervals_over_seeds_and_pieces(page: str) -> None:
    number = r"-?[\d.]+"
    assert re.search(rf"\| gapt, react \| {number} ± {number} \[{number}, {number}\] \|", page)
    assert re.search(rf"\| rl, react \| {number} \[{number}, {number}\] \|", page)
    assert re.search(rf"\| ground truth \| {number} \[{number}, {number}\] \|", page)


def test_harmony_is_told_over_chance(results: Results, page: str, tmp_path: Path) -> None:
    key = results.keys("test")[0]
    one = results.plays["gapt"][0]
    own, thick = (one.songs(key, "react", figure) for figure in ("note_in_chord", "pitch_classes"))
    assert one.songs(key, "react", OVER_LUCK) == pytest.approx(own - thick / 12)
    assert one.songs(key, "react", OVER_NEXT) == pytest.approx(own - 0.1 * LEVELS["gapt"].pitch_classes)
    assert "|  | in chord | over luck | over next | strict | " in page and "measured before chords" not in page
    older = load_results(Experiment(tmp_path, replace(GRID, seeds=(0,), arms=("gapt",)), older=True).write(), 5)
    assert not older.knows(OVER_NEXT) and np.isnan(older.plays["gapt"][0].songs(key, "react", OVER_NEXT)).all()
    told = text(older, "results")
    assert "|  | in chord | over luck | strict | " in told and "These runs were measured before chords" in told
