"""Who gets what goes out, and how one finds out that nobody is there any more.

A UDP port answers nothing, so there are two ways. On this computer the system refuses a datagram to a port that nobody
holds, and tells a socket that is connected to it: some refusals end the subscription. From another computer no refusal
need ever come, so a subscription there is a lease, renewed by whatever its computer sends.
"""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterable
from dataclasses import dataclass

from bridge.ports.osc.choice import Endpoint, is_loopback

MOST_SUBSCRIBERS = 16
LEASE_SECONDS = 60.0

MOST_REFUSALS = 3
"""One is no proof: a client may subscribe before it listens."""

logger = logging.getLogger(__name__)


@dataclass
class _Subscriber:
    """`line` is connected to it where refusals are to be heard; without one it is on lease, or always there."""

    endpoint: Endpoint
    line: socket.socket | None
    leased: bool
    heard_seconds: float
    refusals: int = 0

    def close(self) -> None:
        if self.line is not None:
            self.line.close()


class Subscribers:
    """Sends to all, from any thread; never waits for the network. `dropped` counts what the system did not take."""

    def __init__(self, way_out: socket.socket, always: Iterable[Endpoint] = ()) -> None:
        """Send by `way_out`, which does not block; `always` are never dropped."""
        self.dropped = 0
        self._way_out = way_out
        self._lock = threading.Lock()
        self._all = {endpoint: _Subscriber(endpoint, None, leased=False, heard_seconds=0.0) for endpoint in always}

    @property
    def endpoints(self) -> list[Endpoint]:
        """Hosts and ports of all."""
        return list(self._all)

    def add(self, endpoint: Endpoint, seconds: float) -> bool:
        """Send to `endpoint` too; False where there are too many already."""
        with self._lock:
            known = self._all.get(endpoint)
            if known is not None:
                known.heard_seconds, known.refusals = seconds, 0
                return True
            if len(self._all) >= MOST_SUBSCRIBERS:
                return False
            here = is_loopback(endpoint[0])
            self._all[endpoint] = _Subscriber(endpoint, _line(endpoint) if here else None, not here, seconds)
        logger.info("%s:%d subscribes", *endpoint)
        return True

    def remove(self, endpoint: Endpoint, farewell: Iterable[bytes] = ()) -> None:
        """Send the `farewell` to `endpoint` and no more after it; nothing where it is no subscriber, or always one."""
        with self._lock:
            subscriber = self._all.get(endpoint)
            if subscriber is not None and (subscriber.line is not None or subscriber.leased):
                for datagram in farewell:
                    self._send(subscriber, datagram)
                self._drop(subscriber, "leaves")

    def heard(self, host: str, seconds: float) -> None:
        """Something came from `host`: who subscribed from there is still there."""
        with self._lock:
            for subscriber in self._all.values():
                if subscriber.endpoint[0] == host:
                    subscriber.heard_seconds = seconds

    def send(self, datagrams: Iterable[bytes], seconds: float) -> None:
        """Send `datagrams` to all who are still there at `seconds`."""
        with self._lock:
            for subscriber in list(self._all.values()):
                if subscriber.leased and seconds - subscriber.heard_seconds > LEASE_SECONDS:
                    self._drop(subscriber, "has not been heard for long")
                    continue
                for datagram in datagrams:
                    self._send(subscriber, datagram)
                if subscriber.refusals >= MOST_REFUSALS:
                    self._drop(subscriber, "listens no more")

    def close(self) -> None:
        """Forget all. Safe to call twice."""
        with self._lock:
            for subscriber in self._all.values():
                subscriber.close()
            self._all.clear()

    def _drop(self, subscriber: _Subscriber, why: str) -> None:
        del self._all[subscriber.endpoint]
        subscriber.close()
        logger.info("%s:%d %s", *subscriber.endpoint, why)

    def _send(self, subscriber: _Subscriber, datagram: bytes) -> None:
        try:
            if subscriber.line is None:
                self._way_out.sendto(datagram, subscriber.endpoint)
                return
            # A refusal waits in the socket, and the next call, whichever it is, gets it and does nothing else.
            subscriber.refusals += _refused(subscriber.line)
            subscriber.line.send(datagram)
        except (ConnectionRefusedError, ConnectionResetError):
            subscriber.refusals += 1
            self.dropped += 1
        except OSError as error:
            self.dropped += 1
            logger.debug("sending: %s", error)


def _line(endpoint: Endpoint) -> socket.socket:
    line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    line.setblocking(False)
    line.connect(endpoint)
    return line


def _refused(line: socket.socket) -> bool:
    try:
        line.recv(1)
    except (ConnectionRefusedError, ConnectionResetError):
        return True
    except BlockingIOError:
        pass
    return False
