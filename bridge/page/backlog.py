"""What the page's process has to know: all that was played, and of everything else only how it stands."""

from __future__ import annotations

from collections.abc import Iterator

MOST_BYTES = 1 << 26
"""Of what was played: days of music. Beyond that the oldest is forgotten."""


class Backlog:
    """Lines to tell, in order. `rewind` tells all of it again, to a process that knows nothing.

    A process that is slow to read is behind, and never more than that: what was played waits here, where it has to be
    kept anyway, and of pictures only the newest does.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._played: list[bytes] = []
        self._bytes = 0
        self._told = 0  # how many of `_played` were told
        self._shown: dict[str, bytes] = {}
        self._news: dict[str, None] = {}

    def play(self, line: bytes) -> None:
        """Add what was played."""
        self._played.append(line)
        self._bytes += len(line)
        if self._bytes > self._most_bytes:
            oldest = 1 + len(self._played) // 4
            self._bytes -= sum(map(len, self._played[:oldest]))
            del self._played[:oldest]
            self._told = max(0, self._told - oldest)

    def show(self, name: str, line: bytes) -> None:
        """Say how `name` stands; what was said of it before counts no more."""
        self._shown[name] = line
        self._news.pop(name, None)
        self._news[name] = None

    def rewind(self) -> None:
        """Tell everything from the beginning."""
        self._told = 0
        self._news = dict.fromkeys(self._shown)

    def lines(self) -> Iterator[bytes]:
        """What is to tell; each line counts as told once it is taken."""
        while self._told < len(self._played):
            self._told += 1
            yield self._played[self._told - 1]
        while self._news:
            name = next(iter(self._news))
            del self._news[name]
            yield self._shown[name]
