"""Where a row of regular ticks stands, from stamps that jitter, ticks lost, late or too many, and a tempo that changes.

Every tick can be read in a few ways: it is the next one; ticks before it were lost; it is one too many; it is late;
the tempo has just changed. A *reading* is one such history with a Kalman filter over (time of the newest tick, its
period, the period's change a tick). All readings of some likelihood are kept for some ticks, and the likeliest one is
believed. So a decision that needs more ticks waits for them, and a wrong one is taken back, its count of ticks with it.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, replace

import numpy as np

MOST_READINGS, MOST_ALIKE = 24, 6
"""How many readings to keep, and how many of them may count the ticks alike."""

LEAST_WEIGHT = -36.0
"""Natural logarithm: a reading so much less likely than the best one is dropped."""

DOUBTFUL = 2.5
"""From so many standard deviations off on, a tick is read in other ways too."""

FIRST_TICKS = 4
REMEMBERED_TICKS = 96
NOISE_TICKS = (8, 12, 18, 24, 36, 48)
"""At these counts the noise is measured anew and all ticks are read again with it; later it is only measured."""

FIRST_NOISE, LEAST_NOISE, MOST_NOISE = 1e-3, 1e-4, 2e-2
"""Seconds, standard deviation of a stamp."""

LEAST_OFFS = 24
MEDIAN_OF_NORMAL = 0.6745
"""Of the absolute values, in standard deviations."""

SHORTEST, LONGEST = 60.0 / 24 / 999, 60.0 / 24 / 10
"""Seconds between ticks that are a tempo at all."""

GAP_TICKS = 5
"""A longer silence is no row of lost ticks: the count goes on by the clock."""

LOST, EXTRA, LATE = math.log(1.2e-2), math.log(3e-4), math.log(1e-2)
UNIFORM = 0.5 * math.log(2.0 * math.pi)
"""What the weights of normal distributions leave out."""

STEP, NUDGE, MOVES, SETTLES = math.log(1e-3), math.log(2e-3), math.log(5e-3), math.log(2e-2)
"""How likely each way is beforehand, natural logarithms.

A new tempo is far likelier than the loss of some ticks just there: real ports hardly ever lose any.
"""

STEP_TICKS = 5
"""So far apart are new tempos."""

STEP_SHARE, NUDGE_SHARE, MOVE_SHARE = 0.7, 0.02, 0.004
"""Of the period: how far it may change at once (a new tempo, a small correction), and a tick (a ramp)."""

LATE_SHARE = 0.4
"""Of the period: how far off a late tick is."""

ASTRAY = math.log(5e-3)
"""How likely the tick before a new tempo was as far off, and looked like a tick in time."""

STEADY_DRIFT = 2e-4
MOVING_DRIFT = 3e-4
"""How the period drifts a tick, as a share of the noise (steady), or its change, as a share of the period (moving)."""


@dataclass(frozen=True, slots=True)
class Line:
    """Tick number `tick` (counted from 0, or as was set) stands at `seconds`; from there on one follows a `period`."""

    tick: int
    seconds: float
    period: float

    def tick_at(self, seconds: float) -> float:
        """Ticks at `seconds`."""
        return self.tick + (seconds - self.seconds) / self.period

    def seconds_at(self, tick: float) -> float:
        """Seconds at `tick`."""
        return self.seconds + (tick - self.tick) * self.period


Covariance = tuple[float, float, float, float, float, float]
"""Of (time, period, change): tt, tp, tc, pp, pc, cc."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One history: the newest tick's number, time and period, the period's change a tick, and its log likelihood."""

    tick: int
    seconds: float
    period: float
    change: float
    moving: bool
    covariance: Covariance
    weight: float
    since_step: int = 1 << 16

    def after(self, ticks: int, noise: float) -> Reading:
        """What it expects `ticks` later."""
        k, half = float(ticks), 0.5 * ticks * ticks
        tt, tp, tc, pp, pc, cc = self.covariance
        tt, tp, tc = (
            tt + 2 * k * tp + 2 * half * tc + k * k * pp + 2 * k * half * pc + half * half * cc,
            tp + k * (tc + pp) + (k * k + half) * pc + k * half * cc,
            tc + k * pc + half * cc,
        )
        pp, pc = pp + 2 * k * pc + k * k * cc, pc + k * cc
        if self.moving:
            cc += k * (MOVING_DRIFT * self.period) ** 2
        pp += k * (STEADY_DRIFT * noise) ** 2
        return replace(
            self,
            tick=self.tick + ticks,
            since_step=self.since_step + ticks,
            seconds=self.seconds + k * self.period + half * self.change,
            period=self.period + k * self.change,
            covariance=(tt, tp, tc, pp, pc, cc),
        )

    def met(self, seconds: float, noise: float, prior: float) -> Reading:
        """The same after its newest tick was stamped `seconds`, which is `noise` off by nature (standard deviation)."""
        tt, tp, tc, pp, pc, cc = self.covariance
        off, spread = seconds - self.seconds, tt + noise * noise
        gt, gp, gc = tt / spread, tp / spread, tc / spread
        return replace(
            self,
            seconds=self.seconds + gt * off,
            period=self.period + gp * off,
            change=self.change + gc * off,
            covariance=(tt - gt * tt, tp - gt * tp, tc - gt * tc, pp - gp * tp, pc - gp * tc, cc - gc * tc),
            weight=self.weight + prior - 0.5 * (off * off / spread + math.log(spread)),
        )

    def loosened(self, noise: float, share: float, prior: float) -> Reading:
        """The same where the period has changed, some ticks ago perhaps, by up to about a share of it."""
        tt, tp, _, pp, _, _ = self.covariance
        loose = (tt + noise * noise, tp, 0.0, pp + (share * self.period) ** 2, 0.0, 0.0)
        weight, since = self.weight + prior, 0 if share == STEP_SHARE else self.since_step
        return replace(self, change=0.0, moving=False, covariance=loose, weight=weight, since_step=since)

    def astray(self, noise: float) -> Reading:
        """The same where the period has changed and the newest tick was off, by about as much as a late one."""
        there = replace(self, covariance=(self.covariance[0] + (LATE_SHARE * self.period) ** 2, *self.covariance[1:]))
        return there.loosened(noise, STEP_SHARE, STEP + ASTRAY)

    def switched(self) -> Reading:
        """The same on a ramp from now on, or no longer on one."""
        tt, tp, tc, pp, pc, cc = self.covariance
        if not self.moving:
            covariance = (tt, tp, tc, pp, pc, cc + (MOVE_SHARE * self.period) ** 2)
            return replace(self, moving=True, covariance=covariance, weight=self.weight + MOVES)
        # As if the change had been seen to be 0.
        spread = cc + (0.02 * MOVE_SHARE * self.period) ** 2
        gt, gp = tc / spread, pc / spread
        return replace(
            self,
            moving=False,
            seconds=self.seconds - gt * self.change,
            period=self.period - gp * self.change,
            change=0.0,
            covariance=(tt - gt * tc, tp - gt * pc, 0.0, pp - gp * pc, 0.0, 0.0),
            weight=self.weight + SETTLES - 0.5 * self.change**2 / spread,
        )


