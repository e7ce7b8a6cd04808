"""How much of a chord track is a training song's own: the longest run of changes that both have, at the same places.

A track is taken as its changes of chord: where in the bar each comes, how long it lasts, its quality, and how far its
root is from the one before. So a run is found in whatever key it is played, as the policy learns in all keys. A chord
struck again is no change; no chord counts as a chord of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gapt_core.chords import CHORD_COUNT, QUALITY_NAMES
from gapt_core.finetune.hearing import Heard, Tracks
from gapt_core.train.corpus import Piece
from gapt_core.vocabulary import CHORD_ONSET, NO_CHORD

Tokens = NDArray[np.int64]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

By = Mapping[str, Heard]
"""What was heard, by mode."""

SILENT = len(QUALITY_NAMES)
"""Stands for a quality where there is no chord."""

NEVER = -1
"""The place of the boundary between two songs: no change of a track has it."""


@dataclass(frozen=True)
class Copied:
    """Longest runs of changes that songs held out have in common with those learned from; `[songs]` each.

    `before` and `after` are as the policy plays them, a mean over its draws; `own` is of the player's own chords for
    them, NaN for songs without.
    """

    before: Floats
    after: Floats
    own: Floats


class Changes(NamedTuple):
    """Changes of chord in their order: frames into the bar, frames they last, root, quality; `[changes]` each."""

    place: Ints
    frames: Ints
    root: Ints
    quality: Ints


def copied(learned: Sequence[Piece], played: Sequence[Piece], before: By, after: By) -> Copied:
    """How much of what was played over the songs `played` is in those that were `learned` from, which have chords."""
    book = [changes(piece.chord, piece.metre) for piece in learned]
    sounds = np.array([piece.chord.any() for piece in played])
    own = np.where(sounds, _runs(book, played, [[piece.chord for piece in played]]), np.nan)
    return Copied(_runs(book, played, _tracks(before)), _runs(book, played, _tracks(after)), own)


def changes(chord: Tokens, metre: NDArray[np.int64]) -> Changes:
    """The changes of a chord track, tokens `[frames]`, in its `metre`, `[frames, 3]`."""
    names = np.where(chord == NO_CHORD, -1, (chord - CHORD_ONSET) % CHORD_COUNT)
    at = np.flatnonzero(np.concatenate([[True], names[1:] != names[:-1]]))
    root, quality = np.divmod(names[at], len(QUALITY_NAMES))
    silent = names[at] < 0
    return Changes(
        metre[at, 0],
        np.diff(np.append(at, len(chord))),
        _last_sounding(root, silent),
        np.where(silent, SILENT, quality),
    )


def longest_run(track: Changes, songs: Sequence[Changes]) -> int:
    """How many changes in a row of `track` are in one of the `songs`, too; 0 where not even one is."""
    book = _joined(songs)
    longest = 0
    before = np.zeros(len(book.place) + 1, dtype=np.int64)
    for number in range(len(track.place)):
        alike = (book.place == track.place[number]) & (book.quality == track.quality[number])
        # A run goes on where the change before is in it, lasted as long, and is as far away.
        went = np.where(_follows(track, number, book), before[:-1], 0)
        before = np.concatenate([[0], np.where(alike, went + 1, 0)])
        longest = max(longest, int(before.max()))
    return longest


def _last_sounding(root: Ints, silent: NDArray[np.bool_]) -> Ints:
    """Roots; where nothing sounds that of the chord before, or at the beginning of the first: no key is lost."""
    sounding = np.flatnonzero(~silent)
    if not len(sounding):
        return np.zeros_like(root)
    before = np.searchsorted(sounding, np.arange(len(root)), side="right") - 1
    return root[sounding[np.maximum(before, 0)]]


def _follows(track: Changes, number: int, book: Changes) -> NDArray[np.bool_]:
    """Whether each change of the book comes after the one before it as change `number` of the track does."""
    if not number:
        return np.zeros(len(book.place), dtype=np.bool_)
    step = (track.root[number] - track.root[number - 1]) % 12
    steps = np.diff(book.root, prepend=0) % 12
    lasted = np.concatenate([[0], book.frames[:-1]])
    return (steps == step) & (lasted == track.frames[number - 1])


def _runs(book: Sequence[Changes], played: Sequence[Piece], draws: Sequence[Tracks]) -> Floats:
    """The longest run of each song, mean over `draws` of all of them; `[songs]`."""
    return np.array(
        [
            np.mean([longest_run(changes(draw[place], piece.metre), book) for draw in draws])
            for place, piece in enumerate(played)
        ]
    )


def _tracks(heard: By) -> list[Tracks]:
    return [draw for one in heard.values() for draw in one.tracks]


def _joined(songs: Sequence[Changes]) -> Changes:
    """All songs as one track, a change that is like no other between two of them."""
    boundary = Changes(*(np.array([value]) for value in (NEVER, 0, 0, NEVER)))
    columns = zip(*(part for song in songs for part in (song, boundary)), strict=True)
    return Changes(*(np.concatenate(column) for column in columns))
