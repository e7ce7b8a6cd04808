"""Our own tempo: for a player with no host to follow."""

from __future__ import annotations

from bridge.events import InEvent, MetreChange, NoteOn, Start, Stop, TempoChange
from bridge.seams import Clock, Inbox


class InternalSync:
    """A steady tempo. The first note is beat 0, unless a host starts or stops the transport: then that one rules."""

    def __init__(self, clock: Clock, bpm: float, numerator: int = 4, denominator: int = 4) -> None:
        self._clock = clock
        self._bpm = bpm
        self._metre = (numerator, denominator)
        self._armed = True

    def start(self, inbox: Inbox) -> None:
        """Say tempo and metre."""
        now = self._clock.now()
        inbox(MetreChange(now, *self._metre))
        inbox(TempoChange(now, self._bpm))

    def stop(self) -> None:
        """Nothing runs."""

    def started_by(self, inbox: Inbox) -> Inbox:
        """An inbox for ports that puts a `Start` before the first note."""

        def put(event: InEvent) -> None:
            if self._armed and isinstance(event, (NoteOn, Start, Stop)):
                self._armed = False
                if isinstance(event, NoteOn):
                    inbox(Start(event.seconds))
            inbox(event)

        return put
