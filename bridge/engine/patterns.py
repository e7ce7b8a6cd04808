"""Styles that go on while a chord lasts: arpeggio, and bass and chord in turn."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from bridge.engine.strikes import BASS, INNER, OFF_BEAT, ON_BEAT, Place, Strike, accent, beats_of
from gapt_core.vocabulary import FRAMES_PER_BEAT

FIFTH = 7
DEEPEST_FIFTH, MIDDLE_BASS = 28, 41
"""MIDI pitches: a fifth in the bass is never deeper, and it is above a root that is below the second, else below it."""

HALVED_BARS = 12
"""Frames: an arpeggio sets out from the bass anew in the middle of the bar too, where half a bar is as long as this."""

CACHED_METRES = 64


@dataclass(frozen=True, slots=True)
class Arpeggio:
    """The bass, then up and down the voices above it, a note every eighth; from the bass again at each bar line.

    Sixteenths where the beat has no eighths or the bar is too short for the chord. Each note rings into the next.
    """

    ties: bool = False

    def strike(self, pitches: Sequence[int], place: Place, bpm: float) -> Sequence[Strike]:
        """The bass."""
        return self._bass(pitches, 0, place)

    def tick(self, pitches: Sequence[int], since: int, place: Place) -> Sequence[Strike]:
        """The next note, where one is due."""
        round_ = _round(len(pitches), since, place)
        if round_.at % round_.step:
            return ()
        number = round_.at // round_.step
        if since < round_.at:  # the chord began within this round
            number -= (round_.at - since) // round_.step
        if number == 0:
            return self._bass(pitches, since, place)
        upper = pitches[1:]
        ring = min(2, len(upper)) * round_.step
        force = (ON_BEAT if place[0] % place[2] == 0 else OFF_BEAT) * INNER
        return [Strike(0.0, upper[_zigzag(number - 1, len(upper))], force, beats_of(ring))] if upper else ()

    def _bass(self, pitches: Sequence[int], since: int, place: Place) -> Sequence[Strike]:
        round_ = _round(len(pitches), since, place)
        return [Strike(0.0, pitches[0], BASS * accent(place), beats_of(round_.length - round_.at))]


@dataclass(frozen=True, slots=True)
class BassChord:
    """The bass on strong beats and the chord above it on the others: oom-pah, oom-pah-pah.

    A chord that begins elsewhere than on a strong beat is struck whole. On every other strong beat that the chord
    lives to see the bass has its fifth.
    """

    ties: bool = False

    def strike(self, pitches: Sequence[int], place: Place, bpm: float) -> Sequence[Strike]:
        """The bass; the chord with it off the strong beats."""
        at, full, beat = place
        pulses = _pulses(full, beat)
        pulse = pulses.get(at)
        frames = pulse.frames if pulse else min(other for other in (*pulses, full) if other > at) - at
        whole = pulse is None or pulse.chord
        return [*_low(pitches[0], frames, place), *(_high(pitches, frames, place) if whole else ())]

    def tick(self, pitches: Sequence[int], since: int, place: Place) -> Sequence[Strike]:
        """What the beat has, if this is one."""
        at, full, beat = place
        pulse = _pulses(full, beat).get(at)
        if pulse is None:
            return ()
        if pulse.chord and not pulse.bass:
            return _high(pitches, pulse.frames, place)
        turn = pulse.group if pulse.group or pulse.groups > 1 else since // full
        bass = _low(_fifth(pitches) if turn % 2 else pitches[0], pulse.frames, place)
        return [*bass, *_high(pitches, pulse.frames, place)] if pulse.chord else bass


@dataclass(frozen=True, slots=True)
class _Round:
    """A round of an arpeggio: `length` frames of one note every `step`, of which this is frame `at`."""

    at: int
    length: int
    step: int


@dataclass(frozen=True, slots=True)
class _Pulse:
    """What stands on a beat of bass-chord, for how many frames; the bar has `groups` that begin with a bass."""

    bass: bool
    chord: bool
    frames: int
    group: int
    groups: int


def _zigzag(number: int, count: int) -> int:
    """Up and down over `count` places, the ends once each: 0 1 2 1 0 1 …"""
    turn = number % max(1, 2 * count - 2)
    return min(turn, 2 * count - 2 - turn)


def _round(count: int, since: int, place: Place) -> _Round:
    """Where an arpeggio over `count` pitches stands; bars too short for it are ignored."""
    at, full, beat = place
    step = 2 if beat % 2 == 0 and full >= 2 * count else 1
    if full < count:
        length = max(1, 2 * count - 2)
        return _Round(since % length, length, 1)
    length = full
    while length % 2 == 0 and length // 2 >= HALVED_BARS and length // 2 % beat == 0:
        length //= 2
    return _Round(at % length, length, step)


@lru_cache(maxsize=CACHED_METRES)
def _pulses(full: int, beat: int) -> dict[int, _Pulse]:
    """Place in the bar to what bass-chord has there."""
    groups = _groups(full, beat)
    starts = [start for group in groups for start in group if start < full]
    frames = dict(zip(starts, [after - start for start, after in itertools.pairwise([*starts, full])], strict=True))
    alone = all(len(group) == 1 for group in groups)
    return {
        start: _Pulse(start == group[0], start != group[0] or alone, frames[start], number, len(groups))
        for number, group in enumerate(groups)
        for start in group
        if start < full
    }


def _groups(full: int, beat: int) -> list[list[int]]:
    """The bar's beats in groups, as places in frames; the first of a group is strong.

    A dotted beat, one of a half note or more, or one that is all of the bar is a group in itself: bass, then the
    chord on its last third or second half. Else beats are grouped by threes where that goes up, or by twos, after a
    three where there is one too many.
    """
    starts = list(range(0, full, beat))
    if beat % 3 == 0 or beat >= 2 * FRAMES_PER_BEAT or len(starts) == 1:
        after = beat * 2 // 3 if beat % 3 == 0 else beat // 2
        return [sorted({start, start + after}) for start in starts]
    sizes = _sizes(len(starts))
    ends = list(itertools.accumulate(sizes))
    return [starts[end - size : end] for end, size in zip(ends, sizes, strict=True)]


def _sizes(beats: int) -> list[int]:
    if beats % 3 == 0:
        return [3] * (beats // 3)
    return [3] * (beats % 2) + [2] * ((beats - 3 * (beats % 2)) // 2)


def _fifth(pitches: Sequence[int]) -> int:
    """The fifth nearest to the middle of the bass's range, where the chord has one and there is room; else the root."""
    root = pitches[0]
    if all((pitch - root) % 12 != FIFTH for pitch in pitches):
        return root
    fifth = root + FIFTH if root < MIDDLE_BASS else root + FIFTH - 12
    return fifth if DEEPEST_FIFTH <= fifth < pitches[1] else root


def _low(pitch: int, frames: int, place: Place) -> list[Strike]:
    return [Strike(0.0, pitch, BASS * accent(place), beats_of(frames))]


def _high(pitches: Sequence[int], frames: int, place: Place) -> list[Strike]:
    """The voices above the bass, short."""
    force = OFF_BEAT * accent(place)
    return [Strike(0.0, pitch, force * INNER, 0.6 * beats_of(frames)) for pitch in pitches[1:]]
