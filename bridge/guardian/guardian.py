"""The bridge's side of its guardian: a process that is started when needed, and anew when it dies."""

from __future__ import annotations

import contextlib
import itertools
import logging
import time
from collections.abc import Sequence

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
    pack_words,
)
from plugin_host.spawn import Child

MODULE = "bridge.guardian.process"
OPEN_SECONDS = 20.0
"""How long a guardian may take to start and open a port; it needs a tenth of one, unless the machine is very busy."""
SILENT_SECONDS = 5.0
"""How long it may owe an answer before it counts as dead."""

logger = logging.getLogger(__name__)


class GuardianLost(BridgeError):
    """The guardian has died or does not listen any more; it will be started anew."""


class GuardedPort:
    """A MIDI port to play to, held open by the guardian. `send` belongs to one thread."""

    def __init__(self, child: Child, number: int) -> None:
        self.alive = True
        """False once the guardian has died or said that the port takes no more."""
        self.number = number
        self._child = child
        self._prefix = bytes([number])

    def send(self, data: Sequence[int], passed: bool = False) -> bool:
        """Pass the bytes of one message on without waiting; whether they went.

        Args:
            passed: it is the player's own message, whose channel is not ours to silence.
        """
        if self.alive:
            try:
                self._child.send(frame(PASS if passed else PLAY, self._prefix + bytes(data)))
            except GuardianLost:
                self.alive = False
        return self.alive

    def close(self) -> None:
        """Let the guardian end what sounds there and close it. Safe to call twice."""
        if self.alive:
            self.alive = False
            with contextlib.suppress(GuardianLost):
                self._child.send(frame(CLOSE, self._prefix))


class Guardian:
    """Opens MIDI ports in a process that outlives ours. `last_words` is for any thread, the rest for one."""

    def __init__(self) -> None:
        """Start nothing before the first port is opened."""
        self._child: Child | None = None
        self._frames = Frames()
        self._ports: dict[int, GuardedPort] = {}
        self._numbers = itertools.cycle(range(256))
        self._words = b""
        self._asked_seconds: float | None = None
        self._failure = ""

    @property
    def pid(self) -> int | None:
        """The process's number while there is one."""
        return self._child.pid if self._child else None

    def start(self) -> Child:
        """Start the process where there is none; `open_output` does so too.

        Raises:
            BridgeError: the system gives no process.
        """
        if self._child is None:
            self._child = self._started()
        return self._child

    def open_output(self, name: str, virtual: bool) -> GuardedPort:
        """Play to the port `name`, or offer one of that name to others.

        Raises:
            BridgeError: it cannot be had.
        """
        child = self.start()
        self._ports = {number: port for number, port in self._ports.items() if port.alive}
        number = next(number for number in self._numbers if number not in self._ports)
        port = self._ports[number] = GuardedPort(child, number)
        try:
            child.send(frame(OPEN, bytes([number, virtual]) + name.encode()))
            self._wait_opened(child, port)
        except GuardianLost as error:
            said = child.last_words()
            self._drop(str(error))
            raise BridgeError(
                f"The process that plays MIDI ended while opening “{name}” ({said}): install gapt-bridge again."
            ) from None
        return port

    def last_words(self, words: Sequence[Words]) -> None:
        """What the guardian sends by UDP should we die: host (a number), port and datagram. From any thread."""
        self._words = frame(WORDS, pack_words(words))
        child = self._child
        if child is not None:
            with contextlib.suppress(GuardianLost):
                child.send(self._words)

    def tend(self) -> None:
        """Notice ports that take no more, and a guardian that died or hangs; to be called about twice a second.

        It is also the sign of life without which the guardian, after some seconds, ends what sounds.
        """
        if self._child is None:
            return
        try:
            self._take(self._child.receive(0.0))
            now = time.monotonic()
            if self._asked_seconds is None:
                self._child.send(frame(PING))
                self._asked_seconds = now
            elif now - self._asked_seconds > SILENT_SECONDS:
                raise GuardianLost("The process that plays MIDI does not answer.")
        except GuardianLost as error:
            self._drop(str(error))

    def kill(self) -> None:
        """End the process at once, because the system's MIDI under it has died; the next port starts another."""
        if self._child is not None:
            self._drop("The system's MIDI has died.")

    def close(self) -> None:
        """Close all ports and end the process; what still sounds there ends. Safe to call twice."""
        if self._child is None:
            return
        for port in list(self._ports.values()):
            port.close()
        self.last_words(())
        child, self._child = self._child, None
        child.finish()
        child.release()

    def _started(self) -> Child:
        try:
            child = Child(MODULE, (), _lost, apart=True)
        except OSError as error:
            raise BridgeError(f"The process that plays MIDI cannot start ({error}); close other programs.") from error
        self._frames = Frames()
        self._ports.clear()
        self._asked_seconds = None
        with contextlib.suppress(GuardianLost):
            child.send(self._words)
        return child

    def _wait_opened(self, child: Child, port: GuardedPort) -> None:
        deadline = time.monotonic() + OPEN_SECONDS
        self._failure = ""
        while (left := deadline - time.monotonic()) > 0:
            if self._take(child.receive(left)) == port.number:
                return
            if not port.alive:
                raise BridgeError(self._failure)
        raise GuardianLost("The process that plays MIDI does not answer.")

    def _take(self, data: bytes) -> int | None:
        """Note what the guardian says; the number of the port that it has opened, if any."""
        opened = None
        for kind, payload in self._frames.take(data):
            if kind == PONG:
                self._asked_seconds = None
            elif kind == OPENED:
                opened = payload[0]
            elif kind in (FAILED, LOST) and (port := self._ports.pop(payload[0], None)):
                self._failure = payload[1:].decode()
                logger.info("%s", self._failure)
                port.alive = False
        return opened

    def _drop(self, why: str) -> None:
        logger.warning("%s It will be started anew.", why)
        child, self._child = self._child, None
        for port in self._ports.values():
            port.alive = False
        self._ports.clear()
        if child is not None:
            child.kill()
            child.release()


def _lost(what: str) -> GuardianLost:
    return GuardianLost(f"The process that plays MIDI {what}.")
