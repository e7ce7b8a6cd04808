"""Hot loops over frames, compiled by numba. `kernel.py_func` is the plain Python twin of each.

Nothing is compiled on import: numba compiles a kernel at its first call and keeps it on disk.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Ints = NDArray[np.int64]


@njit(cache=True)
def paint_notes(starts: Ints, ends: Ints, pitches: Ints, onset: int, hold: int, tokens: Ints) -> None:
    """Write notes, sorted by onset, into `tokens`; a later note cuts the one before it."""
    for i in range(len(starts)):
        stop = min(max(ends[i], starts[i] + 1), len(tokens))
        if i + 1 < len(starts):
            stop = min(stop, starts[i + 1])
        for frame in range(max(starts[i], 0), stop):
            tokens[frame] = (onset if frame == starts[i] else hold) + pitches[i]


@njit(cache=True)
def paint_chords(starts: Ints, chords: Ints, onset: int, hold: int, tokens: Ints) -> None:
    """Write chords (index, or -1 for none), sorted by onset, each until the next, into `tokens`."""
    for i in range(len(starts)):
        stop = starts[i + 1] if i + 1 < len(starts) else len(tokens)
        for frame in range(max(starts[i], 0), min(stop, len(tokens))):
            if chords[i] < 0:
                tokens[frame] = 0
            else:
                tokens[frame] = (onset if frame == starts[i] else hold) + chords[i]


@njit(cache=True)
def paint_bars(starts: Ints, offsets: Ints, lengths: Ints, beats: Ints, metre: NDArray[np.int64]) -> None:
    """Write (place in the bar, full bar, beat), all in frames, into `metre` `[frames, 3]`.

    Frames before the first bar belong to it, frames after the last one count on in its metre.
    """
    for i in range(len(starts)):
        stop = starts[i + 1] if i + 1 < len(starts) else len(metre)
        for frame in range(max(starts[i], 0) if i > 0 else 0, min(stop, len(metre))):
            metre[frame, 0] = (frame - starts[i] + offsets[i]) % lengths[i]
            metre[frame, 1] = lengths[i]
            metre[frame, 2] = beats[i]


@njit(cache=True)
def count_harmony(melody: Ints, chord: Ints, pitch_classes: NDArray[np.bool_]) -> tuple[int, int, int]:
    """Frames where a note sounds: (in the chord, under a chord, in all). Notes are `1 + p` or `129 + p`."""
    inside = 0
    covered = 0
    active = 0
    for frame in range(len(melody)):
        if melody[frame] == 0:
            continue
        active += 1
        if chord[frame] == 0:
            continue
        covered += 1
        if pitch_classes[chord[frame], (melody[frame] - 1) % 128 % 12]:
            inside += 1
    return inside, covered, active


@njit(cache=True)
def longest_run(events: Ints) -> int:
    """Length of the longest run of equal neighbours; 0 for no events."""
    longest = 0
    run = 0
    for i in range(len(events)):
        run = run + 1 if i > 0 and events[i] == events[i - 1] else 1
        longest = max(longest, run)
    return longest