class TickFollower:
    """Follows one row of ticks. `noise` is the stamps' standard deviation as measured, in seconds."""

    def __init__(self) -> None:
        self.noise = FIRST_NOISE
        self._ticks: deque[tuple[float, int | None]] = deque(maxlen=REMEMBERED_TICKS)
        self._count = 0
        self._readings: list[Reading] = []
        self._early: list[float] = []
        self._early_number = 0
        self._offs: deque[float] = deque(maxlen=REMEMBERED_TICKS)

    @property
    def count(self) -> int:
        """How many ticks have come since the row began, lost ones left out."""
        return self._count

    @property
    def line(self) -> Line | None:
        """The likeliest line; None before the fourth tick."""
        if not self._readings:
            return None
        best = self._readings[0]
        return Line(best.tick, best.seconds, best.period + 0.5 * best.change)

    @property
    def last_seconds(self) -> float | None:
        """When the newest tick came."""
        return self._ticks[-1][0] if self._ticks else None

    def take(self, seconds: float, number: int | None = None) -> None:
        """A tick came. With `number` it is that one, whatever was counted before, and may be out of the row's step."""
        if self._ticks and seconds < self._ticks[-1][0]:
            seconds = self._ticks[-1][0]
        self._ticks.append((seconds, number))
        self._count += 1
        if self._count in NOISE_TICKS:
            self._measure()
            self._read_again()
            return
        if self._count % NOISE_TICKS[0] == 0:
            self._measure()
        self._read(seconds, number)

    def _read_again(self) -> None:
        self._readings, self._early, self._early_number = [], [], 0
        for seconds, number in self._ticks:
            self._read(seconds, number)

    def _read(self, seconds: float, number: int | None) -> None:
        if not self._readings:
            if number is not None:
                self._early.clear()
                self._early_number = number
            self._early.append(seconds)
            if len(self._early) == FIRST_TICKS:
                self._readings = _begun(np.array(self._early), self._early_number, self.noise)
                if not self._readings:
                    del self._early[0]
            return
        best = self._readings[0]
        self._offs.append(abs((seconds - best.seconds + 0.5 * best.period) % best.period - 0.5 * best.period))
        ways = [way for reading in self._readings for way in self._ways(reading, seconds)]
        if number is not None:
            ways.append(_anew(best, seconds, number, self.noise))
            ways = [replace(way, tick=number) for way in ways]
        self._readings = _kept(ways, self.noise)

    def _ways(self, reading: Reading, seconds: float) -> list[Reading]:
        """Every way to read a tick at `seconds` after `reading`."""
        noise, period = self.noise, reading.period
        gap = (seconds - reading.seconds) / period
        if gap > GAP_TICKS:
            silence = reading.loosened(noise, NUDGE_SHARE, GAP_TICKS * LOST).after(round(gap), noise)
            step = reading.loosened(noise, STEP_SHARE, STEP).after(1, noise)
            return [silence.met(seconds, 0.25 * period, 0.0), step.met(seconds, noise, 0.0)]
        usual = reading.after(1, noise)
        off = seconds - usual.seconds
        ways = [usual.met(seconds, noise, 0.0)]
        if self._count % 6 == 0:
            ways.append(reading.switched().after(1, noise).met(seconds, noise, 0.0))
            ways.append(reading.loosened(noise, NUDGE_SHARE, NUDGE).after(1, noise).met(seconds, noise, 0.0))
        ways += [
            reading.after(1 + n, noise).met(seconds, noise, n * LOST) for n in (1, 2, 3) if off > (n - 0.7) * period
        ]
        if off < -0.3 * period:
            # One too many says nothing of the row; it may lie anywhere in the period.
            ways.append(replace(reading, weight=reading.weight + EXTRA + UNIFORM - math.log(period)))
        if abs(off) < DOUBTFUL * math.sqrt(usual.covariance[0] + noise * noise):
            return ways
        if reading.since_step >= STEP_TICKS:
            # One that could step twice in a row would make any two ticks fit.
            stepped = reading.loosened(noise, STEP_SHARE, STEP).after(1, noise)
            ways += [stepped.met(seconds, noise, 0.0), stepped.met(seconds, LATE_SHARE * period, LATE)]
            ways.append(reading.astray(noise).after(1, noise).met(seconds, noise, 0.0))
        if off > 0.0:
            ways.append(usual.met(seconds, LATE_SHARE * period, LATE))
        return ways

    def _measure(self) -> None:
        """The noise: from second differences, which no ramp reaches, by their median, which no loss reaches.

        Where ticks come out of their order those are too small, and what the best reading did not foresee is greater.
        """
        bends = np.abs(np.diff([seconds for seconds, _ in self._ticks], 2))
        if len(bends) < NOISE_TICKS[0] - 2:
            return
        noise = float(np.median(bends)) / math.sqrt(6.0)
        if len(self._offs) >= LEAST_OFFS:
            noise = max(noise, float(np.median(self._offs)))
        self.noise = min(max(noise / MEDIAN_OF_NORMAL, LEAST_NOISE), MOST_NOISE)


