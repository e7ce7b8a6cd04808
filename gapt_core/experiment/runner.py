"""Runs a grid on this machine: a process a run, several at once, each run resumable after a kill at any moment."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import Enum
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from gapt_core.experiment.grid import Grid, RunSettings
from gapt_core.experiment.locks import locked
from gapt_core.experiment.state import Inputs, Stages, begin, fingerprint, note_failure, read_state, write_state
from presets.errors import GaptError


class Outcome(Enum):
    """What became of a run; the values are exit codes of its process."""

    DONE = 0
    READY = 10
    TAKEN = 11
    FAILED = 12

    @property
    def sentence(self) -> str:
        """What a person is told of it."""
        return _SENTENCES[self.name]


_SENTENCES = {
    "DONE": "done",
    "READY": "was done before",
    "TAKEN": "is being done by another process",
    "FAILED": "failed",
}


@dataclass(frozen=True)
class Task:
    """One run to be done: `folder` is its own, `inputs_digest` the hash of the contents of `inputs`."""

    folder: Path
    settings: RunSettings
    inputs: Inputs
    inputs_digest: str
    stages: Stages

    @property
    def is_ready(self) -> bool:
        """Whether nothing is left to do.

        Raises:
            TrainingError: the folder holds a run of other settings or inputs.
        """
        state = read_state(self.folder)
        return state is not None and begin(self.folder, self.settings, self.inputs_digest).has(self.stages)


Report = Callable[[RunSettings, Outcome], None]
"""Told of every run when its turn is over."""


def tasks_of(grid: Grid, out: Path, inputs: Inputs, stages: Stages) -> list[Task]:
    """The runs of a grid, a folder each in `out`."""
    digest = fingerprint(inputs)
    return [Task(out / settings.name, settings, inputs, digest, stages) for settings in grid.runs()]


def refuse_others(tasks: Iterable[Task]) -> None:
    """Find out before anything is changed whether a folder holds a run of something else.

    Raises:
        TrainingError: one does.
    """
    for task in tasks:
        if read_state(task.folder) is not None:
            begin(task.folder, task.settings, task.inputs_digest)


def perform(task: Task) -> Outcome:
    """Do in this process what is left of a run, noting every stage when it is done.

    Raises:
        TrainingError: the folder holds another run; besides it, whatever a stage raises.
    """
    task.folder.mkdir(parents=True, exist_ok=True)
    with locked(task.folder) as got:
        if not got:
            return Outcome.TAKEN
        if task.is_ready:
            return Outcome.READY
        finish(task)
    return Outcome.DONE


def finish(task: Task) -> None:
    """Do what is left of a run that this process, or who sent it here, has locked."""
    state = begin(task.folder, task.settings, task.inputs_digest)
    for stage in task.stages:
        if stage.name in state.done:
            continue
        started = time.perf_counter()
        stage.work(task.folder, task.settings, task.inputs)
        state = replace(state, done=state.done | {stage.name: round(time.perf_counter() - started, 3)})
        write_state(task.folder, state)


def run_local(tasks: Iterable[Task], jobs: int, threads: int, report: Report) -> dict[str, Outcome]:
    """Do all runs, `jobs` at once, each in a process with `threads` threads for torch; what became of each.

    A run that fails does not stop the others. If this process dies, those it has started end too.

    Raises:
        TrainingError: a folder holds another run; nothing is started then.
    """
    outcomes: dict[str, Outcome] = {}
    running: dict[int, tuple[BaseProcess, Task]] = {}
    waiting = []
    for task in tasks:
        if task.is_ready:
            outcomes[task.settings.name] = Outcome.READY
            report(task.settings, Outcome.READY)
        else:
            waiting.append(task)
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                process = _start(task := waiting.pop(0), threads)
                running[process.sentinel] = process, task
            for sentinel in wait(list(running)):
                assert isinstance(sentinel, int)
                process, task = running.pop(sentinel)
                outcomes[task.settings.name] = outcome = _outcome(process, task)
                report(task.settings, outcome)
    finally:
        for process, _ in running.values():
            process.terminate()
    return outcomes


def _start(task: Task, threads: int) -> BaseProcess:
    process = multiprocessing.get_context("spawn").Process(target=_child, args=(task, threads), name=task.settings.name)
    process.start()
    return process


def _outcome(process: BaseProcess, task: Task) -> Outcome:
    process.join()
    code = process.exitcode
    if code in {outcome.value for outcome in Outcome}:
        return Outcome(code)
    note_failure(task.folder, f"the process ended with code {code}")
    return Outcome.FAILED


def _child(task: Task, threads: int) -> None:
    """Main function of a run's process."""
    # Read by torch when it is imported, which nothing has done yet: a stage that needs it does.
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(threads)))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process of a terminal; the first one decides.
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        outcome = perform(task)
    except GaptError as error:
        note_failure(task.folder, str(error))
        outcome = Outcome.FAILED
    sys.exit(outcome.value)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(Outcome.FAILED.value)
