"""The guardian itself: forwards bytes to MIDI ports, and ends everything once the bridge is gone or hangs.

Started by `bridge.guardian.guardian`. It imports next to nothing, for it has to start fast and stay small.
"""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import signal
import socket
import time

from bridge.errors import BridgeError
from bridge.guardian.protocol import (
    CLOSE,
    FAILED,
    LOST,
    OPEN,
    OPENED,
    PASS,
    PING,
    PLAY,
    PONG,
    WORDS,
    Frames,
    Words,
    frame,
    unpack_words,
)
from bridge.guardian.sounding import Sounding
from bridge.ports.midi_drivers import Connection, Driver, load_driver
from plugin_host.priority import raise_priority
from plugin_host.spawn import inherited_wire

RECEIVE_BYTES = 1 << 16
PATIENCE_SECONDS = 5.0
"""A bridge that says nothing for so long hangs, for it calls twice a second. It may come to, but not its notes."""

SETTLE_SECONDS = 0.5

END_SECONDS = 5.0
"""How long silencing and closing may take; where a system's buffers are full they take one."""

DEAF_TO = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
"""Signals that are the bridge's to understand; what ends the guardian is the end of the wire."""


def main(arguments: list[str]) -> int:
    """Guard one bridge until it goes away; the exit code.

    Args:
        arguments: the wire's number.
    """
    for name in DEAF_TO:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    raise_priority()
    gc.disable()
    with inherited_wire(arguments[-1]) as wire:
        keeper = Keeper(wire)
        try:
            keeper.serve()
        finally:
            # A system's MIDI that has died as well may keep us for ever, and even keep Python's lock.
            faulthandler.dump_traceback_later(END_SECONDS, exit=True)
            keeper.end()
    return 0


class Port:
    """An open port and what sounds there."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.sounding = Sounding()

    def silence(self) -> None:
        """End everything, whatever goes wrong on the way."""
        for data in self.sounding.last_words():
            with contextlib.suppress(BridgeError):
                self.connection.send(data)
        self.sounding.clear()


class Keeper:
    """Keeps ports by the numbers that the bridge gives them."""

    def __init__(self, wire: socket.socket) -> None:
        self._wire = wire
        self._driver: Driver | None = None
        self._ports: dict[int, Port] = {}
        self._words: list[Words] = []

    def serve(self) -> None:
        """Do what comes over the wire until it ends; while nothing comes, let nothing sound."""
        frames = Frames()
        self._wire.settimeout(PATIENCE_SECONDS)
        with contextlib.suppress(ConnectionError):
            while True:
                try:
                    data = self._wire.recv(RECEIVE_BYTES)
                except TimeoutError:
                    self._silence()
                    continue
                if not data:
                    return
                for kind, payload in frames.take(data):
                    self._handle(kind, payload)

    def end(self) -> None:
        """Silence everything and close."""
        self._silence()
        if self._ports:
            # A JACK server that hears of our leaving before it has noticed that the bridge is dead tells the bridge,
            # and dies of the broken pipe.
            time.sleep(SETTLE_SECONDS)
        for port in self._ports.values():
            port.connection.close()

    def _silence(self) -> None:
        """End all that sounds on every port, and say the last words."""
        for port in self._ports.values():
            port.silence()
        for host, number, datagram in self._words:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as way:
                way.sendto(datagram, (host, number))

    def _handle(self, kind: int, payload: bytes) -> None:
        if kind in (PLAY, PASS):
            self._send(payload, kind == PASS)
        elif kind == OPEN:
            self._open(payload)
        elif kind == CLOSE:
            self._close(payload[0])
        elif kind == WORDS:
            self._words = unpack_words(payload)
        elif kind == PING:
            self._wire.sendall(frame(PONG))

    def _send(self, payload: bytes, passed: bool) -> None:
        port = self._ports.get(payload[0])
        if port is None:
            return
        data = list(payload[1:])
        # Booked first: of a note-on cut off half way it is not known whether it left.
        port.sounding.book(data, passed)
        try:
            port.connection.send(data)
        except BridgeError as error:
            self._wire.sendall(frame(LOST, payload[:1] + str(error).encode()))

    def _open(self, payload: bytes) -> None:
        number, virtual, name = payload[0], bool(payload[1]), payload[2:].decode()
        try:
            if self._driver is None:
                self._driver = load_driver()
            self._ports[number] = Port(self._driver.open_output(name, virtual))
        except BridgeError as error:
            self._wire.sendall(frame(FAILED, payload[:1] + str(error).encode()))
        else:
            self._wire.sendall(frame(OPENED, payload[:1]))

    def _close(self, number: int) -> None:
        port = self._ports.pop(number, None)
        if port is None:
            return
        if len(port.sounding):
            port.silence()
        port.connection.close()
