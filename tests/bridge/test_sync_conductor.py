from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from virtual_sync import Follower, clock, kinds, ticks

from bridge.controls.parameters import SYNCS
from bridge.controls.settings import Settings
from bridge.events import (
    Clock,
    ClockOut,
    ControlChange,
    HostReport,
    InEvent,
    MetreChange,
    NoteOff,
    NoteOn,
    Panic,
    Position,
    Set,
    Start,
    Stop,
    SyncChanged,
    TempoChange,
)
from bridge.offline.virtual import VirtualSession
from bridge.seams import InputStage
from bridge.sync.conductor import Conductor
from bridge.sync.source import State
from plugin_host.scripted import ScriptedAccompanist


def link(seconds: float, beats: float, bpm: float = 120.0, playing: bool | None = None) -> HostReport:
    return HostReport(seconds, "link", beats=beats, bpm=bpm, playing=playing, exact=True)


def session(begin: float, first_beat: float, seconds: float, bpm: float = 120.0) -> Iterator[HostReport]:
    """A Link session as reported fifty times a second."""
    for i in range(round(seconds * 50)):
        yield link(begin + i * 0.02, first_beat + i * 0.02 * bpm / 60.0, bpm)


# --- our own tempo


def test_it_is_a_stage() -> None:
    stage: InputStage = Conductor(Settings())
    assert stage.wake_seconds() is None


def test_the_first_note_is_beat_0() -> None:
    follower = Follower(tempo=90.0)
    assert follower.take(NoteOn(5.0, 60, 64))[0] == Start(5.0, 0.0)
    assert kinds(follower.take(NoteOn(6.0, 62, 64))) == ["NoteOn"]
    assert follower.beats_at(7.0) == pytest.approx(3.0)
    assert follower.sync == ("internal", "free")


@pytest.mark.parametrize("rolling", [True, False])
def test_a_transport_command_takes_the_start_from_the_first_note(rolling: bool) -> None:
    follower = Follower()
    follower.take(HostReport(5.0, "osc", playing=rolling))
    assert follower.transport.rolling == rolling
    assert kinds(follower.take(NoteOn(6.0, 60, 64))) == ["NoteOn"]
    assert follower.transport.rolling == rolling


def test_a_transport_command_starts_again_and_from_a_beat() -> None:
    follower = Follower()
    follower.take(HostReport(5.0, "osc", playing=True), HostReport(7.0, "osc", playing=True))
    assert follower.all(Start) == [Start(5.0, 0.0), Start(7.0, 0.0)]
    follower.take(HostReport(8.0, "osc", playing=True, beats=12.0))
    assert follower.all(Start)[-1] == Start(8.0, 12.0)


def test_start_and_stop_by_hand() -> None:
    follower = Follower()
    assert kinds(follower.take(Set(1.0, "start", True))) == ["Set", "Start"]
    assert kinds(follower.take(Set(2.0, "stop", 1))) == ["Set", "Stop"]
    assert kinds(follower.take(NoteOn(3.0, 60, 64))) == ["NoteOn"]
    assert kinds(follower.take(Set(4.0, "stop", True))) == ["Set"]
    assert kinds(follower.take(Set(4.0, "start", 0))) == ["Set"]
    assert kinds(follower.take(Set(5.0, "start", 1.0))) == ["Set", "Start"]


def test_our_tempo_and_metre_pass_and_count() -> None:
    follower = Follower()
    assert follower.take(Set(1.0, "tempo", 80))[:2] == [Set(1.0, "tempo", 80), TempoChange(1.0, 80.0)]
    assert follower.take(Set(2.0, "metre", "3/4")) == [Set(2.0, "metre", "3/4"), MetreChange(2.0, 3, 4)]
    follower.take(NoteOn(3.0, 60, 64), Set(6.0, "tempo", 160.0))
    assert follower.beats_at(6.0) == pytest.approx(4.0)
    assert follower.beats_at(7.5) == pytest.approx(8.0)


