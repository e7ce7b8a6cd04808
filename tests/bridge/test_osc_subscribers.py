"""Who gets what goes out: coming, leaving, and no longer being there."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from osc_wire import Wire, client

from bridge.errors import BridgeError
from bridge.events import ChordStarts, PlayNote, Silence
from bridge.ports.osc.choice import LOOPBACK, Guests, OscChoice, address_of, endpoint
from bridge.ports.osc.codec import build, parse
from bridge.ports.osc.server import OscServer
from bridge.ports.osc.subscribers import LEASE_SECONDS, MOST_REFUSALS, MOST_SUBSCRIBERS
from bridge.timing.clock import ManualClock


@pytest.fixture
def wire() -> Iterator[Wire]:
    with Wire() as wire:
        yield wire


def test_a_subscriber_hears_all_until_it_leaves(wire: Wire) -> None:
    wire.send(build("/gapt/subscribe"))
    assert wire.events() == []
    wire.port.send(PlayNote(0.0, 60, 64))
    assert wire.message().arguments == (60, 64, 1)
    wire.send(build("/gapt/unsubscribe"))
    assert wire.events() == []
    assert wire.port.subscribers == []


def test_what_sounds_at_a_subscriber_is_ended_when_it_leaves(wire: Wire) -> None:
    wire.send(build("/gapt/subscribe"))
    assert wire.events() == []
    wire.port.send(PlayNote(0.0, 60, 64))
    wire.port.send(ChordStarts(0.0, 0, "C:maj", (60,)))
    wire.send(build("/gapt/unsubscribe"))
    told = [wire.message() for _ in range(5)]
    assert [(message.address, message.arguments[:2]) for message in told[2:]] == [
        ("/gapt/play", (60, 0)),
        ("/gapt/chord", ("N", 0.0)),
        ("/gapt/silence", (1,)),
    ]


def test_one_may_subscribe_for_another_port_of_ones_own(wire: Wire) -> None:
    with client() as other:
        port = other.getsockname()[1]
        wire.send(build("/gapt/subscribe", [float(port)]))
        assert wire.events() == []
        wire.port.send(Silence(0.0))
        assert parse(other.recv(4096))[0].address == "/gapt/silence"
        wire.send(build("/gapt/unsubscribe", [port]))
        assert wire.events() == []
    assert wire.port.subscribers == []


def test_to_subscribe_twice_is_to_subscribe_once(wire: Wire) -> None:
    wire.send(build("/gapt/subscribe"), build("/gapt/subscribe"), build("/gapt/hello", [1]))
    assert wire.events() == []
    assert len(wire.port.subscribers) == 1


def test_there_are_only_so_many(wire: Wire) -> None:
    wire.send(*(build("/gapt/subscribe", [20000 + i]) for i in range(MOST_SUBSCRIBERS + 3)))
    assert wire.events() == []
    assert len(wire.port.subscribers) == MOST_SUBSCRIBERS
    assert wire.port.refused == 3


def test_one_that_listens_no_more_is_dropped_and_the_others_hear_on(wire: Wire) -> None:
    with client() as gone:
        wire.send(build("/gapt/subscribe"), build("/gapt/subscribe", [gone.getsockname()[1]]))
        assert wire.events() == []
        wire.port.send(Silence(0.0, 1))
        assert parse(gone.recv(4096))
    assert wire.message().arguments == (2,)
    for channel in range(10):
        wire.port.send(Silence(0.0, channel))
    assert wire.port.subscribers == [wire.socket.getsockname()]
    assert [wire.message().arguments for _ in range(10)] == [(channel + 1,) for channel in range(10)]


def test_one_that_begins_to_listen_late_loses_nothing_from_then_on(wire: Wire) -> None:
    with client() as udp:
        port = udp.getsockname()[1]
    wire.send(build("/gapt/subscribe", [port]))
    assert wire.events() == []
    for _ in range(MOST_REFUSALS - 1):
        wire.port.send(Silence(0.0))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as late:
        late.bind((LOOPBACK, port))
        late.settimeout(10.0)
        for channel in range(3):
            wire.port.send(Silence(0.0, channel))
            assert parse(late.recv(4096))[0].arguments == (channel + 1,)


class Away:
    """A port with a subscriber on another computer, as far as it can tell; time is ours."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.port = OscServer(self.clock, OscChoice(port_in=0, out=None, query_port=None))
        self.says("/gapt/subscribe")

    def says(self, address: str, host: str = "192.168.7.7") -> None:
        self.port.take(build(address), (host, 5000), self.clock.now(), lambda event: None)


def test_a_subscription_from_another_computer_ends_when_it_falls_silent() -> None:
    away = Away()
    away.clock.sleep_until(LEASE_SECONDS)
    away.port.send(Silence(0.0))
    assert away.port.subscribers == [("192.168.7.7", 5000)]
    away.clock.sleep_until(LEASE_SECONDS + 1.0)
    away.port.send(Silence(0.0))
    assert away.port.subscribers == []
    away.port.close()


def test_whatever_its_computer_sends_renews_a_subscription() -> None:
    away = Away()
    for minute in range(1, 6):
        away.clock.sleep_until(minute * LEASE_SECONDS)
        away.says("/gapt/panic")
        away.port.send(Silence(0.0))
    assert away.port.subscribers == [("192.168.7.7", 5000)]
    away.clock.sleep_until(6 * LEASE_SECONDS + 1.0)
    away.says("/gapt/panic", host="192.168.7.8")
    away.port.send(Silence(0.0))
    assert away.port.subscribers == []
    away.port.close()


@pytest.mark.parametrize(
    ("text", "expected"),
    [("9101", (LOOPBACK, 9101)), ("192.168.1.20:9000", ("192.168.1.20", 9000)), ("localhost:7", (LOOPBACK, 7))],
)
def test_an_endpoint_is_a_port_or_a_host_and_a_port(text: str, expected: tuple[str, int]) -> None:
    assert endpoint(text, "--osc-out") == expected


@pytest.mark.parametrize("text", ["", "x", ":9000", "0", "65536", "192.168.1.20", "host:-1", "no.such.host.invalid:9"])
def test_what_is_no_endpoint_is_one_sentence(text: str) -> None:
    with pytest.raises(BridgeError, match=r"^--osc-out .*: give .*\.$"):
        endpoint(text, "--osc-out")


def test_whom_to_believe() -> None:
    assert [Guests().allows(host) for host in ("127.0.0.1", "192.168.1.9", "10.1.2.3", "172.20.0.1", "8.8.8.8")] == [
        *[True] * 4,
        False,
    ]
    named = Guests(("192.168.1.20", "100.64.0.0/10"))
    assert [named.allows(host) for host in ("127.0.0.1", "192.168.1.20", "192.168.1.21", "100.64.3.3", "10.1.2.3")] == [
        *[True] * 2,
        False,
        True,
        False,
    ]
    with pytest.raises(BridgeError, match=r"--osc-allow cannot be house \(.*\): give addresses"):
        Guests(("house",))


def test_an_unknown_interface_is_one_sentence() -> None:
    with pytest.raises(BridgeError, match=r"--osc-listen names “no.such.host.invalid”, which nobody knows"):
        address_of("no.such.host.invalid", "--osc-listen")
