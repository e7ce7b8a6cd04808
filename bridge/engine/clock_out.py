"""MIDI clock for others to follow: 24 ticks a quarter note, and where and whether the music rolls."""

from __future__ import annotations

import math
from typing import Literal

from bridge.events import ClockOut, OutMessage
from gapt_core.vocabulary import FRAMES_PER_BEAT

TICKS_PER_BEAT = 24
ROUNDING = 1e-6


class ClockOutput:
    """A part of the engine. While it is on it ticks, whether the transport rolls or stands, as the standard advises.

    The first tick after a start or continue is the place that was told: both are sent right before their tick.
    """

    def __init__(self, on: bool = False) -> None:
        self._on = on
        self._next = 0
        self._begins: tuple[int, Literal["start", "continue"]] | None = None

    def switch(self, on: bool, beats: float, rolling: bool) -> list[OutMessage]:
        """Tick from `beats` on, or no more."""
        before, self._on = self._on, on
        if rolling and on:
            return self.start(beats, jump=False)
        self._align(beats)
        self._begins = None
        return [ClockOut(beats, "stop")] if rolling and before else []

    def next_beats(self) -> float:
        """When the next tick is due; infinity while it is off."""
        return self._next / TICKS_PER_BEAT if self._on else math.inf

    def tick(self) -> list[OutMessage]:
        """The tick that is due."""
        due, number = self.next_beats(), self._next
        self._next += 1
        if self._begins is None or number < self._begins[0]:
            return [ClockOut(due, "tick")]
        (_, kind), self._begins = self._begins, None
        return [ClockOut(due, kind), ClockOut(due, "tick")]

    def start(self, beats: float, jump: bool) -> list[OutMessage]:
        """The music rolls from `beats` on; others join it at the next place that the clock can name, a sixteenth."""
        self._align(beats)
        if not self._on:
            return []
        stop: list[OutMessage] = [ClockOut(beats, "stop")] if jump else []
        sixteenth = max(0, math.ceil(beats * FRAMES_PER_BEAT - ROUNDING))
        self._begins = (sixteenth * TICKS_PER_BEAT // FRAMES_PER_BEAT, "continue" if sixteenth else "start")
        return [*stop, ClockOut(beats, "position", sixteenth / FRAMES_PER_BEAT)] if sixteenth else stop

    def stop(self, beats: float) -> list[OutMessage]:
        """The music stands."""
        self._begins = None
        return [ClockOut(beats, "stop")] if self._on else []

    def _align(self, beats: float) -> None:
        self._next = math.ceil(beats * TICKS_PER_BEAT - ROUNDING)
