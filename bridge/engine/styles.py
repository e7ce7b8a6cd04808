"""How a chord is laid out in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Strike:
    """One note: so many beats after the line, for so long, or until the chord ends."""

    offset_beats: float
    pitch: int
    velocity_scale: float = 1.0
    duration_beats: float | None = None


class Style(Protocol):
    """Lays a chord out."""

    ties: bool

    def strike(self, pitches: Sequence[int], frame: int, place: tuple[int, int, int], bpm: float) -> list[Strike]:
        """The notes of a chord that begins at `frame`."""

    def tick(self, pitches: Sequence[int], frame: int, since: int, place: tuple[int, int, int]) -> list[Strike]:
        """The notes of a later frame."""


class Block:
    """All at once."""

    ties = False

    def strike(self, pitches: Sequence[int], frame: int, place: tuple[int, int, int], bpm: float) -> list[Strike]:
        return [Strike(0.0, pitch) for pitch in pitches]

    def tick(self, pitches: Sequence[int], frame: int, since: int, place: tuple[int, int, int]) -> list[Strike]:
        return []


def style_of(name: str) -> Style:
    """The style of that name."""
    return Block()


class VelocityFollow:
    """The player's force."""

    def hear(self, velocity: int) -> None:
        """A note of the player."""

    def velocity(self, base: int, follow: float) -> float:
        """How hard."""
        return base
