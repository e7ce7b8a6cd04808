"""Chords of the closed vocabulary: root times quality, exact transposition, nearest quality.

A chord is a root pitch class and one of `QUALITIES`, named as Harte (2005) writes them and
`mir_eval.chord` reads them. Inversions and doublings are left to the voicer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

PITCH_CLASSES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")

QUALITIES: dict[str, tuple[int, ...]] = {
    "maj": (0, 4, 7),
    "min": (0, 3, 7),
    "dim": (0, 3, 6),
    "aug": (0, 4, 8),
    "sus2": (0, 2, 7),
    "sus4": (0, 5, 7),
    "7": (0, 4, 7, 10),
    "maj7": (0, 4, 7, 11),
    "min7": (0, 3, 7, 10),
    "minmaj7": (0, 3, 7, 11),
    "dim7": (0, 3, 6, 9),
    "hdim7": (0, 3, 6, 10),
    "maj6": (0, 4, 7, 9),
    "min6": (0, 3, 7, 9),
    "9": (0, 2, 4, 7, 10),
    "maj9": (0, 2, 4, 7, 11),
    "min9": (0, 2, 3, 7, 10),
    "7(b9)": (0, 1, 4, 7, 10),
    "aug(b7)": (0, 4, 8, 10),
    "sus4(b7)": (0, 5, 7, 10),
}
"""Quality name to its intervals above the root, in semitones."""

QUALITY_NAMES = tuple(QUALITIES)
CHORD_COUNT = 12 * len(QUALITY_NAMES)

# What it costs to leave out an interval that was written, and to add one that was not.
_LOSS = {1: 1.0, 2: 1.5, 3: 4.0, 4: 4.0, 5: 1.5, 6: 2.5, 7: 1.0, 8: 2.5, 9: 2.5, 10: 3.0, 11: 3.0}
_GAIN = {1: 2.0, 2: 2.0, 3: 1.2, 4: 1.0, 5: 2.0, 6: 1.0, 7: 0.5, 8: 1.5, 9: 2.0, 10: 2.0, 11: 2.0}


@dataclass(frozen=True, slots=True)
class Chord:
    """A root pitch class (0 = C) and a quality of `QUALITIES`."""

    root: int
    quality: str

    @property
    def index(self) -> int:
        """Place in the vocabulary, 0 to `CHORD_COUNT` - 1."""
        return self.root * len(QUALITY_NAMES) + QUALITY_NAMES.index(self.quality)

    @property
    def name(self) -> str:
        """Harte name, such as `Eb:min7`."""
        return f"{PITCH_CLASSES[self.root]}:{self.quality}"

    @property
    def pitch_classes(self) -> tuple[int, ...]:
        """Sounding pitch classes, root first."""
        return tuple((self.root + interval) % 12 for interval in QUALITIES[self.quality])

    def transpose(self, semitones: int) -> Chord:
        """The same quality on a root `semitones` higher."""
        return Chord((self.root + semitones) % 12, self.quality)


def chord_at(index: int) -> Chord:
    """The chord whose `Chord.index` is `index`."""
    root, quality = divmod(index, len(QUALITY_NAMES))
    return Chord(root, QUALITY_NAMES[quality])


def nearest_chord(root: int, pitch_classes: Iterable[int]) -> Chord:
    """The chord on `root` whose quality is nearest to the pitch classes written (`docs/chords.md`)."""
    intervals = frozenset((pitch_class - root) % 12 for pitch_class in pitch_classes)
    return Chord(root % 12, nearest_quality(intervals | {0}))


@cache
def nearest_quality(intervals: frozenset[int]) -> str:
    """The quality that loses and adds least; the earlier in `QUALITIES` where two are equal."""
    return min(QUALITY_NAMES, key=lambda name: distance(intervals, name))


def distance(intervals: frozenset[int], quality: str) -> float:
    """What it costs to write `intervals` as `quality`: the price of each one lost and of each one gained."""
    kept = frozenset(QUALITIES[quality])
    return sum(_LOSS[interval] for interval in intervals - kept) + sum(_GAIN[interval] for interval in kept - intervals)


def fitting_chords(weights: Sequence[float], share: float = 0.9) -> frozenset[int]:
    """Indices of the chords whose triad holds nearly as much of the pitch classes' `weights` `[12]` as the best one's.

    No chords of five notes. All others for weights of nothing.
    """
    chords = {index: chord_at(index).pitch_classes for index in range(CHORD_COUNT)}
    held = {index: sum(weights[pc] for pc in classes[:3]) for index, classes in chords.items() if len(classes) <= 4}
    least = share * max(held.values())
    return frozenset(index for index, weight in held.items() if weight >= least)
