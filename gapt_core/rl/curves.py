"""What the log of a post-training tells, component by component, as curves over its steps."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Log = Sequence[Mapping[str, Any]]
"""Records in the order they were written."""

UPDATES = "adversary.updated"

TITLES = {
    "reward": "total reward",
    "adversary.reward": "adversarial reward −log(1 − D)",  # noqa: RUF001
    "adversary.accuracy": "discriminator's accuracy",
    "kl": "KL to the anchor (nats)",
    "entropy": "policy's entropy (nats)",
    "clip_fraction": "clipped ratios",
    "explained_variance": "explained variance",
    "value_loss": "value loss",
    "onsets_per_bar": "chord onsets a bar",
    "note_in_chord": "note in chord",
    "silence": "silence",
    "unique_chords": "different chords an episode",
    "seconds.total": "seconds a step",
    UPDATES: "updates of the discriminator",
}
"""Component, as a path into a record, to its title; in the order of the panels, the rewards after the total."""


def read_log(path: Path) -> list[dict[str, Any]]:
    """The records of a log; a last line cut short by a kill is left out, and without a log there are none."""
    records = []
    for line in path.read_text("utf-8").splitlines() if path.exists() else []:
        try:
            records.append(json.loads(line))
        except ValueError:
            break
    return records


def steps_of(log: Log) -> list[Mapping[str, Any]]:
    """The records of training steps: those of warming up have no reward."""
    return [record for record in log if "reward" in record]


def components(logs: Sequence[Log]) -> list[str]:
    """What gets a panel: every component that some log knows, the weighted adversarial reward apart."""
    firsts = [steps[0] for steps in map(steps_of, logs) if steps]
    rewards = dict.fromkeys(f"rewards.{name}" for first in firsts for name in first.get("rewards", {}))
    rewards.pop("rewards.adversarial", None)
    names = ["reward", *rewards, *(name for name in TITLES if name != "reward")]
    return [name for name in names if any(is_known(curve(steps_of(log), name)) for log in logs)]


def title(component: str) -> str:
    """What a panel is called."""
    return TITLES.get(component, f"reward: {component.removeprefix('rewards.').replace('_', ' ')}")


def curve(records: Log, component: str) -> Floats:
    """A component over the records, NaN where it is undefined; updates of the discriminator are added up."""
    first, _, second = component.partition(".")
    values = [(record.get(first) or {}).get(second) if second else record.get(first) for record in records]
    line = np.array([math.nan if value is None else float(value) for value in values], dtype=np.float64)
    return np.nancumsum(line) if component == UPDATES else line


def smoothed(line: Floats, width: int) -> Floats:
    """Mean of the known values at most `width // 2` steps away, so that nothing is late; as long as `line`."""
    known = np.isfinite(line)
    places = np.arange(len(line))
    first, end = np.maximum(places - width // 2, 0), np.minimum(places + width // 2 + 1, len(line))
    sums = (np.append(0.0, np.cumsum(np.where(known, values, 0.0))) for values in (line, np.ones_like(line)))
    total, count = (each[end] - each[first] for each in sums)
    return np.divide(total, count, out=np.full(len(line), np.nan), where=count > 0)


def is_known(line: Floats) -> bool:
    """Whether a curve has any value."""
    return bool(np.isfinite(line).any())
