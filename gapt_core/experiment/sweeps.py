"""The curves over the weight of the adversary and over schedules: how good, how stable, and what to take."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from gapt_core.evaluate.measure import TRUTH
from gapt_core.evaluate.rollout import MODES
from gapt_core.experiment.grid import RL, Condition, of_schedule, of_weight
from gapt_core.experiment.results import VENDI, Results
from gapt_core.experiment.statistics import Interval, t_interval
from gapt_core.experiment.training import divergence, final

SWEPT = ("note_in_chord", VENDI, "onsets_per_bar", "entropy", "unique_chords")
ENOUGH_OF_DATA = 0.9
POINT = 0.01


@dataclass(frozen=True)
class Point:
    """One condition of a sweep.

    Attributes:
        condition: which.
        trained: runs that were trained to their end; `diverged` of them have diverged.
        kl, entropy: at the end of training, over the seeds.
        updates, accuracy: of the discriminator likewise.
        figures: mode and figure to the mean over the test sets, over the seeds.
    """

    condition: Condition
    trained: int
    diverged: int
    kl: Interval
    entropy: Interval
    updates: Interval
    accuracy: Interval
    figures: dict[tuple[str, str], Interval]

    @property
    def share_diverged(self) -> float:
        """Share of the trained runs that have diverged; NaN if there is none."""
        return self.diverged / self.trained if self.trained else math.nan

    @property
    def is_measured(self) -> bool:
        """Whether there are figures of it."""
        return not any(math.isnan(interval.value) for interval in self.figures.values())


def over_weights(results: Results) -> list[Point]:
    """A point for each λ of the grid, in order."""
    return [point_of(results, of_weight(weight)) for weight in sorted(results.grid.lambdas)]


def over_schedules(results: Results) -> list[Point]:
    """A point for each schedule of the grid."""
    return [point_of(results, of_schedule(schedule)) for schedule in results.grid.schedules]


def point_of(results: Results, condition: Condition) -> Point:
    """What is known of a condition."""
    runs = [
        run
        for run in results.runs
        if run.settings.condition == condition.name and run.state is not None and "train" in run.state.done
    ]
    keys = results.keys("test")
    ends = {
        name: t_interval([final(run, name) for run in runs])
        for name in ("kl", "entropy", "adversary.updated", "adversary.accuracy")
    }
    return Point(
        condition,
        len(runs),
        sum(bool(divergence(run)) for run in runs),
        ends["kl"],
        ends["entropy"],
        ends["adversary.updated"],
        ends["adversary.accuracy"],
        {
            (mode, figure): t_interval(results.per_seed(condition.name, mode, figure, keys))
            for mode in MODES
            for figure in SWEPT
        },
    )


def fitness(results: Results, point: Point) -> list[str]:
    """What speaks against a condition of the sweep; nothing if it is to be recommended.

    It shall not diverge, keep Vendi at `ENOUGH_OF_DATA` of the data's, and note in chord within a point of the runs
    without an adversary, the last two in both modes.
    """
    against = ["runs diverged"] if point.diverged else []
    for mode in MODES:
        vendi, truth = point.figures[mode, VENDI].value, results.reference(TRUTH, VENDI, results.keys("test"))
        if vendi < ENOUGH_OF_DATA * truth:
            against.append(f"{mode}: Vendi {100 * vendi / truth:.0f} % of the data's")
        without = t_interval(results.per_seed(RL.name, mode, "note_in_chord", results.keys("test"))).value
        lost = without - point.figures[mode, "note_in_chord"].value
        if lost > POINT:
            against.append(f"{mode}: note in chord {100 * lost:.1f} points lower than without")
    return against


def recommendation(results: Results, points: Sequence[Point]) -> str:
    """One sentence: which λ to take and why, or that none will do, or that runs are missing."""
    measured = [point for point in points if point.is_measured]
    if not measured or not results.has(RL.name):
        return "There are not enough runs to recommend a weight."
    found = {point.condition.weight: fitness(results, point) for point in measured}
    good = [f"{weight:g}" for weight, against in found.items() if not against]
    missing = f" {len(points) - len(measured)} weights are not measured yet." if len(measured) < len(points) else ""
    why = "no run diverged, Vendi is at least 90 % of the data's, and note in chord is within a point of `rl`'s"
    if good:
        return f"**Recommended: λ of {', '.join(good)}.** There {why}, in both modes on the test sets.{missing}"
    least = min(found, key=lambda weight: len(found[weight]))
    return (
        f"**No λ fulfils all that is asked**: {why}, in both modes on the test sets. The least speaks against "
        f"λ = {least:g}: {'; '.join(found[least])}.{missing}"
    )
