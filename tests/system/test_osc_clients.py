"""The namespace as liblo hears and speaks it, whose code shares nothing with ours."""

from __future__ import annotations

import socket
from dataclasses import replace

import pytest
from osc_wire import Wire, client
from oscdump import missing, oscdump, oscsend

from bridge.controls.parameters import PARAMETERS
from bridge.events import (
    ChordStarts,
    EndNote,
    HostReport,
    InEvent,
    MelodyHeard,
    NoteOff,
    NoteOn,
    OutMessage,
    ParameterChanged,
    PlannedChord,
    PlanShown,
    PlayNote,
    Set,
    Silence,
    Status,
    TransportChanged,
)
from bridge.ports.osc.choice import LOOPBACK, OscChoice
from bridge.ports.osc.codec import build, bundle
from bridge.ports.osc.namespace import NAMESPACE, outgoing, type_of

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

VALUED = {name: parameter for name, parameter in PARAMETERS.items() if parameter.kind != "trigger"}

OUT: list[tuple[OutMessage, tuple[str, str, list[str]]]] = [
    (PlayNote(0.0, 60, 64), ("/gapt/play", "iii", ["60", "64", "1"])),
    (EndNote(0.0, 60), ("/gapt/play", "iii", ["60", "0", "1"])),
    (
        ChordStarts(12.25, 49, "Eb:min7", (39, 54, 58)),
        ("/gapt/chord", "sfiii", ["Eb:min7", "12.250000", "39", "54", "58"]),
    ),
    (ChordStarts(13.0, 52, "N", ()), ("/gapt/chord", "sf", ["N", "13.000000"])),
    (Silence(0.0, 15), ("/gapt/silence", "i", ["16"])),
    (
        PlanShown(10.0, (PlannedChord(12.0, 1.5, "C:maj", (60, 64), True),)),
        ("/gapt/plan", "iisfffiii", ["0", "1", "C:maj", "12.000000", "1.500000", "2.000000", "1", "60", "64"]),
    ),
    (MelodyHeard(0.0, 72, 90), ("/gapt/melody", "ii", ["72", "90"])),
    (
        TransportChanged(4.0, True, 97.5, (6, 8)),
        ("/gapt/transport", "iffii", ["1", "4.000000", "97.500000", "6", "8"]),
    ),
    (
        Status(8.0, True, 120.0, (4, 4), (3, 1.0), 2, 0, 0.002, "default", "", "internal"),
        (
            "/gapt/status",
            "sfifiifsss",
            ["playing", "120.000000", "3", "1.000000", "2", "0", "2.000000", "default", "", "internal"],
        ),
    ),
]


def test_oscdump_gets_every_address_with_the_types_i_f_and_s() -> None:
    with oscdump() as dump, Wire(OscChoice(port_in=0, out=(LOOPBACK, dump.port), query_port=None)) as wire:
        seen = {"/gapt/hello"}  # an answer, which goes to the sender
        for message, expected in OUT:
            wire.port.send(message)
            assert dump.message() == expected
            seen.add(expected[0])
        assert seen == {line.address for line in NAMESPACE if line.way == "out"}
        for name, parameter in VALUED.items():
            wire.port.send(ParameterChanged(0.0, name, wire.port.values[name]))
            address, types, (value,) = dump.message()
            assert (address, types) == (parameter.address, type_of(parameter))
            told = outgoing(parameter, wire.port.values[name])
            assert value == (f"{told:.6f}" if isinstance(told, float) else str(told))


def test_oscdump_may_subscribe_and_be_answered() -> None:
    with oscdump() as dump, Wire(OscChoice(port_in=0, out=None, reply=(LOOPBACK, dump.port), query_port=None)) as wire:
        oscsend(wire.port.port, "/gapt/subscribe")
        oscsend(wire.port.port, "/gapt/hello", "is", 1, "liblo")
        assert dump.message() == ("/gapt/hello", "iis", ["1", str(wire.port.session), "GAPT Bridge"])
        wire.port.send(Silence(0.0))
        assert dump.message() == ("/gapt/silence", "i", ["1"])
        oscsend(wire.port.port, "/gapt/dump")
        assert [dump.message()[0] for _ in VALUED] == [parameter.address for parameter in VALUED.values()]


def test_oscdump_reads_our_bundles() -> None:
    with oscdump() as dump, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        nested = bundle(build("/first", [1]), bundle(build("/second", [2.5]), bundle(build("/third", ["é"]))))
        udp.sendto(nested, (LOOPBACK, dump.port))
        assert [dump.message() for _ in range(3)] == [
            ("/first", "i", ["1"]),
            ("/second", "f", ["2.500000"]),
            ("/third", "s", ["é"]),
        ]


@pytest.mark.parametrize(
    ("address", "types", "arguments", "expected"),
    [
        ("/gapt/note", "ii", (60, 100), NoteOn(0.0, 60, 100)),
        ("/gapt/note", "fff", (60, 100, 2.5), NoteOn(0.0, 60, 100, beats=2.5)),
        ("/gapt/note", "hd", (60, 0), NoteOff(0.0, 60)),
        (
            "/gapt/host",
            "ffiii",
            (4, 97.5, 1, 3, 4),
            HostReport(0.0, "osc", beats=4.0, bpm=97.5, metre=(3, 4), playing=True, exact=True),
        ),
        ("/gapt/transport", "T", (), HostReport(0.0, "osc", playing=True)),
        ("/gapt/transport", "if", (0, 8.0), HostReport(0.0, "osc", playing=False, beats=8.0)),
        ("/gapt/learn", "s", ("tempo",), Set(0.0, "learn", "tempo")),
        ("/gapt/unlearn", "s", ("tempo",), Set(0.0, "unlearn", "tempo")),
        ("/gapt/panic", "", (), Set(0.0, "panic", True)),
        ("/gapt/start", "i", (1,), Set(0.0, "start", True)),
        ("/gapt/stop", "f", (1.0,), Set(0.0, "stop", True)),
        ("/gapt/h?ld", "F", (), Set(0.0, "hold", False)),
        ("/gapt/{voicing,nothing}", "s", ("strum",), Set(0.0, "voicing", "strum")),
    ],
)
def test_oscsend_is_understood(address: str, types: str, arguments: tuple[object, ...], expected: InEvent) -> None:
    with Wire() as wire:
        oscsend(wire.port.port, address, types, *arguments)
        (event,) = wire.events()
        assert event == replace(expected, seconds=event.seconds)
        assert wire.port.malformed == wire.port.refused == 0


def test_oscsend_sets_every_parameter() -> None:
    with Wire() as wire:
        for name, parameter in VALUED.items():
            value = outgoing(parameter, wire.port.values[name])
            oscsend(wire.port.port, parameter.address, type_of(parameter), value)
            assert wire.settings() == [(name, wire.port.values[name])]


def test_oscsend_subscribes_another_port() -> None:
    with Wire() as wire, client() as udp:
        oscsend(wire.port.port, "/gapt/subscribe", "i", udp.getsockname()[1])
        assert wire.events() == []
        assert wire.port.subscribers == [udp.getsockname()]
        oscsend(wire.port.port, "/gapt/unsubscribe", "i", udp.getsockname()[1])
        assert wire.events() == []
        assert wire.port.subscribers == []
