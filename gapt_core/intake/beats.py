"""Beats of a melody that was played freely: which frame each note belongs to, and when each frame is.

The model is that of Raphael (A hybrid graphical model for rhythmic parsing, Artificial Intelligence 137, 2002): notes
go from place to place in the bar with probabilities of their own, the tempo wanders between them, and each comes a
little early or late; as a hidden Markov model over discrete tempos, searched by Viterbi's algorithm (metrical HMM:
Nakamura, Yoshii and Sagayama, IEEE/ACM TASLP 25, 2017). Afterwards the tempo is smoothed by local lines (Cleveland,
JASA 74, 1979).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gapt_core.intake.kernels import NEVER, Search, likeliest_path
from gapt_core.intake.patterns import Pattern
from gapt_core.vocabulary import FRAMES_PER_BEAT

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SLOWEST, FASTEST = 38.0, 240.0
"""Quarters a minute."""

TEMPO_STEP = 0.025
"""Tempos are told apart as logarithms, in steps of this."""

FELT, FELT_SPREAD = 115.0, 0.25
"""Felt beats a minute that are likeliest, and the standard deviation of their logarithm."""

WISH_SPREAD = 0.05
"""How far from a tempo asked for the playing may be, as a logarithm."""

LATENESSES = 7
REACH = 4
"""Steps of tempo that may lie between two notes."""

LOST = -18.0
BEAM = 30.0
CHUNK = 1500
"""Notes searched at once: bounds the memory."""

MOST_BARS = 8
"""A rest is taken to be at most so many bars long."""

TOGETHER = 0.05
"""Notes that begin within so many seconds of the one before are one onset."""


class Touch(NamedTuple):
    """A way of playing.

    Attributes:
        lateness: seconds; its standard deviation.
        steadiness: what a change of tempo by one step costs, in nats; by two steps four times as much, and so on.
        wander: how much of a gap the steps of tempo leave unexplained.
        allowance: nats an onset that it is given before ways are compared. Who plays with rubato changes the tempo
            little by little, and the model pays for each change as if it were the first.
    """

    lateness: float
    steadiness: float
    wander: float
    allowance: float = 0.0


TOUCHES = (Touch(0.02, 2.0, 0.006), Touch(0.03, 0.5, 0.012, 0.47), Touch(0.035, 2.0, 0.006))
"""By heart to a click, with rubato, and roughly. Of folk tunes played with a rubato of a tenth, the second lay up to .5
nats an onset below a wrong reading by another; of those played without, .6 to .7 below the right one."""

STEADY = 1.0
"""From here on the tempo of neighbouring bars tells of a bar's own."""


class Way(NamedTuple):
    """A touch, and a style of rhythm by number."""

    touch: Touch
    style: int


@dataclass(frozen=True)
class Beats:
    """Onsets as frames.

    Attributes:
        frame: of each onset, rising; bar lines of `pattern` lie at multiples of its bar, if it is right.
        grid: seconds at which each of these frames is.
        period: seconds a frame lasts there.
        pattern: the metre that the search found likeliest.
        score: log-probability an onset.
    """

    frame: Ints
    grid: Floats
    period: Floats
    pattern: Pattern
    score: float

    @property
    def bpm(self) -> float:
        """Quarters a minute, the median."""
        return 60.0 / (float(np.median(self.period)) * FRAMES_PER_BEAT)

    def frames_at(self, seconds: Floats) -> Floats:
        """Where in frames moments are; before the first onset and after the last the tempo goes on."""
        inside = np.interp(seconds, self.grid, self.frame)
        before = np.minimum(seconds - self.grid[0], 0.0) / self.period[0]
        return inside + before + np.maximum(seconds - self.grid[-1], 0.0) / self.period[-1]


def find_beats(onsets: Floats, patterns: Sequence[Pattern], bpm: float | None = None) -> Beats:
    """The likeliest beats of onsets, seconds, rising by more than `TOGETHER`; at least three.

    `bpm`, quarters a minute, is near the tempo if it is known.
    """
    periods = _periods(bpm)
    ways = [
        (pattern, Way(touch, style))
        for pattern in patterns
        for style in range(len(pattern.rhythm))
        for touch in TOUCHES
    ]
    found = [(*_search(onsets, pattern, way, periods, bpm), pattern, way.touch) for pattern, way in ways]
    best, path, pattern, touch = max(found, key=lambda result: result[0] + result[3].allowance * len(onsets))
    frame = _frames(path, np.diff(onsets), pattern, touch, periods)
    grid, period = smoothed(onsets, frame, (4 if touch.steadiness >= STEADY else 2) * pattern.beat)
    return Beats(frame, grid, period, pattern, best / len(onsets))


