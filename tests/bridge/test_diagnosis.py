"""`gapt ports` and `gapt monitor`: what comes in, in words, and who holds what is busy."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from bridge.cli import gapt
from bridge.diagnosis.monitor import Monitor
from bridge.diagnosis.ports import OSC_PORTS, is_free, udp_port
from bridge.diagnosis.words import Listener, known_dialects, midi_words, osc_words
from bridge.errors import BridgeError
from bridge.ports.midi_names import VIRTUAL_IN
from bridge.ports.osc.codec import build, bundle

LOOPBACK = "127.0.0.1"
PATIENCE = 20.0


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(gapt, list(arguments))


@contextmanager
def taken_port() -> Iterator[int]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((LOOPBACK, 0))
        yield other.getsockname()[1]


# --- words


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ([0x90, 60, 90], "note C4 on, velocity 90, channel 1"),
        ([0x9F, 70, 0], "note Bb4 off, channel 16"),
        ([0x81, 60, 64], "note C4 off, channel 2"),
        ([0xB2, 74, 3], "controller 74 at 3, channel 3"),
        ([0xB0, 64, 127], "controller 64 (sustain pedal) at 127, channel 1"),
        ([0xB0, 123, 0], "controller 123 (all notes off) at 0, channel 1"),
        ([0xC0, 5], "program 5, channel 1"),
        ([0xD0, 33], "pressure 33, channel 1"),
        ([0xA0, 60, 33], "pressure 33 on note C4, channel 1"),
        ([0xE0, 0, 64], "pitch bend +0, channel 1"),
        ([0xE0, 0, 0], "pitch bend -8192, channel 1"),
        ([0xE0, 127, 127], "pitch bend +8191, channel 1"),
        ([0xF0, 1, 2, 0xF7], "system exclusive, 4 bytes"),
        ([0xF2, 4, 1], "song position: beat 33"),
        ([0xF3, 4], "song 4"),
        ([0xF1, 4], "time code, a quarter frame"),
        ([0xFA], "start"),
        ([0xFC], "stop"),
        ([0xFF], "reset"),
        ([0xF5], "system message f5"),
        ([0x90, 60], "no MIDI: 90 3c"),
        ([0x90, 60, 200], "no MIDI: 90 3c c8"),
        ([60, 60, 60], "no MIDI: 3c 3c 3c"),
        ([], "no MIDI: nothing"),
    ],
)
def test_midi_in_words(data: list[int], words: str) -> None:
    assert midi_words(data) == words


@given(st.lists(st.integers(0, 255), max_size=8))
def test_any_bytes_have_words(data: list[int]) -> None:
    assert midi_words(data)
    assert all(Listener().lines(data, 0.0))


def test_a_clock_is_told_by_its_tempo_now_and_then() -> None:
    listener = Listener()
    told = {i: line for i in range(24 * 9 + 1) for line in listener.lines([0xF8], i * 60.0 / 96.0 / 24)}
    assert told == {
        0: "a clock begins",
        24: "clock, 24 a beat: 96.0 bpm",
        24 * 5: "clock, 24 a beat: 96.0 bpm",
        24 * 9: "clock, 24 a beat: 96.0 bpm",
    }
    assert listener.lines([0xF8], 1000.0) == ["a clock begins"]


def test_active_sensing_is_told_once() -> None:
    listener = Listener()
    assert [listener.lines([0xFE], i * 0.3) for i in range(3)] == [["active sensing (said once)"], [], []]


@pytest.mark.parametrize(
    ("datagram", "words"),
    [
        (build("/gapt/note", [60, 90]), "/gapt/note 60 90: note C4 on, velocity 90"),
        (build("/gapt/note", [60.0, 0]), "/gapt/note 60 0: note C4 off"),
        (build("/gapt/temperature", [0.5]), "/gapt/temperature 0.5: set temperature to 0.5"),
        (build("/gapt/temperature", [99]), "/gapt/temperature 99: refused, temperature cannot be 99"),
        (build("/gapt/temperature"), "/gapt/temperature: asks for temperature"),
        (build("/gapt/nothing", [1]), "/gapt/nothing 1: refused, /gapt/nothing is not in the namespace"),
        (build("/gapt/hello", [1, "Max"]), "/gapt/hello 1 'Max': hello from “Max”, version 1"),
        (build("/gapt/subscribe", [9201]), "/gapt/subscribe 9201: subscribes at 9201"),
        (build("/gapt/host", [8.0, 96.0, 1]), "/gapt/host 8 96 1: beat 8.00, 96.00 bpm, playing"),
        (build("/live/song/get/tempo", [123.5]), "/live/song/get/tempo 123.5: AbletonOSC says 123.50 bpm"),
        (build("/beat/str", ["3.2.50"]), "/beat/str '3.2.50': REAPER or Bitwig says bar 3, beat 2.50"),
        (build("/transport_play", [1.0]), "/transport_play 1: Ardour says playing"),
        (build("/x/y", [1, "a"]), "/x/y 1 'a': unknown address"),
        (b"rubbish!", "no OSC (neither a message nor a bundle): 8 bytes"),
        (b"", "no OSC (neither a message nor a bundle): 0 bytes"),
        (bundle(), "an empty bundle"),
    ],
)
def test_osc_in_words(datagram: bytes, words: str) -> None:
    [line] = osc_words(datagram, 0.0, known_dialects())
    assert line.startswith(words)


def test_each_message_of_a_bundle_has_a_line() -> None:
    datagram = bundle(build("/gapt/note", [60, 90]), build("/x"))
    assert len(osc_words(datagram, 0.0, known_dialects())) == 2


datagrams = st.binary(max_size=64) | st.sampled_from(
    [build("/gapt/note", [60, 90, 1.0]), build("/live/song/get/loop", [1.0]), build("/position/bbt", ["1|1|0"])]
)


@given(st.lists(st.tuples(datagrams, st.integers(0, 80), st.integers(0, 255)), max_size=6))
def test_any_datagram_has_words(drawn: list[tuple[bytes, int, int]]) -> None:
    dialects = known_dialects()
    for datagram, place, byte in drawn:
        changed = datagram[:place] + bytes([byte]) + datagram[place + 1 :]
        assert all(osc_words(changed, 0.0, dialects))


# --- the monitor


class Enough(Exception):
    """All lines that were waited for have come."""


def reader(count: int) -> tuple[list[str], Callable[[str], None]]:
    """Keeps lines without their times, and ends the monitor after so many."""
    lines: list[str] = []

    def write(line: str) -> None:
        lines.append(line[14:])
        if len(lines) == count:
            raise Enough

    return lines, write


class MemoryDriver:
    """A MIDI back end whose ports are in memory."""

    life = 0

    def __init__(self, *names: str) -> None:
        self.names = list(names)
        self.received: dict[str, Callable[[Sequence[int]], None]] = {}

    def inputs(self) -> list[str]:
        return list(self.names)

    def outputs(self) -> list[str]:
        return []

    def open_input(self, name: str, virtual: bool, received: Callable[[Sequence[int]], None]) -> MemoryConnection:
        if name == "broken":
            raise BridgeError("broken cannot be opened.")
        self.received[name] = received
        return MemoryConnection(lambda: self.received.pop(name))

    def open_output(self, name: str, virtual: bool) -> MemoryConnection:
        raise NotImplementedError


class MemoryConnection:
    def __init__(self, close: Callable[[], object]) -> None:
        self.close = close
        self.abandon = close

    def send(self, data: list[int]) -> None:
        raise NotImplementedError


def test_the_monitor_tells_what_comes_by_udp() -> None:
    lines, write = reader(4)
    monitor = Monitor(write)
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with sender, monitor.hears_udp(0) as port:
        for datagram in (build("/gapt/note", [60, 90]), b"rubbish!", build("/x")):
            sender.sendto(datagram, (LOOPBACK, port))
        with pytest.raises(Enough):
            monitor.run(PATIENCE)
        origin = f"udp {port} from {LOOPBACK}:{sender.getsockname()[1]}"
    assert lines == [
        f"(listens on UDP port {port})",
        f"{origin}: /gapt/note 60 90: note C4 on, velocity 90",
        f"{origin}: no OSC (neither a message nor a bundle): 8 bytes",
        f"{origin}: /x: unknown address",
    ]


def test_a_port_that_another_program_holds_is_one_sentence() -> None:
    with taken_port() as port, pytest.raises(BridgeError, match=f"UDP port {port} is held by .*: end it, or listen"):
        Monitor(print).hears_udp(port).__enter__()


def test_the_monitor_hears_every_midi_port_and_one_of_its_own() -> None:
    lines, write = reader(6)
    driver = MemoryDriver("Keystation", "broken")
    monitor = Monitor(write)
    with monitor.hears_midi(driver, (), virtual=True):
        for tend in monitor._tends:
            tend()
        driver.received["Keystation"]([0x90, 60, 90])
        driver.received[VIRTUAL_IN]([0xFA])
        with pytest.raises(Enough):
            monitor.run(PATIENCE)
    assert lines == [
        f"(offers the MIDI port “{VIRTUAL_IN}”)",
        "(hears “Keystation”)",
        "(broken cannot be opened.)",
        "(broken cannot be opened.)",
        "Keystation: note C4 on, velocity 90, channel 1",
        f"{VIRTUAL_IN}: start",
    ]
    assert driver.received == {}


def test_ports_that_come_and_go_are_told() -> None:
    lines, write = reader(-1)
    driver = MemoryDriver("Keystation", "Pads")
    monitor = Monitor(write)
    with monitor.hears_midi(driver, ("key",), virtual=False):
        [look] = monitor._tends
        look()
        driver.names = ["Pads"]
        look()
        driver.names = ["Pads", "Keystation"]
        look()
        driver.life += 1
        look()
    assert lines == ["(hears “Keystation”)", "(“Keystation” is gone)", "(hears “Keystation”)", "(hears “Keystation”)"]


def test_more_than_can_be_told_is_dropped_and_counted() -> None:
    lines, write = reader(-1)
    driver = MemoryDriver("Keystation")
    monitor = Monitor(write)
    with monitor.hears_midi(driver, (), virtual=False):
        [look] = monitor._tends
        look()
        for _ in range(10_010):
            driver.received["Keystation"]([0x90, 60, 90])
        monitor.run(0.0)
    assert monitor.dropped == 10
    assert len(lines) == 10_001


# --- ports


def test_a_bound_port_is_not_free_and_its_holder_is_named() -> None:
    with taken_port() as port:
        assert not is_free(port)
        if sys.platform == "linux":
            assert udp_port(port).holder.endswith(f"(process {os.getpid()})")
    assert is_free(port)


def test_ports_in_text_and_as_data() -> None:
    data = json.loads(invoke("ports", "--json").stdout)
    assert set(data) == {"midi", "udp"}
    assert [port["port"] for port in data["udp"]] == list(OSC_PORTS)
    assert data["midi"]["virtual"] == (sys.platform != "win32")
    text = invoke("ports").stdout
    assert all(f"  {port}" in text for port in OSC_PORTS)


def test_the_monitor_command_ends_by_itself_where_it_is_told_to() -> None:
    result = invoke("monitor", "--no-midi", "--osc-in", "0", "--seconds", "0")
    assert result.exit_code == 0, result.output
    assert "(listens on UDP port " in result.stdout


def test_a_monitor_without_anything_to_hear_is_one_sentence() -> None:
    result = invoke("monitor", "--no-midi", "--no-osc")
    assert result.exit_code == 2
    assert "There is nothing to hear" in result.stderr


def test_a_monitor_on_a_busy_port_is_one_sentence() -> None:
    with taken_port() as port:
        result = invoke("monitor", "--no-midi", "--osc-in", str(port), "--seconds", "0")
    assert result.exit_code == 2
    assert f"UDP port {port} is held by" in result.stderr
