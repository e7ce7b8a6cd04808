"""MIDI without a system: devices that can be unplugged, and what arrives at them."""

from __future__ import annotations

from bridge.errors import BridgeError
from bridge.ports.midi_drivers import Connection, Received


class Wire:
    """A connection that keeps what is sent, and how it ended."""

    def __init__(self) -> None:
        self.alive = True
        self.ended = ""
        self.sent: list[list[int]] = []

    def send(self, data: list[int], passed: bool = False) -> bool:
        if self.alive:
            self.sent.append(data)
        return self.alive

    def close(self) -> None:
        self.ended = self.ended or "closed"

    def abandon(self) -> None:
        self.ended = self.ended or "abandoned"


class MemoryDriver:
    """A back end and a guardian at once. `plugged` are the devices there are, both to hear and to play to."""

    def __init__(self, *plugged: str) -> None:
        self.plugged: list[str] | None = list(plugged)
        self.life = 1
        self.cut: set[str] = set()
        """Devices that are there and not connected to us any more."""
        self.wires: list[Wire] = []
        self.opened: list[tuple[str, bool]] = []
        self.hear: Received = lambda data: None
        """What the system would call with the bytes of a message."""

    def names(self) -> list[str] | None:
        return self.plugged

    def inputs(self) -> list[str]:
        if self.plugged is None:
            raise BridgeError("The system's MIDI does not answer.")
        return self.plugged

    outputs = inputs

    def linked(self, name: str) -> bool:
        return name not in self.cut

    def open_input(self, name: str, virtual: bool, received: Received) -> Connection:
        self.hear = received
        return self._open(name, virtual)

    def open_output(self, name: str, virtual: bool) -> Wire:
        return self._open(name, virtual)

    def _open(self, name: str, virtual: bool) -> Wire:
        if not virtual and name not in self.inputs():
            raise BridgeError(f"“{name}” cannot be opened.")
        self.cut.discard(name)
        self.opened.append((name, virtual))
        self.wires.append(Wire())
        return self.wires[-1]
