"""Which songs are the same music, in whatever key and tempo, and which are so alike that they belong together.

A melody is the set of its runs of intervals (n-grams: Downie, Evaluating a simple approach to music information
retrieval, 1999), which no transposition and no tempo changes. Likeness is Jaccard's, or the share of the shorter melody
that the other contains. Candidates come from MinHash signatures in bands (Broder, On the resemblance and containment of
documents, 1997; Indyk and Motwani, 1998), so ten thousand songs are not compared each with each. Versions of a tune may
share little but its name: of songs with one title less likeness is asked for.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gapt_core.song import Song

Unsigned = NDArray[np.uint64]

RUN = 5
"""Intervals in a run."""

ROWS, BANDS = 2, 128
"""Rows of a signature in each of its bands: two songs .15 alike have a band in common in nineteen cases of twenty."""

SAME, ALIKE, WITHIN = 0.9, 0.15, 1 / 3
"""Jaccard likeness from which songs are the same, and alike; share from which one is part of another. Of a thousand
folk tunes these put no more than three together, and what they add to stricter ones is one tune under two names."""

NAMESAKES, MOST_NAMESAKES = 0.03, 4
"""Likeness from which songs with one title are alike; a title that more songs have is the name of nothing."""

CROWD = 32
"""Of more songs with a band in common each is compared with so many before it."""

LEAST_RUNS = 12
"""A part of fewer runs may be there by chance."""

PRIME = (1 << 31) - 1
REACH = 24
"""Intervals are told apart up to two octaves."""


class Likeness(NamedTuple):
    """Two songs by number, the earlier first, and how alike they are, from 0 to 1."""

    one: int
    other: int
    jaccard: float


def runs_of(song: Song) -> frozenset[int]:
    """Its runs of intervals, each as one number; of a song too short for one, the whole of it."""
    pitches = np.array([note.pitch for note in sorted(song.notes, key=lambda note: note.onset_beats)])
    steps = np.clip(np.diff(pitches), -REACH, REACH) + REACH
    if len(steps) < RUN:
        return frozenset([hash(tuple(steps.tolist()))])
    weights = (2 * REACH + 1) ** np.arange(RUN)
    return frozenset((np.lib.stride_tricks.sliding_window_view(steps, RUN) @ weights).tolist())


def likenesses(songs: Sequence[Song]) -> list[Likeness]:
    """The pairs that are at least alike; of many songs with a band in common not all, but no song without one."""
    runs = [runs_of(song) for song in songs]
    first: dict[frozenset[int], int] = {}
    found = [Likeness(first[own], i, 1.0) for i, own in enumerate(runs) if first.setdefault(own, i) != i]
    namesakes = _namesakes(songs, first.values())
    for one, other in sorted(_candidates(runs, first.values()) | namesakes):
        common = len(runs[one] & runs[other])
        jaccard = common / len(runs[one] | runs[other])
        fewest = min(len(runs[one]), len(runs[other]))
        least = NAMESAKES if (one, other) in namesakes else ALIKE
        if jaccard >= least or (common >= WITHIN * fewest and common >= LEAST_RUNS):
            found.append(Likeness(one, other, jaccard))
    return found


def groups(count: int, pairs: Sequence[Likeness]) -> list[int]:
    """A number for each song, the same for songs that are alike, directly or through others; from 0 in their order."""
    parent = list(range(count))

    def root(song: int) -> int:
        while parent[song] != song:
            parent[song] = song = parent[parent[song]]
        return song

    for pair in pairs:
        one, other = sorted((root(pair.one), root(pair.other)))
        parent[other] = one
    numbers: dict[int, int] = {}
    return [numbers.setdefault(root(song), len(numbers)) for song in range(count)]


def _candidates(runs: Sequence[frozenset[int]], among: Iterable[int]) -> set[tuple[int, int]]:
    """Pairs with a band of their signatures in common, of the songs `among` all."""
    factors = _factors()
    buckets: dict[tuple[int, bytes], list[int]] = defaultdict(list)
    for song in among:
        signature = _signature(runs[song], factors)
        for band in range(BANDS):
            buckets[band, signature[band * ROWS : (band + 1) * ROWS].tobytes()].append(song)
    return {
        (songs[i], songs[k])
        for songs in buckets.values()
        for k in range(len(songs))
        for i in range(max(0, k - CROWD), k)
    }


def _namesakes(songs: Sequence[Song], among: Iterable[int]) -> set[tuple[int, int]]:
    """Pairs of the songs `among` all with one title, but for case, signs and numbers."""
    called: dict[str, list[int]] = defaultdict(list)
    for i in among:
        called[" ".join(re.findall(r"[^\W\d_]+", songs[i].title.casefold()))].append(i)
    few = (numbers for title, numbers in called.items() if title and len(numbers) <= MOST_NAMESAKES)
    return {pair for numbers in few for pair in combinations(numbers, 2)}


def _factors() -> tuple[Unsigned, Unsigned]:
    random = np.random.default_rng(1997)
    drawn = random.integers(1, 1 << 31, (2, ROWS * BANDS)).astype(np.uint64)
    return drawn[0], drawn[1]


def _signature(runs: frozenset[int], factors: tuple[Unsigned, Unsigned]) -> Unsigned:
    """The least hash of its runs under each of the hash functions; `[rows * bands]`."""
    numbers = np.fromiter(runs, np.int64, len(runs)).astype(np.uint64) % np.uint64(PRIME)
    hashed = (numbers[:, None] * factors[0] + factors[1]) % np.uint64(PRIME)
    least: Unsigned = hashed.min(axis=0)
    return least
