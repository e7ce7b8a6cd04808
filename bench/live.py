"""How late chords leave: the demo, idle and with every core busy, beside a bare loop that sleeps and spins.

`python bench/live.py [--bars 8] [--bpm 120] [--preset default] [--windows 0 1 5]`. The policy is asked to strike a
chord on nearly every sixteenth, so that a short run has many. The bare loop keeps the same deadlines in the same
conditions, without a policy, an engine or a port: it is the floor. What a user without the right to real-time
priority gets, root sees by `setpriv --bounding-set -sys_nice --inh-caps -sys_nice python bench/live.py`.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager

from bridge.engine.settings import Mode, Settings
from bridge.live.record import Record, percentile
from bridge.live.session import open_demo
from bridge.ports.choice import PortChoice
from bridge.timing.clock import MonotonicClock
from bridge.timing.realtime import live_process
from gapt_core.song import Metre, Note, Song, Tempo, bars_from_metres
from plugin_host.accompanist import Accompanist, Sampling
from plugin_host.priority import raise_priority
from plugin_host.proxy import WorkerAccompanist

EVERY_SIXTEENTH = Sampling(density=10.0)
SCALE = (60, 62, 64, 65, 67, 69, 71, 72)
NO_PORTS = PortChoice(midi_in=None, midi_out=None, osc_in=None, osc_out=None)
GOAL_MS = 5.0


def melody(bars: int, bpm: float) -> Song:
    """Eighth notes up and down a scale."""
    beats = 4.0 * bars
    notes = tuple(Note(0.5 * i, 0.5, SCALE[min(i % 14, 14 - i % 14)]) for i in range(8 * bars))
    metres = (Metre(0.0, 4, 4),)
    return Song("a scale", notes, None, metres, bars_from_metres(metres, beats), (Tempo(0.0, bpm),), beats)


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


def bare_loop(count: int, period: float) -> list[float]:
    """Milliseconds late of `count` deadlines, on a thread with the sender's priority and the session's manners."""
    late: list[float] = []

    def run() -> None:
        raise_priority()
        clock = MonotonicClock()
        begin = clock.now() + period
        for i in range(count):
            clock.sleep_until(begin + i * period)
            late.append(1000.0 * (clock.now() - begin - i * period))

    with live_process():
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    return late


def demo(song: Song, preset: str, mode: Mode, window_seconds: float) -> tuple[list[float], int]:
    """Milliseconds late of every chord, and how many frames had no answer in time."""

    def worker() -> AbstractContextManager[Accompanist]:
        return WorkerAccompanist(preset, EVERY_SIXTEENTH)

    record = Record()
    settings = Settings(mode=mode, window_seconds=window_seconds, sampling=EVERY_SIXTEENTH)
    with open_demo(settings, song, NO_PORTS, worker, record) as session:
        session.run()
    counters = session.counters
    return [1000.0 * sent.late_seconds for sent in record.sent], counters.late + counters.skipped + counters.held


def show(label: str, late: list[float], missed: int = 0) -> None:
    ordered = sorted(late)
    figures = "  ".join(f"{name} {percentile(ordered, share):7.3f}" for name, share in PERCENTILES)
    print(f"{label:<34} n {len(ordered):5d}  {figures}  worst {ordered[-1]:7.3f} ms  late frames {missed}", flush=True)


PERCENTILES = (("p50", 0.50), ("p90", 0.90), ("p99", 0.99))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bars", type=int, default=8)
    parser.add_argument("--bpm", type=float, default=120.0)
    parser.add_argument("--preset", default="default")
    parser.add_argument("--windows", type=float, nargs="*", default=[0.5], help="windows of react, in ms")
    options = parser.parse_args()
    song = melody(options.bars, options.bpm)
    cores = os.cpu_count() or 1
    print(f"goal: p99 <= {GOAL_MS} ms after the frame; {cores} cores, load now {os.getloadavg()[0]:.1f}")
    for hogs in (0, cores):
        name = f"{hogs} busy processes" if hogs else "idle"
        with busy(hogs):
            show(f"{name}: bare loop", bare_loop(16 * options.bars, 15.0 / options.bpm))
            show(f"{name}: anticipate", *demo(song, options.preset, "anticipate", 0.0))
            for window in options.windows:
                show(f"{name}: react, {window:g} ms window", *demo(song, options.preset, "react", window / 1000.0))


if __name__ == "__main__":
    main()
