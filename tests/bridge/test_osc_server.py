"""The OSC port over real sockets of this computer: what comes in, what goes out, who is answered."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

import pytest
from osc_wire import PATIENCE, Wire, client

from bridge.controls.parameters import PARAMETERS
from bridge.controls.settings import Settings
from bridge.errors import BridgeError
from bridge.events import (
    ChordStarts,
    ClockOut,
    EndNote,
    HostReport,
    InEvent,
    MelodyHeard,
    NoteOn,
    OutMessage,
    ParameterChanged,
    PlannedChord,
    PlanShown,
    PlayNote,
    Silence,
    Status,
    TransportChanged,
)
from bridge.ports.osc.choice import LOOPBACK, OscChoice
from bridge.ports.osc.codec import MOST_BYTES_OUT, Argument, Message, build, bundle, parse
from bridge.ports.osc.namespace import NAME, NAMESPACE, VERSION
from bridge.ports.osc.server import OscServer
from bridge.timing.clock import ManualClock, MonotonicClock


@pytest.fixture
def wire() -> Iterator[Wire]:
    with Wire() as wire:
        yield wire


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with client() as udp:
        yield udp


def sending_to(listener: socket.socket) -> OscChoice:
    return OscChoice(port_in=0, out=(LOOPBACK, listener.getsockname()[1]), query_port=None)


def received(listener: socket.socket) -> tuple[str, list[object]]:
    (message,) = parse(listener.recv(4096))
    return message.address, list(message.arguments)


def test_a_note_comes_in_with_its_time(wire: Wire) -> None:
    before = MonotonicClock().now()
    wire.send(build("/gapt/note", [60.0, 100]))
    (note,) = wire.events()
    assert isinstance(note, NoteOn) and (note.pitch, note.velocity) == (60, 100)
    assert before <= note.seconds <= MonotonicClock().now()


def test_a_bundle_is_acted_on_at_once_and_in_order_whatever_its_time(wire: Wire) -> None:
    notes = [build("/gapt/note", [pitch, 64]) for pitch in range(60, 66)]
    future = b"#bundle\0" + struct.pack(">II", 0xFFFFFFFF, 0)
    late = future + b"".join(struct.pack(">i", len(note)) + note for note in notes[2:4])
    wire.send(bundle(*notes[:2], late, *notes[4:]))
    assert [event.pitch for event in wire.events() if isinstance(event, NoteOn)] == list(range(60, 66))


def test_a_burst_keeps_its_order(wire: Wire) -> None:
    wire.send(*(build("/gapt/note", [i % 128, 1 + i % 127]) for i in range(500)))
    assert [event.pitch for event in wire.events() if isinstance(event, NoteOn)] == [i % 128 for i in range(500)]


def test_of_a_bundle_what_is_not_ours_is_left_out(wire: Wire) -> None:
    wire.send(bundle(build("/other", [1]), build("/gapt/note", [60, 100]), build("/gapt/note", [600, 100])))
    assert len(wire.events()) == 1
    assert (wire.port.refused, wire.port.malformed) == (2, 0)


def test_a_malformed_datagram_is_dropped_and_counted(wire: Wire) -> None:
    wire.send(b"\xffnonsense", b"", bundle(build("/gapt/note", [60, 100]))[:-4])
    assert wire.events() == []
    assert (wire.port.refused, wire.port.malformed) == (0, 3)


def test_a_question_is_answered_to_the_sender_with_the_last_value() -> None:
    with Wire() as wire:
        wire.send(build("/gapt/tempo"), build("/gapt/voicing"), build("/gapt/hold"), build("/gapt/velocity"))
        assert [wire.message() for _ in range(4)] == [
            Message("/gapt/tempo", (120.0,)),
            Message("/gapt/voicing", ("block",)),
            Message("/gapt/hold", (0,)),
            Message("/gapt/velocity", (64,)),
        ]
        wire.port.send(ParameterChanged(0.0, "tempo", 97.5))
        wire.send(build("/gapt/tempo"))
        assert wire.message() == Message("/gapt/tempo", (97.5,))


@pytest.mark.parametrize(
    ("address", "value"), [("/gapt/channel", 99), ("/gapt/voicing", "foo"), ("/gapt/tempo", float("nan"))]
)
def test_a_value_that_cannot_be_is_answered_with_the_one_that_stays(wire: Wire, address: str, value: Argument) -> None:
    wire.send(build(address, [value]), build("/gapt/chann?l", [99]), build("/gapt/start", ["x"]))
    assert wire.events() == []
    assert wire.message() == Message(address, (Settings().value(address.removeprefix("/gapt/")),))
    assert wire.port.refused == 3
    wire.send(build("/gapt/hold"))
    assert wire.message() == Message("/gapt/hold", (0,)), "nothing else was answered"


def test_a_dump_tells_every_value_that_the_session_began_with() -> None:
    settings = Settings(tempo=90.0, voicing="strum")
    server = OscServer(MonotonicClock(), OscChoice(port_in=0, out=None, query_port=None), settings)
    events: list[InEvent] = []
    server.start(events.append)
    with client() as udp:
        udp.sendto(build("/gapt/dump"), (LOOPBACK, server.port))
        names = [name for name, parameter in PARAMETERS.items() if parameter.kind != "trigger"]
        told = dict(received(udp) for _ in names)
    server.close()
    assert list(told) == [f"/gapt/{name}" for name in names]
    assert told["/gapt/tempo"] == [90.0] and told["/gapt/voicing"] == ["strum"]
    assert events == []


def test_hello_is_answered_with_version_session_and_name(wire: Wire) -> None:
    wire.send(build("/gapt/hello", [1, "a plug-in"]))
    assert wire.message() == Message("/gapt/hello", (VERSION, wire.port.session, NAME))
    assert 0 < wire.port.session < 1 << 24
    assert wire.port.subscribers == [wire.socket.getsockname()]


def test_answers_go_where_the_player_wants_them(listener: socket.socket) -> None:
    reply = (LOOPBACK, listener.getsockname()[1])
    with Wire(OscChoice(port_in=0, out=None, reply=reply, query_port=None)) as wire:
        wire.send(build("/gapt/tempo"), build("/gapt/hello", [1]))
        assert [received(listener)[0] for _ in range(2)] == ["/gapt/tempo", "/gapt/hello"]
        assert wire.port.subscribers == [reply]


CHORD = PlannedChord(12.0, 1.5, "C:maj", (36, 60, 64, 67), True)

OUT: list[tuple[OutMessage, list[tuple[str, list[object]]]]] = [
    (PlayNote(1.0, 60, 64, 3), [("/gapt/play", [60, 64, 4])]),
    (EndNote(1.0, 60, 3), [("/gapt/play", [60, 0, 4])]),
    (Silence(1.0, 3), [("/gapt/silence", [4])]),
    (ChordStarts(12.25, 49, "Eb:min7", (39, 54, 58)), [("/gapt/chord", ["Eb:min7", 12.25, 39, 54, 58])]),
    (ChordStarts(13, 52, "N", ()), [("/gapt/chord", ["N", 13.0])]),
    (
        PlanShown(10.5, (CHORD, PlannedChord(13.5, 0.5, "N", (), False))),
        [
            ("/gapt/plan", [0, 2, "C:maj", 12.0, 1.5, 1.5, 1, 36, 60, 64, 67]),
            ("/gapt/plan", [1, 2, "N", 13.5, 0.5, 3.0, 0]),
        ],
    ),
    (PlanShown(10.5, ()), [("/gapt/plan", [0, 0, "N", 10.5, 0.0, 0.0, 0])]),
    (MelodyHeard(1.0, 72, 0), [("/gapt/melody", [72, 0])]),
    (TransportChanged(0.0, True, 120, (3, 4), jump=True), [("/gapt/transport", [1, 0.0, 120.0, 3, 4])]),
    (ParameterChanged(1.0, "tempo", 90.0), [("/gapt/tempo", [90.0])]),
    (ParameterChanged(1.0, "hold", True), [("/gapt/hold", [1])]),
    (ParameterChanged(1.0, "voicing", "pad"), [("/gapt/voicing", ["pad"])]),
    (ParameterChanged(1.0, "channel", 16), [("/gapt/channel", [16])]),
    (ParameterChanged(1.0, "panic", True), [("/gapt/panic", [1])]),
    (
        Status(9.0, True, 96.5, (4, 4), (3, 2.0), 7, 1, 0.0025, "default", "", "internal"),
        [("/gapt/status", ["playing", 96.5, 3, 2.0, 7, 1, 2.5, "default", "", "internal"])],
    ),
    (
        Status(0.0, False, 120, (4, 4), (1, 1.0), 0, 0, 0.0, "default", "It died.", "MIDI clock"),
        [("/gapt/status", ["waiting", 120.0, 1, 1.0, 0, 0, 0.0, "default", "It died.", "MIDI clock"])],
    ),
    (ClockOut(1.0, "tick"), []),
]


@pytest.mark.parametrize(("message", "expected"), OUT, ids=lambda value: type(value).__name__)
def test_what_goes_out(message: OutMessage, expected: list[tuple[str, list[object]]], listener: socket.socket) -> None:
    server = OscServer(ManualClock(), sending_to(listener))
    server.send(message)
    server.send(Silence(0.0, 15))
    assert [received(listener) for _ in expected] == expected
    assert received(listener) == ("/gapt/silence", [16])
    server.close()


def test_all_that_goes_out_is_in_the_namespace_with_its_types(listener: socket.socket) -> None:
    server = OscServer(ManualClock(), sending_to(listener))
    lines = {line.address: line for line in NAMESPACE if line.way == "out"}
    seen = {"/gapt/hello"}  # which is an answer
    for message, expected in OUT:
        server.send(message)
        for _ in expected:
            datagram = listener.recv(4096)
            (told,) = parse(datagram)
            seen.add(told.address)
            if told.address in lines:
                always, _, repeated = lines[told.address].types.partition("[")
                tags = datagram[datagram.index(b",") + 1 :].split(b"\0")[0].decode()
                assert tags.startswith(always) and set(tags[len(always) :]) <= set(repeated[:1])
                assert len(lines[told.address].arguments.replace("pitch…", "").split()) == len(always)
    server.close()
    assert set(lines) <= seen


def test_what_no_datagram_can_hold_is_counted_and_the_music_goes_on(listener: socket.socket) -> None:
    server = OscServer(ManualClock(), sending_to(listener))
    server.send(ChordStarts(0.0, 0, "C:maj", tuple(range(128)) * 3))
    server.send(ParameterChanged(0.0, "preset", "é" * 2000))
    server.send(ParameterChanged(0.0, "tempo", 1e300))
    address, (text,) = received(listener)
    assert (address, len(str(text).encode())) == ("/gapt/preset", 256)
    assert server.unsent == 2
    worst = Status(0.0, True, 120, (4, 4), (1, 1.0), 1, 1, 0.0, "x" * 999, "y" * 999, "z" * 999)
    server.send(worst)
    assert len(listener.recv(4096)) <= MOST_BYTES_OUT
    server.close()


def test_sending_where_nobody_listens_is_no_error() -> None:
    with client() as udp:
        free = udp.getsockname()[1]
    server = OscServer(ManualClock(), OscChoice(port_in=0, out=(LOOPBACK, free), query_port=None))
    for beat in range(20):
        server.send(ChordStarts(beat, beat * 4, "C:maj", (36, 60, 64, 67)))
    assert server.subscribers == [(LOOPBACK, free)]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as late:
        late.bind((LOOPBACK, free))
        late.settimeout(PATIENCE)
        server.send(Silence(0.0))
        assert received(late) == ("/gapt/silence", [1])
    server.close()


def test_last_words_end_all_that_we_began(listener: socket.socket) -> None:
    server = OscServer(ManualClock(), sending_to(listener))
    assert server.last_words() == []
    for message in (
        PlayNote(0.0, 60, 64),
        PlayNote(0.0, 64, 64),
        PlayNote(0.0, 64, 64),
        PlayNote(0.0, 67, 64, 9),
        ChordStarts(2.0, 8, "C:maj", (60, 64)),
        EndNote(1.0, 60),
        EndNote(1.0, 64),
        EndNote(1.0, 99),
    ):
        server.send(message)
    endpoint = (LOOPBACK, listener.getsockname()[1])
    words = server.last_words()
    assert {(host, port) for host, port, _ in words} == {endpoint}
    assert [parse(datagram)[0] for _, _, datagram in words] == [
        Message("/gapt/play", (64, 0, 1)),
        Message("/gapt/play", (67, 0, 10)),
        Message("/gapt/chord", ("N", 2.0)),
        Message("/gapt/silence", (1,)),
        Message("/gapt/silence", (10,)),
    ]
    server.send(Silence(3.0, 0))
    server.send(ChordStarts(3.0, 12, "N", ()))
    assert [parse(datagram)[0].address for _, _, datagram in server.last_words()] == [
        "/gapt/play",
        "/gapt/silence",
        "/gapt/silence",
    ]
    server.close()


def test_a_stranger_is_not_heard() -> None:
    server = OscServer(ManualClock(), OscChoice(port_in=0, out=None, query_port=None, allow=("192.168.7.0/24",)))
    events: list[InEvent] = []
    note = build("/gapt/note", [60, 100])
    for host in ("192.168.8.1", "10.0.0.1", "8.8.8.8"):
        server.take(note, (host, 5000), 0.0, events.append)
    assert (events, server.strangers) == ([], 3)
    for host in ("192.168.7.20", LOOPBACK):
        server.take(note, (host, 5000), 0.0, events.append)
    assert (len(events), server.strangers) == (2, 3)
    server.close()


def test_a_taken_port_is_one_sentence_with_the_way_out(wire: Wire) -> None:
    with pytest.raises(BridgeError, match=rf"UDP port {wire.port.port} .*--osc-in.*--no-osc\.$"):
        OscServer(ManualClock(), OscChoice(port_in=wire.port.port))


@pytest.mark.parametrize("port", [-1, 70000])
def test_an_impossible_port_is_one_sentence(port: int) -> None:
    with pytest.raises(BridgeError, match="--osc-in"):
        OscServer(ManualClock(), OscChoice(port_in=port))


@pytest.mark.parametrize("field", ["out", "reply"])
def test_what_goes_out_must_not_come_in_again(field: str) -> None:
    with client() as udp:
        port = udp.getsockname()[1]
    with pytest.raises(BridgeError, match=f"--osc-{field} cannot be the port that OSC comes in by"):
        OscServer(ManualClock(), OscChoice(port_in=port, **{"out": None, field: (LOOPBACK, port)}))
    with client() as again:  # and the port is free again
        assert again.getsockname()[1] != 0


def test_it_may_not_subscribe_to_itself(wire: Wire) -> None:
    wire.send(build("/gapt/subscribe", [wire.port.port]))
    assert wire.events() == []
    assert (wire.port.subscribers, wire.port.refused) == ([], 1)


def test_closing_twice_is_harmless(wire: Wire) -> None:
    wire.port.close()
    wire.port.close()


def test_a_host_report_is_a_fact_of_the_host_called_osc(wire: Wire) -> None:
    wire.send(build("/gapt/host", [8.5, 120, 1, 3, 4]))
    (report,) = wire.events()
    assert isinstance(report, HostReport)
    assert (report.host, report.beats, report.metre, report.exact) == ("osc", 8.5, (3, 4), True)