@pytest.mark.parametrize(("name", "value"), [("tempo", 5000), ("tempo", "fast"), ("metre", "4"), ("sync", "sun")])
def test_what_cannot_be_had_is_left_to_the_engine(name: str, value: object) -> None:
    assert kinds(Follower().take(Set(1.0, name, value))) == ["Set"]  # type: ignore[arg-type]


@pytest.mark.parametrize("event", [NoteOff(1.0, 60), Panic(1.0), ControlChange(1.0, "keys", 0, 1, 2), Stop(1.0)])
def test_what_is_none_of_its_business_passes(event: InEvent) -> None:
    assert [order for order in Follower().take(event) if not isinstance(order, SyncChanged)] == [event]


def test_orders_of_others_pass_and_are_known() -> None:
    follower = Follower()
    assert kinds(follower.take(Start(1.0, 0.0), TempoChange(1.0, 60.0))) == ["Start", "TempoChange"]
    assert kinds(follower.take(NoteOn(2.0, 60, 64))) == ["NoteOn"]
    assert kinds(follower.take(Set(3.0, "stop", True))) == ["Set", "Stop"]


# --- who rules


def test_a_chosen_source_is_waited_for() -> None:
    follower = Follower(sync="midi")
    assert kinds(follower.take(NoteOn(1.0, 60, 64))) == ["NoteOn"]
    follower.conductor.advance(1.0)
    assert kinds(follower.take(*ticks(2.0, 10, 120, "a"))).count("Start") == 0
    assert follower.sync == ("midi", "locking")
    follower.take(clock(3.0, "start", device="a"), clock(3.01, "tick", device="a"))
    assert follower.all(Start) == [Start(3.01, 0.0)]


def test_another_source_than_the_chosen_one_is_not_followed() -> None:
    follower = Follower(sync="internal")
    follower.take(clock(1.0, "start"), *ticks(1.0, 96, 90))
    assert not follower.transport.rolling
    follower.take(NoteOn(4.0, 60, 64))
    assert follower.beats_at(5.0) == pytest.approx(2.0)


def test_choosing_another_source_while_playing_does_not_jump_to_our_own() -> None:
    follower = Follower()
    follower.take(clock(1.0, "start"), *ticks(1.0, 96, 90))
    before = follower.beats_at(3.7)
    orders = follower.take(Set(3.7, "sync", "internal"))
    assert kinds(orders) == ["Set"]
    assert follower.beats_at(3.7) == before
    assert follower.sync == ("internal", "free")
    assert follower.transport.rolling


def test_a_more_exact_source_takes_over_when_it_has_proved_itself() -> None:
    follower = Follower()
    reports = [HostReport(10.0 + i * 0.1, "reaper", beats=i * 0.2, playing=True) for i in range(200)]
    follower.take(*reports[:100])
    assert follower.sync == ("reaper", "locked")
    facts = [*reports[100:], clock(20.001, "start"), *ticks(20.001, 480, 120)]
    facts.sort(key=lambda fact: fact.seconds)
    changes = [order for order in follower.take(*facts) if isinstance(order, SyncChanged)]
    assert [change.source for change in changes] == ["midi"]
    assert 22.0 <= changes[0].seconds < 22.1
    assert follower.beats_at(30.0) == pytest.approx(20.0, abs=0.02)


def test_when_the_better_source_is_lost_another_that_lives_takes_over() -> None:
    follower = Follower()
    reports = [HostReport(10.0 + i * 0.1, "reaper", beats=i * 0.2, playing=True) for i in range(200)]
    facts = [*reports, clock(10.0, "start"), *ticks(10.0, 240, 120)]
    facts.sort(key=lambda fact: fact.seconds)
    follower.take(*facts)
    assert follower.sync[0] == "reaper"
    assert follower.beats_at(30.0) == pytest.approx(40.0, abs=0.05)


