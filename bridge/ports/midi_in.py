"""MIDI in: bytes of the back end to facts for the engine, by way of mido's messages."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Literal

import mido

from bridge.errors import BridgeError
from bridge.events import Clock as ClockFact
from bridge.events import ControlChange, InEvent, NoteOff, NoteOn, Panic, PortChanged, ProgramChange
from bridge.guardian.sounding import ALL_NOTES_OFF, ALL_SOUND_OFF
from bridge.ports.midi_drivers import Connection, Driver
from bridge.ports.midi_echo import Echoes
from bridge.ports.midi_names import VIRTUAL_IN, device_name, find_again, find_port
from bridge.seams import Clock, Inbox

SENSING_SECONDS = 0.3
"""Active sensing: a device that has sent it once is gone when it has sent nothing at all for so long."""

PANIC_SECONDS = 0.02
"""Hosts send all notes off on all sixteen channels in a row; that is one panic."""

_CLOCK: dict[str, Literal["tick", "start", "continue", "stop"]] = {
    "clock": "tick",
    "start": "start",
    "continue": "continue",
    "stop": "stop",
}
_SIXTEENTHS_PER_BEAT = 4

logger = logging.getLogger(__name__)


class MidiInPort:
    """What one MIDI port hears, on any channel, each message stamped as it comes in.

    Attributes:
        name: the port's name as the system shows it; another one once it is back from being plugged in elsewhere.
        device: what stays of the name, for settings kept by device.
        there: whether it can be heard.
        malformed: how many messages were no MIDI.
    """

    def __init__(self, driver: Driver, clock: Clock, name: str | None = None, echoes: Echoes | None = None) -> None:
        """Choose the port whose name holds `name`, or offer a virtual one.

        Raises:
            BridgeError: no such port, or several of them.
        """
        self.name = VIRTUAL_IN if name is None else find_port(name, driver.inputs(), "in")
        self.device = device_name(self.name)
        self.there = False
        self.malformed = 0
        self._virtual = name is None
        self._driver = driver
        self._clock = clock
        self._echoes = echoes or Echoes()
        self._held: set[tuple[int, int]] = set()
        self._inbox: Inbox | None = None
        self._connection: Connection | None = None
        self._life = driver.life
        self._sensed = False
        self._heard_seconds = 0.0
        self._panic_seconds = -1.0

    def start(self, inbox: Inbox) -> None:
        """Open the port; the driver's thread reports from now on.

        Raises:
            BridgeError: it cannot be opened.
        """
        self._inbox = inbox
        self._open()

    def tend(self, names: list[str] | None) -> None:
        """Notice that the port is gone or back, release what was held, and report it. For one thread.

        Args:
            names: the ports that can be listened to now; None where the system's MIDI does not answer.
        """
        if self._connection is not None:
            if names is None or self._driver.life != self._life:
                self._lose(self._connection.abandon)
            elif not self._virtual and not (self.name in names and self._driver.linked(self.name)):
                self._lose(self._connection.close)
            elif self._sensed and self._clock.now() - self._heard_seconds > SENSING_SECONDS:
                self._sensed = False
                self._report_change(False)
        if self._connection is None and names is not None and self._inbox is not None:
            self._return(names)

    def close(self) -> None:
        """Release the port. Safe to call twice."""
        if self._connection is not None:
            self._connection.close()

    def _open(self) -> None:
        self._life = self._driver.life
        self._connection = self._driver.open_input(self.name, self._virtual, self._received)
        self.there = True

    def _lose(self, release: Callable[[], None]) -> None:
        release()
        self._connection = None
        self._sensed = False
        self._report_change(False)

    def _return(self, names: list[str]) -> None:
        again = self.name if self._virtual else find_again(self.name, names)
        if again is None:
            return
        self.name = again
        try:
            self._open()
        except BridgeError as error:
            logger.debug("“%s” is back and cannot be opened yet: %s", self.name, error)
            return
        self._report_change(True)

    def _report_change(self, there: bool) -> None:
        seconds = self._clock.now()
        self.there = there
        if not there:
            self._release_all(seconds)
        self._report(PortChanged(seconds, self.device, "in", there))

    def _received(self, data: list[int]) -> None:
        seconds = self._clock.now()
        try:
            message = mido.Message.from_bytes(data)
        except (ValueError, LookupError):  # mido looks past the end of some messages that are cut short
            self.malformed += 1
            return
        self._heard_seconds = seconds
        if not self.there:
            self._report_change(True)
        if message.type in _CLOCK:
            self._report(ClockFact(seconds, self.device, _CLOCK[message.type]))
        elif message.type == "active_sensing":
            self._sensed = True
        elif not self._echoes.is_echo(data, seconds, self.name):
            self._understand(message, seconds)

    def _understand(self, message: mido.Message, seconds: float) -> None:
        kind = message.type
        if kind == "note_on" and message.velocity > 0:
            self._held.add((message.channel, message.note))
            self._report(NoteOn(seconds, message.note, message.velocity, message.channel))
        elif kind in ("note_on", "note_off"):
            self._held.discard((message.channel, message.note))
            self._report(NoteOff(seconds, message.note, message.channel))
        elif kind == "reset" or message.is_cc(ALL_NOTES_OFF) or message.is_cc(ALL_SOUND_OFF):
            self._panic(seconds)
        elif kind == "control_change":
            self._report(ControlChange(seconds, self.device, message.channel, message.control, message.value))
        elif kind == "program_change":
            self._report(ProgramChange(seconds, self.device, message.channel, message.program))
        elif kind == "songpos":
            self._report(ClockFact(seconds, self.device, "position", message.pos / _SIXTEENTHS_PER_BEAT))

    def _panic(self, seconds: float) -> None:
        held = bool(self._held)
        self._release_all(seconds)
        if held or not 0.0 <= seconds - self._panic_seconds < PANIC_SECONDS:
            self._panic_seconds = seconds
            self._report(Panic(seconds))

    def _release_all(self, seconds: float) -> None:
        for channel, pitch in sorted(self._held.copy()):
            self._report(NoteOff(seconds, pitch, channel))
        self._held.clear()

    def _report(self, event: InEvent) -> None:
        if self._inbox is not None:
            self._inbox(event)
