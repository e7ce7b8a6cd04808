"""A million random and mutated datagrams through the OSC port's own reading: what comes of them, and what stays behind.

Usage: bench/osc_fuzz.py [--count N] [--seed N]. Half of them are hopeless, and nothing may come of one; the others are
good ones that were damaged, and what survives in them must lie within its range. In between, a note must be heard as
ever. Memory and open files are compared from a tenth of the way to the end.
"""

from __future__ import annotations

import argparse
import gc
import random
import sys
import threading
import time
from pathlib import Path

from _osc_datagrams import bad

from bridge.controls.parameters import PARAMETERS
from bridge.events import HostReport, InEvent, NoteOff, NoteOn, Set
from bridge.ports.osc.choice import LOOPBACK, OscChoice
from bridge.ports.osc.codec import build
from bridge.ports.osc.namespace import FARTHEST_BEAT
from bridge.ports.osc.server import OscServer
from bridge.ports.osc.subscribers import MOST_SUBSCRIBERS
from bridge.timing.clock import MonotonicClock

GOAL_BYTES = 1 << 20
CLIENT = (LOOPBACK, 9)


def in_range(event: InEvent) -> bool:
    """Whether `event` is one that a sane client could have caused."""
    match event:
        case NoteOn(pitch=pitch, velocity=velocity, beats=beats):
            return 0 <= pitch <= 127 and 1 <= velocity <= 127 and _is_beat(beats)
        case NoteOff(pitch=pitch, beats=beats):
            return 0 <= pitch <= 127 and _is_beat(beats)
        case HostReport(beats=beats, bpm=bpm, metre=metre):
            return _is_beat(beats) and (bpm is None or 10 <= bpm <= 999) and (metre is None or 1 <= metre[0] <= 32)
        case Set(name=("learn" | "unlearn"), value=value):
            return value in PARAMETERS
        case Set(name=name, value=value):
            return PARAMETERS[name].checked(value) == value
    return False


def _is_beat(beats: float | None) -> bool:
    return beats is None or abs(beats) <= FARTHEST_BEAT


class Run:
    """Counts what comes of each datagram."""

    def __init__(self, server: OscServer) -> None:
        self.server = server
        self.events: list[InEvent] = []
        self.survived = self.came_of_hopeless = self.out_of_range = self.raised = self.deaf = 0

    def take(self, datagram: bytes, hopeless: bool) -> None:
        self.events.clear()
        try:
            self.server.take(datagram, CLIENT, 0.0, self.events.append)
        except Exception as error:  # noqa: BLE001 - this is what is measured
            self.raised += 1
            print(f"{type(error).__name__}: {error}: {datagram!r}", file=sys.stderr)
        self.survived += len(self.events)
        self.came_of_hopeless += hopeless and len(self.events)
        self.out_of_range += sum(not in_range(event) for event in self.events)

    def hears(self) -> None:
        self.events.clear()
        self.server.take(build("/gapt/note", [60, 100]), CLIENT, 0.0, self.events.append)
        self.deaf += self.events != [NoteOn(0.0, 60, 100)]


def left_behind() -> tuple[int, int, int, int]:
    """Resident bytes (0 where the system does not say), blocks of memory, open files and threads."""
    gc.collect()
    status = Path("/proc/self/statm")
    resident = int(status.read_text().split()[1]) * 4096 if status.exists() else 0
    files = Path("/proc/self/fd")
    return (
        resident,
        sys.getallocatedblocks(),
        len(list(files.iterdir())) if files.exists() else 0,
        threading.active_count(),
    )


def main() -> bool:
    """Run, print the table; whether the goals are met."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    server = OscServer(MonotonicClock(), OscChoice(port_in=0, out=None, query_port=None))
    run = Run(server)
    values = dict(server.values)
    began = time.perf_counter()
    reading_seconds = 0.0
    before = left_behind()
    for i in range(options.count):
        datagram, hopeless = bad(chance)
        reading = time.perf_counter()
        run.take(datagram, hopeless)
        reading_seconds += time.perf_counter() - reading
        if i % 1000 == 0:
            run.hears()
        if i == options.count // 10:
            before = left_behind()
    after = left_behind()
    rows = {
        "datagrams": options.count,
        "no OSC, dropped": server.malformed,
        "messages not ours, dropped": server.refused,
        "events that survived the damage": run.survived,
        "events of hopeless ones (goal 0)": run.came_of_hopeless,
        "events out of range (goal 0)": run.out_of_range,
        "exceptions (goal 0)": run.raised,
        "good notes not heard in between (goal 0)": run.deaf,
        "parameters changed (goal 0)": sum(server.values[name] != value for name, value in values.items()),
        f"subscribers (goal at most {MOST_SUBSCRIBERS})": len(server.subscribers),
        "more resident memory, KiB (goal below 1024)": (after[0] - before[0]) // 1024,
        "more blocks of memory": after[1] - before[1],
        f"more files (goal at most {MOST_SUBSCRIBERS})": after[2] - before[2],
        "more threads (goal 0)": after[3] - before[3],
    }
    for name, value in rows.items():
        print(f"{name:45} {value:>12,}")
    print(f"{'microseconds a datagram':45} {reading_seconds / options.count * 1e6:>12.1f}")
    print(f"{'seconds in all':45} {time.perf_counter() - began:>12.1f}")
    faults = run.came_of_hopeless + run.out_of_range + run.raised + run.deaf + after[3] - before[3]
    server.close()
    return not faults and after[0] - before[0] < GOAL_BYTES


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
