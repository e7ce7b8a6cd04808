"""OSC over real sockets on the loopback, and what malformed datagrams do: nothing."""

from __future__ import annotations

import random
import re
import socket
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import BridgeError
from bridge.events import (
    ChordStarts,
    EndNote,
    InEvent,
    NoteOff,
    NoteOn,
    PlayNote,
    Silence,
    Start,
    Status,
    Stop,
    TempoChange,
)
from bridge.live.inbox import Mailbox
from bridge.ports.osc import LOOPBACK, NAMESPACE, OscInPort, OscOutPort, build, parse
from bridge.timing.clock import ManualClock, MonotonicClock

PATIENCE = 10.0
FUZZ_CASES = 10_000


class Wire:
    """A port that listens, a socket that sends to it, and the mailbox between it and the test."""

    def __init__(self) -> None:
        self.mailbox = Mailbox()
        self.port = OscInPort(MonotonicClock(), port=0)
        self.port.start(self.mailbox.put)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def send(self, *datagrams: bytes) -> None:
        for datagram in datagrams:
            self.socket.sendto(datagram, (LOOPBACK, self.port.port))

    def events_up_to_stop(self) -> list[InEvent]:
        """Send a stop; what came before it."""
        self.send(build("/gapt/transport", [0]))
        events: list[InEvent] = []
        while not events or not isinstance(events[-1], Stop):
            came = self.mailbox.take(PATIENCE)
            assert came, "nothing came"
            events += came
        return events[:-1]

    def close(self) -> None:
        self.port.close()
        self.socket.close()


@pytest.fixture
def wire() -> Iterator[Wire]:
    wire = Wire()
    yield wire
    wire.close()


def bundle(*elements: bytes, tag: bytes = b"\0" * 7 + b"\1") -> bytes:
    return b"#bundle\0" + tag + b"".join(struct.pack(">i", len(element)) + element for element in elements)


@pytest.mark.parametrize("velocity", [100, 100.0, 99.6])
@pytest.mark.parametrize("pitch", [60, 60.0])
def test_a_note_may_come_as_ints_or_floats(wire: Wire, pitch: float, velocity: float) -> None:
    wire.send(build("/gapt/note", [pitch, velocity]))
    (note,) = wire.events_up_to_stop()
    assert isinstance(note, NoteOn) and (note.pitch, note.velocity) == (60, 100)


def test_velocity_nought_ends_the_note(wire: Wire) -> None:
    wire.send(build("/gapt/note", [60, 0]), build("/gapt/note", [61, 0.0]))
    events = wire.events_up_to_stop()
    assert [type(event) for event in events] == [NoteOff, NoteOff]
    assert [event.pitch for event in events if isinstance(event, NoteOff)] == [60, 61]


def test_tempo_and_transport(wire: Wire) -> None:
    wire.send(build("/gapt/tempo", [97.5]), build("/gapt/transport", [1.0]))
    tempo, start = wire.events_up_to_stop()
    assert isinstance(tempo, TempoChange) and tempo.bpm == 97.5
    assert isinstance(start, Start) and start.beats == 0.0


def test_a_bundle_is_acted_on_at_once_and_in_order_whatever_its_time(wire: Wire) -> None:
    far_future = struct.pack(">II", 0xFFFFFFFF, 0)
    notes = [build("/gapt/note", [pitch, 64]) for pitch in range(60, 68)]
    wire.send(bundle(*notes[:2], bundle(*notes[2:5], tag=far_future), *notes[5:], tag=far_future))
    assert [event.pitch for event in wire.events_up_to_stop() if isinstance(event, NoteOn)] == list(range(60, 68))


def test_a_burst_keeps_its_order(wire: Wire) -> None:
    wire.send(*(build("/gapt/note", [i % 128, 1 + i % 127]) for i in range(500)))
    events = wire.events_up_to_stop()
    assert [(e.pitch, e.velocity) for e in events if isinstance(e, NoteOn)] == [
        (i % 128, 1 + i % 127) for i in range(500)
    ]


