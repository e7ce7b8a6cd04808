"""A player at the other end of a UDP loopback, a process of its own: sends notes on time, stamps chords as they come.

It prints the port it listens on, waits for a line with the bridge's port, plays, and prints `[beat, ms late]` of every
chord as JSON. Late against its own first note, which is the bridge's beat 0; so all that lies between counts.
"""

from __future__ import annotations

import json
import select
import socket
import sys
from collections.abc import Iterator, Sequence

from bridge.ports.osc.choice import LOOPBACK
from bridge.ports.osc.codec import build, parse
from bridge.timing.clock import SPIN_SECONDS, MonotonicClock
from bridge.timing.realtime import live_process
from plugin_host.priority import raise_priority

SCALE = (60, 62, 64, 65, 67, 69, 71, 72)
BEATS_PER_BAR = 4
TAIL_BEATS = 1.0
"""How long to wait for the last chord."""

MOST_BYTES = 1 << 16

Stamped = tuple[float, bytes]


def main(arguments: Sequence[str]) -> int:
    """Play `arguments`: tempo and bars."""
    bpm, bars = float(arguments[0]), int(arguments[1])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind((LOOPBACK, 0))
        udp.setblocking(False)
        print_line(str(udp.getsockname()[1]))
        bridge = (LOOPBACK, int(sys.stdin.readline()))
        raise_priority()
        with live_process():
            begin, came = play(udp, bridge, bpm, bars)
    print_line(json.dumps(list(lateness(came, begin, bpm))))
    return 0


def melody(bars: int) -> Iterator[tuple[float, list[int]]]:
    """Eighth notes up and down a scale: beats, and pitch and velocity."""
    for i in range(2 * BEATS_PER_BAR * bars):
        pitch = SCALE[min(i % 14, 14 - i % 14)]
        yield 0.5 * i, [pitch, 80]
        yield 0.5 * i + 0.45, [pitch, 0]


def play(udp: socket.socket, bridge: tuple[str, int], bpm: float, bars: int) -> tuple[float, list[Stamped]]:
    """Play; when the first note left, and every datagram that came with when it came (seconds)."""
    clock = MonotonicClock()
    came: list[Stamped] = []
    begin = clock.now() + 0.1
    for beats, note in melody(bars):
        hear_until(udp, begin + beats * 60.0 / bpm, clock, came)
        if not beats:
            begin = clock.now()
        udp.sendto(build("/gapt/note", note), bridge)
    hear_until(udp, clock.now() + TAIL_BEATS * 60.0 / bpm, clock, came)
    return begin, came


def hear_until(udp: socket.socket, due: float, clock: MonotonicClock, came: list[Stamped]) -> None:
    """Return at `due`; what comes meanwhile is stamped at once, while spinning too."""
    while (left := due - clock.now()) > 0:
        ready, _, _ = select.select([udp], [], [], max(0.0, left - SPIN_SECONDS))
        if ready:
            came.append((clock.now(), udp.recv(MOST_BYTES)))


def lateness(came: Sequence[Stamped], begin: float, bpm: float) -> Iterator[tuple[float, float]]:
    """Beat, and milliseconds late, of every chord among `came`."""
    for seconds, datagram in came:
        for message in parse(datagram):
            if message.address == "/gapt/chord" and len(message.arguments) > 2:
                beats = float(message.arguments[1])  # type: ignore[arg-type]  # as the namespace has it
                yield beats, 1000.0 * (seconds - begin - beats * 60.0 / bpm)


def print_line(line: str) -> None:
    """Tell whoever started us."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
