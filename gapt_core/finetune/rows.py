"""Songs side by side: what is played in one go is of like lengths, for the longest decides what all cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from gapt_core.train.corpus import Piece

ROWS = 32
"""Songs side by side, at most: the keys and values of each are what needs memory."""

Tracks = list[NDArray[np.int64]]


def goes(pieces: int, draws: int) -> int:
    """How many goes it takes to play so many pieces so many times."""
    return -(-pieces * draws // ROWS)


def nobody() -> None:
    """Is told that a go is over."""


def several_times(
    pieces: Sequence[Piece],
    draws: int,
    play: Callable[[Sequence[Piece], int], Tracks],
    told: Callable[[], None] = nobody,
) -> list[Tracks]:
    """`draws` chord tracks for each piece, `[draws][pieces]`.

    Args:
        play: gives a track a piece, the luck of which depends on the number that it is told.
        told: hears of the end of every go.
    """
    rows = list(pieces) * draws
    order = sorted(range(len(rows)), key=lambda row: (len(rows[row]), row))
    tracks: dict[int, NDArray[np.int64]] = {}
    for first in range(0, len(order), ROWS):
        places = order[first : first + ROWS]
        tracks |= zip(places, play([rows[place] for place in places], first), strict=True)
        told()
    return [[tracks[draw * len(pieces) + place] for place in range(len(pieces))] for draw in range(draws)]
