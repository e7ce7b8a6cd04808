"""The search for the likeliest beats, compiled by numba. `kernel.py_func` is the plain Python twin.

Nothing is compiled on import: numba compiles a kernel at its first call and keeps it on disk.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NEVER = -1e30


class Search(NamedTuple):
    """What is searched; all probabilities as natural logarithms.

    A state is (period, lateness, place): how long a frame lasts, how late the note came after its grid line, and where
    in the bar that line is. It is numbered `(period * latenesses + lateness) * places + place`.

    Attributes:
        rhythm: of the next onset after so many frames, by the place of this one; `[places, longest + 1]`.
        periods: seconds a frame, rising by a constant factor.
        lateness: of a note's being so late; `[latenesses]`, in steps of `spacing`.
        change: of a change of period between two notes, by how many steps; of odd length, the middle is no change.
        fresh: of a place and a lateness after a gap that says nothing of the bar; `[latenesses, places]`.
        spacing: seconds from one lateness to the next.
        spread: seconds; standard deviation of what the steps of lateness leave unexplained.
        wander: the same of what the steps of period leave unexplained, as a share of the gap.
        lost: of a gap that says nothing of the bar.
        beam: how far below the best state of its moment one is given up.
    """

    rhythm: Floats
    periods: Floats
    lateness: Floats
    change: Floats
    fresh: Floats
    spacing: float
    spread: float
    wander: float
    lost: float
    beam: float


@njit(cache=True)
def best_of(score: Floats, tops: Floats) -> tuple[float, int]:
    """The best score of all states and whose it is; the best of each period goes into `tops`."""
    periods, latenesses, places = score.shape
    best, state = NEVER, 0
    for period in range(periods):
        tops[period] = NEVER
        for lateness in range(latenesses):
            for place in range(places):
                value = score[period, lateness, place]
                tops[period] = max(tops[period], value)
                if value > best:
                    best, state = value, (period * latenesses + lateness) * places + place
    return best, state


@njit(cache=True)
def follow_tempo(score: Floats, change: Floats, beam: float, moved: Floats, origin: Ints) -> tuple[float, int]:
    """Write the best score at each state once the period may have changed, and the state it comes from.

    All are `[periods, latenesses, places]`; what is given up is `NEVER`. Returns the best score before, and its state.
    """
    periods, latenesses, places = score.shape
    reach = len(change) // 2
    tops = np.empty(periods)
    best, state = best_of(score, tops)
    for period in range(periods):
        moved[period] = NEVER
        if tops[max(0, period - reach) : period + reach + 1].max() < best - beam:
            continue
        for lateness in range(latenesses):
            for place in range(places):
                top, source = NEVER, 0
                for step in range(max(-reach, -period), min(reach, periods - 1 - period) + 1):
                    value = score[period + step, lateness, place] + change[reach + step]
                    if value > top:
                        top, source = value, period + step
                if top > best - beam:
                    moved[period, lateness, place] = top
                origin[period, lateness, place] = (source * latenesses + lateness) * places + place
    return best, state


@njit(cache=True)
def step_rhythm(
    gap: float, search: Search, moved: Floats, origin: Ints, score: Floats, back: NDArray[np.int16]
) -> None:
    """Write the best score of each state at the next note, `gap` seconds later, and the state it comes from."""
    periods, latenesses, places = moved.shape
    longest = search.rhythm.shape[1] - 1
    spread = np.sqrt(search.spread**2 + (search.wander * gap) ** 2)
    norm, around = np.log(spread), int(np.ceil(1.5 * spread / search.spacing))
    slack = (latenesses - 1) * search.spacing + 3 * spread
    for period in range(periods):
        if moved[period].max() <= NEVER:
            continue
        seconds = search.periods[period]
        first = max(1, int(np.ceil((gap - slack) / seconds)))
        last = min(longest, int((gap + slack) / seconds))
        for frames in range(first, last + 1):
            later = (gap - frames * seconds) / search.spacing
            nearest = int(np.floor(later + 0.5))
            for step in range(nearest - around, nearest + around + 1):
                miss = (later - step) * search.spacing / spread
                fit = -0.5 * miss * miss - norm
                for old in range(max(0, -step), min(latenesses, latenesses - step)):
                    for place in range(places):
                        value = moved[period, old, place]
                        if value <= NEVER:
                            continue
                        value += search.rhythm[place, frames] + fit + search.lateness[old + step]
                        new = (place + frames) % places
                        if value > score[period, old + step, new]:
                            score[period, old + step, new] = value
                            back[period, old + step, new] = origin[period, old, place]


@njit(cache=True)
def likeliest_path(gaps: Floats, start: Floats, search: Search, path: Ints) -> float:
    """Write the likeliest states, `[len(gaps) + 1]`, and return the score: Viterbi's algorithm.

    `start` are scores at the first note, `[periods, latenesses, places]`. A gap longer than the table of rhythms, or
    one that no rhythm explains, costs `lost`; after it the period is kept and the place is open.
    """
    periods, latenesses, places = start.shape
    back = np.zeros((len(gaps), periods, latenesses, places), np.int16)
    score, moved, origin = start.copy(), np.empty_like(start), np.empty(start.shape, np.int64)
    for k in range(len(gaps)):
        best, state = follow_tempo(score, search.change, search.beam, moved, origin)
        score[:] = NEVER
        step_rhythm(gaps[k], search, moved, origin, score, back[k])
        period = state // (latenesses * places)
        for lateness in range(latenesses):
            for place in range(places):
                value = best + search.lost + search.fresh[lateness, place]
                if value > score[period, lateness, place]:
                    score[period, lateness, place] = value
                    back[k, period, lateness, place] = -state - 1
    best, state = best_of(score, np.empty(periods))
    path[len(gaps)] = state
    for k in range(len(gaps) - 1, -1, -1):
        state = back[k].flat[state]
        if state < 0:
            state = -state - 1
        path[k] = state
    return best
