"""How late chords are on the wire, idle and with every core busy, beside a bare loop that sleeps and spins.

`python bench/live.py [--bars 8] [--bpm 120] [--preset default] [--windows 0.5 20] [--wires udp midi]`. What
`gapt bench live` measures (`bridge/diagnosis/live_bench.py`), for several windows, both ways, and by MIDI too, which on
Linux wants a JACK server (`jackd -R -d dummy -r 48000 -p 64`). The policy is asked to strike a chord on nearly every
sixteenth, so that a short run has many. The bare loop keeps the same deadlines in the same conditions, without a
policy, an engine or a port: it is the floor. «bare midi» is what the MIDI system takes one way; a jam has two of them
between note and chord, each up to one period of JACK and the wait for the next, which no program can shorten. What a
user without the right to real-time priority gets, root sees by
`setpriv --bounding-set -sys_nice --inh-caps -sys_nice python bench/live.py`.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

from bridge.diagnosis.live_bench import (
    FRAMES_PER_BAR,
    HEADER,
    Lateness,
    bare_loop,
    bare_midi,
    busy,
    jam_settings,
    over,
)
from bridge.live.record import percentile

IDLE_GOAL_MS = 1.0
BUSY_GOAL_MS = 5.0
"""At the 99th percentile; in `react` the second, beyond the window, idle too; by MIDI beyond what MIDI takes."""


def p99(late: Sequence[float]) -> float:
    """The 99th percentile."""
    return percentile(list(late), 0.99)


def measure(name: str, wire: str, options: argparse.Namespace, goal: float) -> None:
    """Print the rows of one wire."""
    bare = 0.0
    if wire == "midi":
        row = Lateness(f"{name}: bare midi, one way", bare_midi(options.bpm, options.bars))
        print(row.row(), flush=True)
        bare = 2.0 * p99(row.late)
    for mode, window in [("anticipate", 0.0), *(("react", window) for window in options.windows)]:
        settings = jam_settings(options.preset, mode, options.bpm, window)
        label = f"{name}, {wire}: {mode}" + (f", {window:g} ms window" if mode == "react" else "")
        measured = Lateness(label, *over(wire, settings, options.bars))
        limit = bare + (goal if mode == "anticipate" else BUSY_GOAL_MS + window)
        verdict = "met" if p99(measured.late) <= limit else "MISSED"
        print(f"{measured.row()}   goal p99 <= {limit:.1f}: {verdict}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bars", type=int, default=8)
    parser.add_argument("--bpm", type=float, default=120.0)
    parser.add_argument("--preset", default="default")
    parser.add_argument("--windows", type=float, nargs="*", default=[0.5], help="windows of react, in ms")
    parser.add_argument("--wires", nargs="*", default=["udp"], choices=["udp", "midi"])
    options = parser.parse_args()
    cores = os.cpu_count() or 1
    print(f"{cores} cores, load now {os.getloadavg()[0]:.1f}; loopback to a player in a process of its own")
    print(HEADER)
    for hogs in (0, cores):
        name = "busy" if hogs else "idle"
        with busy(hogs):
            late = bare_loop(FRAMES_PER_BAR * options.bars, 15.0 / options.bpm)
            print(Lateness(f"{name}: bare loop", late).row(), flush=True)
            for wire in options.wires:
                measure(name, wire, options, BUSY_GOAL_MS if hogs else IDLE_GOAL_MS)


if __name__ == "__main__":
    main()
