"""A player at the other end of a loopback, a process of its own: sends notes on time, stamps chords as they come.

It prints where it can be reached, waits for a line that says where the bridge is, plays, and prints `[beat, ms late]`
of every chord as JSON. Late against its own first note, which is the bridge's beat 0; so all that lies between counts.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from bridge.errors import BridgeError
from bridge.ports.midi_drivers import load_driver
from bridge.ports.osc.choice import LOOPBACK
from bridge.ports.osc.codec import build, parse
from bridge.timing.clock import SPIN_SECONDS, MonotonicClock
from bridge.timing.realtime import live_process
from gapt_core.vocabulary import FRAMES_PER_BEAT
from plugin_host.priority import raise_priority

SCALE = (60, 62, 64, 65, 67, 69, 71, 72)
BEATS_PER_BAR = 4
TAIL_BEATS = 1.0
"""How long to wait for the last chord."""

EARLY_SECONDS = 0.005
"""A chord this little before a grid line belongs to it."""

MOST_BYTES = 1 << 16

Heard = Iterator[tuple[float, float]]
"""Beat, and milliseconds late."""


class Wire(Protocol):
    """A way to the bridge and back."""

    place: str
    """Where the bridge finds us."""

    def connect(self, bridge: str) -> None:
        """Take what the bridge said of itself."""

    def send(self, pitch: int, velocity: int) -> None:
        """Send a note; velocity 0 ends it."""

    def hear_until(self, due: float) -> None:
        """Return at `due` (seconds); what comes meanwhile is stamped at once."""

    def chords(self, begin: float, bpm: float) -> Heard:
        """What came, against beat 0 at `begin`."""

    def close(self) -> None:
        """Release it."""


def main(arguments: Sequence[str]) -> int:
    """Play: `arguments` are the wire (one of `WIRES`), tempo and bars."""
    wire, bpm, bars = WIRES[arguments[0]](), float(arguments[1]), int(arguments[2])
    try:
        _tell(wire.place)
        wire.connect(sys.stdin.readline().strip())
        raise_priority()
        with live_process():
            begin = play(wire, bpm, bars)
        _tell(json.dumps(list(wire.chords(begin, bpm))))
    finally:
        wire.close()
    return 0


def melody(bars: int) -> Iterator[tuple[float, list[int]]]:
    """Eighth notes up and down a scale: beats, and pitch and velocity."""
    for i in range(2 * BEATS_PER_BAR * bars):
        pitch = SCALE[min(i % 14, 14 - i % 14)]
        yield 0.5 * i, [pitch, 80]
        yield 0.5 * i + 0.45, [pitch, 0]


def play(wire: Wire, bpm: float, bars: int) -> float:
    """Play, and hear the answers out; when the first note left (seconds)."""
    clock = MonotonicClock()
    begin = clock.now() + 0.1
    for beats, (pitch, velocity) in melody(bars):
        wire.hear_until(begin + beats * 60.0 / bpm)
        if not beats:
            begin = clock.now()
        wire.send(pitch, velocity)
    wire.hear_until(clock.now() + TAIL_BEATS * 60.0 / bpm)
    return begin


class UdpWire:
    """OSC over the loopback interface; one thread sends and stamps."""

    def __init__(self) -> None:
        self.came: list[tuple[float, bytes]] = []
        self._clock = MonotonicClock()
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind((LOOPBACK, 0))
        self._udp.setblocking(False)
        self._bridge = (LOOPBACK, 0)
        self.place = str(self._udp.getsockname()[1])

    def connect(self, bridge: str) -> None:
        """Play to the UDP port `bridge`."""
        self._bridge = (LOOPBACK, int(bridge))

    def send(self, pitch: int, velocity: int) -> None:
        """Send a note; velocity 0 ends it."""
        self._udp.sendto(build("/gapt/note", [pitch, velocity]), self._bridge)

    def hear_until(self, due: float) -> None:
        """Sleep and spin, and stamp what comes in either."""
        while (left := due - self._clock.now()) > 0:
            ready, _, _ = select.select([self._udp], [], [], max(0.0, left - SPIN_SECONDS))
            if ready:
                # Windows reports here that nobody listens where we sent to.
                with contextlib.suppress(ConnectionError):
                    self.came.append((self._clock.now(), self._udp.recv(MOST_BYTES)))

    def chords(self, begin: float, bpm: float) -> Heard:
        """By the beat that each chord says it is due at."""
        for seconds, datagram in self.came:
            for message in parse(datagram):
                if message.address == "/gapt/chord" and len(message.arguments) > 2:
                    beats = float(message.arguments[1])  # type: ignore[arg-type]  # as the namespace has it
                    yield beats, 1000.0 * (seconds - begin - beats * 60.0 / bpm)

    def close(self) -> None:
        """Release the socket."""
        self._udp.close()


class MidiWire:
    """Two MIDI ports of ours, which the bridge opens by name; the driver's thread stamps."""

    def __init__(self) -> None:
        self.came: list[float] = []
        self._clock = MonotonicClock()
        self._driver = load_driver()
        self.place = f"bench {os.getpid()}"
        self._out = self._driver.open_output(f"{self.place} melody", True)
        self._in = self._driver.open_input(f"{self.place} chords", True, self._received)

    def connect(self, bridge: str) -> None:
        """The bridge has connected itself by now."""

    def send(self, pitch: int, velocity: int) -> None:
        """Send a note; velocity 0 ends it."""
        self._out.send([0x90, pitch, velocity])

    def hear_until(self, due: float) -> None:
        """Sleep and spin."""
        self._clock.sleep_until(due)

    def chords(self, begin: float, bpm: float) -> Heard:
        """By the grid line before each first note-on: MIDI says no more."""
        frame_seconds = 60.0 / bpm / FRAMES_PER_BEAT
        answered = -1
        for seconds in self.came:
            frame = int((seconds - begin + EARLY_SECONDS) // frame_seconds)
            if frame > answered:
                answered = frame
                yield frame / FRAMES_PER_BEAT, 1000.0 * (seconds - begin - frame * frame_seconds)

    def close(self) -> None:
        """Release both ports."""
        self._out.close()
        self._in.close()

    def _received(self, data: Sequence[int]) -> None:
        if data[0] & 0xF0 == 0x90 and data[2]:
            self.came.append(self._clock.now())


class BareMidiWire(MidiWire):
    """Its way out leads straight to its way in: what the MIDI system alone takes, one way."""

    def __init__(self) -> None:
        super().__init__()
        self._out.close()
        name = next((name for name in self._driver.outputs() if f"{self.place} chords" in name), None)
        if name is None:
            raise BridgeError("The system's MIDI does not show our own port: try again.")
        self._out = self._driver.open_output(name, False)


WIRES: dict[str, Callable[[], Wire]] = {"udp": UdpWire, "midi": MidiWire, "bare-midi": BareMidiWire}


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
