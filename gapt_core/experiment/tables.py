"""The tables of the report, in Markdown."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from gapt_core.evaluate.measure import CONTROL, TRUTH
from gapt_core.evaluate.rollout import MODES
from gapt_core.evaluate.tables import COLUMNS
from gapt_core.experiment.comparison import Comparison
from gapt_core.experiment.grid import ARMS
from gapt_core.experiment.results import VENDI, Key, Results
from gapt_core.experiment.statistics import Interval, t_interval
from gapt_core.experiment.sweeps import Point, fitness
from gapt_core.experiment.training import divergence
from gapt_core.experiment.verdicts import Verdict, cold_level, mean_latency, recovery_of

UNKNOWN = "–"  # noqa: RUF001
COLD_BEATS = (1, 2, 3, 4, 8, 16)


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; the first column is text, the others are numbers."""
    lines = [list(head), ["---", *["---:"] * (len(head) - 1)], *map(list, rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def number(value: float, digits: int = 3) -> str:
    """A number with `digits` digits in all, at least; a dash for NaN."""
    if math.isnan(value):
        return UNKNOWN
    places = max(0, digits - max(0, len(str(int(abs(value)))) - (abs(value) < 1)))
    return f"{value:.{places}f}"


def plus_minus(interval: Interval) -> str:
    """A value and half the width of its interval."""
    value = number(interval.value)
    half = (interval.high - interval.low) / 2
    return value if math.isnan(half) else f"{value} ± {number(half, 2)}"


def bounded(interval: Interval, digits: int = 2) -> str:
    """A value and its bounds."""
    value = number(interval.value, digits)
    bounds = f" [{number(interval.low, digits)}, {number(interval.high, digits)}]"
    return value if math.isnan(interval.low) else value + bounds


def p_value(p: float) -> str:
    """A p in the usual form."""
    return UNKNOWN if math.isnan(p) else "< .001" if p < 0.001 else f"{p:.3f}".removeprefix("0")


def verdict_table(verdicts: Sequence[Verdict]) -> str:
    """Claim, measured, pass or miss."""
    words = {True: "**pass**", False: "miss", None: "open"}
    head, rule = "| claim | measured | |", "| --- | --- | --- |"
    return "\n".join([head, rule, *(f"| {v.claim} | {v.measured} | {words[v.passed]} |" for v in verdicts)]) + "\n"


def arm_table(results: Results, keys: Sequence[Key]) -> str:
    """All figures of the arms over some sets, each set counting once, beside ground truth and control."""
    rows = [[name, *(number(results.reference(name, figure, keys)) for figure in COLUMNS)] for name in (TRUTH, CONTROL)]
    for mode in MODES:
        for arm in ARMS:
            name = f"{arm}, {mode}"
            if not results.has(arm):
                rows.append([name, *[UNKNOWN] * len(COLUMNS)])
                continue
            cells = [plus_minus(t_interval(results.per_seed(arm, mode, figure, keys))) for figure in COLUMNS]
            rows.append([name, *cells])
    return markdown(["", *COLUMNS.values()], rows)


def test_table(comparisons: Sequence[Comparison]) -> str:
    """Every paired test over the splits."""
    head = ["arms, mode", "split", "figure", "pieces", "difference", "p (Holm)", "rank biserial", "Cohen's dz"]
    rows = []
    for one in comparisons:
        for figure, tested in one.tests.items():
            test = tested.test
            sizes = [number(test.rank_biserial, 2), number(test.cohen_dz, 2)]
            label = [f"{one.first} − {one.second}, {one.mode}", one.split, figure.replace("_", " ")]  # noqa: RUF001
            rows.append([*label, str(test.pairs), bounded(test.difference, 3), p_value(tested.p_holm), *sizes])
    return markdown(head, rows)


def set_table(comparisons: Sequence[Comparison]) -> str:
    """Diversity and harmony of two arms, set by set."""
    head = [
        "set, mode",
        "songs",
        "Vendi, first",
        "second",
        "data",
        "ratio",
        "entropy",
        "p",
        "chords",
        "p",
        "in chord",
        "p",
    ]
    rows = []
    for one in comparisons:
        cells = [number(score, 3) for score in one.vendi]
        for figure in ("entropy", "unique_chords", "note_in_chord"):
            tested = one.tests[figure]
            cells_of = [f"{tested.test.difference.value:+.3f}", p_value(tested.p_holm)]
            cells = [*cells, bounded(one.ratio), *cells_of] if figure == "entropy" else [*cells, *cells_of]
        songs = max(tested.test.pairs for tested in one.tests.values())
        rows.append([f"{one.split}/{one.name}, {one.mode}", str(songs), *cells])
    return markdown(head, rows)


def sweep_table(results: Results, points: Sequence[Point], labels: Sequence[str]) -> str:
    """A row for each condition of a sweep."""
    head = ["", "runs", "diverged", "KL", "entropy", "D updates", "D accuracy"]
    head += [f"{mode}: {title}" for mode in MODES for title in ("in chord", "Vendi", "onsets/bar")]
    rows = []
    for point, label in zip(points, labels, strict=True):
        intervals = [point.kl, point.entropy, point.updates, point.accuracy]
        intervals += [
            point.figures[mode, figure] for mode in MODES for figure in ("note_in_chord", VENDI, "onsets_per_bar")
        ]
        share = UNKNOWN if math.isnan(point.share_diverged) else f"{point.diverged} of {point.trained}"
        rows.append([label, str(point.trained), share, *map(plus_minus, intervals)])
    return markdown(head, rows)


def objections(results: Results, points: Sequence[Point], labels: Sequence[str]) -> str:
    """What speaks against each condition of a sweep."""
    lines = []
    for point, label in zip(points, labels, strict=True):
        told = "; ".join(fitness(results, point)) or "nothing"
        lines.append(f"* {label}: {told if point.is_measured else 'not measured yet'}.")
    return "\n".join(lines) + "\n"


def recovery_table(results: Results) -> str:
    """What a jump of a tritone costs each arm, and how it starts cold."""
    head = ["arm, mode, split", "before", "drop", "after", "beats to 90 %", "area lost"]
    head += [f"beat {beat}" for beat in COLD_BEATS]
    rows = []
    for arm in ARMS:
        for mode in MODES:
            for split in results.splits:
                found = recovery_of(results, arm, mode, split)
                cells = [UNKNOWN] * 5
                if found:
                    beats = "never" if math.isinf(found.beats) else number(found.beats, 1)
                    cells = [*map(number, (found.before, found.drop, found.after)), beats, number(found.area)]
                cold = [number(cold_level(results, arm, mode, split, beat), 2) for beat in COLD_BEATS]
                rows.append([f"{arm}, {mode}, {split}", *cells, *cold])
    return markdown(head, rows)


def session_table(results: Results) -> str:
    """Harmony and density of long sessions, a quarter after the other; empty if none was measured."""
    measured = results.measurements("sessions")
    rows = []
    for arm in [arm for arm in ARMS if arm in measured]:
        for mode in MODES:
            cells = []
            for figure in ("note_in_chord", "onsets_per_bar"):
                for quarter in range(1, 5):
                    row = f"{mode} {quarter}/4"
                    values = [
                        _mean([one.value(key, row, figure) for key in one.rows if key[0] == "test"])
                        for one in measured[arm]
                    ]
                    cells.append(plus_minus(t_interval(values)))
            rows.append([f"{arm}, {mode}", *cells])
    head = [f"{title} {quarter}/4" for title in ("in chord", "onsets/bar") for quarter in range(1, 5)]
    return markdown(["", *head], rows) if rows else ""


def latency_table(results: Results) -> str:
    """Milliseconds of a step by arm."""
    rows = [[arm, *(number(mean_latency(results, arm, name), 3) for name in ("p50", "p95", "ratio"))] for arm in ARMS]
    return markdown(["arm", "median (ms)", "95 % (ms)", "over a fresh net's median"], rows)


def run_table(results: Results) -> str:
    """Every run of the grid, those that are missing too."""
    rows = []
    for run in results.runs:
        note = run.state.failure if run.state else ""
        settings = [f"{run.settings.weight:g}", run.settings.schedule, str(run.settings.seed)]
        why = divergence(run)
        remarks = "; ".join(text for text in (note, f"diverged: {why}" if why else "") if text)
        rows.append([run.settings.name, *settings, run.standing, str(run.steps), f"{run.seconds:.0f}", remarks])
    return markdown(["run", "λ", "schedule", "seed", "state", "steps", "seconds", "remarks"], rows)


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return math.fsum(known) / len(known) if known else math.nan
