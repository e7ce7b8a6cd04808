"""What sounds at the other end of a MIDI port, from the bytes sent there."""

from __future__ import annotations

from collections.abc import Sequence

SUSTAIN, ALL_SOUND_OFF, ALL_NOTES_OFF = 64, 120, 123

LAST_CONTROLS = (SUSTAIN, ALL_NOTES_OFF, ALL_SOUND_OFF)
"""Controllers set to 0, in this order, to silence a channel."""

_NOTE_OFF, _NOTE_ON, _CONTROL = 0x80, 0x90, 0xB0


class Sounding:
    """Note-ons without their note-off, counted by (channel, note), and the channels that are ours."""

    def __init__(self) -> None:
        self._notes: dict[tuple[int, int], int] = {}
        self._passed: set[tuple[int, int]] = set()
        self._ours: set[int] = set()

    def __len__(self) -> int:
        """How many note-ons lack their note-off."""
        return sum(self._notes.values())

    def book(self, data: Sequence[int], passed: bool = False) -> None:
        """Take note of a message sent; `passed`: it is the player's own and makes no channel ours."""
        kind, channel = data[0] & 0xF0, data[0] & 0x0F
        if kind == _CONTROL and data[1] in (ALL_NOTES_OFF, ALL_SOUND_OFF):
            self._end([key for key in self._notes if key[0] == channel])
        elif kind == _NOTE_ON and data[2] > 0:
            self._begin((channel, data[1]), passed)
        elif kind in (_NOTE_ON, _NOTE_OFF):
            key = (channel, data[1])
            if self._notes.get(key, 0) > 1:
                self._notes[key] -= 1
            else:
                self._end([key])

    def last_words(self) -> list[list[int]]:
        """The messages that end everything: note-offs, then the silencing of each channel that is ours.

        A channel on which a note of the player's own sounds gets note-offs alone.
        """
        notes = sorted(key for key, count in self._notes.items() for _ in range(count))
        ours = sorted(self._ours - {channel for channel, _ in self._passed})
        return [
            *([_NOTE_OFF | channel, note, 64] for channel, note in notes),
            *([_CONTROL | channel, control, 0] for channel in ours for control in LAST_CONTROLS),
        ]

    def clear(self) -> None:
        """Nothing sounds any more; what is ours stays so."""
        self._notes.clear()
        self._passed.clear()

    def _begin(self, key: tuple[int, int], passed: bool) -> None:
        self._notes[key] = self._notes.get(key, 0) + 1
        if passed:
            self._passed.add(key)
        else:
            self._ours.add(key[0])

    def _end(self, keys: list[tuple[int, int]]) -> None:
        for key in keys:
            self._notes.pop(key, None)
            self._passed.discard(key)
