"""OSC in and out over UDP: the namespace of `docs/osc.md`, which a test compares with `NAMESPACE`.

Bundles are taken apart and acted on at once, whatever their time tag. Out go the types i, f and s only,
which every host understands.
"""

from __future__ import annotations

import logging
import math
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Union

from pythonosc.osc_message import OscMessage, ParseError
from pythonosc.osc_message_builder import OscMessageBuilder

from bridge.errors import BridgeError
from bridge.events import ChordStarts, InEvent, NoteOff, NoteOn, OutMessage, Start, Status, Stop, TempoChange
from bridge.seams import Clock, Inbox

LOOPBACK = "127.0.0.1"
DEFAULT_IN_PORT = 9100
DEFAULT_OUT_PORT = 9101

SLOWEST_BPM = 10.0
FASTEST_BPM = 999.0

RECEIVE_BUFFER_BYTES = 1 << 20
DEEPEST_BUNDLE = 8
_BUNDLE = b"#bundle\0"
_BUNDLE_HEADER = len(_BUNDLE) + 8
_KNOWN_TAGS = frozenset("ifsbhdTFN")
_WAKE_SECONDS = 0.2

Argument = Union[int, float, str]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Address:
    """One line of the namespace: `way` is `in` or `out`, `arguments` are their names, in order."""

    way: str
    address: str
    arguments: str
    meaning: str


NAMESPACE = (
    Address(
        "in",
        "/gapt/note",
        "pitch velocity",
        "A melody note: MIDI pitch 0 to 127, velocity 0 to 127; velocity 0 ends it.",
    ),
    Address("in", "/gapt/tempo", "bpm", f"Quarter notes a minute, {SLOWEST_BPM:g} to {FASTEST_BPM:g}."),
    Address("in", "/gapt/transport", "rolling", "1 starts from beat 0 (again, where it rolls already), 0 stops."),
    Address(
        "out",
        "/gapt/chord",
        "name beat pitch…",
        "A chord begins: Harte name (s; `N` for none), the beat it is due at (f), its pitches (i each; none for `N`).",
    ),
    Address(
        "out",
        "/gapt/status",
        "state bpm beat chords late",
        "About once a second: `waiting` or `playing` (s), tempo (f), beat (f), chords so far (i), late chords (i).",
    ),
)


class OscInPort:
    """Listens on one UDP port with one thread.

    `malformed` counts datagrams that are no OSC and messages whose address or arguments are not ours; they are dropped.
    """

    def __init__(self, clock: Clock, port: int = DEFAULT_IN_PORT, host: str = LOOPBACK) -> None:
        """Bind the socket; port 0 lets the system choose, `port` then says which.

        Raises:
            BridgeError: the port cannot be had.
        """
        self.malformed = 0
        self._clock = clock
        self._socket = _bound_socket(host, port)
        self.port: int = self._socket.getsockname()[1]
        self._closing = False
        self._thread: threading.Thread | None = None

    def start(self, inbox: Inbox) -> None:
        """Begin to report, from the receiving thread."""
        self._thread = threading.Thread(target=self._receive, args=(inbox,), name="osc in", daemon=True)
        self._thread.start()

    def gone(self) -> bool:
        """Never: a UDP port needs no one at the other end."""
        return False

    def close(self) -> None:
        """Release the port. Safe to call twice."""
        self._closing = True
        if self._thread is not None:
            self._thread.join()
        self._socket.close()

    def _receive(self, inbox: Inbox) -> None:
        while not self._closing:
            try:
                datagram = self._socket.recv(65536)
            except TimeoutError:
                continue
            except OSError as error:
                # Windows reports here that nobody listens where we sent to.
                logger.debug("receiving: %s", error)
                continue
            self._take(datagram, self._clock.now(), inbox)

    def _take(self, datagram: bytes, seconds: float, inbox: Inbox) -> None:
        try:
            events = [_event_of(message, seconds) for message in parse(datagram)]
        except ValueError as error:
            self.malformed += 1
            logger.debug("dropped a datagram: %s", error)
            return
        for event in events:
            inbox(event)


