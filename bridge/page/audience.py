"""Those who look on: what is new goes to all of them, and nobody waits for the slowest."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable
from typing import Any

MOST_WAITING = 256
"""Messages that may wait for a client. Whoever is further behind gets the whole picture instead."""

Json = dict[str, Any]


class Client:
    """What one page has still to be told. `put` is for whoever has news, `next` for the one who sends."""

    def __init__(self, hello: Callable[[], Json], most: int = MOST_WAITING) -> None:
        """Begin with the whole picture; `hello` makes it when it is to be sent."""
        self._hello = hello
        self._most = most
        self._waiting: deque[str] = deque()
        self._behind = True
        self._news = asyncio.Event()
        self._news.set()

    def put(self, text: str) -> None:
        """Tell `text`, a whole message, once all before it are told; what is too much makes place for a picture."""
        if len(self._waiting) >= self._most:
            self._behind = True
        if self._behind:
            self._waiting.clear()
        else:
            self._waiting.append(text)
        self._news.set()

    async def next(self) -> str:
        """The next message, once there is one."""
        while not (self._behind or self._waiting):
            self._news.clear()
            await self._news.wait()
        if self._behind:
            self._behind = False
            self._waiting.clear()
            return written(self._hello())
        return self._waiting.popleft()


class Audience:
    """All who look on."""

    def __init__(self) -> None:
        self.clients: set[Client] = set()

    def tell(self, message: Json) -> None:
        """Tell all of them."""
        text = written(message) if self.clients else ""
        for client in self.clients:
            client.put(text)


class Patience:
    """Lets a client ask so often and no more: it says how long the next message has to wait."""

    def __init__(self, now: Callable[[], float], per_second: float, at_once: int) -> None:
        self._now = now
        self._rate, self._most = per_second, float(at_once)
        self._left, self._seen = float(at_once), now()

    def wait_seconds(self) -> float:
        """Take one message; how long to wait before it is acted on."""
        now = self._now()
        self._left = min(self._most, self._left + (now - self._seen) * self._rate) - 1.0
        self._seen = now
        return max(0.0, -self._left / self._rate)


def written(message: Json) -> str:
    """As it is sent: in ASCII, for a file's name may have letters that no other code has."""
    return json.dumps(message, separators=(",", ":"), allow_nan=False)
