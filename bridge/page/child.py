"""The page's process as the jam sees it: lines to it without ever waiting, what it asks for, its death."""

from __future__ import annotations

import json
import time
from typing import Any

from bridge.errors import BridgeError
from bridge.page import wire
from plugin_host.spawn import Child

MODULE = "bridge.page.process"
SILENT_SECONDS = 30.0
"""How long it may say nothing before it counts as dead. It says every second that it lives; where other programs need
every core it is the last to be served."""


class PageLost(BridgeError):
    """The page's process has died or does not answer; it will be started anew."""


class PageProcess:
    """`send` is for any thread, `receive` for one at a time.

    Attributes:
        born: when it was started, by the monotonic clock.
    """

    def __init__(self, setup: dict[str, Any]) -> None:
        """Start it.

        Raises:
            BridgeError: the system gives no process.
        """
        try:
            self._child = Child(MODULE, (), _lost, apart=True)
        except OSError as error:
            raise BridgeError(f"The page's process cannot start ({error}); close other programs.") from error
        self.born = self._heard = time.monotonic()
        self._rest = b""
        self.send(wire.line([wire.SETUP, setup]))

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._child.pid

    @property
    def unsent(self) -> int:
        """How many bytes it has left unread, beyond what the system keeps for it."""
        return self._child.unsent

    def send(self, line: bytes) -> None:
        """Pass a line on without waiting.

        Raises:
            PageLost: the process is gone or has stopped reading.
        """
        self._child.send(line)

    def receive(self, seconds: float) -> list[dict[str, Any]]:
        """What it said within `seconds`, perhaps nothing.

        Raises:
            PageLost: it is gone, or has been silent for too long.
        """
        data = self._child.receive(seconds)
        now = time.monotonic()
        if data:
            self._heard = now
        elif now - self._heard > SILENT_SECONDS:
            raise _lost("does not answer")
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [json.loads(line) for line in lines]

    def last_words(self) -> str:
        """What it wrote last to its error stream while it ended, or its exit code."""
        return self._child.last_words()

    def finish(self) -> None:
        """Let it end by itself, or else end it."""
        self._child.finish()
        self._child.release()

    def kill(self) -> None:
        """End it at once."""
        self._child.kill()
        self._child.release()


def _lost(what: str) -> PageLost:
    return PageLost(f"The page's process {what}.")
