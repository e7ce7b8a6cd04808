"""MIDI in, on a back end in memory: bytes to facts, ports that go and come back, echoes, silence of a device."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from midi_memory import MemoryDriver

from bridge.errors import BridgeError
from bridge.events import Clock, ControlChange, InEvent, NoteOff, NoteOn, Panic, PortChanged, ProgramChange
from bridge.guardian.guardian import Guardian
from bridge.ports.midi import MidiPorts
from bridge.ports.midi_drivers import load_driver
from bridge.ports.midi_echo import Echoes
from bridge.ports.midi_in import MidiInPort
from bridge.ports.midi_names import VIRTUAL_IN
from bridge.ports.midi_out import MidiOutPort
from bridge.timing.clock import ManualClock

KEYS = "Keystation 49:Keystation 49 MIDI 1 20:0"
ELSEWHERE = "Keystation 49:Keystation 49 MIDI 1 28:0"
DEVICE = "Keystation 49:Keystation 49 MIDI 1" if sys.platform != "win32" else KEYS


class Ear:
    """An open port and what it reported."""

    def __init__(self, name: str | None = "keys", *, echoes: Echoes | None = None) -> None:
        self.driver = MemoryDriver(KEYS, "loop")
        self.clock = ManualClock(7.0)
        self.events: list[InEvent] = []
        self.port = MidiInPort(self.driver, self.clock, name, echoes)
        self.port.start(self.events.append)

    def hear(self, *messages: list[int]) -> list[InEvent]:
        for message in messages:
            self.driver.hear(message)
        return self.new()

    def tend(self) -> list[InEvent]:
        self.port.tend(self.driver.names())
        return self.new()

    def new(self) -> list[InEvent]:
        events = list(self.events)
        self.events.clear()
        return events


def test_notes_keep_their_channel_and_velocity_nought_ends_one() -> None:
    assert Ear().hear([0x90, 60, 1], [0x9F, 60, 127], [0x90, 60, 0], [0x8F, 60, 64]) == [
        NoteOn(7.0, 60, 1, 0),
        NoteOn(7.0, 60, 127, 15),
        NoteOff(7.0, 60, 0),
        NoteOff(7.0, 60, 15),
    ]


def test_controllers_and_programs_are_facts_of_the_device() -> None:
    assert Ear().hear([0xB2, 21, 127], [0xC1, 5]) == [
        ControlChange(7.0, DEVICE, 2, 21, 127),
        ProgramChange(7.0, DEVICE, 1, 5),
    ]


def test_clock_is_heard_and_song_position_is_in_beats() -> None:
    heard = Ear().hear([0xF8], [0xFA], [0xFB], [0xFC], [0xF2, 6, 1])
    assert heard[:4] == [Clock(7.0, DEVICE, kind) for kind in ("tick", "start", "continue", "stop")]
    assert heard[4:] == [Clock(7.0, DEVICE, "position", (6 + 128) / 4)]


@pytest.mark.parametrize("message", [[0xB0, 123, 0], [0xB3, 120, 0], [0xFF]])
def test_all_notes_off_and_reset_release_what_is_held_and_are_a_panic(message: list[int]) -> None:
    ear = Ear()
    ear.hear([0x91, 64, 80], [0x90, 60, 80])
    assert ear.hear(message) == [NoteOff(7.0, 60, 0), NoteOff(7.0, 64, 1), Panic(7.0)]


def test_all_notes_off_on_every_channel_is_one_panic() -> None:
    ear = Ear()
    assert ear.hear(*([0xB0 | channel, 123, 0] for channel in range(16))) == [Panic(7.0)]
    ear.clock.sleep_until(8.0)
    assert ear.hear([0xB0, 123, 0]) == [Panic(8.0)]


def test_other_messages_are_not_heard() -> None:
    assert Ear().hear([0xE0, 0, 64], [0xD0, 5], [0xA0, 60, 5], [0xF0, 1, 2, 0xF7], [0xF1, 3], [0xFE]) == []


@given(st.lists(st.lists(st.integers(0, 255), max_size=8), max_size=20))
def test_no_bytes_disturb_the_drivers_thread(messages: list[list[int]]) -> None:
    for event in Ear().hear(*messages):
        if isinstance(event, (NoteOn, NoteOff)):
            assert 0 <= event.pitch <= 127
            assert 0 <= event.channel <= 15


@given(st.lists(st.tuples(st.sampled_from([0x80, 0x90]), st.integers(0, 2), st.integers(60, 62)), max_size=30))
def test_what_is_held_when_a_port_goes_is_what_has_no_note_off(played: list[tuple[int, int, int]]) -> None:
    ear = Ear()
    heard = ear.hear(*([kind | channel, pitch, 64] for kind, channel, pitch in played))
    held: set[tuple[int, int]] = set()
    for event in heard:
        if isinstance(event, NoteOn):
            held.add((event.channel, event.pitch))
        elif isinstance(event, NoteOff):
            held.discard((event.channel, event.pitch))
    ear.driver.plugged = []
    assert ear.tend() == [*(NoteOff(7.0, p, c) for c, p in sorted(held)), PortChanged(7.0, DEVICE, "in", False)]


def test_a_port_that_goes_is_closed_and_opened_again_by_name_wherever_it_is() -> None:
    ear = Ear()
    assert ear.tend() == []
    ear.driver.plugged = ["loop"]
    assert ear.tend() == [PortChanged(7.0, DEVICE, "in", False)]
    assert not ear.port.there
    assert ear.driver.wires[0].ended == "closed"
    assert ear.tend() == []
    ear.driver.plugged = ["loop", ELSEWHERE] if sys.platform != "win32" else ["loop", KEYS]
    assert ear.tend() == [PortChanged(7.0, DEVICE, "in", True)]
    assert ear.driver.opened[-1] == (ear.driver.plugged[1], False)
    assert ear.hear([0x90, 60, 1]) == [NoteOn(7.0, 60, 1)]


def test_a_port_that_went_and_came_between_two_looks_is_opened_again() -> None:
    ear = Ear()
    ear.driver.cut = {KEYS}
    assert ear.tend() == [PortChanged(7.0, DEVICE, "in", False), PortChanged(7.0, DEVICE, "in", True)]
    assert ear.tend() == []


def test_a_system_that_dies_takes_all_ports_along_and_they_are_abandoned_not_closed() -> None:
    for name in ("keys", None):
        ear = Ear(name)
        device = DEVICE if name else VIRTUAL_IN
        ear.driver.plugged = None
        assert ear.tend() == [PortChanged(7.0, device, "in", False)]
        assert ear.driver.wires[0].ended == "abandoned"
        assert ear.tend() == []
        ear.driver.plugged, ear.driver.life = [KEYS], 2
        assert ear.tend() == [PortChanged(7.0, device, "in", True)]


def test_a_system_that_was_away_between_two_looks_is_noticed() -> None:
    ear = Ear()
    ear.driver.life = 2
    assert ear.tend() == [PortChanged(7.0, DEVICE, "in", False), PortChanged(7.0, DEVICE, "in", True)]
    assert [wire.ended for wire in ear.driver.wires] == ["abandoned", ""]


def test_a_device_that_stops_saying_it_is_there_is_gone_until_it_speaks() -> None:
    ear = Ear()
    ear.hear([0xFE], [0x90, 60, 80])
    ear.clock.sleep_until(7.25)
    assert ear.tend() == []
    ear.clock.sleep_until(7.35)
    assert ear.tend() == [NoteOff(7.35, 60), PortChanged(7.35, DEVICE, "in", False)]
    assert ear.hear([0xFE]) == [PortChanged(7.35, DEVICE, "in", True)]


def test_a_device_without_active_sensing_may_be_silent_for_long() -> None:
    ear = Ear()
    ear.hear([0x90, 60, 80])
    ear.clock.sleep_until(700.0)
    assert ear.tend() == []


def test_people_are_told_once_what_is_unplugged_and_what_is_back() -> None:
    told: list[str] = []
    driver, clock, echoes = MemoryDriver(KEYS, "synth"), ManualClock(7.0), Echoes()
    ways_out = [MidiOutPort(driver, driver, clock, name) for name in (KEYS, "synth")]
    ports = MidiPorts(driver, Guardian(), [MidiInPort(driver, clock, "keys")], ways_out, echoes, told.append)

    def tended() -> list[str]:
        told.clear()
        ports.tend()
        return list(told)

    ports.start(lambda event: None)
    assert tended() == []
    driver.plugged = ["synth"]
    assert tended() == [f"“{KEYS}” is unplugged: the music goes on, and it is found again when it is back."]
    assert tended() == []
    driver.plugged = [KEYS, "synth"]
    assert tended() == [f"“{KEYS}” is back."]
    assert tended() == []
    ports.close()


def test_what_we_sent_a_moment_ago_is_no_melody() -> None:
    echoes = Echoes()
    ear = Ear(echoes=echoes)
    for data in ([0x90, 60, 64], [0x80, 62, 64], [0xB0, 123, 0]):
        echoes.sent(data, 6.99)
    assert ear.hear([0x90, 60, 64], [0x90, 62, 0], [0xB0, 123, 0]) == []
    assert echoes.dropped == 3
    assert ear.hear([0x90, 60, 65], [0x91, 60, 64]) == [NoteOn(7.0, 60, 65, 0), NoteOn(7.0, 60, 64, 1)]
    ear.clock.sleep_until(7.1)
    assert ear.hear([0x90, 60, 64]) == [NoteOn(7.1, 60, 64)]
    assert ear.hear([0xB0, 123, 0]) == [], "silencing that comes back late would go round for ever"


def test_clock_is_never_an_echo() -> None:
    echoes = Echoes()
    echoes.sent([0xF8], 7.0)
    assert Ear(echoes=echoes).hear([0xF8]) == [Clock(7.0, DEVICE, "tick")]


def test_no_back_end_is_a_sentence_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("rtmidi", "rtmidi2"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(BridgeError, match=r"pip install python-rtmidi.* `gapt jam --no-midi`\.$"):
        load_driver()
