"""The OSC port: one UDP socket that listens, answers, and sends to all subscribers.

`start` begins one thread, which receives; `send` belongs to the sender's thread.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import secrets
import select
import socket
import threading
from collections.abc import Callable, Mapping, Sequence

from bridge.controls.parameters import PARAMETERS, Value
from bridge.controls.settings import Settings
from bridge.errors import BridgeError
from bridge.events import InEvent, OutMessage, ParameterChanged
from bridge.ports.osc.announce import announce
from bridge.ports.osc.choice import Endpoint, Guests, OscChoice, address_of, is_loopback
from bridge.ports.osc.codec import Argument, build, parse
from bridge.ports.osc.holder import holder
from bridge.ports.osc.namespace import NAME, VERSION, outgoing
from bridge.ports.osc.query import HostInfo, Snapshot
from bridge.ports.osc.query_server import QueryServer
from bridge.ports.osc.reading import Ask, Hello, Request, Subscribe, Unsubscribe, instead, read
from bridge.ports.osc.sounding import Sounding
from bridge.ports.osc.subscribers import Subscribers
from bridge.ports.osc.writing import lines
from bridge.seams import Clock, Inbox

RECEIVE_BUFFER_BYTES = 1 << 20
_MOST_BYTES = 1 << 16
_WAKE_SECONDS = 0.2

logger = logging.getLogger(__name__)


class OscServer:
    """Both an `InPort` and an `OutPort`.

    Attributes:
        malformed: datagrams that were no OSC and were dropped.
        refused: messages whose address or arguments are not ours, and subscriptions beyond the most there can be.
        strangers: datagrams from computers that are not listened to.
        unsent: messages that no datagram can hold.
        port: the UDP port it listens on.
        query_port: the TCP port of OSCQuery; None where there is none.
        session: drawn anew each time, so that a client sees that the bridge was started again.
        name: for people.
    """

    def __init__(
        self,
        clock: Clock,
        choice: OscChoice,
        settings: Settings | None = None,
        tell: Callable[[str], None] = logger.warning,
    ) -> None:
        """Bind the sockets.

        Args:
            settings: the values told before any has changed.
            tell: told in a sentence what nobody asked for and cannot be had.

        Raises:
            BridgeError: the UDP port cannot be had, a host is not known, or what goes out would come in again.
        """
        self.malformed = self.refused = self.strangers = self.unsent = 0
        self.session = 1 + secrets.randbelow((1 << 24) - 1)  # a host that knows only floats sees it unchanged
        self._clock = clock
        self._choice = choice
        self._tell = tell
        self._guests = Guests(choice.allow)
        self._host = address_of(choice.listen, "--osc-listen")
        self._socket = _bound_socket(self._host, choice.port_in)
        self.port: int = self._socket.getsockname()[1]
        self.name = f"OSC on UDP port {self.port}"
        self._stack = contextlib.ExitStack()
        self._stack.callback(self._socket.close)
        with contextlib.ExitStack() as undo:
            undo.callback(self._stack.close)
            self._subscribers = Subscribers(self._socket, self._always())
            undo.pop_all()
        self._stack.callback(self._subscribers.close)
        self._sounding = Sounding()
        initial = settings or Settings()
        self._snapshot = Snapshot(
            {name: initial.value(name) for name, line in PARAMETERS.items() if line.kind != "trigger"}
        )
        self.query_port = self._serve_queries()
        self._closing = False
        self._thread: threading.Thread | None = None

    @property
    def dropped(self) -> int:
        """Datagrams that went out and that the system did not take."""
        return self._subscribers.dropped

    @property
    def values(self) -> Mapping[str, Value]:
        """The value of each parameter as told last."""
        return self._snapshot.values

    @property
    def subscribers(self) -> list[Endpoint]:
        """Hosts and ports of all who get what goes out."""
        return self._subscribers.endpoints

    def start(self, inbox: Inbox) -> None:
        """Begin to report, from the receiving thread; announce the port, where that was chosen.

        Raises:
            BridgeError: an announcement is wanted, and its package is not there.
        """
        announcement = announce(self._host, self.port, self.query_port, self._choice.announce, self._tell)
        if announcement is not None:
            self._stack.callback(announcement.close)
        self._thread = threading.Thread(target=self._receive, args=(inbox,), name="osc in", daemon=True)
        self._thread.start()

    def send(self, message: OutMessage) -> None:
        """Tell all subscribers; encoded once."""
        self._sounding.keep(message)
        told = lines(message)
        if isinstance(message, ParameterChanged) and message.name in self._snapshot.values:
            self._snapshot.values[message.name] = message.value
        self._snapshot.told.update((address, tuple(arguments)) for address, arguments in told)
        try:
            datagrams = [build(address, arguments) for address, arguments in told]
        except ValueError as error:
            self.unsent += 1
            logger.debug("not sent: %s", error)
            return
        if datagrams:
            self._subscribers.send(datagrams, self._clock.now())

    def last_words(self) -> list[tuple[str, int, bytes]]:
        """(host, port, datagram) of all that must be sent so that nothing of ours sounds anywhere; from any thread."""
        words = self._sounding.last_words()
        return [(host, port, word) for host, port in self._subscribers.endpoints for word in words]

    def close(self) -> None:
        """Release the ports. Safe to call twice."""
        self._closing = True
        if self._thread is not None:
            self._thread.join()
        self._stack.close()

    def take(self, datagram: bytes, sender: Endpoint, seconds: float, inbox: Inbox) -> None:
        """Act on what `sender` sent at `seconds`; the receiving thread calls this."""
        if not self._guests.allows(sender[0]):
            self.strangers += 1
            return
        self._subscribers.heard(sender[0], seconds)
        try:
            messages = parse(datagram)
        except ValueError as error:
            self.malformed += 1
            logger.debug("dropped a datagram: %s", error)
            return
        for message in messages:
            try:
                asked = read(message, seconds)
            except ValueError as error:
                self.refused += 1
                logger.debug("dropped a message: %s", error)
                asked = instead(message)
            for one in asked:
                self._do(one, sender, seconds, inbox)

    def _do(self, asked: InEvent | Request, sender: Endpoint, seconds: float, inbox: Inbox) -> None:
        match asked:
            case Ask(names):
                for name in names:
                    self._answer(sender, f"/gapt/{name}", [outgoing(PARAMETERS[name], self._snapshot.values[name])])
            case Hello():
                self._subscribe(self._choice.reply or sender, seconds)
                self._answer(sender, "/gapt/hello", [VERSION, self.session, NAME])
            case Subscribe(port):
                self._subscribe(self._named(sender, port), seconds)
            case Unsubscribe(port):
                self._subscribers.remove(self._named(sender, port), self._sounding.last_words())
            case event:
                inbox(event)

    def _named(self, sender: Endpoint, port: int | None) -> Endpoint:
        """Whom a subscription of `sender` is for."""
        return (sender[0], port) if port is not None else self._choice.reply or sender

    def _subscribe(self, endpoint: Endpoint, seconds: float) -> None:
        if self._is_us(endpoint) or not self._subscribers.add(endpoint, seconds):
            self.refused += 1
            logger.debug("no subscription for %s:%d", *endpoint)

    def _answer(self, sender: Endpoint, address: str, arguments: Sequence[Argument]) -> None:
        try:
            self._socket.sendto(build(address, arguments), self._choice.reply or sender)
        except (OSError, ValueError) as error:
            self.unsent += 1
            logger.debug("answering: %s", error)

    def _is_us(self, endpoint: Endpoint) -> bool:
        host, port = endpoint
        return port == self.port and (is_loopback(host) or host == self._host)

    def _always(self) -> list[Endpoint]:
        for option, endpoint in (("--osc-out", self._choice.out), ("--osc-reply", self._choice.reply)):
            if endpoint is not None and self._is_us(endpoint):
                raise BridgeError(f"{option} cannot be the port that OSC comes in by: choose another one.")
        return [] if self._choice.out is None else [self._choice.out]

    def _serve_queries(self) -> int | None:
        if self._choice.query_port is None:
            return None
        try:
            server = QueryServer(
                (self._host, self._choice.query_port), self._snapshot, HostInfo(self._host, self.port), self._guests
            )
        except (OSError, OverflowError) as error:
            logger.warning("There is no OSCQuery: TCP port %d cannot be had (%s).", self._choice.query_port, error)
            return None
        self._stack.callback(server.close)
        return server.port

    def _receive(self, inbox: Inbox) -> None:
        while not self._closing:
            if not select.select([self._socket], [], [], _WAKE_SECONDS)[0]:
                continue
            try:
                while not self._closing:
                    datagram, sender = self._socket.recvfrom(_MOST_BYTES)
                    self.take(datagram, sender, self._clock.now(), inbox)
            except BlockingIOError:
                continue
            except OSError as error:
                # Windows reports here that nobody listens where we sent to.
                logger.debug("receiving: %s", error)


def _why_not(port: int, error: OSError | OverflowError) -> str:
    if not isinstance(error, OSError) or error.errno != errno.EADDRINUSE:
        return str(error)
    return f"{holder(port) or 'another program'} listens there, perhaps another jam"


def _bound_socket(host: str, port: int) -> socket.socket:
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        udp.bind((host, port))
    except (OSError, OverflowError) as error:
        udp.close()
        raise BridgeError(
            f"OSC cannot listen on UDP port {port} of {host}: {_why_not(port, error)}; choose another with --osc-in, "
            "or go without by --no-osc."
        ) from error
    # Sending must never wait; receiving waits in `select`.
    udp.setblocking(False)
    return udp
