"""The report of an experiment: a page of Markdown and its pictures, from the folders of its runs alone."""

from __future__ import annotations

from pathlib import Path

from gapt_core.evaluate.measured import HISTOGRAM
from gapt_core.experiment import figures, prose, tables
from gapt_core.experiment.comparison import Comparison, compare_sets, compare_splits
from gapt_core.experiment.grid import GAPT, MLE, RL
from gapt_core.experiment.results import Results, load_results
from gapt_core.experiment.statistics import RESAMPLES
from gapt_core.experiment.sweeps import over_schedules, over_weights, recommendation
from gapt_core.experiment.verdicts import verdicts
from presets.files import write_atomically

WITH_RL = (GAPT.name, RL.name)
WITH_MLE = (GAPT.name, MLE.name)


def write_report(folder: Path, page: Path) -> None:
    """Write the page, and its pictures into a folder of its name beside it.

    Raises:
        TrainingError: `folder` holds no experiment, or runs were measured on different songs.
    """
    results = load_results(folder)
    pictures = page.with_suffix("")
    pictures.mkdir(exist_ok=True)
    for name, content in draw(results).items():
        write_atomically(pictures / name, content)
    write_atomically(page, text(results, pictures.name).encode())


def draw(results: Results) -> dict[str, bytes]:
    """File name to picture."""
    return {
        "scatter.png": figures.harmony_against_diversity(results),
        "training.png": figures.training_curves(results),
        "beats.png": figures.beat_curves(results),
        "weights.png": figures.weight_curves(results, over_weights(results)),
    }


def text(results: Results, pictures: str) -> str:
    """The page; `pictures` is the name of the folder of its pictures."""
    whole, by_set = compare_splits(results, [WITH_RL, WITH_MLE]), compare_sets(results, WITH_RL)
    parts = [_head(results), _verdicts(results, whole, by_set), _arms(results, pictures), _tests(whole, by_set)]
    parts += [_training(pictures), _adaptation(results, pictures), _weights(results, pictures)]
    parts += [_schedules(results), _latency(results), _runs(results)]
    return "\n".join(parts)


def _head(results: Results) -> str:
    done = [run for run in results.runs if run.standing == "done"]
    lines = ["# Results", "", "*Written by `gapt experiment report` from the runs' own files; do not edit.*", ""]
    lines.append(f"The question: {prose.QUESTION}")
    if len(done) < len(results.runs):
        missing = ", ".join(f"{run.settings.name} ({run.standing})" for run in results.runs if run not in done)
        lines += [
            "",
            f"**This report is partial: {len(done)} of {len(results.runs)} runs are done.** Not done: {missing}.",
        ]
    return "\n".join([*lines, ""])


def _verdicts(results: Results, whole: list[Comparison], by_set: list[Comparison]) -> str:
    table = tables.verdict_table(verdicts(results, whole, by_set))
    return f"## What was asked, and what was measured\n\n{prose.ASKED}\n\n{table}"


def _arms(results: Results, pictures: str) -> str:
    embedder = "`chord_embedding`, which is not trained" if results.embedder == HISTOGRAM else prose.LISTENER
    sections = ["## The arms", "", prose.FIGURES.format(embedder=embedder), ""]
    sections += [f"![Harmony against diversity]({pictures}/scatter.png)", ""]
    for split in results.splits:
        sections += [f"### {split}, mean over {len(results.keys(split))} sets", ""]
        sections.append(tables.arm_table(results, results.keys(split)))
    for split in results.splits:
        for key in results.keys(split):
            sections += [f"### {split} / {key[1]}", "", tables.arm_table(results, [key])]
    return "\n".join(sections)


def _tests(whole: list[Comparison], by_set: list[Comparison]) -> str:
    count, count_by_set = (sum(len(one.tests) for one in family) for family in (whole, by_set))
    sections = ["## Paired tests", "", prose.TESTS.format(count=count, resamples=RESAMPLES), ""]
    sections.append(tables.test_table(whole) if whole else "No two arms are measured yet.\n")
    if by_set:
        sections += ["### gapt against rl, set by set", "", prose.BY_SET.format(count=count_by_set), ""]
        sections.append(tables.set_table(by_set))
    return "\n".join(sections)


def _training(pictures: str) -> str:
    return f"## Training\n\n{prose.CURVES}\n\n![Training curves]({pictures}/training.png)\n"


def _adaptation(results: Results, pictures: str) -> str:
    sections = ["## Adaptation and cold start", "", prose.ADAPTATION, ""]
    sections += [f"![Recovery and cold start]({pictures}/beats.png)", "", tables.recovery_table(results)]
    if sessions := tables.session_table(results):
        sections += ["### Sessions four times as long as a training crop", "", prose.SESSIONS, "", sessions]
    return "\n".join(sections)


def _weights(results: Results, pictures: str) -> str:
    points = over_weights(results)
    labels = [f"λ = {point.condition.weight:g}" for point in points]
    sections = ["## The weight of the adversary", "", prose.WEIGHTS, "", f"![Over λ]({pictures}/weights.png)", ""]
    sections += [tables.sweep_table(results, points, labels), recommendation(results, points), ""]
    sections += ["What speaks against each:", "", tables.objections(results, points, labels)]
    return "\n".join(sections)


def _schedules(results: Results) -> str:
    points = over_schedules(results)
    labels = [point.condition.schedule for point in points]
    return f"## The schedule of the discriminator\n\n{prose.SCHEDULES}\n\n" + tables.sweep_table(
        results, points, labels
    )


def _latency(results: Results) -> str:
    return f"## Latency\n\n{prose.LATENCY}\n\n{tables.latency_table(results)}"


def _runs(results: Results) -> str:
    shared = ", ".join(f"`{name}` {value}" for name, value in sorted(results.grid.training.items()))
    given = f"Settings of all runs, where they are not the defaults: {shared}.\n\n" if shared else ""
    return f"## All runs\n\n{given}{tables.run_table(results)}"
