"""The curves over the weight of the adversary and over schedules: how good and how stable."""

from __future__ import annotations

import math
from dataclasses import dataclass

from gapt_core.evaluate.rollout import MODES
from gapt_core.experiment.grid import GAPT, SCHEDULES, TWO_PHASE, Condition, of_schedule, of_weight
from gapt_core.experiment.results import OVER_LUCK, VENDI, Results
from gapt_core.experiment.statistics import Interval, t_interval
from gapt_core.experiment.training import divergence, final

SWEPT = ("note_in_chord", OVER_LUCK, VENDI, "onsets_per_bar", "entropy", "unique_chords")


@dataclass(frozen=True)
class Point:
    """One condition of a sweep.

    Attributes:
        condition: which, and `label`, what it is called in its sweep.
        measured: runs that there are figures of.
        trained: runs that were trained to their end; `diverged` of them have diverged.
        kl, entropy: at the end of training, over the seeds.
        updates, accuracy: of the discriminator likewise.
        figures: mode and figure to the mean over the test sets, over the seeds.
    """

    condition: Condition
    label: str
    measured: int
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
        return self.measured > 0


def over_weights(results: Results) -> list[Point]:
    """A point for each λ that the grid asks for or that was run, in order."""
    two_phase = {run.settings.weight for run in results.runs if run.settings.schedule == TWO_PHASE}
    without = {run.settings.weight for run in results.runs if not run.settings.weight and not run.settings.is_start}
    weights = sorted({*results.grid.lambdas, *two_phase, *without})
    return [point_of(results, of_weight(weight), f"λ = {weight:g}") for weight in weights]


def over_schedules(results: Results) -> list[Point]:
    """A point for each schedule that the grid asks for or that was run at λ = 1."""
    run = {run.settings.schedule for run in results.runs if run.settings.weight == GAPT.weight}
    wanted = [schedule for schedule in SCHEDULES if schedule in run or schedule in results.grid.schedules]
    return [point_of(results, of_schedule(schedule), schedule) for schedule in wanted]


def point_of(results: Results, condition: Condition, label: str) -> Point:
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
        label,
        len(results.plays.get(condition.name, [])),
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
