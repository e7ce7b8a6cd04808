"""Keys and scales by the names that hosts and musicians use, and which chords lie within them."""

from __future__ import annotations

from functools import cache

from gapt_core.chords import CHORD_COUNT, PITCH_CLASSES, chord_at

ANY = "any"

KEYS = (ANY, *PITCH_CLASSES)
"""`any` sets no limit; the others are roots."""

SCALES: dict[str, tuple[int, ...]] = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "harmonic minor": (0, 2, 3, 5, 7, 8, 11),
    "melodic minor": (0, 2, 3, 5, 7, 9, 11),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "locrian": (0, 1, 3, 5, 6, 8, 10),
    "minor or harmonic": (0, 2, 3, 5, 7, 8, 10, 11),
    "blues": (0, 2, 3, 4, 5, 6, 7, 9, 10),
}
"""Semitones above the root. A scale too poor for chords of its own (a pentatonic one) is not here."""

CHORD_SETS: dict[str, frozenset[str]] = {
    "plain": frozenset({"maj", "min"}),
    "triads": frozenset({"maj", "min", "dim", "aug", "sus2", "sus4"}),
    "sevenths": frozenset({"maj", "min", "7", "maj7", "min7", "hdim7", "dim7"}),
}
"""Qualities (Harte's shorthand) of each limit besides `all`."""


@cache
def allowed_chords(key: str = ANY, scale: str = "major", chord_set: str = "all") -> frozenset[int]:
    """Chord indices whose pitch classes all lie in the scale of `key` and whose quality is in `chord_set`.

    Raises:
        KeyError: there is no such scale or chord set.
        ValueError: there is no such key.
    """
    root = KEYS.index(key) - 1
    inside = frozenset(range(12)) if root < 0 else frozenset((root + step) % 12 for step in SCALES[scale])
    qualities = None if chord_set == "all" else CHORD_SETS[chord_set]
    chords = ((index, chord_at(index)) for index in range(CHORD_COUNT))
    return frozenset(
        index
        for index, chord in chords
        if inside.issuperset(chord.pitch_classes) and (qualities is None or chord.quality in qualities)
    )
