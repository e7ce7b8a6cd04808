"""What we have begun at the other end of OSC, and the datagrams that end it whatever becomes of us."""

from __future__ import annotations

from bridge.events import ChordStarts, EndNote, OutMessage, PlayNote, Silence
from bridge.ports.osc.codec import build


class Sounding:
    """Keeps count of notes, chord and channels. One thread calls `keep`, any may call `last_words`."""

    def __init__(self) -> None:
        self._notes: dict[tuple[int, int], int] = {}
        self._channels: set[int] = set()
        self._chord_beats: float | None = None

    def keep(self, message: OutMessage) -> None:
        """Remember what `message` begins or ends there."""
        if isinstance(message, PlayNote):
            key = (message.channel, message.pitch)
            self._channels.add(message.channel)
            self._notes[key] = self._notes.get(key, 0) + 1
        elif isinstance(message, EndNote):
            self._end((message.channel, message.pitch))
        elif isinstance(message, Silence):
            self._notes = {key: count for key, count in self._notes.items() if key[0] != message.channel}
        elif isinstance(message, ChordStarts):
            self._chord_beats = message.due_beats if message.pitches else None

    def last_words(self) -> list[bytes]:
        """The end of all notes that sound, of the chord, and of all sound on our channels; none if we were quiet."""
        words = [build("/gapt/play", [pitch, 0, channel + 1]) for channel, pitch in list(self._notes)]
        beats = self._chord_beats
        if beats is not None:
            words.append(build("/gapt/chord", ["N", float(beats)]))
        return words + [build("/gapt/silence", [channel + 1]) for channel in sorted(self._channels.copy())]

    def _end(self, key: tuple[int, int]) -> None:
        count = self._notes.get(key, 0)
        if count > 1:
            self._notes[key] = count - 1
        else:
            self._notes.pop(key, None)