def test_a_tempo_of_our_own_is_told_anew_when_it_is_set() -> None:
    follower = Follower()
    follower.take(Set(1.0, "tempo", 90.0), Set(1.5, "tempo", 96.0))
    assert follower.all(SyncChanged)[-1].sentence == "Our own tempo, 96.0 bpm: your first note starts."
    told = len(follower.all(SyncChanged))
    follower.take(Set(2.0, "tempo", 96.0))
    assert len(follower.all(SyncChanged)) == told


def test_after_a_lost_host_and_our_own_stop_our_own_tempo_rules_and_the_first_note_starts() -> None:
    follower = Follower(tempo=90.0)
    follower.take(*(HostReport(10.0 + i * 0.1, "reaper", beats=i * 0.2, playing=True) for i in range(100)))
    follower.advance(40.0)
    assert follower.sync == ("reaper", "lost")
    assert follower.transport.rolling
    follower.take(Set(41.0, "stop", True))
    assert follower.all(SyncChanged)[-1].sentence == "Our own tempo, 90.0 bpm: your first note starts."
    assert follower.take(NoteOn(42.0, 60, 64))[0] == Start(42.0, 0.0)
    assert follower.beats_at(44.0) == pytest.approx(3.0)
    follower.take(*(HostReport(50.0 + i * 0.1, "reaper", beats=i * 0.2, playing=True) for i in range(100)))
    assert follower.sync == ("reaper", "locked")


def test_a_host_lost_after_our_own_stop_does_not_rule_either() -> None:
    follower = Follower(tempo=90.0)
    follower.take(*(HostReport(10.0 + i * 0.1, "reaper", beats=i * 0.2, playing=True) for i in range(100)))
    follower.take(Set(20.0, "stop", True))
    assert follower.sync[0] == "reaper"
    follower.advance(40.0)
    assert follower.sync == ("internal", "free")
    assert follower.transport.bpm == 90.0
    follower.take(*(HostReport(50.0 + i * 0.1, "reaper", beats=80 + i * 0.2, playing=True) for i in range(100)))
    assert not follower.transport.rolling, "it rolled on while it was lost, and it was we who were stopped"


def test_a_chosen_host_that_is_lost_says_how_to_go_on() -> None:
    follower = Follower(sync="reaper")
    follower.take(*(HostReport(10.0 + i * 0.1, "reaper", beats=i * 0.2, playing=True) for i in range(100)))
    follower.advance(40.0)
    assert "the music goes on" in follower.all(SyncChanged)[-1].sentence
    follower.take(Set(41.0, "stop", True))
    assert "start sets the music going at its last tempo" in follower.all(SyncChanged)[-1].sentence
    follower.take(Set(42.0, "start", True))
    assert follower.transport.rolling


def test_a_source_that_comes_and_goes_does_not_make_the_music_waver() -> None:
    follower = Follower()
    facts: list[InEvent] = [HostReport(10.0 + i * 0.1, "reaper", beats=i * 0.2, playing=True) for i in range(200)]
    for begin in (12.0, 16.0, 20.0):
        facts += [clock(begin, "start"), *ticks(begin, 48, 120), clock(begin + 1.2, "stop")]
    follower.take(*sorted(facts, key=lambda fact: fact.seconds))
    assert {change.source for change in follower.all(SyncChanged)} <= {"internal", "reaper"}
    assert len(follower.all(Start)) == 1


# --- Link


def test_in_a_link_session_the_first_note_starts_in_the_sessions_bar() -> None:
    follower = Follower()
    follower.take(*session(10.0, 101.0, 3.0))
    assert follower.sync == ("link", "locked")
    assert not follower.transport.rolling
    follower.take(NoteOn(12.99, 60, 64))
    start = follower.all(Start)[0]
    assert start.beats == 3.0
    assert follower.beats_at(12.99) % 4.0 == pytest.approx((101.0 + 5.98) % 4.0, abs=1e-6)
    follower.take(*session(13.0, 107.0, 4.0, 120.0))
    assert follower.beats_at(17.0) == pytest.approx(11.0, abs=0.001)


