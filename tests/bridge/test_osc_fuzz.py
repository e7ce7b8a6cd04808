"""Random and mutated datagrams change nothing: a small `bench/osc_fuzz.py` over the socket, and Hypothesis."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from osc_wire import Wire

from bridge.events import InEvent
from bridge.ports.osc.choice import LOOPBACK, OscChoice
from bridge.ports.osc.codec import build, bundle
from bridge.ports.osc.namespace import ADDRESSES_IN
from bridge.ports.osc.server import OscServer
from bridge.timing.clock import ManualClock

BENCH = Path(__file__).parents[2] / "bench"
CASES = 20_000


@pytest.fixture(scope="module")
def bench() -> Any:
    """The two modules of the benchmark: what it sends, and how it judges."""
    sys.path.insert(0, str(BENCH))
    try:
        import _osc_datagrams
        import osc_fuzz
    finally:
        sys.path.remove(str(BENCH))
    return _osc_datagrams, osc_fuzz


def test_a_storm_over_the_socket_changes_nothing(bench: Any) -> None:
    datagrams, judge = bench
    chance = random.Random(2)
    with Wire() as wire:
        values = dict(wire.port.values)
        for _ in range(CASES // 100):
            storm = [datagrams.bad(chance) for _ in range(100)]
            hopeless = [bad.datagram for bad in storm if bad.hopeless]
            before = wire.port.malformed + wire.port.refused
            wire.send(*hopeless)
            assert wire.events() == []
            assert wire.port.malformed + wire.port.refused == before + len(hopeless)
            wire.send(*(bad.datagram for bad in storm if not bad.hopeless))
            assert all(judge.in_range(event) for event in wire.events())
        assert wire.port.values == values
        wire.send(build("/gapt/note", [60, 100]))
        assert len(wire.events()) == 1


def test_the_same_seed_gives_the_same_datagrams(bench: Any) -> None:
    datagrams, _ = bench
    first, second = random.Random(7), random.Random(7)
    drawn = [datagrams.bad(first) for _ in range(500)]
    assert drawn == [datagrams.bad(second) for _ in range(500)]
    assert {bad.hopeless for bad in drawn} == {True, False}


@pytest.fixture(scope="module")
def take() -> Any:
    """The port's own reading, without the socket."""
    server = OscServer(ManualClock(), OscChoice(port_in=0, out=None, query_port=None))

    def take(datagram: bytes) -> list[InEvent]:
        events: list[InEvent] = []
        server.take(datagram, (LOOPBACK, 9), 0.0, events.append)
        return events

    yield take
    server.close()


ADDRESSES = st.sampled_from(ADDRESSES_IN) | st.text("/gapt?*[]{},-!notevl", max_size=24).map("/".__add__)
ARGUMENTS = st.lists(st.integers(-(1 << 31), (1 << 31) - 1) | st.floats(width=32) | st.text(max_size=9), max_size=6)


@given(address=ADDRESSES, arguments=ARGUMENTS)
def test_any_message_is_refused_or_within_its_range(
    bench: Any, take: Callable[[bytes], list[InEvent]], address: str, arguments: list[int | float | str]
) -> None:
    assert all(bench[1].in_range(event) for event in take(build(address, arguments)))
    assert all(bench[1].in_range(event) for event in take(bundle(build("/other"), build(address, arguments))))


@given(datagram=st.binary(max_size=300))
def test_any_bytes_do_no_harm(bench: Any, take: Callable[[bytes], list[InEvent]], datagram: bytes) -> None:
    assert all(bench[1].in_range(event) for event in take(datagram))
    assert all(bench[1].in_range(event) for event in take(b"#bundle\0" + datagram))
