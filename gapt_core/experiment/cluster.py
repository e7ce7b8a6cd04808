"""The same runs on Ray: whole folders travel as bytes, so no disk is shared and a lost machine costs minutes.

The machines of the cluster need this package, nothing else. While a run works far away its folder comes home again
and again; where this process, or that machine, is lost, the run goes on from there when it is called again.
"""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path
from typing import Any

from gapt_core.errors import TrainingError
from gapt_core.experiment.locks import locked
from gapt_core.experiment.packing import pack, unpack
from gapt_core.experiment.runner import Outcome, Report, Task, finish
from gapt_core.experiment.state import note_failure

try:
    import ray
except ImportError as error:
    raise TrainingError("--cluster needs Ray; install it with: pip install 'gapt-bridge[cluster]'") from error

SNAPSHOT_SECONDS = 120.0

LOCAL = "local"
"""An address that starts a cluster on this machine, which ends with the command."""


def run_cluster(
    tasks: Sequence[Task], address: str, gpus: float, report: Report, snapshot_seconds: float = SNAPSHOT_SECONDS
) -> dict[str, Outcome]:
    """Do all runs on the cluster at `address`, a core and `gpus` GPUs each; what became of each.

    `snapshot_seconds` lie between two returns of a run's folder.

    Raises:
        TrainingError: there is no cluster, or a folder holds another run.
    """
    with contextlib.ExitStack() as locks, _connected(address):
        work = ray.remote(num_cpus=1, num_gpus=gpus, max_retries=0, max_calls=1)(_work)
        outcomes, chosen = _choose(tasks, locks)
        for task in tasks:
            if task.settings.name in outcomes:
                report(task.settings, outcomes[task.settings.name])
        inputs = {name: ray.put(pack(path)) for name, path in tasks[0].inputs.items()} if chosen else {}
        running = {
            work.remote(pack(task.folder), task, list(inputs), snapshot_seconds, *inputs.values()): task
            for task in chosen
        }
        while running:
            (stream,), _ = ray.wait(list(running), num_returns=1)
            outcome = _receive(stream, running[stream])
            if outcome is not None:
                task = running.pop(stream)
                outcomes[task.settings.name] = outcome
                report(task.settings, outcome)
    return outcomes


@contextlib.contextmanager
def _connected(address: str) -> Iterator[None]:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    options: dict[str, Any] = {"include_dashboard": False} if address == LOCAL else {}
    try:
        ray.init(address, log_to_driver=False, logging_level=logging.ERROR, **options)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise TrainingError(f"There is no Ray cluster at {address} ({error}); start one with `ray start`.") from error
    try:
        yield
    finally:
        ray.shutdown()


def _choose(tasks: Sequence[Task], locks: contextlib.ExitStack) -> tuple[dict[str, Outcome], list[Task]]:
    """What is settled at once, and the runs that are to be done, which are now this process's."""
    settled, chosen = {}, []
    for task in tasks:
        task.folder.mkdir(parents=True, exist_ok=True)
        if task.is_ready:
            settled[task.settings.name] = Outcome.READY
        elif not locks.enter_context(locked(task.folder)):
            settled[task.settings.name] = Outcome.TAKEN
        else:
            chosen.append(task)
    return settled, chosen


def _receive(stream: Any, task: Task) -> Outcome | None:
    """Take in what has come of a run; None while there is more to come."""
    try:
        packed, failure = ray.get(next(stream))
    except ray.exceptions.RayError as error:
        note_failure(task.folder, f"it was lost on the cluster ({type(error).__name__}); call again to go on")
        return Outcome.FAILED
    unpack(packed, task.folder)
    if failure:
        note_failure(task.folder, failure)
        return Outcome.FAILED
    return None if failure is None else Outcome.DONE


def _work(
    packed: bytes, task: Task, names: list[str], snapshot_seconds: float, *inputs: bytes
) -> Iterator[tuple[bytes, str | None]]:
    """On the far machine: do the run, yielding its folder whenever it has changed.

    With it comes why it failed: None while it goes on, an empty text when all is done.
    """
    with tempfile.TemporaryDirectory(prefix="gapt-run-") as place, ThreadPoolExecutor(1) as pool:
        folder = Path(place) / "run"
        folder.mkdir()
        unpack(packed, folder)
        here = replace(task, folder=folder, inputs=_lay_out(task.inputs, dict(zip(names, inputs, strict=True)), place))
        done = pool.submit(finish, here)
        while not wait([done], timeout=snapshot_seconds).done:
            earlier, packed = packed, pack(folder)
            if packed != earlier:
                yield packed, None
        error = done.exception()
        yield pack(folder), f"{type(error).__name__}: {error}" if error else ""


def _lay_out(wanted: Mapping[str, Path], packed: Mapping[str, bytes], place: str) -> dict[str, Path]:
    """Unpack inputs; where each stands here. What is one file at home is one here, and a folder keeps its name: that of
    a preset's has to be the preset's."""
    paths = {}
    for name, content in packed.items():
        folder = Path(place) / "inputs" / name / wanted[name].name
        unpack(content, folder)
        files = list(folder.iterdir())
        single = len(files) == 1 and files[0].name == wanted[name].name and files[0].is_file()
        paths[name] = files[0] if single else folder
    return paths
