"""What of all that is sent belongs into a take."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Union

from bridge.events import (
    ChordStarts,
    EndNote,
    MelodyHeard,
    OutMessage,
    PlayNote,
    Silence,
    Status,
    TransportChanged,
)
from gapt_core.song import Metre

Recorded = Union[PlayNote, EndNote, ChordStarts, MelodyHeard, Silence, TransportChanged]

KINDS: dict[str, Any] = {
    kind.__name__: kind for kind in (PlayNote, EndNote, ChordStarts, MelodyHeard, Silence, TransportChanged)
}
"""The messages of a take, by name."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A message, when it was sent (seconds of the session's clock) and where the music stood then (beats)."""

    seconds: float
    beats: float
    message: Recorded


class Selection:
    """Makes entries of messages, in the order in which they were sent."""

    def __init__(self) -> None:
        self._told: TransportChanged | None = None

    def entry(self, message: OutMessage, seconds: float, beats: float) -> Entry | None:
        """What to keep of a message; a status says how far the music has come, and in which metre."""
        if isinstance(message, Status):
            if not message.playing or self._told is None:
                return None
            message = self._told = _going_on(self._told, message)
        elif isinstance(message, TransportChanged):
            self._told = message
        elif not isinstance(message, (PlayNote, EndNote, ChordStarts, MelodyHeard, Silence)):
            return None
        return Entry(seconds, beats, message)


def _going_on(told: TransportChanged, status: Status) -> TransportChanged:
    """That the transport rolls on as told; another metre is in force since the bar line, where nobody may have told."""
    line = status.due_beats - (status.bar[1] - 1.0) * Metre(0.0, *status.metre).beat_beats
    due = status.due_beats if status.metre == told.metre else line
    return replace(told, due_beats=due, metre=status.metre, jump=False)
