"""How a chord is laid out in time: what of it is struck when it begins, and what while it goes on.

A style keeps nothing between calls: what it plays follows from the chord, the place in the bar and the frames since
the chord began. Nobody knows how long a chord will last, so that a pattern is decided frame by frame; whoever plays it
ends at the chord's end whatever still sounds or is still to come.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bridge.engine.patterns import Arpeggio, BassChord
from bridge.engine.strikes import INNER, Place, Strike, accent, weighed
from gapt_core.vocabulary import FRAMES_PER_BEAT

STRUM_SECONDS = 0.018
"""From one note of a strum to the next, as long as all of it fits into `STRUM_BEATS`."""

STRUM_BEATS = 0.5 / FRAMES_PER_BEAT


class Style(Protocol):
    """Lays out chords. `pitches` are a chord's, bass first, then rising."""

    @property
    def ties(self) -> bool:
        """Whether a pitch that sounds already goes on into the next chord instead of being struck again."""

    def strike(self, pitches: Sequence[int], place: Place, bpm: float) -> Sequence[Strike]:
        """What to play when a chord begins at `place`; `bpm` is quarter notes a minute."""

    def tick(self, pitches: Sequence[int], since: int, place: Place) -> Sequence[Strike]:
        """What to play at `place`, `since` frames (1 or more) after the chord began, if it goes on."""


@dataclass(frozen=True, slots=True)
class Held:
    """All notes at once, for as long as the chord lasts: block, shell, and with `ties` pad.

    All as loud as `force` says, times what is set; by voice and place in the bar without.
    """

    ties: bool = False
    force: float | None = None

    def strike(self, pitches: Sequence[int], place: Place, bpm: float) -> Sequence[Strike]:
        """Every pitch."""
        if self.force is not None:
            return [Strike(0.0, pitch, self.force) for pitch in pitches]
        return [Strike(0.0, pitch, accent(place) * weight) for pitch, weight in weighed(pitches)]

    def tick(self, pitches: Sequence[int], since: int, place: Place) -> Sequence[Strike]:
        """Nothing."""
        return ()


@dataclass(frozen=True, slots=True)
class Strum:
    """One note after another from the bass up, as over strings; they ring for as long as the chord lasts."""

    ties: bool = False

    def strike(self, pitches: Sequence[int], place: Place, bpm: float) -> Sequence[Strike]:
        """Every pitch, a little after the one below it."""
        step = min(STRUM_SECONDS * bpm / 60, STRUM_BEATS / max(1, len(pitches) - 1))
        force = accent(place)
        return [Strike(number * step, pitch, force * weight) for number, (pitch, weight) in enumerate(weighed(pitches))]

    def tick(self, pitches: Sequence[int], since: int, place: Place) -> Sequence[Strike]:
        """Nothing."""
        return ()


STYLES: dict[str, Style] = {
    "block": Held(force=1.0),
    "pad": Held(ties=True, force=INNER),
    "strum": Strum(),
    "arpeggio": Arpeggio(),
    "bass-chord": BassChord(),
    "shell": Held(),
}
"""By name, one for each of `bridge.controls.parameters.VOICINGS`."""


def style_of(voicing: str) -> Style:
    """The style of that name.

    Raises:
        KeyError: there is none.
    """
    return STYLES[voicing]


class VelocityFollow:
    """How hard the player strikes, smoothed over the last few notes."""

    SMOOTHING = 0.25
    """What the newest note counts; those before it fade by the rest."""

    BELOW_MELODY = 0.8
    """Chords struck as hard as a melody drown it: this much of its force sets them below it."""

    def __init__(self) -> None:
        self._force: float | None = None

    def hear(self, velocity: int) -> None:
        """The player struck a note with `velocity`, 1 to 127."""
        before = velocity if self._force is None else self._force
        self._force = before + self.SMOOTHING * (velocity - before)

    def velocity(self, base: float, follow: float) -> float:
        """`base` for a `follow` of 0, the player's for 1, in proportion between them; `base` until a note is heard."""
        if self._force is None:
            return base
        return base + follow * (self.BELOW_MELODY * self._force - base)