class OscOutPort:
    """Sends to one UDP port. A message that the system refuses is dropped and counted in `dropped`."""

    def __init__(self, port: int = DEFAULT_OUT_PORT, host: str = LOOPBACK) -> None:
        self.dropped = 0
        self._address = (host, port)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    def send(self, message: OutMessage) -> None:
        """Send the start of a chord, or the status; notes go by MIDI."""
        if isinstance(message, ChordStarts):
            self._send("/gapt/chord", [message.name, float(message.due_beats), *message.pitches])
        elif isinstance(message, Status):
            state = "playing" if message.playing else "waiting"
            beats = float(message.due_beats)
            self._send("/gapt/status", [state, float(message.bpm), beats, message.chords, message.late])

    def gone(self) -> bool:
        """Never: a UDP port needs no one at the other end."""
        return False

    def close(self) -> None:
        """Release the socket. Safe to call twice."""
        self._socket.close()

    def _send(self, address: str, arguments: list[Argument]) -> None:
        try:
            self._socket.sendto(build(address, arguments), self._address)
        except OSError as error:
            self.dropped += 1
            logger.debug("sending: %s", error)


def build(address: str, arguments: list[Argument]) -> bytes:
    """The datagram of one message; an int goes as i, a float as f, a string as s."""
    builder = OscMessageBuilder(address)
    for argument in arguments:
        tag = "s" if isinstance(argument, str) else "i" if isinstance(argument, int) else "f"
        builder.add_arg(argument, tag)
    return bytes(builder.build().dgram)


def parse(datagram: bytes, depth: int = 0) -> Iterator[OscMessage]:
    """The messages of a datagram, in order, bundles taken apart.

    python-osc's own `OscPacket` is not used: a bundle element of negative size keeps it busy for ever.

    Raises:
        ValueError: it is no OSC, nests too deep, or has a type that is not understood.
    """
    if not datagram.startswith(_BUNDLE):
        yield _parse_message(datagram)
        return
    if depth >= DEEPEST_BUNDLE or len(datagram) < _BUNDLE_HEADER:
        raise ValueError("a bundle nests too deep or is cut short")
    place = _BUNDLE_HEADER
    while place < len(datagram):
        if place + 4 > len(datagram):
            raise ValueError("a bundle is cut short")
        (size,) = struct.unpack_from(">i", datagram, place)
        if size <= 0 or size % 4 or place + 4 + size > len(datagram):
            raise ValueError("a bundle's element has an impossible size")
        yield from parse(datagram[place + 4 : place + 4 + size], depth + 1)
        place += 4 + size


def _parse_message(datagram: bytes) -> OscMessage:
    if len(datagram) % 4 or not datagram.startswith(b"/"):
        raise ValueError("neither a message nor a bundle")
    unknown = set(_tags(datagram)) - _KNOWN_TAGS
    if unknown:
        # python-osc would deliver the message without that argument, all later ones shifted.
        raise ValueError(f"types not understood: {sorted(unknown)}")
    try:
        return OscMessage(datagram)
    except (ParseError, ValueError, TypeError, LookupError, ArithmeticError, struct.error) as error:
        raise ValueError(f"not a message: {error}") from error


def _tags(datagram: bytes) -> str:
    start = (datagram.find(b"\0") // 4 + 1) * 4
    end = datagram.find(b"\0", start)
    return datagram[start + 1 : end].decode("latin-1") if datagram[start : start + 1] == b"," else ""


def _event_of(message: OscMessage, seconds: float) -> InEvent:
    arguments = [_number(argument) for argument in message.params]
    match message.address, arguments:
        case "/gapt/note", [pitch, velocity]:
            key, strength = _midi_value(pitch), _midi_value(velocity)
            return NoteOn(seconds, key, strength) if strength else NoteOff(seconds, key)
        case "/gapt/tempo", [bpm] if SLOWEST_BPM <= bpm <= FASTEST_BPM:
            return TempoChange(seconds, bpm)
        case "/gapt/transport", [rolling] if rolling in (0.0, 1.0):
            return Start(seconds) if rolling else Stop(seconds)
    raise ValueError(f"{message.address} {message.params} is not in the namespace")


def _number(argument: object) -> float:
    if not isinstance(argument, (int, float)) or not math.isfinite(argument):
        raise ValueError(f"{argument!r} is no number")
    return float(argument)


def _midi_value(number: float) -> int:
    value = round(number)
    if not 0 <= value <= 127:
        raise ValueError(f"{number} is not within 0 to 127")
    return value


def _bound_socket(host: str, port: int) -> socket.socket:
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        udp.bind((host, port))
    except (OSError, OverflowError) as error:
        udp.close()
        raise BridgeError(
            f"OSC cannot listen on UDP port {port} ({error}): close what else listens there, "
            "choose another with --osc-in, or go without by --no-osc."
        ) from error
    udp.settimeout(_WAKE_SECONDS)
    return udp
