"""MIDI clock: 24 ticks a quarter note, start, continue, stop, and the song position pointer, in any state and order.

What real senders do besides the book, and what is made of it:

- Clock may run while the transport stands: the tempo is known before the start.
- A sender that was never heard to start has a tempo and no transport: music begins with the first note.
- Ardour 7 counts its song position in ticks and not in sixteenths, so that it is six times too large. A position that
  is six times where we stopped is read so from then on, until one fits as it stands.
- A position while it rolls is news only where it is half a beat or more off: some senders report it as they go.
- jack_midi_clock ticks at once when it rolls from elsewhere, tells a position two seconds ahead, and continues when it
  gets there, or forgets to. From 0 it may tick without a start. Ticks out of silence after a position therefore roll:
  from 0 at once, from elsewhere two seconds later.
"""

from __future__ import annotations

from bridge.events import Clock
from bridge.sync.source import Fact, State, View
from bridge.sync.ticks import TickFollower

TICKS_PER_BEAT = 24

LOST_SECONDS = 1.0
"""So long without a tick, it is lost."""

SILENCE_SECONDS = 0.3
"""Ticks after so long a pause began anew: the sender does not tick while it stands."""

AHEAD_SECONDS, GRACE_SECONDS = 2.0, 0.1
"""How far ahead a position may be that no `continue` has come for, and how long to wait for one beyond that."""

LOCKED_TICKS = 24

SIXFOLD = 6.0
NEAR_BEATS = 0.3
"""Two positions that near are the same one: they are told in sixteenths."""

NEWS_BEATS = 0.5


class MidiClock:
    """Follows the first device that sends clock, until it falls silent and another one ticks."""

    def __init__(self) -> None:
        self._device: str | None = None
        self._ticks = TickFollower()
        self._rolling: bool | None = None
        self._stretch = 0
        self._base = 0.0  # beats at tick 0 of the follower
        self._stands = 0.0  # where it stands, or goes on from
        self._next: float | None = None  # a start: where the next tick stands
        self._told: float | None = None  # a position told while it stands, not yet rolled from
        self._unannounced: tuple[float, float] | None = None  # first tick out of silence, and the position told before
        self._sixfold = False
        self._gone = False

    @property
    def device(self) -> str | None:
        """Whose clock is followed."""
        return self._device

    def take(self, fact: Fact) -> None:
        """A message of the clock; those of a second device pass by while the first one ticks."""
        assert isinstance(fact, Clock)
        if fact.device != self._device and not self._change_device(fact):
            return
        self._gone = False
        if fact.kind == "tick":
            self._tick(fact.seconds)
        elif fact.kind == "start":
            self._next, self._told, self._unannounced = 0.0, None, None
        elif fact.kind == "continue":
            self._told = self._unannounced = None
            if not self._rolling:
                self._next = self._stands
        elif fact.kind == "stop":
            self._stop()
        else:
            self._position(fact.beats)

    def gone(self, seconds: float) -> None:
        """Its port was lost: no need to wait for ticks."""
        self._gone = True

    def view(self, seconds: float) -> View | None:
        """Its transport; None while no tick comes and it does not roll."""
        last, line = self._ticks.last_seconds, self._ticks.line
        silent = last is None or self._gone or seconds >= last + LOST_SECONDS
        if last is None or (silent and not self._rolling):
            return None
        state: State = "lost" if silent else "locked" if self._ticks.count >= LOCKED_TICKS else "locking"
        name = f"MIDI clock from {self._device}"
        if line is None:
            beats = self._base if self._rolling else self._stands
            return View(state, last, beats, None, self._rolling, self._stretch, name)
        bpm = 60.0 / TICKS_PER_BEAT / line.period
        if self._rolling is False:
            return View(state, last, self._stands, bpm, False, self._stretch, name)
        beats = self._base + line.tick / TICKS_PER_BEAT
        return View(state, line.seconds, beats, bpm, self._rolling, self._stretch, name)

    def wake_seconds(self) -> float | None:
        """When it will be lost."""
        last = self._ticks.last_seconds
        return None if last is None or self._gone else last + LOST_SECONDS

    def _change_device(self, fact: Clock) -> bool:
        last = self._ticks.last_seconds
        if last is not None and not self._gone and fact.seconds < last + LOST_SECONDS:
            return False
        # The new one shares nothing with the one before but the place.
        if self._rolling:
            self._stands = self._here()
        self._device, self._rolling = fact.device, False if self._rolling else None
        self._ticks, self._base = TickFollower(), 0.0
        self._next = self._told = self._unannounced = None
        self._sixfold = False
        return True

    def _tick(self, seconds: float) -> None:
        last = self._ticks.last_seconds
        silent = last is None or seconds - last > SILENCE_SECONDS
        if silent and not self._rolling and self._told is not None and self._next is None:
            self._unannounced = (seconds, self._told)
            if self._told == 0.0:
                self._next = 0.0
        if self._next is not None:
            self._roll(seconds, self._next)
            return
        self._ticks.take(seconds)
        if self._unannounced is not None and seconds - self._unannounced[0] > AHEAD_SECONDS + GRACE_SECONDS:
            self._roll_unannounced(*self._unannounced)

    def _roll(self, seconds: float, beats: float) -> None:
        """This tick stands at `beats`, and it rolls from there."""
        self._ticks.take(seconds, 0)
        self._base = beats
        self._begin()

    def _roll_unannounced(self, first_seconds: float, beats: float) -> None:
        line = self._ticks.line
        if line is not None:
            self._base = beats - line.tick_at(first_seconds + AHEAD_SECONDS) / TICKS_PER_BEAT
            self._begin()

    def _begin(self) -> None:
        self._rolling = True
        self._stretch += 1
        self._next = self._told = self._unannounced = None

    def _stop(self) -> None:
        if self._rolling:
            self._stands = self._here()
        self._rolling = False
        self._next = self._unannounced = None

    def _here(self) -> float:
        """Where the tick to come stands, in beats."""
        line = self._ticks.line
        return self._base + (line.tick + 1 if line is not None else 0) / TICKS_PER_BEAT

    def _position(self, beats: float) -> None:
        stands = self._here() if self._rolling else self._stands
        if stands >= 1.0 and abs(beats - stands) <= NEAR_BEATS:
            self._sixfold = False
        elif stands >= 1.0 and abs(beats / SIXFOLD - stands) <= NEAR_BEATS:
            self._sixfold = True
        beats = beats / SIXFOLD if self._sixfold else beats
        if not self._rolling:
            self._stands = self._told = beats
            if self._next is not None:
                self._next = beats
        elif abs(beats - stands) > NEWS_BEATS:
            self._next = beats
