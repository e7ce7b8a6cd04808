"""Who is still sounding: so that every way out, however sudden, can end it."""

from __future__ import annotations

from collections import Counter

from bridge.events import EndNote, OutMessage, PlayNote


class Ledger:
    """Note-ons sent and not yet ended, counted by (channel, pitch). One ledger a port."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[int, int]] = Counter()

    def __len__(self) -> int:
        """How many note-ons are unanswered."""
        return self._counts.total()

    def record(self, message: OutMessage) -> None:
        """Book a message that is being sent; only notes count, and an end of what does not sound changes nothing."""
        if isinstance(message, PlayNote):
            self._counts[message.channel, message.pitch] += 1
        elif isinstance(message, EndNote):
            self._counts -= Counter([(message.channel, message.pitch)])

    def sounds(self, channel: int, pitch: int) -> bool:
        """Whether that note is unanswered."""
        return self._counts[channel, pitch] > 0

    def sounds_on(self, channel: int) -> bool:
        """Whether any note of `channel` is unanswered."""
        return any(count > 0 for (other, _), count in self._counts.items() if other == channel)

    def sounding(self) -> list[tuple[int, int]]:
        """(channel, pitch) of every note-on unanswered, in order, once each."""
        return sorted(key for key, count in self._counts.items() if count > 0)

    def end_all(self, due_beats: float) -> list[EndNote]:
        """The note-offs that end everything, one for each note-on; the ledger is empty afterwards."""
        ends = [EndNote(due_beats, pitch, channel) for channel, pitch in sorted(self._counts.elements())]
        self._counts.clear()
        return ends
