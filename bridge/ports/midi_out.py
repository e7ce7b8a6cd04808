"""MIDI out: messages of the engine to bytes, by way of mido's messages, to a port that the guardian holds.

A cable of hardware MIDI carries one note in about a millisecond, so that a chord of four takes four. The notes of a
chord therefore leave in the order in which they come from the engine, bass first.
"""

from __future__ import annotations

import logging
from collections import deque
from typing import Protocol

import mido

from bridge.errors import BridgeError
from bridge.events import ClockOut, EndNote, OutMessage, PlayNote, PortChanged, Silence
from bridge.guardian.sounding import LAST_CONTROLS, Sounding
from bridge.ports.midi_drivers import Driver
from bridge.ports.midi_echo import Echoes
from bridge.ports.midi_names import VIRTUAL_OUT, device_name, find_again, find_port
from bridge.seams import Clock, Inbox

_CLOCK = {"tick": "clock", "start": "start", "continue": "continue", "stop": "stop"}
_SIXTEENTHS_PER_BEAT = 4
_SONG_POSITIONS = 1 << 14

NOTICE_SECONDS = 1.5
"""The system takes what is sent to a port that has just gone; so long after, at most, its going has been noticed."""
MOST_ENDED = 1024
_NOTE_OFF = 0x80

logger = logging.getLogger(__name__)


class Way(Protocol):
    """An open port to play to."""

    alive: bool

    def send(self, data: list[int], passed: bool = False) -> bool:
        """Send the bytes of one message; whether they went."""

    def close(self) -> None:
        """Release the port. Safe to call twice."""


class Opener(Protocol):
    """Opens ports to play to: the guardian."""

    def open_output(self, name: str, virtual: bool) -> Way:
        """The port `name`, or one of that name that others can listen to.

        Raises:
            BridgeError: it cannot be had.
        """


class MidiOutPort:
    """Notes and clock to one MIDI port. While it is lost, what is sent is dropped and counted.

    Attributes:
        name: the port's name as the system shows it.
        dropped: how many messages it was not there for.
    """

    def __init__(
        self, driver: Driver, opener: Opener, clock: Clock, name: str | None = None, echoes: Echoes | None = None
    ) -> None:
        """Open the port whose name holds `name`, or offer a virtual one.

        Raises:
            BridgeError: no such port, several of them, or it cannot be opened.
        """
        self.name = VIRTUAL_OUT if name is None else find_port(name, driver.outputs(), "out")
        self.dropped = 0
        self._virtual = name is None
        self._driver = driver
        self._opener = opener
        self._clock = clock
        self._echoes = echoes or Echoes()
        self._sounding = Sounding()
        self._ended: deque[tuple[float, list[int]]] = deque(maxlen=MOST_ENDED)
        self._doubtful: list[list[int]] = []  # note-offs that may not have arrived before the port was lost
        self._inbox: Inbox | None = None
        self._way: Way | None = opener.open_output(self.name, self._virtual)

    @property
    def there(self) -> bool:
        """Whether it can be played to."""
        return self._way is not None

    def start(self, inbox: Inbox) -> None:
        """Report from now on when the port is lost or back."""
        self._inbox = inbox

    def send(self, message: OutMessage) -> None:
        """Send what `message` is in MIDI, which may be nothing."""
        passed = isinstance(message, PlayNote) and message.passed
        for midi in _to_midi(message):
            self._send(midi.bytes(), passed)

    def tend(self, names: list[str] | None) -> None:
        """Notice that the port is gone or back, and report it; what hung meanwhile ends first. For one thread.

        Args:
            names: the ports that can be played to now; None where the system's MIDI does not answer.
        """
        way = self._way
        if way is not None and not (names is not None and way.alive and self._reaches(names)):
            self._way = None
            way.close()
            since = self._clock.now() - NOTICE_SECONDS
            self._doubtful += [data for seconds, data in list(self._ended) if seconds >= since]
            self._report(False)
        if self._way is None and names is not None:
            self._return(names)

    def close(self) -> None:
        """Release the port. Safe to call twice."""
        way, self._way = self._way, None
        if way is not None:
            way.close()

    def _send(self, data: list[int], passed: bool) -> None:
        way, now = self._way, self._clock.now()
        self._echoes.sent(data, now)
        if way is None or not way.send(data, passed):
            self.dropped += 1
            return
        self._sounding.book(data, passed)
        if data[0] & 0xF0 == _NOTE_OFF:
            self._ended.append((now, data))

    def _reaches(self, names: list[str]) -> bool:
        return self._virtual or (self.name in names and self._driver.linked(self.name))

    def _return(self, names: list[str]) -> None:
        again = self.name if self._virtual else find_again(self.name, names)
        if again is None:
            return
        self.name = again
        try:
            way = self._opener.open_output(self.name, self._virtual)
        except BridgeError as error:
            logger.debug("“%s” is back and cannot be opened yet: %s", self.name, error)
            return
        for data in [*self._doubtful, *self._sounding.last_words()]:
            way.send(data)
        self._sounding.clear()
        self._doubtful.clear()
        self._way = way
        self._report(True)

    def _report(self, there: bool) -> None:
        if self._inbox is not None:
            self._inbox(PortChanged(self._clock.now(), device_name(self.name), "out", there))


def _to_midi(message: OutMessage) -> list[mido.Message]:
    if isinstance(message, PlayNote):
        channel, note, velocity = message.channel, message.pitch, message.velocity
        return [mido.Message("note_on", channel=channel, note=note, velocity=velocity)]
    if isinstance(message, EndNote):
        return [mido.Message("note_off", channel=message.channel, note=message.pitch)]
    if isinstance(message, Silence):
        return [mido.Message("control_change", channel=message.channel, control=c, value=0) for c in LAST_CONTROLS]
    if isinstance(message, ClockOut):
        if message.kind == "position":
            position = round(message.beats * _SIXTEENTHS_PER_BEAT)
            return [mido.Message("songpos", pos=min(max(position, 0), _SONG_POSITIONS - 1))]
        return [mido.Message(_CLOCK[message.kind])]
    return []
