"""Ableton Link with other peers, each in a process of its own."""

from __future__ import annotations

import importlib.util
import json
import queue
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bridge.controls.settings import Settings
from bridge.events import HostReport, InEvent, NoteOn, Start
from bridge.ports.link import LinkPort
from bridge.sync.conductor import Conductor
from bridge.timing.clock import MonotonicClock

PATIENCE_SECONDS = 20.0

ALONE_SECONDS = 1.5
"""Peers find each other in about 0.6 s."""

SESSION_SECONDS = 1.2
"""Of two sessions that meet the older one's tempo stays; those that began within 0.5 s of each other draw lots."""

AALINK_PEER = """
import asyncio, json, sys, time
import aalink

async def main(bpm):
    link = aalink.Link(bpm)
    link.quantum = 4
    link.enabled = True
    loop = asyncio.get_running_loop()
    while True:
        word = await loop.run_in_executor(None, sys.stdin.readline)
        if not word:
            return
        if word.startswith("tempo"):
            link.tempo = float(word.split()[1])
        print(json.dumps([time.perf_counter(), link.beat, link.tempo, link.num_peers]), flush=True)

asyncio.run(main(float(sys.argv[1])))
"""

OTHER_PEER = """
import json, sys, time
import link as other

link = other.Link(float(sys.argv[1]))
link.enabled = True
link.startStopSyncEnabled = True
for word in sys.stdin:
    state, now = link.captureSessionState(), link.clock().micros()
    if word.startswith("tempo"):
        state.setTempo(float(word.split()[1]), now)
        link.commitSessionState(state)
    if word.startswith("play"):
        state.setIsPlaying(bool(int(word.split()[1])), now)
        link.commitSessionState(state)
    state, now = link.captureSessionState(), link.clock().micros()
    beat = state.beatAtTime(now, 4)
    print(json.dumps([time.perf_counter(), beat, state.tempo(), link.numPeers()]), flush=True)
"""

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("aalink") is None, reason="aalink is not installed (extra `link`)"),
    pytest.mark.skipif(sys.platform == "win32", reason="the processes' clocks may have begun at different times"),
]

PEERS = [
    pytest.param(AALINK_PEER, id="aalink"),
    pytest.param(
        OTHER_PEER,
        id="LinkPython",
        marks=pytest.mark.skipif(importlib.util.find_spec("link") is None, reason="LinkPython-extern is not installed"),
    ),
]


@pytest.fixture(scope="module", autouse=True)
def nobody_else() -> None:
    """Skips where somebody makes music with Link on this network: no test may change their tempo."""
    with peer(AALINK_PEER, 120.0) as other:
        until = time.monotonic() + ALONE_SECONDS
        while time.monotonic() < until:
            if other.say()[3]:
                pytest.skip("there is a Link session on this network, and tests leave it alone")
            time.sleep(0.05)


class Peer:
    """Another program in the session."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def say(self, word: str = "tell") -> tuple[float, float, float, int]:
        """Do what `word` says; seconds, beat, tempo and number of peers then."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(word + "\n")
        self._process.stdin.flush()
        seconds, beat, tempo, peers = json.loads(self._process.stdout.readline())
        return seconds, beat, tempo, peers

    def joined(self) -> tuple[float, float, float, int]:
        """The same, once it has met another peer."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            said = self.say()
            if said[3]:
                return said
        raise AssertionError("it met nobody")


@contextmanager
def peer(program: str, bpm: float) -> Iterator[Peer]:
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(bpm)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        other = Peer(process)
        began = other.say()[0]
        while other.say()[0] < began + SESSION_SECONDS:
            time.sleep(0.02)
        yield other
    finally:
        process.kill()
        process.communicate()


@contextmanager
def joined(start_stop: bool = False) -> Iterator[queue.SimpleQueue[InEvent]]:
    """We are in the session; the queue has our reports."""
    heard: queue.SimpleQueue[InEvent] = queue.SimpleQueue()
    port = LinkPort(MonotonicClock(), start_stop=start_stop, own_bpm=200.0)
    port.start(heard.put)
    try:
        yield heard
    finally:
        port.close()
        port.close()


def until(heard: queue.SimpleQueue[InEvent], wanted: str, value: object) -> HostReport:
    """The first report in which `wanted` is about `value`."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        report = heard.get(timeout=PATIENCE_SECONDS)
        assert isinstance(report, HostReport)
        if getattr(report, wanted) == (pytest.approx(value, abs=0.01) if isinstance(value, float) else value):
            return report
    raise AssertionError(f"never {wanted} {value}")


@pytest.mark.parametrize("program", PEERS)
def test_joining_takes_the_sessions_tempo_and_its_place_in_the_bar(program: str) -> None:
    with peer(program, 101.5) as other:
        assert other.say()[2] == pytest.approx(101.5, abs=0.01)
        with joined() as heard:
            report = until(heard, "bpm", 101.5)
            seconds, beat, tempo, _ = other.joined()
            assert tempo == pytest.approx(101.5, abs=0.01)
            assert report.exact and report.playing is None and report.beats is not None
            here = report.beats + (seconds - report.seconds) * tempo / 60.0
            assert abs((here - beat + 2.0) % 4.0 - 2.0) * 60.0 / tempo < 0.005


@pytest.mark.parametrize("program", PEERS)
def test_another_peers_change_of_tempo_is_heard(program: str) -> None:
    with peer(program, 90.0) as other, joined() as heard:
        until(heard, "bpm", 90.0)
        other.say("tempo 132")
        until(heard, "bpm", 132.0)


@pytest.mark.skipif(importlib.util.find_spec("link") is None, reason="LinkPython-extern is not installed")
def test_starts_and_stops_are_shared_only_where_asked() -> None:
    with peer(OTHER_PEER, 120.0) as other, joined() as plain, joined(start_stop=True) as sharing:
        until(sharing, "playing", False)
        other.say("play 1")
        until(sharing, "playing", True)
        assert until(plain, "bpm", 120.0).playing is None
        other.say("play 0")
        until(sharing, "playing", False)


def test_the_first_note_starts_us_in_the_sessions_bar() -> None:
    with peer(AALINK_PEER, 120.0) as other, joined() as heard:
        conductor = Conductor(Settings(sync="link"))
        conductor.handle(until(heard, "bpm", 120.0))
        now = time.perf_counter()
        starts = [order for order in conductor.handle(NoteOn(now, 60, 64)) if isinstance(order, Start)]
        seconds, beat, tempo, _ = other.say()
        assert len(starts) == 1
        ours = starts[0].beats + (seconds - starts[0].seconds) * tempo / 60.0
        assert abs((ours - beat + 2.0) % 4.0 - 2.0) * 60.0 / tempo < 0.005


def test_alone_there_is_nothing_to_follow() -> None:
    with joined() as heard, pytest.raises(queue.Empty):
        heard.get(timeout=2.0)
