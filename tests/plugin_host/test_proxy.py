"""The real worker process, on a tiny preset: it plays what a player here plays, and the session outlives it."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tiny_policy import write_policy_preset

from gapt_core.vocabulary import NOTE_HOLD, NOTE_ONSET, SILENCE, STYLES
from plugin_host.accompanist import MelodyFrame, Plan, PlanRequest, Sampling
from plugin_host.errors import HostError
from plugin_host.player import Player
from plugin_host.proxy import WorkerAccompanist
from plugin_host.worker_policy import load_torch_policy

MELODY = [NOTE_ONSET + 60, NOTE_HOLD + 60, NOTE_ONSET + 62, SILENCE, NOTE_ONSET + 64] * 4
SAMPLING = Sampling(temperature=0.8, seed=11)
PATIENCE_SECONDS = 120.0
SOON_SECONDS = 0.5

needs_signals = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")


def metre(frame: int) -> tuple[int, int, int]:
    return (frame % 16, 16, 4)


def request_for(frame: int) -> PlanRequest:
    return PlanRequest(frame, MELODY[frame], tuple(metre(frame + i) for i in range(3)))


class Caller:
    """Plays `MELODY` to an accompanist."""

    def __init__(self, accompanist: WorkerAccompanist) -> None:
        self.accompanist = accompanist

    def ask(self, frame: int, seconds: float = PATIENCE_SECONDS) -> Plan:
        """The whole plan, after its committed part."""
        answers: queue.SimpleQueue[Plan] = queue.SimpleQueue()
        self.accompanist.plan(request_for(frame), answers.put)
        first, whole = answers.get(timeout=seconds), answers.get(timeout=seconds)
        assert (first.frame, first.tokens, first.committed) == (frame, whole.tokens[:1], 1)
        return whole

    def ask_until_answered(self, frame: int) -> Plan:
        """Ask again and again, as the engine does when answers do not come."""
        for _ in range(int(PATIENCE_SECONDS / SOON_SECONDS)):
            try:
                return self.ask(frame, SOON_SECONDS)
            except queue.Empty:
                continue
        raise AssertionError("no answer came any more")

    def feed(self, frame: int) -> None:
        self.accompanist.feed(MelodyFrame(frame, MELODY[frame], metre(frame)))

    def play(self, frames: range) -> list[tuple[int, ...]]:
        plans = []
        for frame in frames:
            plans.append(self.ask(frame).tokens)
            self.feed(frame)
        return plans


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("presets")
    write_policy_preset(root / "tiny")
    write_policy_preset(root / "other", seed=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GAPT_CACHE", str(root / "cache"))
        yield root


@pytest.fixture(scope="module")
def expected(folder: Path) -> Callable[[str], list[tuple[int, ...]]]:
    """What a player in this process plans, frame by frame."""

    def play(name: str) -> list[tuple[int, ...]]:
        player = Player(load_torch_policy(str(folder / name)), SAMPLING)
        plans = []
        for frame in range(len(MELODY)):
            plans.append(player.plan(request_for(frame)).tokens)
            player.feed(MelodyFrame(frame, MELODY[frame], metre(frame)))
        return plans

    return play


@pytest.fixture(scope="module")
def shared(folder: Path) -> Iterator[WorkerAccompanist]:
    """One worker for the tests that leave it as it was."""
    with WorkerAccompanist(str(folder / "tiny")) as accompanist:
        yield accompanist


@pytest.fixture
def caller(shared: WorkerAccompanist) -> Caller:
    shared.reset(SAMPLING)
    return Caller(shared)


@pytest.fixture
def own(folder: Path) -> Iterator[Caller]:
    with WorkerAccompanist(str(folder / "tiny"), SAMPLING, silent_seconds=2.0) as accompanist:
        yield Caller(accompanist)


Expected = Callable[[str], list[tuple[int, ...]]]


def test_the_process_plays_what_a_player_here_plays(caller: Caller, expected: Expected) -> None:
    assert caller.play(range(len(MELODY))) == expected("tiny")


def test_reset_begins_anew(caller: Caller, expected: Expected) -> None:
    caller.play(range(6))
    caller.accompanist.plan(request_for(6), lambda plan: None)
    caller.accompanist.reset(SAMPLING)
    assert caller.play(range(4)) == expected("tiny")[:4]


def test_a_killed_worker_is_replaced_and_knows_the_past(own: Caller, expected: Expected) -> None:
    assert own.play(range(7)) == expected("tiny")[:7]
    own.accompanist.plan(request_for(7), lambda plan: None)
    assert own.accompanist.pid is not None
    first = own.accompanist.pid
    os.kill(first, signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)
    assert own.ask_until_answered(7).tokens == expected("tiny")[7]
    own.feed(7)
    assert own.play(range(8, len(MELODY))) == expected("tiny")[8:]
    assert own.accompanist.restarts == 1
    assert own.accompanist.pid != first


@needs_signals
def test_a_stuck_worker_is_replaced_and_blocks_nobody(own: Caller, expected: Expected) -> None:
    own.play(range(7))
    assert own.accompanist.pid is not None
    os.kill(own.accompanist.pid, signal.SIGSTOP)
    answered = []
    for _ in range(60_000):  # far more than a pipe holds
        own.accompanist.plan(request_for(7), answered.append)
    assert own.ask_until_answered(7).tokens == expected("tiny")[7]
    assert own.accompanist.restarts == 1


@needs_signals
def test_ctrl_c_is_not_for_the_worker(caller: Caller) -> None:
    assert caller.accompanist.pid is not None
    os.kill(caller.accompanist.pid, signal.SIGINT)
    caller.play(range(4))
    assert caller.accompanist.restarts == 0


def test_another_preset_plays_on_from_what_was_heard(own: Caller, folder: Path, expected: Expected) -> None:
    own.play(range(7))
    first = own.accompanist.pid
    own.accompanist.swap(str(folder / "other"), STYLES[0])
    for frame in range(7, len(MELODY)):
        own.ask_until_answered(frame)
        own.feed(frame)
    while own.accompanist.pid == first:
        own.ask_until_answered(len(MELODY) - 1)
    assert own.accompanist.preset == str(folder / "other")
    own.accompanist.reset(SAMPLING)
    assert own.play(range(4)) == expected("other")[:4]
    assert own.accompanist.restarts == 0


def test_a_preset_that_is_not_there_changes_nothing_but_is_told(own: Caller, expected: Expected) -> None:
    own.accompanist.swap("no-such-preset", STYLES[0])
    while own.accompanist.trouble is None:
        own.ask(0)
    assert "no preset “no-such-preset”" in own.accompanist.trouble
    own.accompanist.reset(SAMPLING)
    assert own.play(range(3)) == expected("tiny")[:3]


def test_a_preset_that_is_not_there_cannot_start(folder: Path) -> None:
    accompanist = WorkerAccompanist("no-such-preset")
    with pytest.raises(HostError, match="no preset “no-such-preset”"):
        accompanist.start()
    accompanist.close()


def test_a_style_that_is_not_there_cannot_start(folder: Path) -> None:
    accompanist = WorkerAccompanist(str(folder / "tiny"), style="baroque")
    with pytest.raises(HostError, match="no style “baroque”: choose one of unknown, pop"):
        accompanist.start()
    accompanist.close()


def test_a_process_that_ends_while_starting_is_a_sentence(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONHOME", str(folder))  # where no Python is
    accompanist = WorkerAccompanist(str(folder / "tiny"))
    with pytest.raises(HostError, match=r"ended while starting \(.+\): install gapt-bridge again"):
        accompanist.start()
    accompanist.close()


def test_closing_ends_the_process_and_may_be_said_twice(folder: Path) -> None:
    accompanist = WorkerAccompanist(str(folder / "tiny"))
    accompanist.start()
    accompanist.close()
    accompanist.close()
    accompanist.feed(MelodyFrame(0, SILENCE, metre(0)))
    assert accompanist.pid is None
    assert accompanist.restarts == 0


def test_closing_does_not_wait_for_a_preset_that_is_loading(folder: Path) -> None:
    accompanist = WorkerAccompanist(str(folder / "tiny"))
    accompanist.start()
    accompanist.swap(str(folder / "other"), STYLES[0])
    accompanist.close()
    assert accompanist.pid is None


def test_the_bridges_side_imports_no_torch() -> None:
    code = "import sys, plugin_host.proxy, plugin_host.process; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
