"""How late chords are on the wire, idle and with every core busy, beside a bare loop that sleeps and spins.

`python bench/live.py [--bars 8] [--bpm 120] [--preset default] [--windows 0 1 5]`. What `gapt bench live` measures
(`bridge/diagnosis/live_bench.py`), for several windows and both ways. The policy is asked to strike a chord on nearly
every sixteenth, so that a short run has many. The bare loop keeps the same deadlines in the same conditions, without a
policy, an engine or a port: it is the floor. What a user without the right to real-time priority gets, root sees by
`setpriv --bounding-set -sys_nice --inh-caps -sys_nice python bench/live.py`.
"""

from __future__ import annotations

import argparse
import os

from bridge.diagnosis.live_bench import FRAMES_PER_BAR, HEADER, Lateness, bare_loop, busy, jam_settings, over_udp
from bridge.live.record import percentile

IDLE_GOAL_MS = 1.0
BUSY_GOAL_MS = 5.0
"""At the 99th percentile, beyond the bare loop and, in `react`, beyond the window."""


def verdict(measured: Lateness, goal: float) -> str:
    """Whether the goal is met."""
    p99 = percentile(list(measured.late), 0.99) if measured.late else float("inf")
    return f"goal p99 <= {goal:g} ms: {'met' if p99 <= goal else 'MISSED'}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bars", type=int, default=8)
    parser.add_argument("--bpm", type=float, default=120.0)
    parser.add_argument("--preset", default="default")
    parser.add_argument("--windows", type=float, nargs="*", default=[0.5], help="windows of react, in ms")
    options = parser.parse_args()
    cores = os.cpu_count() or 1
    print(f"{cores} cores, load now {os.getloadavg()[0]:.1f}; UDP loopback to a player in a process of its own")
    print(HEADER)
    for hogs in (0, cores):
        name = "busy" if hogs else "idle"
        goal = BUSY_GOAL_MS if hogs else IDLE_GOAL_MS
        with busy(hogs):
            bare = Lateness(f"{name}: bare loop", bare_loop(FRAMES_PER_BAR * options.bars, 15.0 / options.bpm))
            print(bare.row(), flush=True)
            for mode, window in [("anticipate", 0.0), *(("react", window) for window in options.windows)]:
                settings = jam_settings(options.preset, mode, options.bpm, window)
                label = f"{name}: {mode}" + (f", {window:g} ms window" if mode == "react" else "")
                measured = Lateness(label, *over_udp(settings, options.bars))
                limit = goal if mode == "anticipate" else BUSY_GOAL_MS + window
                print(f"{measured.row()}   {verdict(measured, limit)}", flush=True)


if __name__ == "__main__":
    main()
