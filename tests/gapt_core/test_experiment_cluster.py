"""The grid on a real Ray of this machine: the same files come home, and what was begun goes on."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import toy_runs
from tiny_corpus import write_corpus
from tiny_kit import tiny_kit
from tiny_policy import write_policy_preset
from toy_runs import GRID, STAGES, toy_tasks

from gapt_core.errors import TrainingError
from gapt_core.evaluate.measured import Measured
from gapt_core.experiment.grid import Grid
from gapt_core.experiment.packing import pack, unpack
from gapt_core.experiment.runner import Outcome, perform, tasks_of
from gapt_core.experiment.stages import STAGES as REAL_STAGES
from gapt_core.experiment.stages import WEIGHTS
from gapt_core.experiment.state import Stage, read_state
from gapt_core.rl.kit import kit_members
from gapt_core.train.policy import load_best

TRAINING = {
    "steps": 1,
    "rollouts": 2,
    "frames": 16,
    "buffers": 1,
    "fit_rounds": 1,
    "adversary": {"warm_rounds": 1, "rounds": 1, "interval": 1, "net": {"width": 16, "layers": 1, "heads": 1}},
}
MEASURING = {"songs": 1, "frames": 32, "vendi_songs": 1, "kinds": ["play"]}
REAL = Grid("real", (0,), ("rl", "gapt"), (), (), TRAINING, MEASURING)


@pytest.fixture
def songs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "songs").mkdir()
    (tmp_path / "songs" / "tune.txt").write_text("la la")
    helpers = str(Path(toy_runs.__file__).parent)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([helpers, os.environ.get("PYTHONPATH", "")]))
    return tmp_path / "songs"


def files_of(folder: Path) -> dict[str, bytes]:
    volatile = {"state.json", toy_runs.STEPS, "lock"}
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.name not in volatile}


def test_a_folder_survives_its_journey(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    (folder / "measured").mkdir(parents=True)
    for name in ("log.jsonl", "state.json", "checkpoint.pt", "measured/figures.json", "measured/beats.npz", "lock"):
        (folder / name).write_text(name)
    (folder / ".policy.pt-half").write_text("half")
    packed = pack(folder)
    assert packed == pack(folder)
    unpack(packed, tmp_path / "home")
    found = {file.relative_to(tmp_path / "home").as_posix() for file in (tmp_path / "home").rglob("*.*")}
    assert found == {"log.jsonl", "state.json", "checkpoint.pt", "measured/figures.json", "measured/beats.npz"}


def test_files_that_tell_of_others_are_packed_first_and_unpacked_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("log.jsonl", "state.json", "a.pt"):
        (tmp_path / name).write_text(name)
    written = []
    monkeypatch.setattr(
        "gapt_core.experiment.packing.write_atomically", lambda path, content: written.append(path.name)
    )
    unpack(pack(tmp_path), tmp_path / "home")
    assert written == ["log.jsonl", "a.pt", "state.json"]


def test_nothing_is_unpacked_outside(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("../evil.txt"), io.BytesIO())
    with pytest.raises(TrainingError, match="no file of it"):
        unpack(packed.getvalue(), tmp_path / "home")


def test_a_grid_runs_on_two_workers_of_ray(songs: Path) -> None:
    """Six runs on Ray: one was begun before and goes on, one fails, the others give what they give here."""
    pytest.importorskip("ray")
    from gapt_core.experiment.cluster import run_cluster

    grid = replace(GRID, training={"steps": 30, "pause": 0.01})
    tasks = toy_tasks(songs, grid)
    begun = tasks[0]
    perform(replace(begun, stages=STAGES[:1]))
    broken = [replace(t, stages=(Stage("fail", toy_runs.fail),)) for t in toy_tasks(songs, replace(GRID, seeds=(3,)))]
    told: list[str] = []
    outcomes = run_cluster(
        [*tasks, broken[0]], "local", 0.0, lambda settings, outcome: told.append(settings.name), snapshot_seconds=0.1
    )
    assert outcomes == {task.settings.name: Outcome.DONE for task in tasks} | {"rl-seed3": Outcome.FAILED}
    assert sorted(told) == sorted(outcomes)
    failed = read_state(broken[0].folder)
    assert failed is not None and failed.failure == "TrainingError: Odd seeds are refused; take an even one."
    workers = {(task.folder / toy_runs.STEPS).read_text().split()[1] for task in tasks}
    assert len(workers) > 2 and str(os.getpid()) in workers
    for task in tasks:
        state = read_state(task.folder)
        assert state is not None and set(state.done) == {"train", "measure"}
        here = replace(task, folder=songs.parent / "here" / task.settings.name)
        perform(here)
        assert files_of(task.folder) == files_of(here.folder)
    assert len((begun.folder / toy_runs.STEPS).read_text().splitlines()) == 30
    again = run_cluster(tasks, "local", 0.0, lambda settings, outcome: None)
    assert set(again.values()) == {Outcome.READY}


def test_real_runs_from_a_preset_come_home_as_they_are_here(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    from gapt_core.experiment.cluster import run_cluster

    preset = write_policy_preset(tmp_path / "tiny", kit=kit_members(tiny_kit())).folder
    inputs = {"songs": write_corpus(tmp_path / "songs", songs=2), "kit": preset, "start": preset}
    tasks = tasks_of(REAL, tmp_path / "out", inputs, REAL_STAGES)
    outcomes = run_cluster(tasks, "local", 0.0, lambda settings, outcome: None)
    assert outcomes == {"rl-seed0": Outcome.DONE, "gapt-seed0": Outcome.DONE}
    for task in tasks:
        state = read_state(task.folder)
        assert state is not None and set(state.done) == {"train", "measure", "latency"} and not state.failure
        start, stage = load_best(task.folder / WEIGHTS).stages
        assert start["selection"] == "all" and (stage["kind"], stage["kit"]) == ("gapt", {"seed": 0})
        played = Measured.load(task.folder / "measured" / "play")
        assert {"anticipate", "react"} <= set(played.sets[0].rows)
    here = replace(tasks[0], folder=tmp_path / "here", stages=REAL_STAGES[:1])
    threads = torch.get_num_threads()
    # A worker has one core, and sums are rounded otherwise on more.
    torch.set_num_threads(1)
    perform(here)
    torch.set_num_threads(threads)
    home, local = (load_best(folder / WEIGHTS).net.state_dict() for folder in (tasks[0].folder, here.folder))
    assert all(torch.equal(home[name], local[name]) for name in local)


RUN = """
import sys
from pathlib import Path
import toy_runs
from gapt_core.experiment.cluster import run_cluster
if __name__ == "__main__":
    run_cluster(toy_runs.slow_tasks(Path(sys.argv[1])), "local", 0.0, lambda settings, outcome: None, 0.05)
"""


def test_what_came_home_before_a_kill_is_not_done_again(songs: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    from gapt_core.experiment.cluster import run_cluster

    program = tmp_path / "program.py"
    program.write_text(RUN)
    tasks = toy_runs.slow_tasks(songs)
    checkpoints = [task.folder / "checkpoint.json" for task in tasks]
    with subprocess.Popen([sys.executable, program, songs]) as process:
        while process.poll() is None and not any(checkpoint.exists() for checkpoint in checkpoints):
            time.sleep(0.001)
        process.kill()
    begun = [task for task, checkpoint in zip(tasks, checkpoints, strict=True) if checkpoint.exists()]
    kept = {task.folder: json.loads((task.folder / "checkpoint.json").read_text())[0] for task in begun}
    assert kept and all(kept.values())
    assert set(run_cluster(tasks, "local", 0.0, lambda settings, outcome: None).values()) <= {
        Outcome.DONE,
        Outcome.READY,
    }
    for task in tasks:
        taken = [int(line.split()[0]) for line in (task.folder / toy_runs.STEPS).read_text().splitlines()]
        assert set(taken) == set(range(12))
        assert taken.count(0) == 1 or task not in begun
