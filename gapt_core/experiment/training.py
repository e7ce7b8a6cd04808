"""What training logs tell of how runs ended, and whether one diverged."""

from __future__ import annotations

import math
from typing import Any

from gapt_core.experiment.folder import Run
from gapt_core.metrics import mean
from gapt_core.rl.curves import Floats, curve, steps_of

KL_BOUND = 5.0
"""Mean divergence from the anchor at the end of a run, in nats a choice, above which it has diverged."""

HARMONY_LOSS = 0.01
"""By how much note in chord may be lower at the end of a run than at its start."""

WATCHED = ("reward", "kl", "entropy", "policy_loss", "value_loss", "gradient_norm")


def ends(line: Floats) -> tuple[float, float]:
    """Mean over the first and over the last tenth of a curve."""
    tenth = max(1, len(line) // 10)
    return mean(line[:tenth]), mean(line[-tenth:])


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


def _is_finite(value: Any) -> bool:
    return value is not None and math.isfinite(value)
