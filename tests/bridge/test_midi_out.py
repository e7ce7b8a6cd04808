"""MIDI out, to devices in memory: messages to bytes, a port that goes and comes back, what hung there."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from midi_memory import MemoryDriver

from bridge.events import ChordStarts, ClockOut, EndNote, InEvent, OutMessage, PlayNote, PortChanged, Silence
from bridge.guardian.sounding import Sounding
from bridge.ports.midi_echo import Echoes
from bridge.ports.midi_names import VIRTUAL_OUT
from bridge.ports.midi_out import NOTICE_SECONDS, MidiOutPort
from bridge.timing.clock import ManualClock

SYNTH = "synth"


class Player:
    """An open port and what it reported."""

    def __init__(self, name: str | None = SYNTH) -> None:
        self.driver = MemoryDriver(SYNTH)
        self.clock = ManualClock(7.0)
        self.events: list[InEvent] = []
        self.echoes = Echoes()
        self.port = MidiOutPort(self.driver, self.driver, self.clock, name, self.echoes)
        self.port.start(self.events.append)

    def send(self, *messages: OutMessage) -> list[list[int]]:
        for message in messages:
            self.port.send(message)
        return self.driver.wires[-1].sent

    def tend(self) -> list[bool]:
        """Whether the port was there, by each report."""
        self.port.tend(self.driver.names())
        told = [event.there for event in self.events if isinstance(event, PortChanged) and event.way == "out"]
        assert len(told) == len(self.events)
        self.events.clear()
        return told


def test_what_is_sent() -> None:
    assert Player().send(PlayNote(0.0, 60, 64, 15), EndNote(1.0, 60, 2)) == [[0x9F, 60, 64], [0x82, 60, 64]]
    assert Player().send(Silence(1.0, 3)) == [[0xB3, 64, 0], [0xB3, 123, 0], [0xB3, 120, 0]]
    assert Player().send(ChordStarts(0.0, 0, "C:maj", (60, 64, 67))) == []


def test_clock_is_sent() -> None:
    kinds = [ClockOut(0.0, kind) for kind in ("tick", "start", "continue", "stop")]
    assert Player().send(*kinds, ClockOut(0.0, "position", 33.5)) == [[0xF8], [0xFA], [0xFB], [0xFC], [0xF2, 6, 1]]
    assert Player().send(ClockOut(0.0, "position", 5.2499999999)) == [[0xF2, 21, 0]]
    assert Player().send(ClockOut(0.0, "position", 1e9)) == [[0xF2, 127, 127]]


def test_the_notes_of_a_chord_leave_in_the_order_given() -> None:
    pitches = (36, 55, 60, 64)
    assert [data[1] for data in Player().send(*(PlayNote(0.0, pitch, 64) for pitch in pitches))] == list(pitches)


def test_what_is_sent_is_known_as_an_echo() -> None:
    player = Player()
    player.send(PlayNote(0.0, 60, 64))
    assert player.echoes.is_echo([0x90, 60, 64], 7.01, "in")
    assert not player.echoes.is_echo([0x90, 61, 64], 7.01, "in")


def test_a_lost_port_drops_and_counts_and_on_return_ends_what_hung_first() -> None:
    player = Player()
    player.send(PlayNote(0.0, 60, 64, 2), PlayNote(0.0, 64, 64, 2), EndNote(0.5, 64, 2))
    player.clock.sleep_until(player.clock.now() + 2 * NOTICE_SECONDS)
    player.driver.plugged = []
    assert player.tend() == [False]
    assert not player.port.there
    player.send(EndNote(1.0, 60, 2), PlayNote(1.0, 62, 64, 2))
    assert player.port.dropped == 2
    assert player.tend() == []
    player.driver.plugged = [SYNTH]
    assert player.tend() == [True]
    sent = player.send(PlayNote(2.0, 65, 64, 2))
    assert sent == [[0x82, 60, 64], [0xB2, 64, 0], [0xB2, 123, 0], [0xB2, 120, 0], [0x92, 65, 64]]


def test_note_offs_sent_just_before_a_port_was_known_to_be_lost_are_sent_again() -> None:
    player = Player()
    player.send(PlayNote(0.0, 60, 64), PlayNote(0.0, 62, 64), EndNote(0.5, 60))
    player.clock.sleep_until(player.clock.now() + 2 * NOTICE_SECONDS)
    player.send(EndNote(1.0, 62), PlayNote(1.0, 65, 64))
    player.driver.plugged = []
    assert player.tend() == [False]
    player.driver.plugged = [SYNTH]
    assert player.tend() == [True]
    silence = [[0xB0, 64, 0], [0xB0, 123, 0], [0xB0, 120, 0]]
    assert player.send() == [[0x80, 62, 64], [0x80, 65, 64], *silence]
    player.driver.cut = {SYNTH}
    assert player.tend() == [False, True]
    assert player.send()[:1] == [[0x80, 62, 64]]


def test_a_port_that_went_and_came_between_two_looks_is_opened_again() -> None:
    player = Player()
    player.driver.cut = {SYNTH}
    assert player.tend() == [False, True]
    assert player.tend() == []


def test_a_guardian_that_died_is_replaced_at_once() -> None:
    for name in (SYNTH, None):
        player = Player(name)
        player.driver.wires[0].alive = False
        player.send(PlayNote(0.0, 60, 64))
        assert player.port.dropped == 1
        assert player.tend() == [False, True]
        assert player.driver.opened == [(name or VIRTUAL_OUT, name is None)] * 2


def test_a_system_that_does_not_answer_is_waited_for() -> None:
    player = Player(None)
    player.driver.plugged = None
    assert player.tend() == [False]
    assert player.tend() == []
    player.driver.plugged = []
    assert player.tend() == [True]


def test_a_closed_port_takes_no_more() -> None:
    player = Player()
    player.port.close()
    player.port.close()
    assert player.send(PlayNote(0.0, 60, 64)) == []


def test_the_players_own_notes_get_an_end_and_no_silence() -> None:
    sounding = Sounding()
    sounding.book([0x90, 60, 64], passed=True)
    sounding.book([0x91, 60, 64], passed=True)
    sounding.book([0x91, 64, 64])
    assert sounding.last_words() == [[0x80, 60, 64], [0x81, 60, 64], [0x81, 64, 64]]
    sounding.book([0x81, 60, 0])
    silence = [[0xB1, 64, 0], [0xB1, 123, 0], [0xB1, 120, 0]]
    assert sounding.last_words() == [[0x80, 60, 64], [0x81, 64, 64], *silence]


NOTES = st.tuples(st.sampled_from([0x80, 0x90]), st.integers(0, 3), st.integers(60, 63), st.sampled_from([0, 64]))


@given(st.lists(st.tuples(NOTES, st.booleans())))
def test_last_words_end_whatever_was_played(played: list[tuple[tuple[int, int, int, int], bool]]) -> None:
    sounding, synth = Sounding(), Sounding()
    for (kind, channel, note, velocity), passed in played:
        for ledger in (sounding, synth):
            ledger.book([kind | channel, note, velocity], passed)
    for data in sounding.last_words():
        if data[0] & 0xF0 == 0x80:
            synth.book(data)
    assert len(synth) == 0
    silenced = {data[0] & 0x0F for data in sounding.last_words() if data[0] & 0xF0 == 0xB0}
    ours = {c for (kind, c, _, velocity), passed in played if kind == 0x90 and velocity and not passed}
    assert silenced <= ours
