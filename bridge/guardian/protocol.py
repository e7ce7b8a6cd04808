"""What the bridge and its guardian say to each other: a kind, a length, and so many bytes."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

OPEN, PLAY, PASS, CLOSE, WORDS, PING = range(1, 7)
"""To the guardian: open a port; send ours, or the player's own, to it; close it; what to say by UDP at the end."""

OPENED, FAILED, LOST, PONG = range(65, 69)
"""From the guardian: a port is open, or cannot be; it takes no more; still here."""

Words = tuple[str, int, bytes]
"""A datagram and where it goes: host (a number, not a name), port, bytes."""

_HEADER = struct.Struct("<BI")
_WORDS = struct.Struct("<BHI")


def frame(kind: int, payload: bytes = b"") -> bytes:
    """One message as it goes over the wire."""
    return _HEADER.pack(kind, len(payload)) + payload


class Frames:
    """Cuts what comes over the wire into messages again."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def take(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """(kind, payload) of every message that is whole now."""
        self._rest += data
        while len(self._rest) >= _HEADER.size:
            kind, length = _HEADER.unpack_from(self._rest)
            end = _HEADER.size + length
            if len(self._rest) < end:
                return
            payload = bytes(self._rest[_HEADER.size : end])
            del self._rest[:end]
            yield kind, payload


def pack_words(words: Iterable[Words]) -> bytes:
    """The payload of `WORDS`."""
    parts = []
    for host, port, datagram in words:
        name = host.encode()
        parts += [_WORDS.pack(len(name), port, len(datagram)), name, datagram]
    return b"".join(parts)


def unpack_words(payload: bytes) -> list[Words]:
    """What `pack_words` packed."""
    words: list[Words] = []
    start = 0
    while start < len(payload):
        name, port, length = _WORDS.unpack_from(payload, start)
        start += _WORDS.size
        middle, end = start + name, start + name + length
        words.append((payload[start:middle].decode(), port, payload[middle:end]))
        start = end
    return words
