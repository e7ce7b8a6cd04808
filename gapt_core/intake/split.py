"""Songs apart by what they are for: to learn from, to choose by, and to judge the outcome by."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from gapt_core.errors import TrainingError
from gapt_core.intake.reports import TakenSong

LEAST_SONGS, LEAST_BARS = 3, 24
"""With less nothing can be learned and judged."""

FEW_SONGS, FEW_BARS = 8, 64
"""With less it is learned gently."""

HELD_OUT, CHOOSING = 0.25, 0.15
"""Shares of the groups; at least one each."""

TRAIN, VALID, HELD = "train", "valid", "held out"


@dataclass(frozen=True)
class Split:
    """Songs apart, none like one in another part.

    Attributes:
        train: what is learned from.
        valid: what chooses between weights.
        held_out: what judges the outcome.
        gentle: whether they are few.
        warning: what to say of that; "" if they are not.
    """

    train: list[TakenSong]
    valid: list[TakenSong]
    held_out: list[TakenSong]
    gentle: bool = False
    warning: str = ""


def split(songs: Sequence[TakenSong], seed: int = 0) -> Split:
    """The songs by groups of likeness, drawn by `seed`; songs with chords and without are shared out alike.

    The same songs and the same seed give the same parts, in whatever order the songs come.

    Raises:
        TrainingError: there are too few.
    """
    by_group: dict[int, list[TakenSong]] = {}
    for song in songs:
        by_group.setdefault(song.group, []).append(song)
    groups = sorted(by_group.values(), key=_key)
    bars = sum(song.bars for song in songs)
    if len(groups) < LEAST_SONGS or bars < LEAST_BARS:
        raise TrainingError(
            f"That is too little: {counted(len(groups), 'song')} unlike each other, with {counted(bars, 'bar')} in "
            f"all; at least {LEAST_SONGS} songs and {LEAST_BARS} bars are needed, and {FEW_SONGS} songs are worth "
            "more: add some."
        )
    parts: dict[str, list[TakenSong]] = {TRAIN: [], VALID: [], HELD: []}
    for part, group in _shared(groups, random.Random(seed)):
        parts[part].extend(group)
    gentle = len(groups) < FEW_SONGS or bars < FEW_BARS
    warning = (
        f"Only {counted(len(groups), 'song')} with {counted(bars, 'bar')}: the policy is changed gently, and the "
        f"report's figures are rough; from {FEW_SONGS} songs and {FEW_BARS} bars on it is worth more."
    )
    return Split(parts[TRAIN], parts[VALID], parts[HELD], gentle=gentle, warning=warning if gentle else "")


def _shared(groups: Sequence[list[TakenSong]], drawn: random.Random) -> list[tuple[str, list[TakenSong]]]:
    """Each group with its part.

    Groups with chords come first in a drawn order, then those without; every so many of them is held out, so that each
    part has its share of both.
    """
    kinds: list[list[list[TakenSong]]] = [[], []]
    for group in groups:
        kinds[not any(song.with_chords for song in group)].append(group)
    for kind in kinds:
        drawn.shuffle(kind)
    order = [group for kind in kinds for group in kind]
    held_out = _places(len(order), max(1, round(HELD_OUT * len(order))), 0.0)
    rest = [i for i in range(len(order)) if i not in held_out]
    choosing = {rest[i] for i in _places(len(rest), max(1, round(CHOOSING * len(order))), 0.5)}
    return [(HELD if i in held_out else VALID if i in choosing else TRAIN, group) for i, group in enumerate(order)]


def _places(count: int, chosen: int, begin: float) -> set[int]:
    """So many places of a row, evenly spread."""
    return {int((i + begin) * count / chosen) for i in range(chosen)}


def _key(group: Sequence[TakenSong]) -> tuple[str, int, tuple[int, ...]]:
    """What a group is known by, wherever its files lie: its first song's name and notes."""
    first = min(group, key=lambda song: (song.path.name, song.song.title))
    return first.path.name, len(first.song.notes), tuple(note.pitch for note in first.song.notes[:16])


def counted(number: int, what: str) -> str:
    """So many of something, in words."""
    return f"{number} {what}" + ("" if number == 1 else "s")
