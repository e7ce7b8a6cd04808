"""How late chords are on the wire: a whole jam against a player at the other end of a UDP loopback.

Beside it, in the same minute, a bare loop that sleeps and spins to the same deadlines: the floor of this machine.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from bridge.controls.settings import Settings
from bridge.controls.user_file import UserFile, default_path
from bridge.errors import BridgeError
from bridge.live.jam import open_jam
from bridge.live.record import Tally, percentile
from bridge.live.session import Session
from bridge.live.show import Show
from bridge.ports.choice import PortChoice
from bridge.ports.osc.choice import LOOPBACK, OscChoice
from bridge.ports.osc.server import OscServer
from bridge.timing.clock import MonotonicClock
from bridge.timing.realtime import live_process
from plugin_host.priority import raise_priority
from plugin_host.proxy import WorkerAccompanist

STRIKE_ALWAYS = 10.0
"""The density at which the policy strikes a chord on nearly every sixteenth, so that a short run has many."""

FRAMES_PER_BAR = 16

_PLAYER = (
    "import os, sys; sys.path[:] = sys.argv.pop(1).split(os.pathsep); "
    "from bridge.diagnosis.live_player import main; sys.exit(main(sys.argv[1:]))"
)


@dataclass(frozen=True, slots=True)
class Lateness:
    """Milliseconds late, in order of size, and how many frames had no chord in time."""

    label: str
    late: tuple[float, ...]
    missed: int = 0

    def row(self) -> str:
        """A line of the table."""
        p50, p99, worst = (percentile(list(self.late), share) for share in (0.5, 0.99, 1.0))
        figures = f"{len(self.late):6d} {p50:9.3f} {p99:9.3f} {worst:9.3f}"
        return f"{self.label:<34}{figures} {self.missed:12d}"


HEADER = f"{'milliseconds late':<34}{'n':>6} {'p50':>9} {'p99':>9} {'max':>9} {'late frames':>12}"


def bench(preset: str, bpm: float, bars: int, window_ms: float) -> Iterator[Lateness]:
    """The bare loop, then a jam in each mode, each `bars` long, as they are done.

    Raises:
        GaptError: the session cannot start.
    """
    yield Lateness("bare sleep and spin", bare_loop(FRAMES_PER_BAR * bars, 15.0 / bpm))
    for mode in ("anticipate", "react"):
        settings = jam_settings(preset, mode, bpm, window_ms)
        label = mode if mode == "anticipate" else f"react, {window_ms:g} ms of them the window"
        late, missed = over("udp", settings, bars)
        yield Lateness(label, late, missed)


def jam_settings(preset: str, mode: str, bpm: float, window_ms: float) -> Settings:
    """A session at our own tempo that strikes as often as it may."""
    plain = Settings(preset=preset, tempo=bpm, sync="internal", entry="free", density=STRIKE_ALWAYS)
    return plain.changed("mode", mode).changed("window_ms", window_ms)


def bare_loop(count: int, period: float) -> tuple[float, ...]:
    """Milliseconds late of `count` deadlines, on a thread with the sender's priority and a session's manners."""
    late: list[float] = []

    def run() -> None:
        raise_priority()
        clock = MonotonicClock()
        begin = clock.now() + period
        for i in range(count):
            clock.sleep_until(begin + i * period)
            late.append(1000.0 * (clock.now() - begin - i * period))

    with live_process():
        thread = threading.Thread(target=run, name="bare loop")
        thread.start()
        thread.join()
    return tuple(sorted(late))


def over(wire: str, settings: Settings, bars: int) -> tuple[tuple[float, ...], int]:
    """Milliseconds late of every chord as the player got it by `udp` or `midi`, and how many frames had none in time.

    Raises:
        GaptError: the session cannot start, or no chord came back.
    """
    with _player(wire, settings.tempo, bars) as player:
        choice = _ports_to(wire, _line_of(player))
        tally = Tally()
        show = Show(lambda sentence: None, tally.add, tally=tally)

        def hire() -> WorkerAccompanist:
            return WorkerAccompanist(settings.preset, settings.sampling, settings.style)

        with open_jam(settings, choice, hire, show, UserFile(default_path())) as (session, ports):
            answers: list[str] = []
            heard = threading.Thread(target=_stop_when_played, args=(player, answers, session), name="bench")
            heard.start()
            place = next((str(port.port) for port in ports.ways_in if isinstance(port, OscServer)), "ready")
            session.run(lambda: _begin(player, place))
            player.kill()
            heard.join()
    counters = session.counters
    return _late(answers[0]), counters.late + counters.skipped + counters.held


def bare_midi(bpm: float, bars: int) -> tuple[float, ...]:
    """Milliseconds that the MIDI system takes to bring a note from one port to another, of a melody of `bars`.

    Raises:
        BridgeError: there is no MIDI here.
    """
    with _player("bare-midi", bpm, bars) as player:
        _line_of(player)
        _begin(player, "ready")
        return _late(_line_of(player))


@contextlib.contextmanager
def busy(processes: int) -> Iterator[None]:
    """So many processes that do nothing but count."""
    hogs = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(processes)]
    try:
        yield
    finally:
        for hog in hogs:
            hog.kill()
            hog.wait()


@contextlib.contextmanager
def _player(wire: str, bpm: float, bars: int) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", _PLAYER, os.pathsep.join(sys.path), wire, str(bpm), str(bars)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def _ports_to(wire: str, place: str) -> PortChoice:
    if wire == "udp":
        osc = OscChoice(port_in=0, out=(LOOPBACK, int(place)), query_port=None)
        return PortChoice(midi_in=None, midi_out=None, osc=osc)
    return PortChoice(midi_in=f"{place} melody", midi_out=f"{place} chords", osc=None)


def _line_of(player: subprocess.Popen[str]) -> str:
    assert player.stdout is not None
    line = player.stdout.readline()
    if not line:
        raise BridgeError("The player at the other end of the loopback ended early: see what `gapt doctor` says.")
    return line.strip()


def _late(answer: str) -> tuple[float, ...]:
    late = sorted(ms for _, ms in json.loads(answer or "[]"))
    if not late:
        raise BridgeError("Nothing came back over the loopback: see what `gapt doctor` says.")
    return tuple(late)


def _begin(player: subprocess.Popen[str], place: str) -> None:
    assert player.stdin is not None
    player.stdin.write(f"{place}\n")
    player.stdin.flush()


def _stop_when_played(player: subprocess.Popen[str], answers: list[str], session: Session) -> None:
    assert player.stdout is not None
    answers.append(player.stdout.readline())
    session.stop()
