"""What goes on at a moment, as messages that begin it: for a take that starts in the middle of the music."""

from __future__ import annotations

from dataclasses import replace

from bridge.events import ChordStarts, EndNote, MelodyHeard, PlayNote, Silence, TransportChanged
from bridge.recording.entries import Recorded

Key = tuple[int, int]
"""Channel and pitch."""


class Moment:
    """Takes all that is recorded, in order."""

    def __init__(self) -> None:
        self._transport: TransportChanged | None = None
        self._chord: ChordStarts | None = None
        self._notes: dict[Key, PlayNote] = {}
        self._melody: dict[Key, MelodyHeard] = {}

    def take(self, message: Recorded) -> None:
        """Note what `message` changes."""
        if isinstance(message, TransportChanged):
            self._transport = message
            if not message.rolling:
                self._chord = None
                self._notes.clear()
                self._melody.clear()
        elif isinstance(message, ChordStarts):
            self._chord = message
        elif isinstance(message, PlayNote):
            self._notes[message.channel, message.pitch] = message
        elif isinstance(message, EndNote):
            self._notes.pop((message.channel, message.pitch), None)
        elif isinstance(message, Silence):
            self._notes = {key: note for key, note in self._notes.items() if key[0] != message.channel}
        else:
            self._melody.pop((message.channel, message.pitch), None)
            if message.velocity:
                self._melody[message.channel, message.pitch] = message

    def messages(self, beats: float) -> list[Recorded]:
        """What begins all of it at `beats`; nothing while the transport stands."""
        if self._transport is None or not self._transport.rolling:
            return []
        begun: list[Recorded] = [replace(self._transport, due_beats=beats, jump=True)]
        if self._chord is not None:
            begun.append(replace(self._chord, due_beats=beats))
        begun += [replace(note, due_beats=beats) for note in self._notes.values()]
        begun += [replace(note, due_beats=beats) for note in self._melody.values()]
        return begun
