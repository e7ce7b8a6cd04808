"""MIDI ports on a back end in memory: bytes to events and back, and names of ports."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import BridgeError
from bridge.events import ChordStarts, EndNote, InEvent, NoteOff, NoteOn, OutMessage, PlayNote, Silence
from bridge.ports.midi import VIRTUAL_OUT, MidiInPort, MidiOutPort, find_port
from bridge.ports.midi_drivers import Connection, Received, load_driver
from bridge.timing.clock import ManualClock

PORTS = ["Keystation 49:Keystation 49 MIDI 1 20:0", "loopMIDI Port", "loopMIDI Port 2", f"{VIRTUAL_OUT}:{VIRTUAL_OUT}"]


class Wire:
    """A connection that keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[list[int]] = []

    def send(self, data: list[int]) -> None:
        self.sent.append(data)

    def gone(self) -> bool:
        return False

    def close(self) -> None:
        pass


class MemoryDriver:
    """A back end without a system: `received` is what the system would call."""

    def __init__(self) -> None:
        self.wire = Wire()
        self.received: Received = lambda data: None
        self.opened: list[tuple[str, bool]] = []

    def inputs(self) -> list[str]:
        return PORTS

    def outputs(self) -> list[str]:
        return PORTS

    def open_input(self, name: str, virtual: bool, received: Received) -> Connection:
        self.opened.append((name, virtual))
        self.received = received
        return self.wire

    def open_output(self, name: str, virtual: bool) -> Connection:
        self.opened.append((name, virtual))
        return self.wire


def heard(*messages: list[int]) -> list[InEvent]:
    driver, events = MemoryDriver(), list[InEvent]()
    port = MidiInPort(driver, ManualClock(7.0), "Keystation")
    port.start(events.append)
    for message in messages:
        driver.received(message)
    return events


def sent(*messages: OutMessage) -> list[list[int]]:
    driver = MemoryDriver()
    port = MidiOutPort(driver, "Keystation")
    for message in messages:
        port.send(message)
    return driver.wire.sent


def test_notes_of_any_channel_are_heard_and_velocity_nought_ends_one() -> None:
    assert heard([0x90, 60, 1], [0x9F, 61, 127], [0x90, 60, 0], [0x8F, 61, 64]) == [
        NoteOn(7.0, 60, 1),
        NoteOn(7.0, 61, 127),
        NoteOff(7.0, 60),
        NoteOff(7.0, 61),
    ]


@pytest.mark.parametrize("message", [[0xB0, 123, 0], [0xB3, 120, 0], [0xFF]])
def test_all_notes_off_and_reset_release_what_is_held(message: list[int]) -> None:
    assert heard([0x90, 64, 80], [0x90, 60, 80], message, message)[2:] == [NoteOff(7.0, 60), NoteOff(7.0, 64)]


def test_other_messages_are_not_heard() -> None:
    assert heard([0xB0, 64, 127], [0xE0, 0, 64], [0xC0, 5], [0xF8], [0xFA], [0xF0, 1, 2, 0xF7]) == []


@given(st.lists(st.lists(st.integers(0, 255), max_size=8), max_size=20))
def test_no_bytes_disturb_the_drivers_thread(messages: list[list[int]]) -> None:
    for event in heard(*messages):
        assert isinstance(event, (NoteOn, NoteOff))
        assert 0 <= event.pitch <= 127


def test_what_is_sent() -> None:
    assert sent(PlayNote(0.0, 60, 64, 15)) == [[0x9F, 60, 64]]
    assert [message[:2] for message in sent(EndNote(1.0, 60, 2))] == [[0x82, 60]]
    assert sent(Silence(1.0, 3)) == [[0xB3, 64, 0], [0xB3, 123, 0], [0xB3, 120, 0]]
    assert sent(ChordStarts(0.0, 0, "C:maj", (60, 64, 67))) == []


def test_a_port_is_found_by_a_part_of_its_name_or_by_all_of_it() -> None:
    assert find_port("keystation", PORTS, "in") == PORTS[0]
    assert find_port("loopMIDI Port", PORTS, "in") == "loopMIDI Port"
    assert find_port("port 2", PORTS, "in") == "loopMIDI Port 2"


def test_a_name_of_none_or_many_is_a_sentence() -> None:
    with pytest.raises(BridgeError, match=r"^--out “loop” fits several ports; there are: “loopMIDI Port”, “loopMIDI"):
        find_port("loop", PORTS, "out")
    with pytest.raises(BridgeError, match=r"^--in “piano” is no port; there are: “Keystation.*”\. Give more"):
        find_port("piano", PORTS, "in")
    with pytest.raises(BridgeError, match="there are: none"):
        find_port("piano", [], "in")
    with pytest.raises(BridgeError, match="is no port"):
        find_port(VIRTUAL_OUT, PORTS, "in")


def test_without_a_name_a_virtual_port_is_offered_where_there_can_be_one(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = MemoryDriver()
    monkeypatch.setattr(sys, "platform", "linux")
    MidiOutPort(driver)
    assert driver.opened == [(VIRTUAL_OUT, True)]
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(BridgeError, match="loopMIDI"):
        MidiOutPort(driver)
    with pytest.raises(BridgeError, match="loopMIDI"):
        MidiInPort(driver, ManualClock())


def test_no_back_end_is_a_sentence_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("rtmidi", "rtmidi2"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(BridgeError, match=r"pip install python-rtmidi.* --no-midi\.$"):
        load_driver()
