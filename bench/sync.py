"""How far the beat that the engine goes by is from the true one, in milliseconds, for sources as bad as they come.

Usage: bench/sync.py [--seeds N] [--beats N] [--only WORD]. All in virtual time: stamps are made, nothing waits. Facts
go through the conductor, its orders into the engine's own map of beats, and at each true sixteenth from the second
beat on the two are compared, by what had arrived by then.

Beside it, for a steady tempo, the floor: a straight line by least squares through all stamps so far, told which ticks
were lost and that the tempo never changes. Nobody can know that beforehand, and who allows for changes lies above it.

The goal is 1 ms at the 99th percentile for 1 ms of jitter, which is tried in two readings: uniform up to 1 ms either
way, and normal with a standard deviation of 1 ms. "lock" is the first beat from which on an error stays below 1 ms or
twice the jitter, whichever is more; the worst seed counts. "count" says in how many seeds the last beat is more than
half a tick off: ticks were miscounted. Of stamps that are only ever late nobody can see the mean lateness: "mean"
shows what is left of it, and the other columns include it.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bridge.controls.settings import Settings
from bridge.engine.transport import Transport
from bridge.events import Clock, HostReport, InEvent, Position, Start, TempoChange
from bridge.sync.conductor import Conductor

GOAL_MS, GOAL_LOCK_BEATS = 1.0, 2.0
TICKS, SIXTEENTHS = 24, 4
BEGIN_SECONDS = 10.0

Seconds = Callable[[np.ndarray], np.ndarray]
"""True seconds of beats."""


@dataclass(frozen=True)
class Case:
    """A line of the table; `offsets` says how stamps are off by `kind` and `size_ms`. No `host`: MIDI clock."""

    name: str
    tempo: Seconds
    kind: str
    size_ms: float
    lost: float = 0.0
    host: str | None = None
    told: bool = True
    steady: bool = True
    goal: bool = False


def steady(bpm: float) -> Seconds:
    """One tempo."""
    return lambda beats: beats * 60.0 / bpm


def stepped(first: float, second: float) -> Seconds:
    """Another tempo from beat 16 on."""
    return lambda beats: np.minimum(beats, 16.0) * 60.0 / first + np.maximum(beats - 16.0, 0.0) * 60.0 / second


def ramp(beats: np.ndarray) -> np.ndarray:
    """60 bpm for 8 beats, evenly in time to 180 bpm over the next 32, then 180."""
    rise = np.clip(beats - 8.0, 0.0, 32.0)
    return np.minimum(beats, 8.0) + (np.sqrt(1.0 + 0.25 * rise) - 1.0) / 0.125 + np.maximum(beats - 40.0, 0.0) / 3.0


def cases() -> list[Case]:
    """The table."""
    lines = [Case(f"clock, {kind} {ms:g} ms", steady(120), kind, ms, goal=ms == 1) for kind, ms in JITTERS]
    lines += [Case(f"{line.name}, 5 % lost", line.tempo, line.kind, line.size_ms, 0.05) for line in lines[1:]]
    lines.append(Case("clock, late 0-5 ms (JACK)", steady(120), "late", 5.0))
    for name, tempo in (("ramp 60-180", ramp), ("120 to 140", stepped(120, 140)), ("60 to 180", stepped(60, 180))):
        for ms, lost in ((0, 0.0), (1, 0.0), (1, 0.05), (3, 0.0), (8, 0.0)):
            text = f"clock, {name}, normal {ms} ms" + (", 5 % lost" if lost else "")
            lines.append(Case(text, tempo, "normal", ms, lost, steady=False))
    for host, told, ms in (("ableton", True, 100), ("bitwig", True, 20), ("ardour", False, 6)):
        for name, tempo in (("steady", steady(120)), ("120 to 140", stepped(120, 140)), ("ramp 60-180", ramp)):
            lines.append(Case(f"{host}, late 0-{ms} ms, {name}", tempo, "late", ms, 0.0, host, told, name == "steady"))
    return lines


JITTERS = (("none", 0.0), ("uniform", 1.0), ("normal", 1.0), ("uniform", 3.0), ("normal", 3.0), ("uniform", 8.0))
JITTERS += (("normal", 8.0),)


def offsets(kind: str, size: float, count: int, rng: np.random.Generator) -> np.ndarray:
    """Milliseconds off: `normal` by standard deviation, `uniform` either way, `late` from 0 up."""
    if kind == "normal":
        return rng.normal(0.0, size, count)
    return rng.uniform(-size if kind == "uniform" else 0.0, size, count)


def clock_facts(case: Case, beats: float, rng: np.random.Generator) -> list[InEvent]:
    """A start and ticks from beat 0 on; the first one is never lost."""
    ticks = np.arange(0, int(beats * TICKS) + 1) / TICKS
    stamps = BEGIN_SECONDS + case.tempo(ticks) + 1e-3 * offsets(case.kind, case.size_ms, len(ticks), rng)
    kept = rng.random(len(ticks)) >= case.lost
    kept[0] = True
    heard = np.sort(stamps[kept]).tolist()
    return [Clock(heard[0], "bench", "start"), *(Clock(stamp, "bench", "tick") for stamp in heard)]


def host_facts(case: Case, beats: float, rng: np.random.Generator) -> list[InEvent]:
    """A host that tells its place ten times a second, and its tempo with it where `told`."""
    assert case.host is not None
    grid = np.arange(0, int(beats * 96) + 2) / 96
    truth = case.tempo(grid)
    moments = np.arange(0.0, case.tempo(np.array([beats]))[0], 0.1)
    bpms = np.interp(moments, truth[1:], 60.0 * np.diff(grid) / np.diff(truth))
    late = np.maximum.accumulate(moments + 1e-3 * offsets(case.kind, case.size_ms, len(moments), rng))
    places = np.interp(moments, truth, grid)
    return [
        HostReport(BEGIN_SECONDS + when, case.host, beats=place, bpm=bpm if case.told else None, playing=True)
        for when, place, bpm in zip(late.tolist(), places.tolist(), bpms.tolist(), strict=True)
    ]


class Follower:
    """A conductor and the map of beats that its orders make, in virtual time."""

    def __init__(self) -> None:
        self._conductor = Conductor(Settings())
        self._transport = Transport(120.0)

    def handle(self, fact: InEvent) -> None:
        """A fact comes."""
        self.advance(fact.seconds)
        self._obey(self._conductor.handle(fact))

    def advance(self, seconds: float) -> None:
        """Time goes on."""
        while (wake := self._conductor.wake_seconds()) is not None and wake < seconds:
            self._obey(self._conductor.advance(wake))

    def beats_at(self, seconds: float) -> float:
        """The engine's beats; nan where it stands."""
        return self._transport.beats_at(seconds) if self._transport.rolling else float("nan")

    def _obey(self, orders: list[InEvent]) -> None:
        for order in orders:
            if isinstance(order, Start):
                self._transport.roll(order.seconds, order.beats)
            elif isinstance(order, (TempoChange, Position)):
                self._transport.change_tempo(order)


