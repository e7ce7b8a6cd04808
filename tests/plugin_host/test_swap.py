"""Workers come and go under the caller: chosen, lost, refused; processes with a scripted policy."""

from __future__ import annotations

import os
import queue
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from scripted_worker import MISSING, PATIENCE_SECONDS, scripted_player, wait_until

from gapt_core.vocabulary import CHORD_HOLD, NO_CHORD, NOTE_ONSET, sounding_chord
from plugin_host import process, proxy
from plugin_host.accompanist import MelodyFrame, Plan, PlanRequest, Sampling
from plugin_host.proxy import WorkerAccompanist

SAMPLING = Sampling(seed=5)
OTHER = ("two", "folk")
WINDOW = 24


def place(frame: int) -> tuple[int, int, int]:
    return (frame % 16, 16, 4)


class Caller:
    """Feeds and asks frame by frame; `played` are the chords answered."""

    def __init__(self, accompanist: WorkerAccompanist) -> None:
        self.accompanist = accompanist
        self.played: list[int] = []
        self.fed: list[MelodyFrame] = []

    def go_on(self) -> None:
        """Ask for a frame once, wait for the answer, and feed it."""
        answers: queue.SimpleQueue[Plan] = queue.SimpleQueue()
        frame = len(self.fed)
        self.accompanist.plan(PlanRequest(frame, None, (place(frame),)), answers.put)
        self.played += answers.get(timeout=PATIENCE_SECONDS).tokens
        self.feed()

    def feed(self) -> None:
        frame = len(self.fed)
        self.fed.append(MelodyFrame(frame, NOTE_ONSET + 60 + frame % 7, place(frame)))
        self.accompanist.feed(self.fed[-1])

    def cut(self, frame: int) -> None:
        """What was played from there on was not; the chord before is held."""
        chord = sounding_chord(self.played[frame - 1])
        held = NO_CHORD if chord is None else CHORD_HOLD + chord
        self.played[frame:] = [held] * (len(self.played) - frame)
        self.accompanist.cut(frame)

    def would_play(self, name: tuple[str, str], sampling: Sampling = SAMPLING) -> int:
        """What a worker of that name would answer next, told what was fed and played."""
        player = scripted_player(*name)
        player.reset(sampling)
        player.recall(False, self.fed, list(enumerate(self.played)))
        frame = len(self.fed)
        return player.plan(PlanRequest(frame, None, (place(frame),))).tokens[0]


@pytest.fixture
def caller(monkeypatch: pytest.MonkeyPatch) -> Iterator[Caller]:
    monkeypatch.setattr(process, "MODULE", "scripted_worker")
    monkeypatch.setattr(proxy, "FIRST_PAUSE_SECONDS", 0.01)
    with WorkerAccompanist("one", SAMPLING) as accompanist:
        yield Caller(accompanist)


def kill(accompanist: WorkerAccompanist) -> None:
    assert accompanist.pid is not None
    os.kill(accompanist.pid, signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)


def test_every_frame_is_answered_while_another_preset_comes_in(caller: Caller) -> None:
    first = ("one", "unknown")
    caller.accompanist.swap(*OTHER)
    while caller.accompanist.preset == "one":
        expected = {caller.would_play(first), caller.would_play(OTHER)}
        caller.go_on()
        assert caller.played[-1] in expected
    assert len(caller.played) > 1
    assert caller.accompanist.style == OTHER[1]
    for _ in range(WINDOW):
        wanted = caller.would_play(OTHER)
        caller.go_on()
        assert caller.played[-1] == wanted
    assert caller.accompanist.restarts == 0
    assert caller.accompanist.trouble is None


