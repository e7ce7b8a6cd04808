"""Stages of a run for tests: a training that counts, slowly if wanted, with a checkpoint a step."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from pathlib import Path

from gapt_core.errors import TrainingError
from gapt_core.experiment.grid import Grid, RunSettings
from gapt_core.experiment.runner import Task, tasks_of
from gapt_core.experiment.state import Inputs, Stage
from presets.files import write_atomically

CALLS = "calls.txt"
STEPS = "steps.txt"


def train(folder: Path, settings: RunSettings, inputs: Inputs) -> None:
    """Add up the seed `steps` times; `steps.txt` has every step ever taken, with its process."""
    _note(folder, "train")
    checkpoint = folder / "checkpoint.json"
    step, total = json.loads(checkpoint.read_text()) if checkpoint.exists() else (0, 0)
    while step < settings.training.get("steps", 3):
        with (folder / STEPS).open("a") as file:
            file.write(f"{step} {os.getpid()}\n")
        time.sleep(settings.training.get("pause", 0.0))
        step, total = step + 1, total + settings.seed
        write_atomically(checkpoint, json.dumps([step, total]).encode())
    write_atomically(folder / "policy.txt", f"{total} {(inputs['songs'] / 'tune.txt').read_text()}".encode())


def measure(folder: Path, settings: RunSettings, inputs: Inputs) -> None:
    """Measure what was trained."""
    _note(folder, "measure")
    write_atomically(folder / "measured.txt", (folder / "policy.txt").read_bytes() + settings.condition.encode())


def fail(folder: Path, settings: RunSettings, inputs: Inputs) -> None:
    """Refuse the odd seeds, and crash at the third."""
    if settings.seed == 2:
        os._exit(7)
    if settings.seed % 2:
        raise TrainingError("Odd seeds are refused; take an even one.")


STAGES = (Stage("train", train), Stage("measure", measure))
GRID = Grid("toy", seeds=(0, 1), arms=("rl", "gapt"), lambdas=(1.0,), schedules=())


def toy_tasks(songs: Path, grid: Grid = GRID, stages: tuple[Stage, ...] = STAGES) -> list[Task]:
    """The runs of `grid` in the folder `out` beside the songs."""
    return tasks_of(grid, songs.parent / "out", {"songs": songs}, stages)


def slow_tasks(songs: Path) -> list[Task]:
    """Runs of twelve steps that can be seen working."""
    return toy_tasks(songs, replace(GRID, training={"steps": 12, "pause": 0.02}))


def _note(folder: Path, name: str) -> None:
    with (folder / CALLS).open("a") as file:
        file.write(f"{name}\n")
