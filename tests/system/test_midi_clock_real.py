"""The clock of a real program: `jack_midi_clock`, led by the tempo map of `klick`, heard by the driver we use.

Messages are stamped as they come and followed afterwards, so that nothing here depends on how fast this machine is.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import jack
import pytest
from virtual_sync import Follower

from bridge.events import Clock, Start, Stop
from bridge.ports.midi_drivers import Driver, load_driver

PROGRAMS = ("jack_midi_clock", "klick", "jack_transport", "jack_connect")
ABSENT = [program for program in PROGRAMS if shutil.which(program) is None]
PATIENCE_SECONDS = 20.0

TEMPO_MAP = "2 4/4 120\n2 3/4 90\n50 4/4 140\n"
"""Eight beats in 4 s, six in 4 s, then 140."""

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="JACK with its dummy driver is for Linux"),
    pytest.mark.skipif(bool(jack.missing()), reason=jack.missing()),
    pytest.mark.skipif(bool(ABSENT), reason=f"{', '.join(ABSENT)} not installed (Debian: jack-midi-clock, klick)"),
]


class Listener:
    """A raw input and what came to it, as facts."""

    def __init__(self) -> None:
        self.facts: list[Clock] = []

    def take(self, data: list[int]) -> None:
        """Called by the driver."""
        seconds = time.perf_counter()
        kinds = {0xF8: "tick", 0xFA: "start", 0xFB: "continue", 0xFC: "stop"}
        if data[0] == 0xF2:
            self.facts.append(Clock(seconds, "jack", "position", (data[1] + 128 * data[2]) / 4.0))
        elif data[0] in kinds:
            self.facts.append(Clock(seconds, "jack", kinds[data[0]]))  # type: ignore[arg-type]

    def wait_until(self, enough: Callable[[], bool]) -> None:
        """Return when `enough` holds."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not enough():
            assert time.monotonic() < deadline, self.facts[-5:]
            time.sleep(0.01)

    def ticks(self) -> int:
        """How many came."""
        return sum(fact.kind == "tick" for fact in self.facts)


@contextmanager
def running(*command: str) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def transport(*words: str) -> None:
    lines = "\n".join([*words, "exit", ""])
    subprocess.run(["jack_transport"], input=lines, text=True, stdout=subprocess.DEVNULL, check=True)


def connected(source: str, target: str) -> bool:
    command = ["jack_connect", source, target]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.fixture(scope="module", autouse=True)
def jack_server() -> Iterator[None]:
    with jack.server(f"gapt-clock-{os.getpid()}"):
        yield


@pytest.fixture(scope="module")
def driver(jack_server: None) -> Driver:
    return load_driver()


@pytest.fixture
def listener(driver: Driver, tmp_path: Path) -> Iterator[Listener]:
    tempo_map = tmp_path / "tempo"
    tempo_map.write_text(TEMPO_MAP)
    heard = Listener()
    port = driver.open_input("clock in", True, heard.take)
    try:
        with running("jack_midi_clock"), running("klick", "-T", "-f", str(tempo_map)):
            heard.wait_until(lambda: connected("jack_midi_clock:mclk_out", "clock in:clock in"))
            transport("stop", "locate 0")
            heard.facts.clear()
            yield heard
    finally:
        transport("stop")
        port.close()


def test_a_tempo_map_is_followed_from_start_to_stop(listener: Listener) -> None:
    transport("locate 0", "play")
    listener.wait_until(lambda: listener.ticks() >= 24 * 18)
    transport("stop")
    listener.wait_until(lambda: any(fact.kind == "stop" for fact in listener.facts))
    follower = Follower()
    follower.take(listener.facts[0])
    bpms: dict[int, list[float]] = defaultdict(list)
    for fact in listener.facts[1:]:
        follower.take(fact)
        if follower.transport.rolling:
            bpms[int(follower.beats_at(fact.seconds))].append(follower.transport.bpm)
    start = follower.all(Start)[0]
    assert start.beats == 0.0
    assert isinstance(follower.all(Stop)[-1], Stop)
    for beats, bpm in (((2, 3, 4, 5, 6, 7), 120.0), ((10, 11, 12, 13), 90.0), ((16, 17), 140.0)):
        # In the middle: where the music has run ahead of a late tick it waits for a moment.
        assert median(bpm for beat in beats for bpm in bpms[beat]) == pytest.approx(bpm, rel=0.02)
    assert len(follower.all(Start)) == 1


def test_beats_are_where_the_map_has_them(listener: Listener) -> None:
    transport("locate 0", "play")
    listener.wait_until(lambda: listener.ticks() >= 24 * 17)
    transport("stop")
    follower = Follower()
    facts = list(listener.facts)
    begin = next(fact.seconds for fact in facts if fact.kind == "tick")
    for moment, beats in ((3.9, 7.8), (7.9, 13.85), (8.9, 16.1)):
        follower.take(*(fact for fact in facts if fact.seconds <= begin + moment))
        facts = [fact for fact in facts if fact.seconds > begin + moment]
        assert follower.beats_at(begin + moment) == pytest.approx(beats, abs=0.06)


def test_rolling_from_elsewhere_with_or_without_a_continue(listener: Listener) -> None:
    transport("locate 0", "play")
    listener.wait_until(lambda: listener.ticks() >= 48)
    transport("stop")
    listener.wait_until(lambda: any(fact.kind == "stop" for fact in listener.facts))
    time.sleep(0.5)  # the silence that tells a clock that only ticks while it rolls
    before = listener.ticks()
    transport("play")
    listener.wait_until(lambda: listener.ticks() >= before + 24 * 6)
    follower = Follower()
    follower.take(*listener.facts)
    assert len(follower.all(Start)) == 2
    assert follower.transport.rolling
    told = [fact.beats for fact in listener.facts if fact.kind == "position"][-1]
    assert follower.all(Start)[-1].beats == pytest.approx(told, abs=0.5)
