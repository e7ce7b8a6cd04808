"""Who is still sounding: so that every way out, however sudden, can end it."""

from __future__ import annotations

from collections import Counter

from bridge.events import EndNote, OutMessage, PlayNote


class Ledger:
    """Note-ons sent and not yet ended, counted by (channel, pitch). One ledger a port."""

    def __init__(self) -> None:
        self._sounding: Counter[tuple[int, int]] = Counter()

    def __len__(self) -> int:
        """How many note-ons are unanswered."""
        return self._sounding.total()

    def record(self, message: OutMessage) -> None:
        """Book a message that is being sent; only notes count, and an end of what does not sound changes nothing."""
        if isinstance(message, PlayNote):
            self._sounding[message.channel, message.pitch] += 1
        elif isinstance(message, EndNote):
            self._sounding -= Counter([(message.channel, message.pitch)])

    def end_all(self, due_beats: float) -> list[EndNote]:
        """The note-offs that end everything, one for each note-on; the ledger is empty afterwards."""
        ends = [EndNote(due_beats, pitch, channel) for channel, pitch in sorted(self._sounding.elements())]
        self._sounding.clear()
        return ends
