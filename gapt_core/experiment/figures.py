"""The pictures of the report: one panel a component, large letters, and the colours of Okabe and Ito."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from gapt_core.evaluate.adaptation import SINGLE, mean_curve
from gapt_core.evaluate.measure import CONTROL, TRUTH
from gapt_core.evaluate.rollout import MODES
from gapt_core.experiment.beats import TRITONE, beats_of
from gapt_core.experiment.grid import ARMS
from gapt_core.experiment.results import VENDI, Floats, Key, Results
from gapt_core.experiment.statistics import Interval, t_interval
from gapt_core.experiment.sweeps import Point
from gapt_core.rl.curves import components
from gapt_core.rl.plot import STYLE, WIDTH, Group, draw_panels, grid_of_panels, png_bytes

POINTS: dict[Any, Any] = STYLE | {"axes.xmargin": 0.05}
"""Large marks and error bars need more room at the sides than the curves of training do."""

COLOURS = {"mle": "#E69F00", "rl": "#D55E00", "gapt": "#0072B2", TRUTH: "#000000", CONTROL: "#999999"}
MARKERS = {"mle": "s", "rl": "^", "gapt": "o", TRUTH: "*", CONTROL: "X"}
MODE_COLOURS = dict(zip(MODES, ("#0072B2", "#D55E00"), strict=True))
MODE_MARKERS = dict(zip(MODES, ("o", "^"), strict=True))
ASIDE = 0.07
"""How far the points of the two modes stand from their place, so that neither hides the other."""

FIRST_BEATS = 16
COLD_TICKS = (1, 4, 8, 12, 16)

Picture = Callable[[Results], bytes]


@mpl.rc_context(POINTS)
def harmony_against_diversity(results: Results) -> bytes:
    """Note in chord over Vendi, mean over sets; thick bars are intervals over seeds, thin ones over pieces."""
    figure = Figure(figsize=(WIDTH, 5.0 * max(1, len(results.splits))), layout="constrained")
    grid = figure.subplots(max(1, len(results.splits)), len(MODES), squeeze=False)
    for line, split in zip(grid, results.splits, strict=False):
        for axes, mode in zip(line, MODES, strict=True):
            keys = results.keys(split)
            for name in (TRUTH, CONTROL):
                place = [results.reference(name, figure_, keys) for figure_ in (VENDI, "note_in_chord")]
                axes.plot(*place, MARKERS[name], color=COLOURS[name], markersize=14, label=name, linestyle="none")
            for arm in [arm for arm in ARMS if results.has(arm)]:
                _cross(axes, results, arm, mode, keys)
            axes.set(title=f"{mode}, {split}", xlabel="diversity (Vendi)", ylabel="harmony (note in chord)")
            axes.locator_params(axis="x", nbins=5)
    _legend(figure, grid[0][0])
    return png_bytes(figure)


@mpl.rc_context(STYLE)
def training_curves(results: Results) -> bytes:
    """A panel a component: thin lines are runs, thick ones the means of an arm."""
    logs = {arm: [run.log for run in results.runs if run.settings.condition == arm] for arm in ARMS}
    groups = [Group(arm, COLOURS[arm], logs[arm]) for arm in ARMS]
    figure, panels = draw_panels(groups, components([log for group in groups for log in group.logs]))
    if panels:
        _legend(figure, next(iter(panels.values())))
    return png_bytes(figure)


@mpl.rc_context(POINTS)
def beat_curves(results: Results) -> bytes:
    """Note in chord by beat: around a jump of a tritone, and from a cold start; means over all songs of all splits."""
    figure = Figure(figsize=(WIDTH, 9.0), layout="constrained")
    grid = figure.subplots(2, len(MODES), squeeze=False)
    jumped, plays = results.measurements(TRITONE), results.plays
    for number, mode in enumerate(MODES):
        above, below = grid[0][number], grid[1][number]
        for arm in ARMS:
            if arm in jumped:
                line = _mean_beats(results, jumped[arm], mode)
                beats = np.arange(len(line)) - SINGLE.before + 1
                above.plot(beats, line, color=COLOURS[arm], linewidth=2.5, label=arm)
            if arm in plays:
                line = _mean_beats(results, plays[arm], mode)[:FIRST_BEATS]
                below.plot(np.arange(1, len(line) + 1), line, MARKERS[arm] + "-", color=COLOURS[arm], label=arm)
        above.axvline(0.5, color="black", linestyle=":")
        above.set(title=f"{mode}: jump of a tritone", xlabel="beats after the jump", ylabel="note in chord")
        below.set(title=f"{mode}: cold start", xlabel="beat of the song", ylabel="note in chord", xticks=COLD_TICKS)
    _legend(figure, grid[1][0])
    return png_bytes(figure)


@mpl.rc_context(POINTS)
def weight_curves(results: Results, points: Sequence[Point]) -> bytes:
    """What λ does: harmony, diversity and density by mode, and how stable the training is."""
    figure, panels = grid_of_panels(6, columns=3, height=4.0)
    labels = [f"{point.condition.weight:g}" for point in points]
    places = range(len(points))
    for axes, name in zip(panels, ("note_in_chord", VENDI, "onsets_per_bar"), strict=False):
        for mode, aside in zip(MODES, (-ASIDE, ASIDE), strict=True):
            intervals = [point.figures[mode, name] for point in points]
            moved = [place + aside for place in places]
            _error_line(axes, moved, intervals, MODE_MARKERS[mode], MODE_COLOURS[mode], mode)
        truth = results.reference(TRUTH, name, results.keys("test"))
        if not math.isnan(truth):
            axes.axhline(truth, color="black", linestyle="--", label="the data's")
        axes.set_title({VENDI: "Vendi"}.get(name, name.replace("_", " ")))
    for axes, name in zip(panels[3:], ("kl", "entropy"), strict=False):
        _error_line(axes, places, [getattr(point, name) for point in points], "D", "#009E73", "end of training")
        axes.set_title({"kl": "KL to the anchor (nats)", "entropy": "entropy (nats)"}[name])
    shares = [point.share_diverged for point in points]
    panels[5].plot(places, shares, "P-", color="#CC79A7", markersize=10)
    panels[5].set(title="share of runs that diverged", ylim=(-0.05, 1.05))
    for axes in panels:
        axes.set_xticks(places, labels)
        axes.set_xlabel("λ")
    _legend(figure, panels[0])
    return png_bytes(figure)


def _cross(axes: Any, results: Results, arm: str, mode: str, keys: Sequence[Key]) -> None:
    """An arm's point and its intervals in both directions."""
    places = (VENDI, "note_in_chord")
    seeds = [t_interval(results.per_seed(arm, mode, figure, keys)) for figure in places]
    pieces = [results.over_pieces(arm, mode, figure, keys) for figure in places]
    style = {"color": COLOURS[arm], "fmt": "none"}
    for (across, up), widths in ((pieces, {"elinewidth": 1.5, "alpha": 0.6}), (seeds, {"elinewidth": 4})):
        axes.errorbar(across.value, up.value, xerr=_bars([across]), yerr=_bars([up]), **style, **widths)
    axes.plot(*(one.value for one in seeds), MARKERS[arm], color=COLOURS[arm], markersize=11, label=arm)


def _error_line(
    axes: Any, places: Sequence[float], intervals: Sequence[Interval], marker: str, colour: str, label: str
) -> None:
    values = [interval.value for interval in intervals]
    axes.errorbar(
        places, values, yerr=_bars(intervals), fmt=f"{marker}-", color=colour, markersize=8, capsize=5, label=label
    )


def _bars(intervals: Sequence[Interval]) -> Floats:
    """Lengths of error bars, `[2, points]`; none where an interval has no bounds."""
    bars = [[interval.value - interval.low, interval.high - interval.value] for interval in intervals]
    return np.nan_to_num(np.array(bars).T)


def _mean_beats(results: Results, several: Sequence[Any], mode: str) -> Floats:
    """Mean over the songs of all splits, cut to the beats that all of these have."""
    tables = [table for split in results.splits if len(table := beats_of(several, mode, split))]
    beats = min((table.shape[1] for table in tables), default=0)
    whole = np.concatenate([np.zeros((0, beats)), *(table[:, :beats] for table in tables)])
    return np.asarray(mean_curve(whole), dtype=np.float64)


def _legend(figure: Figure, axes: Any) -> None:
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), frameon=False)
