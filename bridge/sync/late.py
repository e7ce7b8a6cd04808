"""Where a host stands, from positions that come late by anything up to a tenth of a second, and never early.

The music stands at least where a report says, so the line sought lies above all points and touches the least late ones.
Where the host tells its tempo only the height of the line is unknown; else the line is an edge of the points' upper
hull. The mean lateness of the least late reports cannot be seen by anybody and stays in the result.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import pairwise

from bridge.controls.parameters import FASTEST_BPM, SLOWEST_BPM

TOLD_SECONDS, DERIVED_SECONDS = 3.0, 2.0
"""How far back reports count, where the tempo is told and where it has to be derived from them."""

LEAST_POINTS, LEAST_SPAN = 4, 0.35
"""How many reports over how many seconds make a tempo."""

RECENT = 5
"""Reports of late none of which touches the line: the tempo has fallen, and the line with it."""

LATE_SECONDS = 0.15


@dataclass(frozen=True, slots=True)
class _Point:
    """A report of `beats` that came at `seconds`; `run` counts the beats of the told tempo up to then."""

    seconds: float
    beats: float
    run: float


class LateLine:
    """The line through late reports. `bpm` is the tempo in force; None while there is none."""

    def __init__(self) -> None:
        self.bpm: float | None = None
        self._told = False
        self._points: deque[_Point] = deque()
        self._run = 0.0
        self._run_seconds: float | None = None
        self._anchor = (0.0, 0.0)

    @property
    def anchor(self) -> tuple[float, float]:
        """Seconds and beats of one place on the line."""
        return self._anchor

    @property
    def settled(self) -> bool:
        """Whether there are enough reports to believe it."""
        points = self._points
        return len(points) >= LEAST_POINTS and points[-1].seconds - points[0].seconds >= LEAST_SPAN

    def tell(self, seconds: float, bpm: float) -> None:
        """The host says its tempo."""
        self._advance(seconds)
        self._anchor = (seconds, self.beats_at(seconds))
        self.bpm, self._told = bpm, True

    def restart(self, seconds: float, beats: float) -> None:
        """Stand at `beats` at `seconds`; the tempo stays."""
        self._points.clear()
        self.add(seconds, beats)

    def add(self, seconds: float, beats: float) -> None:
        """A report came."""
        self._advance(seconds)
        self._points.append(_Point(seconds, beats, self._run))
        window = TOLD_SECONDS if self._told else DERIVED_SECONDS
        while self._points[0].seconds < seconds - window:
            self._points.popleft()
        if self._told or not self.settled:
            self._lift(seconds)
        else:
            self._lean(seconds)

    def beats_at(self, seconds: float) -> float:
        """Beats at `seconds`, once there has been a report."""
        since, beats = self._anchor
        return beats + (seconds - since) * (self.bpm or 0.0) / 60.0

    def _advance(self, seconds: float) -> None:
        if self._run_seconds is not None:
            self._run += (seconds - self._run_seconds) * (self.bpm or 0.0) / 60.0
        self._run_seconds = seconds

    def _lift(self, seconds: float) -> None:
        """The tempo is known: the line of that slope which no point lies above."""
        self._anchor = (seconds, self._run + max(point.beats - point.run for point in self._points))

    def _lean(self, seconds: float) -> None:
        """The edge of the upper hull above the middle of the points."""
        hull = _upper_hull([(point.seconds, point.beats) for point in self._points])
        middle = sum(point.seconds for point in self._points) / len(self._points)
        left, right = next(edge for edge in pairwise(hull) if edge[1][0] >= middle)
        slope = (right[1] - left[1]) / (right[0] - left[0])
        if not SLOWEST_BPM <= 60.0 * slope <= FASTEST_BPM:
            return
        self.bpm = 60.0 * slope
        recent = list(self._points)[-RECENT:]
        lag = min(right[1] + (point.seconds - right[0]) * slope - point.beats for point in recent)
        # Reports so late all in a row are not late: the music has slowed down.
        drop = lag if lag > LATE_SECONDS / RECENT * slope else 0.0
        self._anchor = (seconds, right[1] + (seconds - right[0]) * slope - drop)


def _upper_hull(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The corners of the points' upper hull, from left to right; of points at one moment the highest counts."""
    hull: list[tuple[float, float]] = []
    for x, y in points:
        if hull and x <= hull[-1][0]:
            if y <= hull[-1][1]:
                continue
            hull.pop()
        while len(hull) >= 2 and _turns_left(hull[-2], hull[-1], (x, y)):
            hull.pop()
        hull.append((x, y))
    return hull


def _turns_left(one: tuple[float, float], two: tuple[float, float], three: tuple[float, float]) -> bool:
    return (two[0] - one[0]) * (three[1] - one[1]) >= (two[1] - one[1]) * (three[0] - one[0])
