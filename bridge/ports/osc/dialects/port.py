"""A host's dialect on a UDP port of its own: hears it, greets it, and greets it again when it falls silent."""

from __future__ import annotations

import contextlib
import logging
import select
import socket
import threading
from collections.abc import Sequence

from bridge.events import PortChanged
from bridge.ports.osc.choice import LOOPBACK
from bridge.ports.osc.codec import Message, build, parse
from bridge.ports.osc.dialects.dialect import Dialect, Line
from bridge.ports.osc.holder import holder
from bridge.seams import Clock, Inbox

RETRY_SECONDS = 2.0
"""How often to try for a port that another program holds."""

_MOST_BYTES = 1 << 16
"""Of a datagram: when asked, Bitwig tells all of its tracks in one."""

_WAKE_SECONDS = 0.2

logger = logging.getLogger(__name__)


class DialectPort:
    """An `InPort` that gives `HostReport`s. Its UDP port is taken when it starts, or as soon as it is free.

    Attributes:
        malformed: datagrams that were no OSC.
        port: the UDP port it listens on; None while another program holds it.
        problem: what is wrong, one sentence with the way out; empty while nothing is.
        name: for people.
    """

    def __init__(
        self,
        clock: Clock,
        dialect: Dialect,
        port_in: int | None = None,
        port_out: int | None = None,
        host: str = LOOPBACK,
    ) -> None:
        """Touch nothing yet. The ports are the dialect's own unless given; `host` runs on the computer `host`."""
        self.malformed = 0
        self.port: int | None = None
        self.problem = ""
        self.name = dialect.name
        self._clock = clock
        self._dialect = dialect
        self._port_in = dialect.port_in if port_in is None else port_in
        self._port_out = dialect.port_out if port_out is None else port_out
        self._host = host
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._heard_seconds = 0.0

    def start(self, inbox: Inbox) -> None:
        """Begin to report, from a thread of its own; never fails."""
        self._thread = threading.Thread(target=self._run, args=(inbox,), name=f"osc {self.name}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Tell the host that we leave, and release the port. Safe to call twice."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self, inbox: Inbox) -> None:
        udp = self._bound(inbox)
        if udp is None:
            return
        with contextlib.closing(udp):
            self._greet(udp)
            while not self._closing.is_set():
                self._wait(udp, inbox)
            self._say(udp, self._dialect.farewell(udp.getsockname()[1]))
        self.port = None

    def _bound(self, inbox: Inbox) -> socket.socket | None:
        """The socket, once the port is free; None where we are closed before."""
        while not self._closing.is_set():
            udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                # Whoever speaks to this computer's loopback is on it; a host elsewhere needs all interfaces.
                udp.bind((LOOPBACK if self._host == LOOPBACK else "", self._port_in))
            except (OSError, OverflowError) as error:
                udp.close()
                self._complain(error, inbox)
                self._closing.wait(RETRY_SECONDS)
                continue
            udp.setblocking(False)
            self.port = udp.getsockname()[1]
            if self.problem:
                self.problem = ""
                inbox(PortChanged(self._clock.now(), self.name, "in", there=True))
            return udp
        return None

    def _complain(self, error: Exception, inbox: Inbox) -> None:
        if self.problem:
            return
        who = holder(self._port_in) or "another program"
        self.problem = (
            f"{self.name} cannot be heard, for UDP port {self._port_in} is held by {who} ({error}): "
            "close that, and it is taken at once."
        )
        logger.info("%s", self.problem)
        inbox(PortChanged(self._clock.now(), self.name, "in", there=False))

    def _wait(self, udp: socket.socket, inbox: Inbox) -> None:
        if select.select([udp], [], [], _WAKE_SECONDS)[0]:
            try:
                datagram, sender = udp.recvfrom(_MOST_BYTES)
                if sender[0] == self._host:
                    self._take(udp, datagram, self._clock.now(), inbox)
            except BlockingIOError:
                pass
            except OSError as error:
                # Windows reports here that the host is not there.
                logger.debug("receiving: %s", error)
        if self._clock.now() - self._heard_seconds > self._dialect.silence_seconds:
            self._greet(udp)

    def _take(self, udp: socket.socket, datagram: bytes, seconds: float, inbox: Inbox) -> None:
        try:
            messages: Sequence[Message] = parse(datagram, _MOST_BYTES)
        except ValueError as error:
            self.malformed += 1
            logger.debug("dropped a datagram: %s", error)
            return
        self._heard_seconds = seconds
        if any(self._dialect.is_new(message) for message in messages):
            self._greet(udp)
        report = self._dialect.read(seconds, messages)
        if report is not None:
            inbox(report)

    def _greet(self, udp: socket.socket) -> None:
        self._heard_seconds = self._clock.now()
        self._say(udp, self._dialect.greeting(udp.getsockname()[1]))

    def _say(self, udp: socket.socket, lines: Sequence[Line]) -> None:
        if self._port_out is None:
            return
        for address, arguments in lines:
            try:
                udp.sendto(build(address, arguments), (self._host, self._port_out))
            except OSError as error:
                logger.debug("sending: %s", error)