def _begun(times: np.ndarray, number: int, noise: float) -> list[Reading]:
    """Straight lines through the first ticks `[tick]`, of which the first is `number`: with none, one or two lost.

    None where they are too near or too far apart for any tempo.
    """
    steps = np.ones((2 * len(times) - 1, len(times) - 1))
    for place in range(len(times) - 1):
        steps[1 + 2 * place, place], steps[2 + 2 * place, place] = 2.0, 3.0
    return _kept([way for row in steps if (way := _straight(times, row, number, noise)) is not None], noise)


def _straight(times: np.ndarray, steps: np.ndarray, number: int, noise: float) -> Reading | None:
    ticks = np.concatenate([[0.0], np.cumsum(steps)])
    away = ticks - ticks.mean()
    square = float(away @ away)
    period, var = float(away @ times) / square, noise * noise
    if not SHORTEST <= period <= LONGEST:
        return None
    end, offs = float(away[-1]), times - times.mean() - period * away
    covariance = (var / len(times) + var * end * end / square, var * end / square, 0.0, var / square, 0.0, 0.0)
    weight = float((ticks[-1] - len(steps)) * LOST - 0.5 * (offs @ offs) / var)
    return Reading(number + int(ticks[-1]), float(times.mean()) + period * end, period, 0.0, False, covariance, weight)


def _anew(reading: Reading, seconds: float, number: int, noise: float) -> Reading:
    """The row begins again out of step, at about the same tempo."""
    spread = (NUDGE_SHARE * reading.period) ** 2 + reading.covariance[3]
    weight = reading.weight + EXTRA + UNIFORM - math.log(reading.period)
    return Reading(number, seconds, reading.period, 0.0, False, (noise * noise, 0.0, 0.0, spread, 0.0, 0.0), weight)


def _kept(ways: list[Reading], noise: float) -> list[Reading]:
    """The likeliest readings, best first, each once; the best has weight 0."""
    ways = [way for way in ways if SHORTEST * 0.8 <= way.period <= LONGEST * 1.25] or ways[:1]
    if not ways:
        return []
    ways.sort(key=lambda way: -way.weight)
    best = ways[0].weight
    kept: list[Reading] = []
    for way in ways:
        if len(kept) == MOST_READINGS or way.weight - best < LEAST_WEIGHT:
            break
        same = [other for other in kept if other.tick == way.tick and other.moving == way.moving]
        if len(same) < MOST_ALIKE and not any(_alike(way, other, noise) for other in same):
            kept.append(replace(way, weight=way.weight - best))
    return kept


def _alike(one: Reading, other: Reading, noise: float) -> bool:
    return (
        one.tick == other.tick
        and one.moving == other.moving
        and abs(one.seconds - other.seconds) < 0.03 * noise
        and abs(one.period - other.period) < 0.003 * noise
    )
