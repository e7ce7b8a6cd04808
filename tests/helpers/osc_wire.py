"""An OSC port that listens, a client's socket beside it, and the mailbox between the port and the test."""

from __future__ import annotations

import socket
from types import TracebackType

from bridge.events import HostReport, InEvent, Set
from bridge.live.inbox import Mailbox
from bridge.ports.osc.choice import LOOPBACK, OscChoice
from bridge.ports.osc.codec import Message, build, parse
from bridge.ports.osc.server import OscServer
from bridge.timing.clock import MonotonicClock

PATIENCE = 10.0

MARK = build("/gapt/transport", [0, -77.0])
"""A message whose event tells that all before it has been read."""


def client() -> socket.socket:
    """A socket of this computer that waits for what comes, though not for ever."""
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind((LOOPBACK, 0))
    udp.settimeout(PATIENCE)
    return udp


class Wire:
    """Opens a port by `choice`, by default one that sends nowhere and serves no queries."""

    def __init__(self, choice: OscChoice | None = None) -> None:
        self.mailbox = Mailbox()
        self.port = OscServer(MonotonicClock(), choice or OscChoice(port_in=0, out=None, query_port=None))
        self.port.start(self.mailbox.put)
        self.socket = client()

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def send(self, *datagrams: bytes) -> None:
        """From the client to the port."""
        for datagram in datagrams:
            self.socket.sendto(datagram, (LOOPBACK, self.port.port))

    def events(self) -> list[InEvent]:
        """What the port has reported since last asked."""
        self.send(MARK)
        events: list[InEvent] = []
        while not events or not (isinstance(events[-1], HostReport) and events[-1].beats == -77.0):
            came = self.mailbox.take(PATIENCE)
            assert came, "nothing came"
            events += came
        return events[:-1]

    def settings(self) -> list[tuple[str, object]]:
        """Names and values of the parameters that were set."""
        events = self.events()
        assert all(isinstance(event, Set) for event in events)
        return [(event.name, event.value) for event in events if isinstance(event, Set)]

    def message(self) -> Message:
        """The next one that the client gets."""
        (message,) = parse(self.socket.recv(4096))
        return message

    def close(self) -> None:
        self.port.close()
        self.socket.close()