def test_ten_thousand_malformed_datagrams_change_nothing(wire: Wire) -> None:
    chance = random.Random(2)
    for _ in range(FUZZ_CASES // 100):
        wire.send(*(chance.choice(MALFORMED)(chance) for _ in range(100)))
        assert wire.events_up_to_stop() == []
    assert wire.port.malformed == FUZZ_CASES
    wire.send(build("/gapt/note", [60, 100]))
    assert len(wire.events_up_to_stop()) == 1


def _cut(chance: random.Random) -> bytes:
    datagram = build("/gapt/note", [chance.randrange(128), chance.randrange(128)])
    return datagram[: chance.randrange(len(datagram))]


def _noise(chance: random.Random) -> bytes:
    # The first byte makes it neither a message nor a bundle.
    return bytes([chance.randrange(0x30, 0x100)]) + chance.randbytes(chance.randrange(300))


def _other_address(chance: random.Random) -> bytes:
    return build(chance.choice(["/gapt", "/gapt/notes", "/", "/gapt/*", "/gapt/note/1"]), [60, 100])


def _other_arguments(chance: random.Random) -> bytes:
    bad = [[], [60], [60, 100, 1], ["60", "100"], [60, "x"], [-1, 64], [128, 64], [60, 128], [60, float("nan")]]
    return build("/gapt/note", chance.choice([*bad, [float("inf"), 1], [1e30, 1], [60, -0.6]]))


def _other_values(chance: random.Random) -> bytes:
    value = chance.choice([0, -1, 9.99, 1000, 1e38, float("nan"), float("-inf"), "120"])
    return build("/gapt/tempo", [value]) if chance.random() < 0.5 else build("/gapt/transport", [value or 2])


def _unknown_type(chance: random.Random) -> bytes:
    tags = bytes([chance.choice(b"SIcrm[]tzQ*")])
    return b"/gapt/note\0\0,ii" + tags + b"\0\0\0\0" + struct.pack(">iii", 60, 100, 0)


def _bad_bundle(chance: random.Random) -> bytes:
    note = build("/gapt/note", [60, 100])
    size = chance.choice([-4, -1, 0, 1, 2, 3, len(note) + 4, 0x7FFFFFFF, -0x80000000])
    nested = note
    for _ in range(chance.randrange(9, 40)):
        nested = bundle(nested)
    return chance.choice([bundle(note)[:17], b"#bundle\0" + b"\0" * 8 + struct.pack(">i", size) + note, nested])


MALFORMED: list[Callable[[random.Random], bytes]] = [
    _cut,
    _noise,
    _other_address,
    _other_arguments,
    _other_values,
    _unknown_type,
    _bad_bundle,
    lambda chance: b"",
]


@given(st.binary(max_size=200) | st.binary(max_size=60).map(lambda tail: b"/gapt/note\0\0," + tail))
def test_any_bytes_are_parsed_or_refused(datagram: bytes) -> None:
    try:
        messages = list(parse(datagram))
    except ValueError:
        return
    assert all(message.address.startswith("/") for message in messages)


def test_a_taken_port_is_one_sentence_with_the_way_out(wire: Wire) -> None:
    with pytest.raises(BridgeError, match=rf"UDP port {wire.port.port} .*--osc-in.*--no-osc\.$"):
        OscInPort(ManualClock(), wire.port.port)


@pytest.mark.parametrize("port", [-1, 70000])
def test_an_impossible_port_is_one_sentence(port: int) -> None:
    with pytest.raises(BridgeError, match="--osc-in"):
        OscInPort(ManualClock(), port)


def test_closing_twice_is_harmless(wire: Wire) -> None:
    wire.port.close()
    wire.port.close()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind((LOOPBACK, 0))
        udp.settimeout(PATIENCE)
        yield udp


def test_a_chord_goes_out_as_name_beat_and_pitches(listener: socket.socket) -> None:
    port = OscOutPort(listener.getsockname()[1])
    port.send(ChordStarts(12.25, 49, "Eb:min7", (39, 54, 58, 61)))
    port.send(ChordStarts(13.0, 52, "N", ()))
    chord, rest = listener.recv(4096), listener.recv(4096)
    assert b",sfiiii\0" in chord and b",sf\0" in rest
    (message,) = parse(chord)
    assert (message.address, message.params) == ("/gapt/chord", ["Eb:min7", 12.25, 39, 54, 58, 61])
    port.close()


def test_status_goes_out_and_notes_do_not(listener: socket.socket) -> None:
    port = OscOutPort(listener.getsockname()[1])
    for message in (PlayNote(0.0, 60, 64), EndNote(1.0, 60), Silence(1.0), Status(2, True, 120, 3, 0)):
        port.send(message)
    datagram = listener.recv(4096)
    assert b",sffii\0" in datagram
    (status,) = parse(datagram)
    assert (status.address, status.params) == ("/gapt/status", ["playing", 120.0, 2.0, 3, 0])
    port.close()


def test_sending_where_nobody_listens_is_no_error() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind((LOOPBACK, 0))
        free = udp.getsockname()[1]
    port = OscOutPort(free)
    for beat in range(3):
        port.send(ChordStarts(beat, beat * 4, "C:maj", (36, 60, 64, 67)))
    port.close()


def test_the_page_says_what_the_code_says() -> None:
    page = (Path(__file__).parents[2] / "docs" / "osc.md").read_text("utf-8")
    rows = re.findall(r"^\| (in|out) \| `(\S+)` \| (.+?) \| (.+) \|$", page, re.MULTILINE)
    assert rows == [(line.way, line.address, line.arguments, line.meaning) for line in NAMESPACE]


def test_every_address_in_is_understood(wire: Wire) -> None:
    ways_in = [line for line in NAMESPACE if line.way == "in"]
    wire.send(
        *(build(line.address, [1] * len(line.arguments.split())) for line in ways_in if "bpm" not in line.arguments)
    )
    assert len(wire.events_up_to_stop()) == len(ways_in) - 1
    assert wire.port.malformed == 0
