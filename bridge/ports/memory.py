"""Ports without a device: a list of what came out, and a hand that plays. For tests and for the demo's record."""

from __future__ import annotations

from bridge.events import EndNote, InEvent, OutMessage, PlayNote, Silence
from bridge.seams import Inbox


class MemoryInPort:
    """Events go in by `play`."""

    def __init__(self) -> None:
        self._inbox: Inbox | None = None

    def start(self, inbox: Inbox) -> None:
        """Remember where to put what is played."""
        self._inbox = inbox

    def play(self, event: InEvent) -> None:
        """As if a driver had reported `event`; nothing happens before `start` and after `close`."""
        if self._inbox is not None:
            self._inbox(event)

    def close(self) -> None:
        """Report no more."""
        self._inbox = None


class MemoryOutPort:
    """Keeps every message sent, and what a synthesiser at the other end would be sounding."""

    def __init__(self) -> None:
        self.messages: list[OutMessage] = []
        self.sounding: dict[tuple[int, int], int] = {}
        """(channel, pitch) to how many note-ons lack their note-off."""
        self.closed = False

    def send(self, message: OutMessage) -> None:
        """Keep `message`."""
        self.messages.append(message)
        if isinstance(message, PlayNote):
            key = (message.channel, message.pitch)
            self.sounding[key] = self.sounding.get(key, 0) + 1
        elif isinstance(message, EndNote):
            key = (message.channel, message.pitch)
            if self.sounding.get(key, 0) > 1:
                self.sounding[key] -= 1
            else:
                self.sounding.pop(key, None)
        elif isinstance(message, Silence):
            self.sounding = {key: count for key, count in self.sounding.items() if key[0] != message.channel}

    def close(self) -> None:
        """Take no more; safe to call twice."""
        self.closed = True
