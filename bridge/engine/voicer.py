"""Chords to pitches: a bass, and above it close position, led with the least motion there is."""

from __future__ import annotations

import itertools
from functools import cache

from gapt_core.chords import Chord

BASS = range(36, 51)
"""MIDI pitches of the bass, which has the root."""

UPPER = range(48, 73)
"""MIDI pitches of the voices above it."""

HOME_BASS, HOME_UPPER = 43, 60
"""Where the bass and the middle of the upper voices like to be."""

MAX_UPPER = 4

Pitches = tuple[int, ...]


class LeadingVoicer:
    """Voices lead: of all close positions in the register, the one that moves least from the voicing before.

    The upper voices have every pitch class of the chord; of a chord of five the root is left to the bass.
    """

    def voice(self, chord: Chord, previous: Pitches) -> Pitches:
        """MIDI pitches for `chord`, bass first, then rising.

        Of equal motions the one wins that keeps more pitches, then the one nearer to the middle of the
        register, then the lower. Without `previous` the middle of the register decides.
        """
        return min(voicings(chord), key=lambda pitches: _rank(pitches, previous))


class RootVoicer:
    """Every chord in root position from the same octave; no leading. For tests."""

    def voice(self, chord: Chord, previous: Pitches) -> Pitches:
        """MIDI pitches for `chord`, bass first, then rising."""
        return (36 + chord.root, *sorted(60 + pitch_class for pitch_class in chord.pitch_classes))


@cache
def voicings(chord: Chord) -> tuple[Pitches, ...]:
    """Every allowed voicing: a root in `BASS`, below it nothing, above it a close position within `UPPER`."""
    roots = [pitch for pitch in BASS if pitch % 12 == chord.root]
    classes = upper_classes(chord)
    stacks = [_stack(lowest, classes) for lowest in UPPER if lowest % 12 in classes]
    return tuple((bass, *stack) for bass in roots for stack in stacks if bass < stack[0] and stack[-1] in UPPER)


def upper_classes(chord: Chord) -> frozenset[int]:
    """Pitch classes of the voices above the bass."""
    classes = chord.pitch_classes
    return frozenset(classes if len(classes) <= MAX_UPPER else classes[1:])


def motion(pitches: Pitches, previous: Pitches) -> int:
    """Semitones that all voices move, bass to bass and the upper ones in order.

    Where one chord has a voice more, that voice comes or goes without motion: the one that leaves least to move.
    """
    return abs(pitches[0] - previous[0]) + _upper_motion(pitches[1:], previous[1:])


def _upper_motion(one: Pitches, other: Pitches) -> int:
    fewer, more = sorted((one, other), key=len)
    moves = itertools.combinations(more, len(fewer))
    return min(sum(abs(a - b) for a, b in zip(fewer, kept, strict=True)) for kept in moves)


def _stack(lowest: int, classes: frozenset[int]) -> Pitches:
    return tuple(lowest + step for step in range(12) if (lowest + step) % 12 in classes)


def _rank(pitches: Pitches, previous: Pitches) -> tuple[float, ...]:
    upper = pitches[1:]
    from_home = abs(pitches[0] - HOME_BASS) + abs(sum(upper) / len(upper) - HOME_UPPER)
    moved = motion(pitches, previous) if previous else 0
    return moved, -len(set(pitches) & set(previous)), from_home, *pitches
