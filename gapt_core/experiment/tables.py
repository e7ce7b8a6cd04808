"""The tables of the report, in Markdown."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from gapt_core.evaluate.measure import CONTROL, TRUTH
from gapt_core.evaluate.rollout import MODES
from gapt_core.evaluate.tables import COLUMNS
from gapt_core.experiment.comparison import Comparison
from gapt_core.experiment.grid import ARMS
from gapt_core.experiment.results import OVER_LUCK, OVER_NEXT, VENDI, Key, Results
from gapt_core.experiment.statistics import Interval, t_interval
from gapt_core.experiment.sweeps import Point
from gapt_core.experiment.training import divergence
from gapt_core.experiment.verdicts import Verdict, mean_latency

UNKNOWN = "–"  # noqa: RUF001
OTHERS = (TRUTH, CONTROL)
OVER = {OVER_LUCK: "over luck", OVER_NEXT: "over next"}
"""What note in chord is over chance, to the heads of the columns."""


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


def bracketed(interval: Interval) -> str:
    """The bounds in brackets behind the value; the value alone where it has none."""
    return f"{number(interval.value)}{_brackets(interval)}"


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
    columns = {figure: head for figure, head in _columns().items() if figure != OVER_NEXT or results.knows(OVER_NEXT)}
    rows = [
        [name, *(bracketed(results.over_pieces(None, name, figure, keys)) for figure in columns)] for name in OTHERS
    ]
    for mode in MODES:
        for arm in ARMS:
            cells = [_arm_cell(results, arm, mode, figure, keys) for figure in columns]
            rows.append([f"{arm}, {mode}", *(cells if results.has(arm) else [UNKNOWN] * len(columns))])
    return markdown(["", *columns.values()], rows)


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


def sweep_table(points: Sequence[Point]) -> str:
    """A row for each condition of a sweep."""
    head = ["", "runs", "diverged", "KL", "entropy", "D updates", "D accuracy"]
    swept = {figure: _columns()[figure] for figure in ("note_in_chord", OVER_LUCK, VENDI, "onsets_per_bar")}
    head += [f"{mode}: {title}" for mode in MODES for title in swept.values()]
    rows = []
    for point in points:
        intervals = [point.kl, point.entropy, point.updates, point.accuracy]
        intervals += [point.figures[mode, figure] for mode in MODES for figure in swept]
        share = UNKNOWN if math.isnan(point.share_diverged) else f"{point.diverged} of {point.trained}"
        rows.append([point.label, str(point.trained), share, *map(plus_minus, intervals)])
    return markdown(head, rows)


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


def _columns() -> dict[str, str]:
    """The figures of `evaluate`, and beside note in chord what it is over chance."""
    first, *others = COLUMNS.items()
    return dict([first, *OVER.items(), *others])


def _arm_cell(results: Results, arm: str, mode: str, figure: str, keys: Sequence[Key]) -> str:
    """Mean ± over seeds [interval over pieces]."""
    seeds = plus_minus(t_interval(results.per_seed(arm, mode, figure, keys)))
    return seeds + _brackets(results.over_pieces(arm, mode, figure, keys))


def _brackets(interval: Interval) -> str:
    return "" if math.isnan(interval.low) else f" [{number(interval.low)}, {number(interval.high)}]"