def errors(case: Case, beats: int, seed: int) -> np.ndarray:
    """Milliseconds that the engine's beat comes early at each true sixteenth `[sixteenth]`."""
    rng = np.random.default_rng(seed)
    facts = (clock_facts if case.host is None else host_facts)(case, float(beats), rng)
    grid = np.arange(0, beats * SIXTEENTHS) / SIXTEENTHS
    moments = BEGIN_SECONDS + case.tempo(grid)
    beat_ms = 1e3 * (case.tempo(grid + 0.01) - case.tempo(grid)) / 0.01
    follower, coming, off = Follower(), iter([*facts, None]), []
    fact = next(coming)
    for moment, place in zip(moments.tolist(), grid.tolist(), strict=True):
        while fact is not None and fact.seconds <= moment:
            follower.handle(fact)
            fact = next(coming)
        follower.advance(moment)
        off.append(follower.beats_at(moment) - place)
    return np.array(off) * beat_ms


def floor(case: Case, beats: int, seed: int) -> np.ndarray:
    """The same of a straight line by least squares through all stamps so far, at each tick from the second beat on."""
    count = beats * TICKS
    rng = np.random.default_rng(seed)
    mean = 0.5 * case.size_ms if case.kind == "late" else 0.0
    stamps = offsets(case.kind, case.size_ms, count, rng) - mean
    kept = rng.random(count) >= case.lost
    x, y = np.arange(count)[kept].astype(float), stamps[kept]
    n = np.arange(1, len(x) + 1)
    mean_x, mean_y = np.cumsum(x) / n, np.cumsum(y) / n
    spread = np.cumsum(x * x) - n * mean_x**2
    slope = np.divide(np.cumsum(x * y) - n * mean_x * mean_y, spread, out=np.zeros_like(x), where=spread > 0)
    return (mean_y + slope * (x - mean_x))[2 * TICKS :]


def lock_beats(off: np.ndarray, case: Case) -> float:
    """The beat from which on the error stays small."""
    wrong = np.flatnonzero(~(np.abs(off) <= max(GOAL_MS, 2.0 * case.size_ms)))
    return (wrong[-1] + 1) / SIXTEENTHS if len(wrong) else 0.0


def line(case: Case, beats: int, seeds: int) -> tuple[str, bool]:
    """A line of the table, and whether the goal is met."""
    runs = [errors(case, beats, seed) for seed in range(seeds)]
    after = np.concatenate([off[2 * SIXTEENTHS :] for off in runs])
    p50, p99 = np.percentile(np.abs(after), [50, 99])
    tick_ms = 1e3 * float(np.diff(case.tempo(np.array([beats - 1.0, beats])))[0]) / TICKS
    missed = sum(abs(off[-1]) > 0.5 * tick_ms + case.size_ms for off in runs)
    lock = max(lock_beats(off, case) for off in runs)
    least = "      -"
    if case.steady and case.host is None:
        lowest = np.concatenate([floor(case, beats, seed) for seed in range(seeds)])
        least = f"{np.percentile(np.abs(lowest), 99):7.2f}"
    locked = f"{lock:6.2f}" if case.steady and not missed else "     -"
    text = f"{case.name:<42}{after.mean():7.2f}{p50:7.2f}{p99:7.2f}{np.abs(after).max():8.1f}{least}{locked}"
    return f"{text}{missed:4d}/{seeds}", not case.goal or (p99 <= GOAL_MS and lock <= GOAL_LOCK_BEATS)


def main() -> None:
    """Print the table and whether the goal is met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--beats", type=int, default=64)
    parser.add_argument("--only", default="", help="Lines with this word in their name.")
    options = parser.parse_args()
    print(f"{'ms, engine less truth':<42}   mean    p50    p99     max  floor  lock  count")
    met = True
    for case in cases():
        if options.only in case.name:
            text, good = line(case, options.beats, options.seeds)
            met = met and good
            print(text, flush=True)
    goal = f"p99 <= {GOAL_MS:g} ms for 1 ms of jitter, lock within {GOAL_LOCK_BEATS:g} beats"
    print(f"Goal ({goal}): {'met' if met else 'MISSED'}")


if __name__ == "__main__":
    main()
