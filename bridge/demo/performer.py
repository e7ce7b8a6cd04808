"""Plays a melody in real time, as a player at a keyboard would: each note is reported when it is struck."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

from bridge.events import InEvent, NoteOff, NoteOn
from bridge.seams import Clock, Inbox

LEAD_SECONDS = 0.5
"""From `start` to the first event, so that all threads are there."""


class Performer:
    """A sync source and a player in one. Notes are stamped as they are struck; start, stop and tempo by the score."""

    def __init__(self, clock: Clock, events: Sequence[InEvent], ended: Callable[[], None]) -> None:
        """Stand still.

        Args:
            events: in order; their seconds count from the first one.
            ended: called on the performer's thread after the last event.
        """
        self._clock = clock
        self._events = events
        self._ended = ended
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, inbox: Inbox) -> None:
        """Begin to play."""
        self._thread = threading.Thread(target=self._perform, args=(inbox,), name="performer", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Play no more. Safe to call twice."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def _perform(self, inbox: Inbox) -> None:
        begin = self._clock.now() + LEAD_SECONDS - (self._events[0].seconds if self._events else 0.0)
        for event in self._events:
            due = begin + event.seconds
            if self._stopping.wait(max(0.0, due - self._clock.now())):
                return
            played = isinstance(event, (NoteOn, NoteOff))
            inbox(replace(event, seconds=self._clock.now() if played else due))
        self._ended()
