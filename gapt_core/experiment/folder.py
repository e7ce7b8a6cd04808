"""The folder of an experiment, as data: its grid, its runs' records, recipes, logs and measurements."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from gapt_core.errors import TrainingError
from gapt_core.experiment.grid import Grid, RunSettings, read_grid
from gapt_core.experiment.state import RunState, read_state, settings_of
from gapt_core.rl.curves import read_log
from presets.files import write_atomically

GRID = "grid.json"
LOG = "log.jsonl"
RECIPE = "run.json"
WEIGHTS = "policy.pt"
MEASURED = "measured"
LATENCY = "latency.json"
STAGE_NAMES = ("train", "measure", "latency")


@dataclass(frozen=True)
class Run:
    """A run of the grid and the folder it has, or will have."""

    settings: RunSettings
    folder: Path

    @cached_property
    def state(self) -> RunState | None:
        """Its record; None if it was never begun, or by other settings."""
        state = read_state(self.folder)
        return state if state and state.digest == self.settings.digest else None

    @cached_property
    def recipe(self) -> dict[str, Any] | None:
        """What it was trained by; None if its training was not begun, as that of the arm `mle` never is.

        Raises:
            TrainingError: the file is damaged.
        """
        return read_recipe(self.folder)

    @cached_property
    def log(self) -> list[dict[str, Any]]:
        """The records of its training steps; a last line cut short by a kill is left out."""
        return read_log(self.folder / LOG)

    def measured(self, kind: str) -> Path:
        """Folder of its measurement of one kind."""
        return measured_folder(self.folder, kind)

    @cached_property
    def latency(self) -> dict[str, float]:
        """What timing its steps has given, empty if they were not timed."""
        path = self.folder / LATENCY
        return dict(json.loads(path.read_text("utf-8"))) if path.exists() else {}

    @property
    def is_measured(self) -> bool:
        """Whether there are figures of it."""
        return self.state is not None and "measure" in self.state.done

    @property
    def standing(self) -> str:
        """In a word: missing, begun, trained, done or failed."""
        if self.state is None:
            return "missing"
        if self.state.failure:
            return "failed"
        if all(name in self.state.done for name in STAGE_NAMES):
            return "done"
        return "trained" if "train" in self.state.done else "begun"

    @property
    def steps(self) -> int:
        """Steps of training so far."""
        return int(self.log[-1]["step"]) if self.log else 0

    @property
    def seconds(self) -> float:
        """Seconds that the steps took."""
        return sum((record.get("seconds") or {}).get("total") or 0.0 for record in self.log)


def measured_folder(folder: Path, kind: str) -> Path:
    """Where the measurement of one kind stands in a run's folder."""
    return folder / MEASURED / kind.replace(" ", "-")


def read_recipe(folder: Path) -> dict[str, Any] | None:
    """The recipe of post-training that a run's folder holds; None if there is none.

    Raises:
        TrainingError: it is damaged.
    """
    try:
        return dict(json.loads((folder / RECIPE).read_text("utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise TrainingError(f"{folder / RECIPE} is damaged; remove the folder to begin the run anew.") from error


def write_grid(folder: Path, grid: Grid) -> None:
    """Note in the experiment's folder, made if it is not there, which grid it is of."""
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / GRID, (json.dumps(grid.to_dict(), indent=1) + "\n").encode())


def open_experiment(folder: Path) -> tuple[Grid, list[Run]]:
    """The grid that was run last in `folder`, and all runs: those of the grid in its order, then those of earlier ones.

    Raises:
        TrainingError: there is no experiment, or a record is damaged.
    """
    try:
        values = json.loads((folder / GRID).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise TrainingError(f"{folder} holds no experiment; begin one with `gapt experiment run`.") from error
    grid = read_grid(values, GRID)
    wanted = grid.runs()
    return grid, [Run(settings, folder / settings.name) for settings in [*wanted, *_earlier(folder, wanted)]]


def standings(folder: Path) -> list[dict[str, Any]]:
    """How each run stands: `run`, `state`, `steps`, `seconds` and a `note`.

    Raises:
        TrainingError: there is no experiment.
    """
    return [
        {
            "run": run.settings.name,
            "state": run.standing,
            "steps": run.steps,
            "seconds": round(run.seconds, 1),
            "note": run.state.failure if run.state else "",
        }
        for run in open_experiment(folder)[1]
    ]


def _earlier(folder: Path, wanted: list[RunSettings]) -> list[RunSettings]:
    """The runs in `folder` that a grid of other runs has left; by weight, schedule and seed."""
    names = {settings.name for settings in wanted}
    found = []
    for place in folder.iterdir():
        state = read_state(place) if place.is_dir() and place.name not in names else None
        if state is not None:
            settings = settings_of(state)
            found += [settings] if (settings.name, settings.digest) == (place.name, state.digest) else []
    return sorted(found, key=lambda settings: (settings.weight, settings.schedule, settings.condition, settings.seed))
