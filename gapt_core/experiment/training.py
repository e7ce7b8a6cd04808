"""What training logs tell: curves by component, and whether a run diverged."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gapt_core.experiment.folder import Run

Floats = NDArray[np.float64]

KL_BOUND = 5.0
"""Mean divergence from the anchor at the end of a run, in nats a choice, above which it has diverged."""

HARMONY_LOSS = 0.01
"""By how much note in chord may be lower at the end of a run than at its start."""

TOP = ("reward", "kl", "entropy", "clip_fraction", "explained_variance", "onsets_per_bar", "note_in_chord", "silence")
WATCHED = ("reward", "kl", "entropy", "policy_loss", "value_loss", "gradient_norm")

TITLES = {
    "reward": "total reward",
    "kl": "KL to the anchor (nats)",
    "entropy": "policy entropy (nats)",
    "clip_fraction": "clipped ratios",
    "explained_variance": "explained variance",
    "onsets_per_bar": "chord onsets a bar",
    "note_in_chord": "note in chord",
    "silence": "silence",
    "unique_chords": "different chords an episode",
    "adversary.accuracy": "discriminator accuracy",
    "adversary.reward": "-log(1 - D), mean",
    "adversary.updated": "discriminator updates so far",
}


def steps_of(log: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The records of training steps: those of warming up have no reward."""
    return [record for record in log if "reward" in record]


def components(runs: Sequence[Run]) -> list[str]:
    """Every component that some log has, rewards first after the total: what gets a panel."""
    records = [record for run in runs for record in steps_of(run.log)[:1]]
    rewards = dict.fromkeys(f"rewards.{name}" for record in records for name in record.get("rewards", {}))
    adversary = [name for name in TITLES if name.startswith("adversary.")]
    names = [TOP[0], *rewards, *TOP[1:], "unique_chords", *adversary]
    return [name for name in names if any(_is_known(curve(steps_of(run.log), name)) for run in runs)]


def title(component: str) -> str:
    """What a panel is called."""
    return TITLES.get(component, f"reward: {component.removeprefix('rewards.').replace('_', ' ')}")


def curve(records: Sequence[Mapping[str, Any]], component: str) -> Floats:
    """A component over the steps, NaN where it is undefined; updates of the discriminator are added up."""
    first, _, second = component.partition(".")
    values = [(record.get(first) or {}).get(second) if second else record.get(first) for record in records]
    line = np.array([math.nan if value is None else float(value) for value in values])
    return np.nancumsum(line) if component == "adversary.updated" and len(line) else line


def smoothed(line: Floats, width: int) -> Floats:
    """Running mean over the last `width` values that are known; as long as `line`."""
    known = ~np.isnan(line)
    sums, counts = (np.cumsum(np.where(known, values, 0.0)) for values in (line, np.ones_like(line)))
    for total in (sums, counts):
        total[width:] -= total[:-width].copy()
    return np.divide(sums, counts, out=np.full(len(line), np.nan), where=counts > 0)


def ends(line: Floats) -> tuple[float, float]:
    """Mean over the first and over the last tenth of a curve."""
    tenth = max(1, len(line) // 10)
    return _mean(line[:tenth]), _mean(line[-tenth:])


def divergence(run: Run) -> str:
    """Why a run counts as diverged, or an empty text.

    It has if the training itself said so, if a figure of its steps is not finite, if at its end the mean KL is above
    `KL_BOUND`, or if note in chord has fallen by more than `HARMONY_LOSS` since its start. A run that was never
    trained, like the arm `mle`, cannot diverge.
    """
    records = steps_of(run.log)
    if not records:
        return ""
    if any(record.get("diverged") for record in run.log):
        return "came apart in training"
    for name in WATCHED:
        if any(name in record and not _is_finite(record[name]) for record in records):
            return f"{name} was not finite"
    kl = ends(curve(records, "kl"))[1]
    if kl > KL_BOUND:
        return f"KL {kl:.1f} at the end"
    first, last = ends(curve(records, "note_in_chord"))
    return f"note in chord fell from {first:.3f} to {last:.3f}" if last < first - HARMONY_LOSS else ""


def final(run: Run, component: str) -> float:
    """Mean of a component over the last tenth of a run; NaN where there is none."""
    records = steps_of(run.log)
    return ends(curve(records, component))[1] if records else math.nan


def _mean(values: Floats) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else math.nan


def _is_known(line: Floats) -> bool:
    return bool(len(line)) and not bool(np.isnan(line).all())


def _is_finite(value: Any) -> bool:
    return value is not None and math.isfinite(value)
