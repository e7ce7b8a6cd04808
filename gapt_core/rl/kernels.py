"""Hot loops over a whole batch of episodes, compiled by numba. `kernel.py_func` is the plain Python twin of each.

Rows are prefixes: of row i the first `lengths[i]` frames count. Token 0 is a rest in both parts. Nothing is compiled on
import: numba compiles a kernel at its first call and keeps it on disk.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@njit(cache=True)
def silent_frames(lead: Ints, answer: Ints, lengths: Ints, free: int, share: float) -> NDArray[np.bool_]:
    """The frames past `free` where `lead` sounds alone, in rows where they are more than `share`; `[batch, time]`."""
    silent = np.zeros(answer.shape, dtype=np.bool_)
    for row in range(len(answer)):
        count = 0
        for frame in range(free, lengths[row]):
            silent[row, frame] = lead[row, frame] != 0 and answer[row, frame] == 0
            count += silent[row, frame]
        if count <= share * (lengths[row] - free):
            silent[row] = False
    return silent


@njit(cache=True)
def frames_alone_at_end(lead: Ints, answer: Ints, lengths: Ints) -> Ints:
    """1 at each frame where `lead` sounds after the last one where `answer` does; `[batch, time]`."""
    alone = np.zeros(answer.shape, dtype=np.int64)
    for row in range(len(answer)):
        for frame in range(lengths[row] - 1, -1, -1):
            if answer[row, frame] != 0:
                break
            alone[row, frame] = lead[row, frame] != 0
    return alone


@njit(cache=True)
def onsets_repeated(answer: Ints, lengths: Ints, hold: int, limit: int) -> Ints:
    """Onsets in runs of one and the same that are longer than `limit`; `[batch, time]`.

    They are counted where the run becomes too long, all so far at once, and from there one by one. Neither a rest nor a
    hold (any token from `hold` on) breaks a run.
    """
    repeated = np.zeros(answer.shape, dtype=np.int64)
    for row in range(len(answer)):
        last, run = 0, 0
        for frame in range(lengths[row]):
            token = answer[row, frame]
            if token == 0 or token >= hold:
                continue
            if token == last:
                run += 1
            else:
                last, run = token, 1
            if run > limit:
                repeated[row, frame] = run if run == limit + 1 else 1
    return repeated


@njit(cache=True)
def frames_overheld(answer: Ints, lengths: Ints, hold: int, limit: int) -> Ints:
    """1 at each frame of an event, counted from its onset, past `limit`; `[batch, time]`.

    Tokens from `hold` on continue an event; one that a row begins with counts from there.
    """
    overheld = np.zeros(answer.shape, dtype=np.int64)
    for row in range(len(answer)):
        length = 0
        for frame in range(lengths[row]):
            token = answer[row, frame]
            length = 0 if token == 0 else length + 1 if token >= hold else 1
            overheld[row, frame] = length > limit
    return overheld


@njit(cache=True)
def advantages(rewards: Floats, values: Floats, lengths: Ints, after: Floats, discount: float, trace: float) -> Floats:
    """Generalised advantage estimates, 0 past each row's end; `after` is the value past the end; `[batch, time]`."""
    estimates = np.zeros(rewards.shape, dtype=np.float64)
    for row in range(len(rewards)):
        following = after[row]
        carried = 0.0
        for frame in range(lengths[row] - 1, -1, -1):
            surprise = rewards[row, frame] + discount * following - values[row, frame]
            carried = surprise + discount * trace * carried
            estimates[row, frame] = carried
            following = values[row, frame]
    return estimates