def test_what_happens_while_the_past_is_told_is_told_too(caller: Caller, tmp_path: Path) -> None:
    name = (str(tmp_path / "gate"), "folk")
    for _ in range(5):
        caller.go_on()
    caller.accompanist.swap(*name)
    wait_until(lambda: caller.accompanist._successor is not None)
    for _ in range(9):
        expected = caller.would_play(("one", "unknown"))
        caller.go_on()
        assert caller.played[-1] == expected
    caller.cut(11)
    (tmp_path / "gate").touch()
    wait_until(lambda: caller.accompanist.preset == name[0])
    for _ in range(WINDOW):
        expected = caller.would_play(name)
        caller.go_on()
        assert caller.played[-1] == expected


def test_a_preset_that_cannot_be_had_is_told_and_forgiven(caller: Caller) -> None:
    caller.accompanist.swap(MISSING, "unknown")
    wait_until(lambda: caller.accompanist.trouble is not None)
    assert caller.accompanist.trouble == "There is no such preset: choose another one."
    assert (caller.accompanist.preset, caller.accompanist.style) == ("one", "unknown")
    expected = caller.would_play(("one", "unknown"))
    caller.go_on()
    assert caller.played == [expected]
    caller.accompanist.swap("one", "unknown")
    assert caller.accompanist.trouble is None


def test_of_several_wishes_the_last_one_counts(caller: Caller) -> None:
    for name in [("two", "unknown"), ("three", "pop"), (MISSING, "rock"), OTHER]:
        caller.accompanist.swap(*name)
    wait_until(lambda: caller.accompanist.preset == OTHER[0])
    assert caller.accompanist.style == OTHER[1]
    assert caller.accompanist.trouble is None


def test_a_wish_taken_back_changes_nothing(caller: Caller) -> None:
    first = caller.accompanist.pid
    caller.accompanist.swap(*OTHER)
    wait_until(lambda: caller.accompanist._candidate is not None)
    caller.accompanist.swap("one", "unknown")
    wait_until(lambda: caller.accompanist._candidate is None)
    caller.go_on()
    assert caller.accompanist.pid == first
    assert caller.accompanist.trouble is None


def test_a_loss_is_told_until_it_is_made_good(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    caller.go_on()
    monkeypatch.setattr(process, "MODULE", "no_such_module")
    kill(caller.accompanist)
    wait_until(lambda: "no_such_module" in (caller.accompanist.trouble or ""))
    assert caller.accompanist.pid is None
    caller.feed()
    caller.played.append(caller.played[-1])  # held
    caller.accompanist.sample(Sampling(seed=6, allowed=frozenset({4})))
    monkeypatch.setattr(process, "MODULE", "scripted_worker")
    caller.go_on()
    assert sounding_chord(caller.played[-1]) in (None, 4)
    assert caller.accompanist.restarts == 1
    assert caller.accompanist.trouble is None


def test_another_preset_may_come_in_place_of_a_lost_worker(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy, "FIRST_PAUSE_SECONDS", PATIENCE_SECONDS)
    monkeypatch.setattr(process, "MODULE", "no_such_module")
    kill(caller.accompanist)
    wait_until(lambda: "no_such_module" in (caller.accompanist.trouble or ""))
    monkeypatch.setattr(process, "MODULE", "scripted_worker")
    caller.accompanist.swap(*OTHER)
    expected = caller.would_play(OTHER)
    caller.go_on()
    assert caller.played == [expected]
    assert caller.accompanist.restarts == 1


def test_how_chords_are_drawn_reaches_a_worker_that_is_loading(caller: Caller) -> None:
    sampling = Sampling(temperature=0.0, density=3.0, allowed=frozenset({3, 5}))
    caller.accompanist.swap(*OTHER)
    caller.accompanist.sample(sampling)
    wait_until(lambda: caller.accompanist.preset == OTHER[0])
    for _ in range(8):
        expected = caller.would_play(OTHER, sampling)
        caller.go_on()
        assert caller.played[-1] == expected


def test_nobody_waits_for_a_worker_that_is_loading_when_all_ends(caller: Caller) -> None:
    caller.accompanist.swap(*OTHER)
    caller.accompanist.close()
    assert caller.accompanist.pid is None
    assert not caller.accompanist._threads
