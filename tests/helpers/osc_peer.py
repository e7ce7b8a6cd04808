"""The two ends of OSC: a peer that speaks as the bridge does, by hand, and a real `gapt jam`."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from signals import hear_signals

from bridge.ports.osc.choice import LOOPBACK
from bridge.ports.osc.codec import build, parse

PATIENCE = 30.0


class Peer:
    """The bridge's end of the wire, by hand."""

    def __init__(self, port: int = 0) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((LOOPBACK, port))
        self._socket.settimeout(PATIENCE)
        self.port: int = self._socket.getsockname()[1]
        self.client = (LOOPBACK, 0)

    def any(self) -> tuple[str, tuple[object, ...]]:
        """Address and arguments of the next message."""
        datagram, self.client = self._socket.recvfrom(4096)
        (message,) = parse(datagram)
        return message.address, tuple(message.arguments)

    def next(self, address: str) -> tuple[object, ...]:
        """Arguments of the next message to `address`.

        Raises:
            TimeoutError: it does not come.
        """
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            came, arguments = self.any()
            if came == address:
                return arguments
        raise TimeoutError(address)

    def say(self, address: str, *arguments: int | float | str, to: int = 0) -> None:
        """Send to where the last message came from, or to the port `to`."""
        self._socket.sendto(build(address, arguments), (LOOPBACK, to) if to else self.client)

    def welcome(self, session: int = 7) -> None:
        """Answer the next hello."""
        assert self.next("/gapt/hello")[0] == 1
        self.say("/gapt/hello", 1, session, "GAPT Bridge")

    def close(self) -> None:
        self._socket.close()


@contextmanager
def jam(sync: str = "internal") -> Iterator[tuple[subprocess.Popen[str], int]]:
    """`gapt jam` without MIDI, and the UDP port it hears; killed in the end if it still runs."""
    port = free_port()
    options = ["--no-midi", "--no-osc-query", "--plain", "--osc-in", port, "--osc-out", free_port()]
    settings = ["--sync", sync, "--tempo", 240, "--density", 10]
    command = [sys.executable, "-c", "from bridge.cli import main; main()", "jam", *options, *settings]
    session = subprocess.Popen(
        [str(word) for word in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=hear_signals,
    )
    try:
        yield session, port
    finally:
        if session.poll() is None:
            session.kill()
        session.communicate()


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind((LOOPBACK, 0))
        return int(udp.getsockname()[1])
