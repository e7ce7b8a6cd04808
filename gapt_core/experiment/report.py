"""The report of an experiment: a page of Markdown and its pictures, from the folders of its runs alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gapt_core.experiment import figures, kinds, prose, tables
from gapt_core.experiment.beats import CHANGES, last_beat
from gapt_core.experiment.comparison import Comparison, compare_sets, compare_splits
from gapt_core.experiment.grid import ARMS, GAPT, MLE, RL
from gapt_core.experiment.origin import origin_of
from gapt_core.experiment.protocol import judges, protocol
from gapt_core.experiment.recommend import ENOUGH_OF_DATA, MOST_LOST, recommendations
from gapt_core.experiment.results import OVER_NEXT, Results, load_results
from gapt_core.experiment.statistics import RESAMPLES
from gapt_core.experiment.sweeps import Point, over_schedules, over_weights
from gapt_core.experiment.verdicts import SEEDS, verdicts
from presets.files import write_atomically

WITH_RL = (GAPT.name, RL.name)
WITH_MLE = (GAPT.name, MLE.name)


def write_report(folder: Path, page: Path) -> None:
    """Write the page, and its pictures into a folder of its name beside it.

    Raises:
        TrainingError: `folder` holds no experiment, or one whose runs cannot be compared.
    """
    results = load_results(folder)
    pictures = page.with_suffix("")
    pictures.mkdir(exist_ok=True)
    for name, content in draw(results).items():
        write_atomically(pictures / name, content)
    others = [name for name in prose.OTHER_PAGES if (pictures / name).exists()]
    write_atomically(page, text(results, pictures.name, others).encode())


def draw(results: Results) -> dict[str, bytes]:
    """File name to picture."""
    return {
        "scatter.png": figures.harmony_against_diversity(results),
        "training.png": figures.training_curves(results),
        "beats.png": figures.beat_curves(results),
        "weights.png": figures.weight_curves(results, over_weights(results)),
    }


def text(results: Results, pictures: str, others: Sequence[str] = ()) -> str:
    """The page; `pictures` is the name of the folder of its pictures, `others` are pages of results in it."""
    origin = origin_of(results.runs)
    whole, by_set = compare_splits(results, [WITH_RL, WITH_MLE]), compare_sets(results, WITH_RL)
    parts = [_head(results), *(f"{prose.OTHER_PAGES[name]} [{name}]({pictures}/{name}).\n" for name in others)]
    parts += [protocol(results, origin), _verdicts(results, whole, by_set), _arms(results, pictures)]
    parts += [_tests(whole, by_set), judges(origin), _training(pictures), _adaptation(results, pictures)]
    parts += [_weights(results, pictures), _schedules(results), _latency(results), _runs(results)]
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
    over = [prose.OVER_LUCK, prose.OVER_NEXT if results.knows(OVER_NEXT) else prose.NO_NEXT]
    sections = ["## The arms", "", " ".join([prose.FIGURES.format(resamples=RESAMPLES), *over]), ""]
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
    sections = ["## Adaptation and cold start", "", f"![Recovery and cold start]({pictures}/beats.png)", ""]
    sections += [prose.RECOVERY, ""]
    for kind, change in CHANGES.items():
        window = prose.WINDOW.format(after=change.after, last=last_beat(change))
        title, told = prose.ADAPTATION[kind]
        sections += _section(title, f"{told} {window}")
        sections.append(kinds.change_table(results, kind) or prose.NOT_MEASURED + "\n")
    sections += [*_section("Cold start", prose.COLD), kinds.cold_table(results) or "Nothing is measured yet.\n"]
    others = {
        "Sessions four times as long as a training crop": (prose.SESSIONS, kinds.session_table(results)),
        "Deciding early": (prose.AHEAD, kinds.ahead_table(results)),
        "Against the melody agent": (prose.AGAINST, kinds.duet_table(results)),
    }
    for title, (told, table) in others.items():
        sections += [*_section(title, told), table or prose.NOT_MEASURED + "\n"]
    return "\n".join(sections)


def _section(title: str, told: str) -> list[str]:
    return [f"### {title}", "", told, ""]


def _weights(results: Results, pictures: str) -> str:
    points = over_weights(results)
    sections = ["## The weight of the adversary", "", prose.WEIGHTS, "", f"![Over λ]({pictures}/weights.png)", ""]
    return "\n".join(sections) + _sweep(results, points) + _other_weights(results, points)


def _other_weights(results: Results, points: Sequence[Point]) -> str:
    """The claims once more for every other λ that has as many seeds as the arms need."""
    sections = []
    for point in points:
        arm = point.condition.name
        if arm in ARMS or point.measured < SEEDS:
            continue
        whole = compare_splits(results, [(arm, RL.name), (arm, MLE.name)])
        found = verdicts(results, whole, compare_sets(results, (arm, RL.name)), arm)
        sections += [f"### What was asked, at {point.label}", "", prose.AT_WEIGHT, "", tables.verdict_table(found)]
    return "\n".join(["", *sections]) if sections else ""


def _schedules(results: Results) -> str:
    points = over_schedules(results)
    return f"## The schedule of the discriminator\n\n{prose.SCHEDULES}\n" + _sweep(results, points)


def _sweep(results: Results, points: Sequence[Point]) -> str:
    """The table, the rule, and what it recommends."""
    rule = prose.RULE.format(share=100 * ENOUGH_OF_DATA, lost=100 * MOST_LOST)
    told = [f"* {sentence}" for sentence in recommendations(results, points)]
    return "\n".join(["", tables.sweep_table(points), rule, "", *told, ""])


def _latency(results: Results) -> str:
    return f"## Latency\n\n{prose.LATENCY}\n\n{tables.latency_table(results)}"


def _runs(results: Results) -> str:
    return f"## All runs\n\n{tables.run_table(results)}"