def smoothed(onsets: Floats, frame: Ints, width: int) -> tuple[Floats, Floats]:
    """When each onset's frame is, and how long a frame lasts there, by weighted lines through what is nearer than
    `width` frames; the times rise."""
    grid, period = np.empty(len(onsets)), np.empty(len(onsets))
    overall = (onsets[-1] - onsets[0]) / (frame[-1] - frame[0])
    for i, at in enumerate(frame):
        first, last = np.searchsorted(frame, (at - width, at + width + 1))
        away = frame[first:last] - at
        weight = (1 - np.abs(away / (width + 1)) ** 3) ** 3
        if last - first < 3:
            grid[i], period[i] = onsets[i], period[i - 1] if i else overall
            continue
        total, mean = weight.sum(), weight @ away / weight.sum()
        centre = weight @ onsets[first:last] / total
        period[i] = (weight * (away - mean)) @ onsets[first:last] / ((weight * (away - mean)) @ away)
        grid[i] = centre - mean * period[i]
    period = np.maximum(period, 1e-3)
    least = 0.25 * period[:-1] * np.diff(frame)
    for i in range(1, len(grid)):
        grid[i] = max(grid[i], grid[i - 1] + least[i - 1])
    return grid, period


def _periods(bpm: float | None) -> Floats:
    """Seconds a frame, rising."""
    low, high = (SLOWEST, FASTEST) if bpm is None else (bpm * np.exp(-WISH_SPREAD), bpm * np.exp(WISH_SPREAD))
    step = TEMPO_STEP if bpm is None else TEMPO_STEP / 2
    return np.exp(np.arange(np.log(15.0 / high), np.log(15.0 / low) + step / 2, step))


def log_felt(period: Floats | float, pattern: Pattern) -> Floats:
    """How likely a tempo is, but for a constant."""
    felt = 60.0 / (np.asarray(period) * pattern.beat)
    return -0.5 * (np.log(felt / FELT) / FELT_SPREAD) ** 2


def _search(onsets: Floats, pattern: Pattern, way: Way, periods: Floats, bpm: float | None) -> tuple[float, Ints]:
    """Score and states of the likeliest path."""
    touch = way.touch
    spacing = 0.75 * touch.lateness
    late = _normal(-0.5 * np.arange(-(LATENESSES // 2), LATENESSES // 2 + 1, dtype=np.float64) ** 2 * 0.75**2)
    change = _normal(-touch.steadiness * np.arange(-REACH, REACH + 1, dtype=np.float64) ** 2)
    fresh = late[:, None] + pattern.onset
    search = Search(
        pattern.rhythm[way.style],
        periods,
        late,
        change,
        fresh,
        spacing,
        0.45 * spacing + 0.003,
        touch.wander,
        LOST,
        BEAM,
    )
    tempo = len(onsets) ** 0.5 * log_felt(periods, pattern) if bpm is None else np.zeros(len(periods))
    start = tempo[:, None, None] + fresh
    path = np.zeros(len(onsets), np.int64)
    gaps, score = np.diff(onsets), 0.0
    for first in range(0, len(gaps), CHUNK):
        part = gaps[first : first + CHUNK]
        score += likeliest_path(part, start, search, path[first : first + len(part) + 1])
        start = np.full_like(start, NEVER)
        start.flat[path[first + len(part)]] = 0.0
    return score, path


def _frames(path: Ints, gaps: Floats, pattern: Pattern, touch: Touch, periods: Floats) -> Ints:
    """Frames of the onsets from their states."""
    place = path % pattern.bar
    late = (path // pattern.bar % LATENESSES) * 0.75 * touch.lateness
    within = np.diff(place) % pattern.bar
    exact = (gaps - np.diff(late)) / periods[path[1:] // (pattern.bar * LATENESSES)]
    bars = np.clip(np.round((exact - within) / pattern.bar), within == 0, MOST_BARS)
    return place[0] + np.append(0, np.cumsum(within + pattern.bar * bars.astype(np.int64)))


def _normal(logarithms: Floats) -> Floats:
    return logarithms - np.log(np.exp(logarithms).sum())
