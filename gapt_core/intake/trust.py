"""Whether a file's own beats can be believed: notes fall on them, or near them, more often than chance."""

from __future__ import annotations

from enum import Enum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DIVISIONS = (1, 2, 3, 4)
"""Parts of a quarter that notes may fall on."""

EXACT_BEATS = 0.02
EXACT_SHARE = 0.9
"""So many onsets this near to a division were put there by a program or by quantising."""

LEAST_TEST = 4.0
"""What the V test must come to: by chance it does in one of 30,000 files."""

LEAST_CONCENTRATION = 0.3
MOST_LATE = 0.15
"""Beats: how far beside the grid all notes together may lie, as latency puts them."""


class Timing(Enum):
    """How notes lie against a file's beats."""

    EXACT = "exact"
    PLAYED = "played"
    FREE = "free"


def timing_of(onsets: Floats) -> Timing:
    """How onsets, in beats, lie against whole beats.

    Played to the beats is what the V test finds concentrated at a division of the beat (Greenwood and Durand, Annals of
    Mathematical Statistics 26, 1955: Rayleigh's test against a direction that is known).
    """
    away = np.min([np.abs(onsets * parts - np.round(onsets * parts)) / parts for parts in (3, 4)], axis=0)
    if np.mean(away <= EXACT_BEATS) >= EXACT_SHARE:
        return Timing.EXACT
    along = max(float(np.cos(2 * np.pi * parts * onsets).mean()) for parts in DIVISIONS)
    played = along >= LEAST_CONCENTRATION and along * (2 * len(onsets)) ** 0.5 >= LEAST_TEST
    return Timing.PLAYED if played else Timing.FREE


def lateness_of(onsets: Floats) -> float:
    """How late all onsets are together, in beats: their mean direction round the eighth, or round the sixteenth where
    that says nothing; 0 where neither does."""
    for parts in (2, 4):
        angle = np.exp(2j * np.pi * parts * onsets).mean()
        late = float(np.angle(angle)) / (2 * np.pi * parts)
        if abs(angle) >= LEAST_CONCENTRATION and abs(late) <= MOST_LATE:
            return late
    return 0.0
