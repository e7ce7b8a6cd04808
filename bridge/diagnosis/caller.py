"""The other end of a bridge: what it hears from us by OSC or MIDI, and what comes back, stamped as it comes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bridge.diagnosis.live_player import UdpWire
from bridge.errors import BridgeError
from bridge.ports.midi_drivers import Driver
from bridge.ports.midi_names import VIRTUAL_IN, VIRTUAL_OUT
from bridge.ports.osc.codec import Argument, build, parse

GREETING_SECONDS = 1.5
"""A bridge tells its status twice a second."""

STEP_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Came:
    """A message from the bridge."""

    seconds: float
    address: str
    arguments: Sequence[object]


class Caller(UdpWire):
    """A client of a bridge's OSC port that hears what all clients hear, and plays by OSC.

    Attributes:
        sent: when each note left (seconds).
    """

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[float] = []
        self._read = 0
        self._joined = False

    def greet(self, port: int) -> bool:
        """Subscribe at the bridge that hears the UDP port `port`; whether there is one."""
        self.connect(str(port))
        self.say("/gapt/subscribe", int(self.place))
        self._joined = self.wait_for("/gapt/status", GREETING_SECONDS) is not None
        return self._joined

    def now(self) -> float:
        """Seconds, as everything is stamped."""
        return self._clock.now()

    def say(self, address: str, *arguments: Argument) -> None:
        """Send a message."""
        self._udp.sendto(build(address, arguments), self._bridge)

    def send(self, pitch: int, velocity: int) -> None:
        """Send a note; velocity 0 ends it."""
        if velocity:
            self.sent.append(self.now())
        super().send(pitch, velocity)

    def news(self) -> Iterator[Came]:
        """What came since the last time."""
        while self._read < len(self.came):
            seconds, datagram = self.came[self._read]
            self._read += 1
            for message in parse(datagram):
                yield Came(seconds, message.address, message.arguments)

    def wait_for(self, address: str, patience_seconds: float) -> Came | None:
        """The next message to `address`, what comes before it forgotten; None where it does not come."""
        deadline = self.now() + patience_seconds
        while self.now() < deadline:
            self.hear_until(min(deadline, self.now() + STEP_SECONDS))
            for came in self.news():
                if came.address == address:
                    return came
        return None

    def close(self) -> None:
        """Unsubscribe, and release the socket."""
        if self._joined:
            self.say("/gapt/unsubscribe", int(self.place))
        super().close()


class MidiCaller(Caller):
    """The same, but plays by the MIDI ports between a host and the bridge, and hears the chords there.

    Attributes:
        struck: when each note of a chord came by MIDI (seconds).
    """

    def __init__(self, driver: Driver, heard: str, played: str) -> None:
        """Open the port `heard` by the bridge and the one `played` to by it; empty is the bridge's own.

        Raises:
            BridgeError: there is no such port, or it cannot be opened.
        """
        super().__init__()
        self.struck: list[float] = []
        with contextlib.ExitStack() as undo:
            undo.callback(super().close)
            self._out = driver.open_output(_named(heard or VIRTUAL_IN, driver.outputs(), "in"), False)
            undo.callback(self._out.close)
            self._in = driver.open_input(_named(played or VIRTUAL_OUT, driver.inputs(), "out"), False, self._received)
            undo.pop_all()

    def send(self, pitch: int, velocity: int) -> None:
        """Send a note; velocity 0 ends it."""
        if velocity:
            self.sent.append(self.now())
        self._out.send([0x90, pitch, velocity])

    def close(self) -> None:
        """Release the ports too."""
        self._out.close()
        self._in.close()
        super().close()

    def _received(self, data: Sequence[int]) -> None:
        if data[0] & 0xF0 == 0x90 and data[2]:
            self.struck.append(self._clock.now())


def _named(wanted: str, names: Sequence[str], option: str) -> str:
    """The name that has `wanted` in it.

    Raises:
        BridgeError: none has.
    """
    for name in names:
        if wanted.lower() in name.lower():
            return name
    listed = ", ".join(f"“{name}”" for name in names) or "none"
    raise BridgeError(
        f"There is no MIDI port “{wanted}”; there are: {listed}. Start the bridge with MIDI, or name its port "
        f"with --{option}."
    )
