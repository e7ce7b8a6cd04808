"""The way from driver threads to the engine's thread."""

from __future__ import annotations

import queue

from bridge.events import InEvent


class Mailbox:
    """Many threads put, one takes."""

    def __init__(self) -> None:
        # The standard library's queue in C: `put` takes no lock of ours and may be called from a signal handler.
        self._events: queue.SimpleQueue[InEvent | None] = queue.SimpleQueue()

    def put(self, event: InEvent) -> None:
        """Append `event` and wake who takes; never blocks. This is what a port calls its `inbox`."""
        self._events.put(event)

    def wake(self) -> None:
        """Let a waiting `take` return without an event; never blocks."""
        self._events.put(None)

    def take(self, seconds: float | None) -> list[InEvent]:
        """All events that have come, in order, after waiting for the first one at most `seconds` (None: for ever)."""
        events: list[InEvent] = []
        try:
            first = self._next(seconds)
            while True:
                if first is not None:
                    events.append(first)
                first = self._events.get_nowait()
        except queue.Empty:
            return events

    def _next(self, seconds: float | None) -> InEvent | None:
        if seconds is not None and seconds <= 0.0:
            return self._events.get_nowait()
        return self._events.get(timeout=seconds)
