"""Chords to pitches: a bass, and above it voices led with the least motion there is."""

from __future__ import annotations

import itertools
from functools import lru_cache

from gapt_core.chords import Chord

BASS_LOWEST = 34
"""The lowest bass, where the voices above it leave room; with them it goes down, but not below `DEEPEST_BASS`."""

DEEPEST_BASS = 28
BASS_COUNT, BASS_HOME = 17, 9
"""How many pitches the bass may have, from its lowest on, and how far up there it likes to be."""

BASS_BELOW = 26
"""How far at least the lowest bass is below the middle of the voices above it."""

BASS_ROOM = 5
"""Semitones from the bass to the voice above it, at least: what is nearer growls down there."""

HALF_OCTAVE = 6
MAX_UPPER = 4

SHELL_INTERVALS = ((3, 4, 2, 5), (10, 11, 9, 7, 6, 8))
"""What a shell has above the root, of each row the first that the chord has: its third, and its seventh if any."""

CACHED_VOICINGS, CACHED_CHOICES = 2048, 4096

Pitches = tuple[int, ...]


class LeadingVoicer:
    """Voices lead: of all voicings in the register, the one that moves least from the voicing before."""

    def voice(self, chord: Chord, previous: Pitches, register: int = 60, voicing: str = "block") -> Pitches:
        """MIDI pitches for `chord`, bass first, then rising.

        Of equal motions the one wins that keeps more pitches, then the one nearer to the middle of the
        register, then the lower. Without `previous` the middle of the register decides.
        """
        return _led(chord, previous, register, voicing)


class RootVoicer:
    """Every chord in root position from the same octave; no leading, no register. For tests."""

    def voice(self, chord: Chord, previous: Pitches, register: int = 60, voicing: str = "block") -> Pitches:
        """MIDI pitches for `chord`, bass first, then rising."""
        return (36 + chord.root, *sorted(60 + pitch_class for pitch_class in chord.pitch_classes))


@lru_cache(maxsize=CACHED_VOICINGS)
def voicings(chord: Chord, register: int = 60, voicing: str = "block") -> tuple[Pitches, ...]:
    """Every voicing allowed: the root in the bass, and above it each layout whose mean is nearest to `register`.

    A layout is a close position with every pitch class of the chord, the root left out of a chord of five. A `pad`
    has an open position of four voices instead, where it finds room above the bass, and a `shell` nothing but third
    and seventh (or sixth, or fifth).
    """
    bass = [pitch for pitch in bass_range(register) if pitch % 12 == chord.root]
    uppers = [_near(register, layout) for layout in _layouts(chord, voicing)]
    found = tuple((low, *upper) for low in bass for upper in uppers if low + BASS_ROOM <= upper[0])
    return found or voicings(chord, register)


def bass_range(register: int) -> range:
    """MIDI pitches that the bass may have under voices whose middle is `register`."""
    lowest = max(DEEPEST_BASS, min(BASS_LOWEST, register - BASS_BELOW))
    return range(lowest, lowest + BASS_COUNT)


def upper_classes(chord: Chord) -> frozenset[int]:
    """Pitch classes of the voices above the bass, in every voicing but a shell."""
    classes = chord.pitch_classes
    return frozenset(classes if len(classes) <= MAX_UPPER else classes[1:])


def shell_classes(chord: Chord) -> frozenset[int]:
    """Pitch classes of the two voices above the bass of a shell."""
    intervals = {(pitch_class - chord.root) % 12 for pitch_class in chord.pitch_classes}
    kept = [next(interval for interval in row if interval in intervals) for row in SHELL_INTERVALS]
    return frozenset((chord.root + interval) % 12 for interval in kept)


def motion(pitches: Pitches, previous: Pitches) -> int:
    """Semitones that all voices move, bass to bass and the upper ones in order.

    Where one chord has a voice more, that voice comes or goes without motion: the one that leaves least to move.
    """
    return abs(pitches[0] - previous[0]) + _upper_motion(pitches[1:], previous[1:])


@lru_cache(maxsize=CACHED_CHOICES)
def _led(chord: Chord, previous: Pitches, register: int, voicing: str) -> Pitches:
    return min(voicings(chord, register, voicing), key=lambda pitches: _rank(pitches, previous, register))


def _upper_motion(one: Pitches, other: Pitches) -> int:
    if len(one) == len(other):
        return sum(abs(a - b) for a, b in zip(one, other, strict=True))
    fewer, more = sorted((one, other), key=len)
    moves = itertools.combinations(more, len(fewer))
    return min(sum(abs(a - b) for a, b in zip(fewer, kept, strict=True)) for kept in moves)


def _layouts(chord: Chord, voicing: str) -> list[Pitches]:
    """Every layout of the voices above the bass, each in one octave or another."""
    if voicing == "shell":
        return _inversions(shell_classes(chord))
    close = _inversions(upper_classes(chord))
    return [layout for stack in close for layout in _opened(stack, chord)] if voicing == "pad" else close


def _inversions(classes: frozenset[int]) -> list[Pitches]:
    """`classes` within an octave, on each of them as the lowest."""
    return [tuple(low + step for step in range(12) if (low + step) % 12 in classes) for low in sorted(classes)]


def _opened(stack: Pitches, chord: Chord) -> list[Pitches]:
    """Open positions of a close one: of its four voices the second or the third from above goes down an octave.

    A triad gets its fourth voice by doubling its root or fifth, never what makes it major, minor or suspended.
    """
    if len(stack) < MAX_UPPER:
        if stack[0] % 12 == chord.pitch_classes[1]:
            return []
        stack = (*stack, stack[0] + 12)
    return [tuple(sorted((stack[voice] - 12, *stack[:voice], *stack[voice + 1 :]))) for voice in (1, 2)]


def _near(register: int, layout: Pitches) -> Pitches:
    """`layout` in the octave in which its mean is at most half an octave away from `register`."""
    count = len(layout)
    octaves = -((sum(layout) - count * (register - HALF_OCTAVE)) // (12 * count))
    return tuple(pitch + 12 * octaves for pitch in layout)


def _rank(pitches: Pitches, previous: Pitches, register: int) -> tuple[float, ...]:
    upper = pitches[1:]
    home_bass = bass_range(register)[BASS_HOME]
    from_home = abs(pitches[0] - home_bass) + abs(sum(upper) / len(upper) - register)
    moved = motion(pitches, previous) if previous else 0
    return moved, -len(set(pitches) & set(previous)), from_home, *pitches
