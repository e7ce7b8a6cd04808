"""The verbs of what can be exchanged: clocks, ports, sync. The real forms and the ones for tests stand beside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from bridge.events import InEvent, OutMessage
from gapt_core.chords import Chord

Inbox = Callable[[InEvent], None]
"""Where driver threads put events: appends and wakes the engine's thread; never blocks."""


class Clock(Protocol):
    """Monotonic seconds and the waiting for them, so that a test replaces both."""

    def now(self) -> float:
        """Seconds, never running backwards."""

    def sleep_until(self, seconds: float) -> None:
        """Return at `seconds`, or at once where that is past."""


class InputStage(Protocol):
    """Stands between the ports and the engine, on the engine's thread: makes orders of facts.

    Like the engine it is sans-IO: no thread, no port, no clock. What is none of its business passes through.
    """

    def handle(self, event: InEvent) -> list[InEvent]:
        """What to pass on in place of `event`, in order."""

    def advance(self, seconds: float) -> list[InEvent]:
        """Let time go on to `seconds`; what follows from that alone."""

    def wake_seconds(self) -> float | None:
        """When `advance` next has something to do unless an event comes first; None for never."""


class InPort(Protocol):
    """Where notes come from."""

    def start(self, inbox: Inbox) -> None:
        """Begin to report, from the driver's own thread."""

    def close(self) -> None:
        """Release the port. Safe to call twice."""


class OutPort(Protocol):
    """Where notes and chords go."""

    def send(self, message: OutMessage) -> None:
        """Send now."""

    def close(self) -> None:
        """Release the port. Safe to call twice."""


class Tended(Protocol):
    """What needs a look now and then: a port that may be unplugged, subscribers that may be gone."""

    def tend(self) -> None:
        """Notice what was lost and what is back, and put right what can be; on one thread, about twice a second.

        Raises:
            BridgeError: something cannot be put right.
        """


class Voicer(Protocol):
    """Turns a chord into pitches."""

    def voice(
        self, chord: Chord, previous: tuple[int, ...], register: int = 60, voicing: str = "block"
    ) -> tuple[int, ...]:
        """MIDI pitches for `chord`, bass first, then rising, led from `previous`.

        `register` is the MIDI pitch around which the voices above the bass lie, `voicing` one of
        `bridge.controls.parameters.VOICINGS`.
        """
