"""MIDI clock for others to follow: 24 ticks a quarter note, and where and whether the music rolls."""

from __future__ import annotations

import math

from bridge.events import ClockOut, OutMessage

TICKS_PER_BEAT = 24
ROUNDING = 1e-6


class ClockOutput:
    """A part of the engine. While it is on it ticks, whether the transport rolls or stands, as the standard advises."""

    def __init__(self, on: bool = False) -> None:
        self._on = on
        self._next = 0

    def switch(self, on: bool, beats: float) -> None:
        """Tick from `beats` on, or no more."""
        self._on = on
        self._align(beats)

    def next_beats(self) -> float:
        """When the next tick is due; infinity while it is off."""
        return self._next / TICKS_PER_BEAT if self._on else math.inf

    def tick(self) -> list[OutMessage]:
        """The tick that is due."""
        due = self.next_beats()
        self._next += 1
        return [ClockOut(due, "tick")]

    def start(self, beats: float, jump: bool) -> list[OutMessage]:
        """The music rolls from `beats` on; its next tick is on or after that."""
        self._align(beats)
        if not self._on:
            return []
        stop: list[OutMessage] = [ClockOut(beats, "stop")] if jump else []
        if beats <= 0.0:
            return [*stop, ClockOut(beats, "start")]
        return [*stop, ClockOut(beats, "position", beats), ClockOut(beats, "continue")]

    def stop(self, beats: float) -> list[OutMessage]:
        """The music stands."""
        return [ClockOut(beats, "stop")] if self._on else []

    def _align(self, beats: float) -> None:
        self._next = math.ceil(beats * TICKS_PER_BEAT - ROUNDING)