def test_a_note_just_before_the_bar_line_is_the_first_of_the_bar() -> None:
    follower = Follower()
    follower.take(*session(10.0, 100.0, 1.99))
    follower.take(NoteOn(11.98, 60, 64))
    assert follower.all(Start)[0].beats == 0.0
    assert follower.all(Start)[0].seconds == pytest.approx(12.0, abs=1e-6)


def test_a_link_session_that_we_meet_while_playing_puts_us_on_its_bars() -> None:
    follower = Follower()
    follower.take(NoteOn(9.3, 60, 64), *session(10.0, 101.0, 4.0))
    assert follower.sync == ("link", "locked")
    assert len(follower.all(Start)) == 2
    assert follower.beats_at(14.0) % 4.0 == pytest.approx(109.0 % 4.0, abs=0.001)
    assert follower.beats_at(14.0) == pytest.approx(9.4, abs=2.0)


def test_the_sessions_tempo_is_followed() -> None:
    follower = Follower()
    follower.take(*session(10.0, 0.0, 1.0), NoteOn(11.0, 60, 64))
    follower.take(*session(11.0, 2.0, 2.0, 150.0))
    assert follower.transport.bpm == 150.0
    assert len(follower.all(Start)) == 1
    assert follower.beats_at(13.0) == pytest.approx(7.0, abs=0.001)


def test_starts_of_the_session_are_followed_where_they_are_shared() -> None:
    follower = Follower()
    follower.take(link(10.0, 0.3, playing=False), link(10.02, 0.34, playing=False))
    assert kinds(follower.take(NoteOn(10.03, 60, 64))) == ["NoteOn"]
    follower.take(link(12.0, 4.3, playing=True))
    assert follower.all(Start)[0].beats == pytest.approx(4.25, abs=0.06)
    assert "Stop" in kinds(follower.take(link(13.0, 6.3, playing=False)))


def test_without_peers_the_music_goes_on_at_the_sessions_tempo() -> None:
    follower = Follower()
    follower.take(*session(10.0, 0.0, 1.0, 100.0), NoteOn(11.0, 60, 64), *session(11.0, 100 / 60, 2.0, 100.0))
    before = follower.beats_at(13.0)
    follower.advance(20.0)
    assert follower.sync == ("internal", "free")
    assert follower.transport.rolling
    assert follower.beats_at(19.0) == pytest.approx(before + 10.0, abs=0.001)


# --- corrections


def test_where_we_are_ahead_we_wait_and_do_not_run_back() -> None:
    follower = Follower()
    follower.take(HostReport(10.0, "osc", beats=0.0, bpm=120.0, playing=True, exact=True))
    follower.take(HostReport(10.5, "osc", beats=0.95, bpm=120.0, playing=True, exact=True))
    assert follower.all(Position)[-1].beats == pytest.approx(1.0)
    assert 60.0 < follower.all(Position)[-1].bpm < 120.0
    reports = [
        HostReport(10.52 + i * 0.02, "osc", beats=0.99 + i * 0.04, bpm=120.0, playing=True, exact=True)
        for i in range(60)
    ]
    follower.take(*reports)
    assert follower.beats_at(11.7) == pytest.approx(0.99 + 59 * 0.04, abs=0.02)
    assert follower.transport.bpm == pytest.approx(120.0, rel=0.01)
    assert follower.set_back <= 0.0051
    assert len(follower.all(Start)) == 1


def test_a_source_lost_while_we_wait_for_it_leaves_its_tempo() -> None:
    follower = Follower()
    follower.take(HostReport(10.0, "osc", beats=0.0, bpm=120.0, playing=True, exact=True))
    follower.take(HostReport(10.5, "osc", beats=0.95, bpm=120.0, playing=True, exact=True))
    follower.advance(20.0)
    assert follower.transport.bpm == pytest.approx(120.0, rel=0.001)
    assert follower.set_back <= 0.0051


