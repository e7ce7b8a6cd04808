"""Fine-tuning in a process of its own: Ctrl-C once and twice, and kills that leave the store as it was."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from signals import hear_signals
from tiny_tunes import write_tunable_preset

from presets.store import Store

ROOT = Path(__file__).parents[2]
HELPERS = ROOT / "tests" / "helpers"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signal to send for Ctrl-C")

LEARNING, JUDGED, CHOOSING = "phase learning", "phase playing", "phase choosing"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store with the preset to begin as, and an older one of the name that is to be made."""
    store = Store.default({"GAPT_PRESETS": str(tmp_path / "presets")})
    write_tunable_preset(store.user / "tiny")
    write_tunable_preset(store.user / "mine")
    return store


@contextmanager
def tuning(store: Store, steps: int = 4) -> Iterator[subprocess.Popen[str]]:
    """The process, killed in the end if it still runs."""
    paths = os.pathsep.join([str(ROOT), str(HELPERS), *sys.path])
    folders = {"GAPT_PRESETS": str(store.user), "GAPT_CACHE": str(store.user.parent / "cache")}
    child = subprocess.Popen(
        [sys.executable, "-W", "error", str(HELPERS / "finetune_process.py"), str(steps)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1", **folders},
        preexec_fn=hear_signals,
    )
    try:
        yield child
    finally:
        if child.poll() is None:
            child.kill()
        child.communicate()


def wait_for(child: subprocess.Popen[str], *lines: str) -> str:
    """Read on until these lines came, one after the other; the last of them."""
    assert child.stdout is not None
    wanted = list(lines)
    for line in child.stdout:
        if line.startswith(wanted[0]):
            wanted.pop(0)
            if not wanted:
                return line
    raise AssertionError(f"ended without {wanted}: {child.communicate()[1]}")


def weights(store: Store) -> str:
    return store.find("mine").weights_sha256


def test_the_first_interrupt_keeps_what_was_learned(store: Store) -> None:
    older = weights(store)
    with tuning(store) as child:
        wait_for(child, LEARNING, "step 2")
        child.send_signal(signal.SIGINT)
        wait_for(child, "asked to stop", CHOOSING)
        done = wait_for(child, "done").split()
        assert child.wait() == 0
    assert int(done[1]) in (2, 3, 4) and done[2:] == ["0", "asked"]
    assert weights(store) != older
    store.find("mine").verify()
    assert "You stopped it after" in store.find("mine").read("report.md").decode()
    assert not list((store.user.parent / "cache" / "finetune").iterdir())


def test_the_second_interrupt_stops_at_once(store: Store) -> None:
    older = weights(store)
    with tuning(store) as child:
        wait_for(child, LEARNING, "step 1")
        child.send_signal(signal.SIGINT)
        wait_for(child, "asked to stop")
        child.send_signal(signal.SIGINT)
        assert child.wait() != 0
    assert weights(store) == older


def test_killed_it_leaves_the_older_preset_and_ends_as_if_undisturbed(store: Store) -> None:
    older = weights(store)
    for place in ((LEARNING, "step 3"), (CHOOSING, "step 2")):
        with tuning(store) as child:
            wait_for(child, *place)
            child.kill()
            child.wait()
        assert weights(store) == older
        assert sorted(store.folders()) == sorted({"mine", "tiny", *Store(store.builtin, store.builtin).folders()})
    with tuning(store) as child:
        assert wait_for(child, JUDGED, "done") == "done 4 4 None\n"
    disturbed = weights(store)
    with tuning(store) as child:
        wait_for(child, "done")
    assert weights(store) == disturbed != older
