"""A conductor under virtual time, with the map of beats that its orders make, as the engine has it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from bridge.controls.settings import Settings
from bridge.engine.transport import Transport
from bridge.events import Clock, InEvent, MetreChange, Position, Start, Stop, SyncChanged, TempoChange
from bridge.sync.conductor import Conductor

TICKS = 24
"""Of MIDI clock, in a quarter note."""

Order = TypeVar("Order")


class Follower:
    """Facts go in; `orders` has all that came out, and `transport` is where the music stands by them."""

    def __init__(self, **settings: object) -> None:
        plain = Settings()
        for name, value in settings.items():
            plain = plain.changed(name, value)
        self.conductor = Conductor(plain)
        self.transport = Transport(plain.tempo)
        self.orders: list[InEvent] = []
        self.set_back = 0.0
        """By how many seconds the music was set back at most, without a start."""

    def take(self, *facts: InEvent) -> list[InEvent]:
        """Each fact at its time; the orders that came of them."""
        before = len(self.orders)
        for fact in facts:
            self.advance(fact.seconds)
            self._obey(self.conductor.handle(fact))
        return self.orders[before:]

    def advance(self, seconds: float) -> list[InEvent]:
        """Nothing comes until `seconds`."""
        before = len(self.orders)
        while (wake := self.conductor.wake_seconds()) is not None and wake < seconds:
            self._obey(self.conductor.advance(wake))
        return self.orders[before:]

    def beats_at(self, seconds: float) -> float:
        """The music's beats."""
        return self.transport.beats_at(seconds)

    def all(self, kind: type[Order]) -> list[Order]:
        """All orders of this kind so far."""
        return [order for order in self.orders if isinstance(order, kind)]

    @property
    def sync(self) -> tuple[str, str]:
        """The newest source and state that was told to people."""
        changed = self.all(SyncChanged)[-1]
        return changed.source, changed.state

    def _obey(self, orders: list[InEvent]) -> None:
        self.orders += orders
        for order in orders:
            if isinstance(order, Start):
                self.transport.roll(order.seconds, order.beats)
            elif isinstance(order, Stop):
                self.transport.rolling = False
            elif isinstance(order, MetreChange):
                self.transport.change_metre(order, int(self.beats_at(order.seconds) * 4))
            elif isinstance(order, (TempoChange, Position)):
                before = self.beats_at(order.seconds)
                self.transport.change_tempo(order)
                back = (before - self.beats_at(order.seconds)) * 60.0 / order.bpm
                self.set_back = max(self.set_back, back)


def ticks(first: float, count: int, bpm: float, device: str = "drum machine") -> list[Clock]:
    """`count` ticks of a steady clock from `first` (seconds) on."""
    return [Clock(first + i * 60.0 / bpm / TICKS, device, "tick") for i in range(count)]


def clock(seconds: float, kind: str, beats: float = 0.0, device: str = "drum machine") -> Clock:
    """A message of the clock that is no tick."""
    return Clock(seconds, device, kind, beats)  # type: ignore[arg-type]


def kinds(orders: Iterable[InEvent]) -> list[str]:
    """What sorts of orders these are, those for people left out."""
    return [type(order).__name__ for order in orders if not isinstance(order, SyncChanged)]
