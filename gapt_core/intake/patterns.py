"""What bars sound like, by metre: the tables that beats and bar lines are found by.

They are counted and fitted on the training sets by `bench/intake_tables.py`, and lie beside this file. A metre that has
none borrows from one that is felt alike: of a bar of five quarters, each beat is one of a bar of three.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gapt_core.errors import TrainingError
from gapt_core.song import Metre
from gapt_core.vocabulary import FRAMES_PER_BEAT

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TABLES = Path(__file__).with_name("metres.json")

HEARD = ((4, 4), (3, 4), (6, 8))
"""The metres that are told apart by ear; for others somebody has to ask."""

BORROWED = {2: (4, 4), 3: (3, 4), 4: (4, 4), 5: (3, 4), 6: (3, 4), 7: (4, 4)}
"""Quarters in a bar to the metre whose tables it uses."""


@dataclass(frozen=True)
class Pattern:
    """A metre in frames, and what is known of it; probabilities as natural logarithms.

    Attributes:
        signature: numerator and denominator.
        beat: frames in a felt beat.
        rhythm: of the next onset after so many frames, by the place of this one, in each of several styles of equal
            rights; `[styles, bar, longest + 1]`.
        onset: of an onset's place; `[bar]`.
        chord: of a chord change's place; `[bar]`.
        kinds: of each place, which row of `accents` is its own; `[bar]`.
        accents: what a feature of a note tells for its being at a place of a kind; `[kinds, features]`.
        repeats: what the share of pitches that come back after some time tells for this metre; `[lags]`.
        flow: what the rhythm tells.
        harmony: what the chord changes tell.
        bias: what is known before anything is heard.
    """

    signature: tuple[int, int]
    beat: int
    rhythm: Floats
    onset: Floats
    chord: Floats
    kinds: Ints
    accents: Floats
    repeats: Floats
    flow: float
    harmony: float
    bias: float

    @property
    def bar(self) -> int:
        """Frames in a bar."""
        return len(self.onset)


class Patterns:
    """The tables of a file of them, by metre."""

    def __init__(self, path: Path = TABLES) -> None:
        tables: dict[str, Any] = json.loads(path.read_text("utf-8"))
        self._known = {_signature(name): pattern_of(_signature(name), table) for name, table in tables.items()}

    def heard(self) -> list[Pattern]:
        """Those that are told apart by ear."""
        return [self._known[signature] for signature in HEARD]

    def of(self, numerator: int, denominator: int) -> Pattern | None:
        """The pattern of a metre, borrowed if need be; None where nothing is known that is like it."""
        signature = (numerator, denominator)
        if signature in self._known:
            return self._known[signature]
        metre = Metre(0.0, numerator, denominator)
        if metre.beat_beats == 1.5:
            return _borrow(signature, self._known[6, 8], round(metre.bar_beats / 1.5))
        quarters = BORROWED.get(round(metre.bar_beats)) if metre.bar_beats.is_integer() else None
        return _borrow(signature, self._known[quarters], round(metre.bar_beats)) if quarters else None

    def wished(self, signature: tuple[int, int]) -> Pattern:
        """The pattern of a metre that somebody asked for.

        Raises:
            TrainingError: beats cannot be found in it.
        """
        pattern = self.of(*signature)
        if pattern is None:
            raise TrainingError(
                f"Beats are not found in {signature[0]}/{signature[1]}; give 2/4, 3/4, 4/4, 5/4, 6/8, 9/8 or 12/8, or "
                "--grid file to take files at their word."
            )
        return pattern


def pattern_of(signature: tuple[int, int], table: Mapping[str, Any]) -> Pattern:
    """A pattern from plain values, one for each of its attributes but `signature` and `beat`."""
    beat = round(Metre(0.0, *signature).beat_beats * FRAMES_PER_BEAT)
    values: dict[str, Any] = {name: float(table[name]) for name in ("flow", "harmony", "bias")}
    for name in ("rhythm", "onset", "chord", "accents", "repeats"):
        values[name] = np.array(table[name], np.float64)
    return Pattern(signature, beat, kinds=np.array(table["kinds"], np.int64), **values)


def _borrow(signature: tuple[int, int], like: Pattern, beats: int) -> Pattern:
    """A bar of so many of the beats of another: its first beat is that one's, all others are like its second."""
    beat, others = like.beat, range(like.beat, 2 * like.beat)
    place = np.array([*range(beat), *(list(others) * (beats - 1))])
    rows = [_mean(like.rhythm[:, i % beat :: beat]) for i in range(beat * beats)]
    return replace(
        like,
        signature=signature,
        rhythm=np.stack(rows, axis=1),
        onset=_normal(like.onset[place]),
        chord=_normal(like.chord[place]),
        kinds=like.kinds[place],
    )


def _mean(logarithms: Floats) -> Floats:
    return np.log(np.exp(logarithms).mean(axis=1))


def _normal(logarithms: Floats) -> Floats:
    return logarithms - np.log(np.exp(logarithms).sum())


def _signature(name: str) -> tuple[int, int]:
    numerator, denominator = name.split("/")
    return int(numerator), int(denominator)
