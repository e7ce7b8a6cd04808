"""What we sent a moment ago, to be known again where it comes back as if it were played."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

NOTE_ECHO_SECONDS = 0.03
CONTROL_ECHO_SECONDS = 0.25
"""Longer than for notes: silencing that comes back would silence us again, round and round, by way of any delay."""

LOOP_ECHOES = 12
LOOP_SECONDS = 5.0
"""So many echoes within so long are a loop, not a player who happens to play what we do."""

_NOTE_OFF, _NOTE_ON, _CONTROL = 0x80, 0x90, 0xB0

Key = tuple[int, int]
"""Status and first data byte; the second one is compared, not a key, so that there can only be so many."""


class Echoes:
    """Shared by the ports of a session: ways out tell what they send, ways in ask.

    Only notes and controllers are compared. Clock is not: a tick is like any other, and who follows one clock and
    sends another would lose it.
    """

    def __init__(self) -> None:
        self.dropped = 0
        """Echoes so far."""
        self._sent: dict[Key, tuple[float, int]] = {}
        self._recent: deque[tuple[float, str]] = deque(maxlen=LOOP_ECHOES)

    def sent(self, data: Sequence[int], seconds: float) -> None:
        """A port sends `data` at `seconds`."""
        normal = _normal(data)
        if normal is not None:
            key, value = normal
            self._sent[key] = (seconds, value)

    def is_echo(self, data: Sequence[int], seconds: float, port: str) -> bool:
        """Whether `data`, heard on `port` at `seconds`, is what we sent just before."""
        normal = _normal(data)
        if normal is None:
            return False
        key, value = normal
        sent_seconds, sent_value = self._sent.get(key, (-1e9, -1))
        limit = CONTROL_ECHO_SECONDS if key[0] & 0xF0 == _CONTROL else NOTE_ECHO_SECONDS
        if sent_value != value or not 0.0 <= seconds - sent_seconds <= limit:
            return False
        self.dropped += 1
        self._recent.append((seconds, port))
        return True

    def loop(self) -> str | None:
        """The port by which what we play keeps coming back, told once for so many echoes; None where none does."""
        recent = list(self._recent)
        if len(recent) < LOOP_ECHOES or recent[-1][0] - recent[0][0] > LOOP_SECONDS:
            return None
        self._recent.clear()
        return recent[-1][1]


def _normal(data: Sequence[int]) -> tuple[Key, int] | None:
    """The same for the same: a note-off is one however it is spelt and however fast, for routes may change that."""
    kind = data[0] & 0xF0
    if kind == _NOTE_OFF or (kind == _NOTE_ON and data[2] == 0):
        return (_NOTE_OFF | data[0] & 0x0F, data[1]), 0
    if kind in (_NOTE_ON, _CONTROL):
        return (data[0], data[1]), data[2]
    return None
