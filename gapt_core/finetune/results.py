"""A page of results from the reports of some fine-tunings: what was claimed, and what was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from gapt_core.evaluate.measured import LISTENER
from gapt_core.finetune.comparison import BOTH, DIVERSITY, FIGURES
from gapt_core.finetune.report import LEVEL, p_value

GAIN = 0.03
"""How much higher note in chord is to be where there are melodies alone: three points."""

DIVERSITY_KEPT = 0.9
MINUTES, MEBIBYTES = 15.0, 2048.0

HEAD = """\
# Results of fine-tuning

*Written by `bench/finetune.py --raw` from the reports that lie in the presets it made; do not edit.*

Each folder stands for one player's songs. All figures are of songs held out, which neither training nor the choice
between weights has seen; p is of Wilcoxon's signed-rank test paired by song, in the first table over the mean of both
modes; brackets are 95 % bootstrap intervals over songs."""


class Claim(NamedTuple):
    """Something that is to hold, what was measured of it, and whether it does."""

    claim: str
    measured: str
    holds: bool


class Run(NamedTuple):
    """One fine-tuning: its folder's name, its `report.json`, and how long it took and how much memory, in MiB."""

    folder: str
    report: Mapping[str, Any]
    minutes: float
    mebibytes: float


def results_page(runs: Sequence[Run], machine: str) -> str:
    """The Markdown text; `machine` says on what it was measured."""
    lines = ["| folder | claim | measured | |", "|---|---|---|---|"]
    for run in runs:
        for claim in claims(run):
            passed = "**pass**" if claim.holds else "miss"
            lines.append(f"| {run.folder} | {claim.claim} | {claim.measured} | {passed} |")
    parts = [
        HEAD,
        "## What was asked for",
        "\n".join(lines),
        *(_section(run) for run in runs),
        f"Measured on {machine}.",
    ]
    return "\n\n".join(parts) + "\n"


def claims(run: Run) -> list[Claim]:
    """What fine-tuning promises, of one run."""
    found = {(one["figure"], one["mode"]): one for one in run.report["figures"]}
    with_chords = run.report["songs"]["with_chords"]
    harmony, diversity = found["note_in_chord", BOTH], found[LISTENER, BOTH]
    made = [_surprise(found["nats", BOTH]), _harmony(harmony, 0.0)] if with_chords else [_harmony(harmony, GAIN)]
    ratio = diversity["ratio"]["value"]
    made.append(Claim("diversity (Vendi) at least 90 % of before", f"{100 * ratio:.0f} %", ratio >= DIVERSITY_KEPT))
    kept = "kept" if run.report["kept"] else "not kept: the preset has the weights it began with"
    made.append(Claim("what was learned is kept", kept, run.report["kept"]))
    took = f"{run.minutes:.1f} minutes, {run.mebibytes:.0f} MiB"
    return [*made, Claim("15 minutes and 2 GiB at most", took, run.minutes <= MINUTES and run.mebibytes <= MEBIBYTES)]


def _surprise(one: Mapping[str, Any]) -> Claim:
    claim = "the player's own chords are foretold better, p < .05"
    return Claim(claim, _tested(one, "nats"), one["after"] < one["before"] and one["test"]["p"] < LEVEL)


def _harmony(one: Mapping[str, Any], least: float) -> Claim:
    claim = f"note in chord at least {100 * least:.0f} points higher" if least else "note in chord not lower"
    return Claim(claim, _tested(one, "note_in_chord"), one["after"] - one["before"] >= least)


def _tested(one: Mapping[str, Any], figure: str) -> str:
    digits, test = FIGURES[figure][1], one["test"]
    difference = test["difference"]
    value, low, high = (f"{difference[bound]:+.{digits}f}" for bound in ("value", "low", "high"))
    levels = f"{one['before']:.{digits}f} → {one['after']:.{digits}f}"
    return f"{levels}, {value} [{low}, {high}], p {p_value(test['p'])}"


def _section(run: Run) -> str:
    report, songs = run.report, run.report["songs"]
    whose = f"{songs['train']} songs to learn from, {songs['valid']} that choose, {songs['held_out']} held out"
    steps, options = report["steps"], report["options"]
    trained = f"{steps['likelihood']} steps of maximum likelihood and {steps['gapt']} of post-training"
    chosen = f"strength {options['strength']:g}, seed {options['seed']}"
    lines = [
        f"## {run.folder}",
        "",
        f"{report['said']} {whose}; from `{report['start']}`, {trained}, {chosen}.",
        "",
        "| | mode | before | after | difference | own chords |",
        "|---|---|---:|---:|---|---:|",
        *(_row(one) for one in report["figures"] if one["mode"] != BOTH),
        "",
        "Seconds: " + ", ".join(f"{part} {seconds:.0f}" for part, seconds in report["seconds"].items()) + ".",
    ]
    return "\n".join(lines)


def _row(one: Mapping[str, Any]) -> str:
    figure = one["figure"]
    name, digits = (DIVERSITY[figure], 2) if figure in DIVERSITY else FIGURES[figure]
    if one["test"]:
        told = _tested(one, figure).split(", ", 1)[1]
    else:
        ratio = one["ratio"]
        told = (
            "ratio " + f"{ratio['value']:.2f}" + (f" [{ratio['low']:.2f}, {ratio['high']:.2f}]" if ratio["low"] else "")
        )
    own = "-" if one["own"] is None else f"{one['own']:.{digits}f}"
    return f"| {name} | {one['mode']} | {one['before']:.{digits}f} | {one['after']:.{digits}f} | {told} | {own} |"
