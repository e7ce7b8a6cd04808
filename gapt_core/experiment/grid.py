"""A grid of runs as data: which arms, weights of the adversary and schedules, with which seeds.

Conditions that coincide are one condition: weight 0 is the arm `rl`, weight 1 on the two-phase schedule is
the arm `gapt`. So no run stands in a grid twice, and tables and curves share their runs.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from gapt_core.errors import TrainingError


@dataclass(frozen=True)
class Condition:
    """What is compared: λ, the weight of the adversarial reward, and when the discriminator learns."""

    name: str
    weight: float
    schedule: str


NO_SCHEDULE = "none"
TWO_PHASE = "two-phase"
SCHEDULES = (TWO_PHASE, "fixed", "every")

MLE = Condition("mle", 0.0, NO_SCHEDULE)
RL = Condition("rl", 0.0, NO_SCHEDULE)
GAPT = Condition("gapt", 1.0, TWO_PHASE)
ARMS = {arm.name: arm for arm in (MLE, RL, GAPT)}
"""The three arms: maximum likelihood alone, post-trained without and with the adversary."""


@dataclass(frozen=True)
class RunSettings:
    """What one run depends on, besides its input files.

    Attributes:
        condition: name of the condition.
        seed: of all that is random in the run.
        weight: λ; 0 without an adversary.
        schedule: one of `SCHEDULES`, or `none` without an adversary.
        training: further settings of the training, as it understands them.
        measuring: further settings of the measures.
    """

    condition: str
    seed: int
    weight: float
    schedule: str
    training: dict[str, Any] = field(default_factory=dict)
    measuring: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Name of the run and of its folder."""
        return f"{self.condition}-seed{self.seed}"

    @property
    def is_start(self) -> bool:
        """Whether the run is the policy that post-training starts from."""
        return self.condition == MLE.name

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for a run's record."""
        return asdict(self)

    @property
    def digest(self) -> str:
        """Hash of all settings."""
        return hashlib.sha256(json.dumps(self.to_dict(), sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Grid:
    """The runs of an experiment: every condition with every seed.

    Attributes:
        arms: names in `ARMS`.
        lambdas: weights of the adversarial reward, on the two-phase schedule.
        schedules: of `SCHEDULES`, at weight 1.
        training, measuring: further settings, the same for all runs; `{seed}` in a text is the run's seed.
    """

    name: str
    seeds: tuple[int, ...] = (0, 1, 2)
    arms: tuple[str, ...] = tuple(ARMS)
    lambdas: tuple[float, ...] = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)
    schedules: tuple[str, ...] = SCHEDULES
    training: dict[str, Any] = field(default_factory=dict)
    measuring: dict[str, Any] = field(default_factory=dict)

    def runs(self) -> list[RunSettings]:
        """Every run once: the arms seed by seed, then the weights, then the schedules."""
        rows = [[ARMS[name] for name in self.arms], *([of_weight(weight)] for weight in self.lambdas)]
        rows += [[of_schedule(schedule)] for schedule in self.schedules]
        order = dict.fromkeys((condition, seed) for row in rows for seed in self.seeds for condition in row)
        return [self._run(condition, seed) for condition, seed in order]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as `read_grid` reads them."""
        return asdict(self)

    def _run(self, condition: Condition, seed: int) -> RunSettings:
        training, measuring = _for_seed(self.training, seed), _for_seed(self.measuring, seed)
        return RunSettings(condition.name, seed, condition.weight, condition.schedule, training, measuring)


GRIDS = {
    "full": Grid("full"),
    "arms": Grid("arms", lambdas=(), schedules=()),
    "smoke": Grid("smoke", lambdas=(0.0, 0.5, 1.0), schedules=(TWO_PHASE, "fixed"), training={"steps": 2}),
}
"""The grids that need no file: the whole experiment, its three arms alone, and a trial of a few steps."""


def of_weight(weight: float) -> Condition:
    """The condition of λ = `weight` on the two-phase schedule."""
    if weight == RL.weight:
        return RL
    return GAPT if weight == GAPT.weight else Condition(f"lambda-{weight:g}", float(weight), TWO_PHASE)


def of_schedule(schedule: str) -> Condition:
    """The condition of a schedule at λ = 1."""
    return GAPT if schedule == TWO_PHASE else Condition(f"schedule-{schedule}", GAPT.weight, schedule)


def find_grid(name: str) -> Grid:
    """The built-in grid of that name, or what the JSON file of that name describes.

    Raises:
        TrainingError: it is neither, or the file describes no grid.
    """
    if name in GRIDS:
        return GRIDS[name]
    try:
        values = json.loads(Path(name).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise TrainingError(f"There is no grid “{name}”; name {', '.join(GRIDS)} or a JSON file of one.") from error
    return read_grid(values, Path(name).stem)


def read_grid(values: Any, name: str) -> Grid:
    """The grid of plain values: any of the fields of `Grid`, the others being as in the grid `full`.

    Raises:
        TrainingError: an unknown field or a value that cannot be.
    """
    if not isinstance(values, Mapping) or (unknown := set(values) - {f.name for f in fields(Grid)}):
        wrong = f"it has unknown fields: {', '.join(sorted(unknown))}" if isinstance(values, Mapping) else "no object"
        raise TrainingError(f"The grid “{name}” cannot be read, {wrong}; docs/experiment.md lists the fields.")
    given: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
    grid = replace(Grid(name), **given)
    for problem in _problems(grid):
        raise TrainingError(f"The grid “{name}” cannot be used: {problem}.")
    return grid


def _problems(grid: Grid) -> list[str]:
    checks = {
        "name has to be a text": isinstance(grid.name, str) and bool(grid.name),
        "seeds have to be different whole numbers, at least one": _are(grid.seeds, int) and len(grid.seeds) > 0,
        f"arms have to be of {', '.join(ARMS)}": _are(grid.arms, str) and set(grid.arms) <= set(ARMS),
        "lambdas have to be numbers from 0": _are(grid.lambdas, int, float)
        and all(math.isfinite(value) and value >= 0 for value in grid.lambdas),
        f"schedules have to be of {', '.join(SCHEDULES)}": _are(grid.schedules, str)
        and set(grid.schedules) <= set(SCHEDULES),
        "training and measuring have to be objects": isinstance(grid.training, dict)
        and isinstance(grid.measuring, dict),
    }
    return [sentence for sentence, holds in checks.items() if not holds]


def _are(values: object, *kinds: type) -> bool:
    """Whether `values` is a tuple of different values, each of one of the kinds."""
    if not isinstance(values, tuple) or any(type(value) not in kinds for value in values):
        return False
    return len(set(values)) == len(values)


def _for_seed(settings: dict[str, Any], seed: int) -> dict[str, Any]:
    return {
        key: value.replace("{seed}", str(seed)) if isinstance(value, str) else value for key, value in settings.items()
    }
