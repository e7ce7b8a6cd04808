"""Runs go on after a kill at any moment, never twice at once, and what is done stays done."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import toy_runs
from toy_runs import GRID, STAGES, slow_tasks, toy_tasks

from gapt_core.errors import TrainingError
from gapt_core.experiment.locks import locked, owner
from gapt_core.experiment.runner import Outcome, Task, perform, run_local
from gapt_core.experiment.state import STATE, Stage, begin, fingerprint, read_state


@pytest.fixture
def songs(tmp_path: Path) -> Path:
    (tmp_path / "songs").mkdir()
    (tmp_path / "songs" / "tune.txt").write_text("la la")
    return tmp_path / "songs"


def run_all(tasks: list[Task], jobs: int = 2) -> dict[str, Outcome]:
    return run_local(tasks, jobs, 1, lambda settings, outcome: None)


def lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []


def test_a_grid_is_run_once(songs: Path) -> None:
    tasks = toy_tasks(songs)
    assert set(run_all(tasks).values()) == {Outcome.DONE}
    before = {task.folder: {file: file.stat().st_mtime_ns for file in task.folder.iterdir()} for task in tasks}
    assert [task.folder.name for task in tasks] == ["rl-seed0", "gapt-seed0", "rl-seed1", "gapt-seed1"]
    assert (tasks[3].folder / "measured.txt").read_text() == "3 la lagapt"
    assert lines(tasks[3].folder / toy_runs.CALLS) == ["train", "measure"]
    assert set(run_all(tasks).values()) == {Outcome.READY}
    assert before == {task.folder: {file: file.stat().st_mtime_ns for file in task.folder.iterdir()} for task in tasks}


def test_a_stage_that_is_done_is_not_called_again(songs: Path) -> None:
    task = toy_tasks(songs)[0]
    assert perform(replace(task, stages=STAGES[:1])) is Outcome.DONE
    assert perform(task) is Outcome.DONE
    assert lines(task.folder / toy_runs.CALLS) == ["train", "measure"]
    state = read_state(task.folder)
    assert state is not None and set(state.done) == {"train", "measure"}


def test_a_run_of_other_settings_or_inputs_is_refused(songs: Path) -> None:
    run_all(toy_tasks(songs))
    with pytest.raises(TrainingError, match="other settings; choose another --out"):
        run_all(toy_tasks(songs, replace(GRID, training={"steps": 4})))
    (songs / "tune.txt").write_text("tra la")
    with pytest.raises(TrainingError, match="other songs or nets"):
        run_all(toy_tasks(songs))


def test_a_larger_grid_keeps_what_is_done(songs: Path) -> None:
    run_all(toy_tasks(songs))
    outcomes = run_all(toy_tasks(songs, replace(GRID, seeds=(0, 1, 2))))
    assert {name for name, outcome in outcomes.items() if outcome is Outcome.DONE} == {"rl-seed2", "gapt-seed2"}


def test_a_failure_is_noted_and_stops_no_other_run(songs: Path) -> None:
    grid = replace(GRID, seeds=(0, 1, 2), arms=("rl",), lambdas=())
    tasks = toy_tasks(songs, grid, (Stage("train", toy_runs.fail),))
    outcomes = run_all(tasks, jobs=1)
    assert [outcome.name for outcome in outcomes.values()] == ["DONE", "FAILED", "FAILED"]
    failures = [state.failure for task in tasks if (state := read_state(task.folder))]
    assert failures == ["", "Odd seeds are refused; take an even one.", "the process ended with code 7"]
    assert begin(tasks[1].folder, tasks[1].settings, tasks[1].inputs_digest).failure == ""


def test_a_damaged_record_is_one_sentence(songs: Path) -> None:
    task = toy_tasks(songs)[0]
    task.folder.mkdir(parents=True)
    (task.folder / STATE).write_text("{")
    with pytest.raises(TrainingError, match="is damaged; remove the folder"):
        perform(task)


def test_a_run_is_one_process_own(songs: Path) -> None:
    task = toy_tasks(songs)[0]
    task.folder.mkdir(parents=True)
    with locked(task.folder) as got:
        assert got
        assert owner(task.folder) == str(os.getpid())
        assert set(run_all([task]).values()) == {Outcome.TAKEN}
        assert not (task.folder / STATE).exists()
    assert perform(task) is Outcome.DONE


def test_inputs_are_known_by_their_contents(songs: Path, tmp_path: Path) -> None:
    twin = tmp_path / "twin"
    twin.mkdir()
    (twin / "tune.txt").write_text("la la")
    assert fingerprint({"songs": songs}) == fingerprint({"songs": twin})
    assert fingerprint({"songs": songs}) != fingerprint({"kit": songs})
    assert fingerprint({"songs": songs}) == fingerprint({"songs": songs}) != fingerprint({"songs": songs / "tune.txt"})


RUN = """
import sys
from pathlib import Path
import toy_runs
from gapt_core.experiment.runner import run_local
if __name__ == "__main__":
    run_local(toy_runs.slow_tasks(Path(sys.argv[1])), 2, 1, lambda settings, outcome: None)
"""


def test_killed_at_any_moment_it_goes_on(songs: Path, tmp_path: Path) -> None:
    """The process is killed until all is done: no step that was kept is taken again, nobody works on as an orphan."""
    program = tmp_path / "program.py"
    program.write_text(RUN)
    paths = os.pathsep.join([str(Path(toy_runs.__file__).parent), *sys.path])
    tasks, moments = slow_tasks(songs), random.Random(0)
    for _ in range(40):
        with subprocess.Popen([sys.executable, program, songs], env={**os.environ, "PYTHONPATH": paths}) as process:
            steps = sum(len(lines(task.folder / toy_runs.STEPS)) for task in tasks)
            wanted = steps + moments.randint(1, 14)
            while process.poll() is None and sum(len(lines(t.folder / toy_runs.STEPS)) for t in tasks) < wanted:
                time.sleep(0.001)
            process.kill()
        if process.returncode == 0:
            break
    assert process.returncode == 0
    for task in tasks:
        assert (task.folder / "measured.txt").read_text() == f"{12 * task.settings.seed} la la{task.settings.condition}"
        taken = [int(line.split()[0]) for line in lines(task.folder / toy_runs.STEPS)]
        assert taken == sorted(taken), "two processes were at one run"
        assert set(taken) == set(range(12))
        deaths = len({line.split()[1] for line in lines(task.folder / toy_runs.STEPS)}) - 1
        assert len(taken) - 12 <= deaths, "a step that was kept was taken again"