SOURCES = st.sampled_from(["auto", "internal", "midi", "link", "ableton", "reaper", "ardour", "bitwig", "osc"])


def facts() -> st.SearchStrategy[InEvent]:
    """Anything that may come, in any order; the seconds are steps from the event before."""
    step = st.sampled_from([0.0, 0.001, 0.02, 0.1, 0.7, 5.0])
    beat = st.floats(-4, 400)
    clocks = st.builds(
        Clock,
        step,
        st.sampled_from("ab"),
        st.sampled_from(["tick"] * 6 + ["start", "continue", "stop", "position"]),
        beat,
    )
    reports = st.builds(
        HostReport,
        step,
        st.sampled_from(["link", "ableton", "reaper", "ardour", "bitwig", "osc"]),
        beats=st.none() | beat,
        bar=st.none() | st.tuples(st.integers(0, 100), st.floats(0, 6)),
        song_seconds=st.none() | st.floats(0, 1000),
        bpm=st.none() | st.floats(10, 999),
        metre=st.none() | st.sampled_from([(4, 4), (3, 4), (6, 8), (1, 16)]),
        playing=st.none() | st.booleans(),
        exact=st.booleans(),
    )
    sets = st.builds(Set, step, st.just("sync"), SOURCES) | st.builds(
        Set, step, st.sampled_from(["start", "stop"]), st.just(True)
    )
    return clocks | reports | sets | st.builds(NoteOn, step, st.just(60), st.just(64))


@settings(max_examples=150, deadline=None)
@given(st.lists(facts(), max_size=60))
def test_whatever_comes_the_orders_make_sense(steps: list[InEvent]) -> None:
    follower, now = Follower(), 100.0
    for step in steps:
        now += step.seconds
        follower.take(replace(step, seconds=now))
        wake = follower.conductor.wake_seconds()
        assert wake is None or wake > now
    follower.advance(now + 30.0)
    assert follower.set_back <= 0.0051
    stands = True
    for order in follower.orders:
        if isinstance(order, Stop):
            assert not stands
        stands = isinstance(order, Stop) or (stands and not isinstance(order, Start))
        if isinstance(order, (Position, TempoChange)):
            assert 4.0 < order.bpm < 1300.0
        if isinstance(order, Position):
            assert not stands


def test_our_own_clock_is_followed_by_another_of_us() -> None:
    ours = VirtualSession(ScriptedAccompanist([]), Settings(tempo=97.0), answer_seconds=0.0)
    ours.play([TempoChange(9.0, 97.0), Set(9.0, "clock_out", True)])
    follower, told = Follower(), 0
    orders: dict[int, InEvent] = {500: Start(10.0), 2500: TempoChange(14.0, 130.0), 3500: Start(16.0, 4.0)}
    for step in range(4500):
        now = 9.0 + step * 0.002
        ours.run_until(now)
        if step in orders:
            ours.engine.handle(orders[step])
        out = [message for message in ours.messages if isinstance(message, ClockOut)]
        follower.take(*(Clock(now, "wire", message.kind, message.beats) for message in out[told:]))
        told = len(out)
        if step in (2400, 3400, 4400):
            assert follower.beats_at(now) == pytest.approx(ours.engine.beats_at(now), abs=0.006)
    assert [start.beats for start in follower.all(Start)] == pytest.approx([0.0, 4.0], abs=0.005)
    assert follower.transport.bpm == pytest.approx(130.0, rel=0.005)


def test_the_page_names_every_source_and_state() -> None:
    page = (Path(__file__).parents[2] / "docs" / "sync.md").read_text("utf-8")
    names = {*SYNCS, *get_args(State)}
    assert not [name for name in sorted(names) if f"`{name}`" not in page]
