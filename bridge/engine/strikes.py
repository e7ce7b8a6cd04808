"""One note of a laid-out chord, and how loud and how long it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gapt_core.vocabulary import FRAMES_PER_BEAT

Place = tuple[int, int, int]
"""Place in the bar, length of the full bar, length of a beat; in frames."""

AT_BAR, ON_BEAT, OFF_BEAT = 1.06, 1.0, 0.92
"""Loudness by the place in the bar."""

BASS, INNER, TOP = 1.04, 0.9, 1.0
"""Loudness by voice: what is between bass and top stays back."""

GAP_FRAMES = 0.1
"""How much earlier than need be a note ends that may be struck again: synthesizers cut one off otherwise."""


@dataclass(frozen=True, slots=True)
class Strike:
    """One note.

    Attributes:
        offset_beats: after the frame's grid line, never below 0.
        velocity_scale: times the velocity that is set; whoever plays it keeps the product within MIDI's 1 to 127.
        duration_beats: from its onset; None for the rest of the chord.
    """

    offset_beats: float
    pitch: int
    velocity_scale: float
    duration_beats: float | None = None


def accent(place: Place) -> float:
    at, _, beat = place
    return AT_BAR if at == 0 else ON_BEAT if at % beat == 0 else OFF_BEAT


def weighed(pitches: Sequence[int]) -> list[tuple[int, float]]:
    """Each pitch with the loudness of its voice."""
    weights = (BASS, *[INNER] * (len(pitches) - 2), TOP)
    return list(zip(pitches, weights, strict=False))


def beats_of(frames: int) -> float:
    """The length of a note that may be struck again after `frames`."""
    return (frames - GAP_FRAMES) / FRAMES_PER_BEAT
