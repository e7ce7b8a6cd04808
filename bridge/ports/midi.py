"""MIDI in and out: bytes of the back end to events of the engine, by way of mido's messages."""

from __future__ import annotations

import logging
import sys

import mido

from bridge.errors import BridgeError
from bridge.events import EndNote, NoteOff, NoteOn, OutMessage, PlayNote, Silence
from bridge.ports.midi_drivers import Connection, Driver
from bridge.seams import Clock, Inbox

VIRTUAL_IN = "GAPT Bridge in"
VIRTUAL_OUT = "GAPT Bridge out"

SUSTAIN = 64
ALL_SOUND_OFF = 120
ALL_NOTES_OFF = 123

logger = logging.getLogger(__name__)


class MidiInPort:
    """Notes of one MIDI port, any channel, each stamped as it comes in.

    `malformed` counts messages that are no MIDI.
    """

    def __init__(self, driver: Driver, clock: Clock, name: str | None = None) -> None:
        """Choose the port whose name holds `name`, or offer a virtual one.

        Raises:
            BridgeError: no such port, several of them, or no virtual ports on this system.
        """
        self.name = VIRTUAL_IN if name is None else find_port(name, driver.inputs(), "in")
        self.malformed = 0
        self._virtual = name is None
        self._driver = driver
        self._clock = clock
        self._held: set[int] = set()
        self._inbox: Inbox | None = None
        self._connection: Connection | None = None
        if self._virtual:
            _need_virtual_ports()

    def start(self, inbox: Inbox) -> None:
        """Open the port; the driver's thread reports from now on."""
        self._inbox = inbox
        self._connection = self._driver.open_input(self.name, self._virtual, self._received)

    def gone(self) -> bool:
        """Whether the device or program at the other end has left."""
        return self._connection is not None and self._connection.gone()

    def close(self) -> None:
        """Release the port. Safe to call twice."""
        if self._connection is not None:
            self._connection.close()

    def _received(self, data: list[int]) -> None:
        seconds = self._clock.now()
        try:
            message = mido.Message.from_bytes(data)
        except (ValueError, LookupError):  # mido looks past the end of some messages that are cut short
            self.malformed += 1
            return
        if message.type == "note_on" and message.velocity > 0:
            self._held.add(message.note)
            self._report(NoteOn(seconds, message.note, message.velocity))
        elif message.type in ("note_on", "note_off"):
            self._held.discard(message.note)
            self._report(NoteOff(seconds, message.note))
        elif message.type == "reset" or message.is_cc(ALL_NOTES_OFF) or message.is_cc(ALL_SOUND_OFF):
            self._release_all(seconds)

    def _release_all(self, seconds: float) -> None:
        for pitch in sorted(self._held):
            self._report(NoteOff(seconds, pitch))
        self._held.clear()

    def _report(self, event: NoteOn | NoteOff) -> None:
        if self._inbox is not None:
            self._inbox(event)


class MidiOutPort:
    """Notes to one MIDI port."""

    def __init__(self, driver: Driver, name: str | None = None) -> None:
        """Open the port whose name holds `name`, or offer a virtual one.

        Raises:
            BridgeError: no such port, several of them, it cannot be opened, or no virtual ports on this system.
        """
        if name is None:
            _need_virtual_ports()
        self.name = VIRTUAL_OUT if name is None else find_port(name, driver.outputs(), "out")
        self._connection = driver.open_output(self.name, name is None)

    def send(self, message: OutMessage) -> None:
        """Send what `message` is in MIDI, which may be nothing.

        Raises:
            BridgeError: the port takes no more.
        """
        for midi in _to_midi(message):
            self._connection.send(midi.bytes())

    def gone(self) -> bool:
        """Whether the device or program at the other end has left."""
        return self._connection.gone()

    def close(self) -> None:
        """Release the port. Safe to call twice."""
        self._connection.close()


def find_port(wanted: str, names: list[str], way: str) -> str:
    """The one name that is `wanted`, or else that holds it, whatever the case.

    Raises:
        BridgeError: none does, or several do; the sentence lists what there is.
    """
    others = [name for name in names if not name.startswith("GAPT Bridge")]
    found = [name for name in others if name == wanted] or [n for n in others if wanted.lower() in n.lower()]
    if len(found) == 1:
        return found[0]
    listed = ", ".join(f"“{name}”" for name in (found or others)) or "none"
    problem = "fits several ports" if found else "is no port"
    raise BridgeError(f"--{way} “{wanted}” {problem}; there are: {listed}. Give more of one name.")


def refuse_same_port(names: list[str]) -> None:
    """See to it that chords do not come back as melody; `names` are the ports listened and played to.

    Raises:
        BridgeError: both are the same port.
    """
    if len(set(names)) < len(names):
        raise BridgeError(
            f"“{names[0]}” is both --in and --out, so that the chords could come back as melody: "
            "choose another, or add --same-port where that cannot happen."
        )


def _to_midi(message: OutMessage) -> list[mido.Message]:
    if isinstance(message, PlayNote):
        channel, note, velocity = message.channel, message.pitch, message.velocity
        return [mido.Message("note_on", channel=channel, note=note, velocity=velocity)]
    if isinstance(message, EndNote):
        return [mido.Message("note_off", channel=message.channel, note=message.pitch)]
    if isinstance(message, Silence):
        controls = (SUSTAIN, ALL_NOTES_OFF, ALL_SOUND_OFF)
        return [mido.Message("control_change", channel=message.channel, control=c, value=0) for c in controls]
    return []


def _need_virtual_ports() -> None:
    if sys.platform == "win32":
        raise BridgeError(
            "Windows lets no program offer a MIDI port of its own: make two with loopMIDI "
            "(https://www.tobias-erichsen.de/software/loopmidi.html) and name them with --in and --out."
        )
