"""The engine under virtual time: what it hears, when it asks, what it plays, and that it ends what it began."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest
from rules import hold, onset, triad_each_beat

from bridge.controls.settings import Settings
from bridge.engine.voicer import RootVoicer
from bridge.events import (
    ChordStarts,
    EndNote,
    MetreChange,
    NoteOff,
    NoteOn,
    OutMessage,
    PlanArrived,
    PlanShown,
    PlayNote,
    Silence,
    Start,
    Stop,
    TempoChange,
)
from bridge.offline.virtual import VirtualSession
from gapt_core.vocabulary import NO_CHORD, NOTE_HOLD, NOTE_ONSET, SILENCE
from plugin_host.accompanist import Plan
from plugin_host.scripted import ScriptedAccompanist

FREE = Settings(tempo=60.0, entry="free", lookahead=0.25)
ANTICIPATE = replace(FREE, mode="anticipate")
REACT = replace(FREE, mode="react", window_ms=20.0)
"""At 60 a minute a beat is a second and a frame a quarter of one."""

C, D, F, G = onset(0), onset(2), onset(5), onset(7)


def session_of(script: object, settings: Settings = ANTICIPATE, waits: bool = True) -> VirtualSession:
    accompanist = script if isinstance(script, ScriptedAccompanist) else ScriptedAccompanist(script)
    return VirtualSession(accompanist, settings, RootVoicer(), answer_seconds=30.0 if waits else 0.0)


def music(messages: Iterable[OutMessage]) -> list[OutMessage]:
    """Chords and notes, their force left out: how hard a style strikes is its own business."""
    kept = [message for message in messages if isinstance(message, ChordStarts | PlayNote | EndNote)]
    return [replace(message, velocity=0) if isinstance(message, PlayNote) else message for message in kept]


def chords(messages: Iterable[OutMessage]) -> list[tuple[float, str]]:
    return [(message.due_beats, message.name) for message in messages if isinstance(message, ChordStarts)]


def still_on(messages: Iterable[OutMessage]) -> dict[tuple[int, int], int]:
    counts: dict[tuple[int, int], int] = {}
    for message in messages:
        if isinstance(message, PlayNote | EndNote):
            key = (message.channel, message.pitch)
            counts[key] = counts.get(key, 0) + (1 if isinstance(message, PlayNote) else -1)
    return {key: count for key, count in counts.items() if count}


def melody(accompanist: ScriptedAccompanist) -> list[int]:
    return [frame.melody for frame in accompanist.fed]


# --- what is heard


def test_a_frame_closes_half_a_frame_after_its_grid_line() -> None:
    accompanist = ScriptedAccompanist([])
    session = session_of(accompanist)
    session.play([Start(0.0)])
    session.run_until(0.124)
    assert accompanist.fed == []
    session.run_until(0.125)
    assert [frame.index for frame in accompanist.fed] == [0]
    session.run_until(0.625)
    assert [frame.index for frame in accompanist.fed] == [0, 1, 2]
    assert [frame.metre for frame in accompanist.fed] == [(0, 16, 4), (1, 16, 4), (2, 16, 4)]


def test_a_note_a_little_early_belongs_to_the_frame_to_come() -> None:
    accompanist = ScriptedAccompanist([])
    session = session_of(accompanist)
    session.play([Start(-1.0, -1.0), NoteOn(-0.03, 60, 80), NoteOff(0.4, 60), NoteOn(0.48, 62, 80)])
    session.run_until(0.9)
    assert melody(accompanist) == [NOTE_ONSET + 60, NOTE_HOLD + 60, NOTE_ONSET + 62, NOTE_HOLD + 62]


def test_the_count_in_is_not_music() -> None:
    accompanist = ScriptedAccompanist(lambda *_: C)
    session = session_of(accompanist)
    session.play([Start(-4.0, -4.0), NoteOn(-3.0, 50, 80), NoteOff(-0.5, 50)])
    session.run_until(-0.2)
    assert music(session.messages) == []
    session.run_until(0.3)
    assert melody(accompanist) == [SILENCE]
    assert chords(session.messages)[0] == (0.0, "C:maj")


def test_a_note_reported_after_its_frame_closed_counts_for_the_next() -> None:
    accompanist = ScriptedAccompanist([])
    session = session_of(accompanist)
    session.play([Start(0.0)])
    session.run_until(0.126)
    session.engine.handle(NoteOn(0.12, 60, 80))
    session.run_until(0.7)
    assert melody(accompanist) == [SILENCE, NOTE_ONSET + 60, NOTE_HOLD + 60]
    assert session.engine.counters.late_notes == 1


def test_nothing_is_heard_while_the_transport_stands() -> None:
    accompanist = ScriptedAccompanist([])
    session = session_of(accompanist)
    session.play([NoteOn(0.0, 60, 80)])
    session.run_until(5.0)
    assert session.engine.wake_seconds() is None
    assert (accompanist.fed, accompanist.requests, session.messages) == ([], [], [])


# --- when it asks


def test_anticipate_asks_when_the_frame_before_is_closed_and_does_not_know_the_note() -> None:
    accompanist = ScriptedAccompanist([])
    session = session_of(accompanist)
    session.play([Start(0.0), NoteOn(0.0, 60, 80)])
    session.run_until(0.0)
    assert [request.frame for request in accompanist.requests] == [0]
    session.run_until(0.124)
    assert len(accompanist.requests) == 1
    session.run_until(0.125)
    assert [request.frame for request in accompanist.requests] == [0, 1]
    assert [request.now for request in accompanist.requests] == [None, None]


def test_react_asks_after_its_window_with_the_note_heard_by_then() -> None:
    accompanist = ScriptedAccompanist([])
    session = session_of(accompanist, REACT)
    session.play([Start(-1.0, -1.0)])
    session.run_until(0.019)
    assert accompanist.requests == []
    session.play([NoteOn(0.28, 64, 80)])
    session.run_until(0.55)
    assert [request.now for request in accompanist.requests] == [SILENCE, SILENCE, NOTE_HOLD + 64]
    assert melody(accompanist) == [SILENCE, NOTE_ONSET + 64]


@pytest.mark.parametrize(("played", "asked"), [(-0.03, 0.0), (0.0, 0.0), (0.01, 0.01), (0.03, 0.02)])
def test_react_asks_with_the_note_on_the_line_at_the_earliest_and_at_the_end_of_the_window_at_the_latest(
    played: float, asked: float
) -> None:
    accompanist = ScriptedAccompanist([])
    session = session_of(accompanist, REACT)
    session.play([Start(-1.0, -1.0)])
    events = [NoteOn(played, 60, 80)]
    for seconds, count in [(asked - 0.001, 0), (asked + 0.001, 1)]:
        session.play([event for event in events if event.seconds <= seconds])
        events = [event for event in events if event.seconds > seconds]
        session.run_until(seconds)
        assert len(accompanist.requests) == count
    assert accompanist.requests[0].now == (NOTE_ONSET + 60 if played <= 0.02 else SILENCE)


def test_a_window_of_nothing_still_hears_the_note_on_the_line() -> None:
    accompanist = ScriptedAccompanist([])
    session = session_of(accompanist, replace(REACT, window_ms=0.0))
    session.play([Start(-1.0, -1.0), NoteOn(0.0, 60, 80)])
    session.run_until(0.0)
    assert [request.now for request in accompanist.requests] == [NOTE_ONSET + 60]


def test_a_window_longer_than_half_a_frame_ends_where_the_frame_closes() -> None:
    accompanist = ScriptedAccompanist([])
    session = session_of(accompanist, replace(REACT, tempo=999.0, window_ms=500.0))
    session.play([Start(0.0)])
    session.run_until(1.0)
    assert [request.frame for request in accompanist.requests] == list(range(len(accompanist.requests)))
    assert session.engine.counters.held == 0


def test_with_a_longer_commitment_it_asks_where_the_last_one_ends() -> None:
    accompanist = ScriptedAccompanist([])
    session = session_of(accompanist, replace(ANTICIPATE, commit=1.0, lookahead=1.5))
    session.play([Start(0.0)])
    session.run_until(2.5)
    assert [request.frame for request in accompanist.requests] == [0, 4, 8]
    assert {(request.commit, len(request.metres)) for request in accompanist.requests} == {(4, 6)}
    assert accompanist.requests[1].metres == tuple((place, 16, 4) for place in range(4, 10))


def test_while_listening_it_asks_for_nothing_to_play_and_never_across_the_border() -> None:
    accompanist = ScriptedAccompanist(lambda *_: C)
    session = session_of(accompanist, replace(ANTICIPATE, commit=0.75, lookahead=1.25, listen=1.0))
    session.play([Start(0.0)])
    session.run_until(1.9)
    asked = [(request.frame, request.commit, len(request.metres), request.play) for request in accompanist.requests]
    assert asked == [(0, 3, 3, False), (3, 1, 1, False), (4, 3, 5, True), (7, 3, 5, True)]
    assert chords(session.messages)[0] == (1.0, "C:maj")


# --- what it plays


def test_a_chord_leaves_on_its_line_and_ends_the_one_before() -> None:
    session = session_of([C, hold(C), G, hold(G), NO_CHORD])
    session.play([Start(0.0)])
    session.run_until(2.0)
    assert music(session.messages) == [
        ChordStarts(0.0, 0, "C:maj", (36, 60, 64, 67)),
        *(PlayNote(0.0, pitch, 0) for pitch in (36, 60, 64, 67)),
        *(EndNote(0.5, pitch) for pitch in (36, 60, 64, 67)),
        ChordStarts(0.5, 2, "G:maj", (43, 62, 67, 71)),
        *(PlayNote(0.5, pitch, 0) for pitch in (43, 62, 67, 71)),
        *(EndNote(1.0, pitch) for pitch in (43, 62, 67, 71)),
        ChordStarts(1.0, 4, "N", ()),
    ]


def test_nothing_leaves_before_its_line() -> None:
    session = session_of([C, G])
    session.play([Start(0.0)])
    for seconds, expected in [(0.0, 1), (0.249, 1), (0.25, 2)]:
        session.run_until(seconds)
        assert len(chords(session.messages)) == expected


def test_in_react_a_chord_leaves_with_its_answer_and_is_due_on_its_line() -> None:
    session = session_of(triad_each_beat, REACT)
    session.play([Start(-1.0, -1.0)])
    session.run_until(0.01)
    assert music(session.messages) == []
    session.play([NoteOn(0.011, 62, 80)])
    session.run_until(0.012)
    assert chords(session.messages) == [(0.0, "D:maj")]
    assert session.engine.counters.late == 0


def test_an_onset_of_the_same_chord_strikes_it_again() -> None:
    session = session_of([C, hold(C), C])
    session.play([Start(0.0)])
    session.run_until(0.9)
    assert chords(session.messages) == [(0.0, "C:maj"), (0.5, "C:maj")]
    assert set(still_on(session.messages).values()) == {1}


def test_velocity_and_channel_are_those_of_the_settings() -> None:
    session = session_of([C], replace(ANTICIPATE, velocity=33, channel=10))
    session.play([Start(0.0)])
    session.run_until(0.5)
    session.play([Stop(0.6)])
    session.run_until(0.6)
    plays = [message for message in session.messages if isinstance(message, PlayNote)]
    assert {play.channel for play in plays} == {9}
    assert all(28 <= play.velocity <= 38 for play in plays)
    assert still_on(session.messages) == {}


def test_what_is_not_final_is_shown_and_not_played() -> None:
    plays = {0: C, 2: G}
    session = session_of(
        lambda frame, metre, newest, before: plays.get(frame, hold(before)), replace(ANTICIPATE, lookahead=1.0)
    )
    session.play([Start(0.0)])
    session.run_until(0.1)
    shown = [message for message in session.messages if isinstance(message, PlanShown)]
    assert [[(c.beats, c.duration_beats, c.name, c.final) for c in plan.chords] for plan in shown] == [
        [(0.5, 0.5, "G:maj", False)]
    ]
    assert chords(session.messages) == [(0.0, "C:maj")]


# --- tempo and metre


def test_a_tempo_change_reschedules_nothing() -> None:
    session = session_of(triad_each_beat)
    session.play([Start(0.0), NoteOn(0.0, 60, 80), TempoChange(2.0, 120.0)])
    session.run_until(2.49)
    assert chords(session.messages)[-1] == (2.0, "C:maj")
    session.run_until(2.51)
    assert chords(session.messages)[-1] == (3.0, "C:maj")
    assert session.engine.beats_at(3.0) == pytest.approx(4.0)


def test_a_queued_chord_moves_with_the_tempo() -> None:
    """Beat 1 was due at second 1; at double tempo from 0.5 it is due at 0.75."""
    accompanist = ScriptedAccompanist([C, hold(C), hold(C), hold(C), G])
    session = session_of(accompanist, replace(ANTICIPATE, commit=2.0, lookahead=2.0))
    session.play([Start(0.0), TempoChange(0.5, 120.0)])
    session.run_until(0.749)
    assert chords(session.messages) == [(0.0, "C:maj")]
    session.run_until(0.75)
    assert chords(session.messages) == [(0.0, "C:maj"), (1.0, "G:maj")]


def test_the_tempo_may_change_while_the_transport_stands() -> None:
    session = session_of([C, hold(C), hold(C), hold(C), G])
    session.play([TempoChange(0.0, 240.0), Start(1.0)])
    session.run_until(1.26)
    assert chords(session.messages) == [(0.0, "C:maj"), (1.0, "G:maj")]


def test_a_metre_change_counts_from_the_next_bar_line() -> None:
    accompanist = ScriptedAccompanist([])
    session = session_of(accompanist)
    session.play([MetreChange(0.0, 2, 4), Start(0.0), MetreChange(0.6, 3, 4), MetreChange(6.0, 6, 8)])
    session.run_until(9.0)
    metres = [frame.metre for frame in accompanist.fed]
    assert metres[:8] == [(place, 8, 4) for place in range(8)]
    assert metres[8:32] == [(place % 12, 12, 4) for place in range(24)]
    assert metres[32] == (0, 12, 6)


@pytest.mark.parametrize("settings", [ANTICIPATE, REACT])
@pytest.mark.parametrize("reported", [1.9, 2.0, 2.1])
def test_a_metre_change_reported_about_its_bar_line_counts_from_there(settings: Settings, reported: float) -> None:
    accompanist = ScriptedAccompanist([])
    session = session_of(accompanist, settings)
    session.play([MetreChange(0.0, 2, 4), Start(0.0), MetreChange(reported, 3, 4)])
    session.run_until(6.0)
    metres = [frame.metre for frame in accompanist.fed]
    assert metres[7:21] == [(7, 8, 4), *((place, 12, 4) for place in range(12)), (0, 12, 4)]


# --- stop, jump, restart


def test_stop_ends_what_sounds_at_once_and_empties_the_queue() -> None:
    accompanist = ScriptedAccompanist([C, hold(C), hold(C), hold(C), G])
    session = session_of(accompanist, replace(ANTICIPATE, commit=2.0, lookahead=2.0))
    session.play([Start(0.0), Stop(0.3)])
    session.run_until(9.0)
    assert music(session.messages)[-5:] == [
        *(EndNote(pytest.approx(0.3), pitch) for pitch in (36, 60, 64, 67)),
        ChordStarts(pytest.approx(0.3), 1, "N", ()),
    ]
    assert still_on(session.messages) == {}
    assert not session.engine.rolling
    assert Silence(pytest.approx(0.3), 0) in session.messages


def test_a_jump_ends_what_sounds_and_goes_on_from_there() -> None:
    accompanist = ScriptedAccompanist(triad_each_beat)
    session = session_of(accompanist)
    session.play([Start(0.0), NoteOn(0.0, 60, 80), NoteOff(1.9, 60)])
    session.run_until(2.1)
    assert still_on(session.messages)
    before = len(session.messages)
    session.play([Start(2.1, 9.1)])
    session.run_until(2.1)
    assert still_on(session.messages) == {}
    assert {round(message.due_beats, 6) for message in music(session.messages[before:])} == {2.1}
    session.play([NoteOn(2.3, 62, 80)])
    session.run_until(3.2)
    assert chords(session.messages)[-1] == (10.0, "D:maj")
    assert session.engine.counters.jumps == 1


def test_after_a_jump_the_accompanist_hears_on_without_a_gap_in_another_place_of_the_bar() -> None:
    accompanist = ScriptedAccompanist(triad_each_beat)
    session = session_of(accompanist)
    session.play([Start(0.0), NoteOn(0.0, 60, 80), Start(2.1, 9.1), NoteOn(2.3, 62, 80)])
    session.run_until(3.2)
    assert [frame.index for frame in accompanist.fed] == list(range(8 + 4))
    assert [frame.metre[0] for frame in accompanist.fed] == [*range(8), 5, 6, 7, 8]
    assert accompanist.fed[8].melody == NOTE_ONSET + 62
    assert accompanist.resets == 1


def test_a_loop_back_to_the_beginning_forgets_nothing_but_a_new_start_there_does() -> None:
    accompanist = ScriptedAccompanist(triad_each_beat)
    session = session_of(accompanist)
    session.play([Start(0.0), NoteOn(0.0, 60, 80), Start(4.0, 0.0)])
    session.run_until(5.0)
    assert (accompanist.resets, len(accompanist.fed)) == (1, 16 + 4)
    session.play([Stop(5.0), Start(6.0, 8.0)])
    session.run_until(6.2)
    assert (accompanist.resets, accompanist.fed[-1].metre[0]) == (1, 0)
    session.play([Stop(7.0), Start(8.0, 0.0)])
    assert accompanist.resets == 2


def test_a_note_held_over_a_stop_is_not_heard_after_it() -> None:
    accompanist = ScriptedAccompanist([])
    session = session_of(accompanist)
    session.play([Start(0.0), NoteOn(0.5, 60, 80), Stop(1.0), Start(2.0)])
    session.run_until(2.6)
    assert melody(accompanist) == [SILENCE, SILENCE]


def test_an_answer_to_an_earlier_session_is_dropped() -> None:
    accompanist = ScriptedAccompanist([C])
    accompanist.silent = True
    session = session_of(accompanist, waits=False)
    session.play([Start(0.0), Stop(0.1), Start(0.2)])
    accompanist.answer()
    session.run_until(0.21)
    assert session.engine.counters.stale == 1
    assert music(session.messages) == []
    assert session.engine.waiting


def test_stop_and_stop_again_and_start_again() -> None:
    session = session_of(lambda *_: C)
    session.play([Stop(0.0), Start(1.0), Stop(1.5), Stop(1.6), Start(2.0), Stop(2.5)])
    session.run_until(3.0)
    assert still_on(session.messages) == {}
    assert [beat for beat, name in chords(session.messages) if name != "N"] == [0.0, 0.25, 0.0, 0.25]


# --- late and lost answers


def silent_session(script: object, settings: Settings = ANTICIPATE) -> tuple[ScriptedAccompanist, VirtualSession]:
    accompanist = ScriptedAccompanist(script)
    return accompanist, session_of(accompanist, settings, waits=False)


def answer(accompanist: ScriptedAccompanist, session: VirtualSession) -> None:
    """The answers kept back come now."""
    accompanist.answer()
    session.run_until(session.clock.now())


def test_while_an_answer_is_late_what_sounds_goes_on() -> None:
    accompanist, session = silent_session(triad_each_beat)
    session.play([Start(0.0), NoteOn(0.0, 60, 80)])
    session.run_until(1.1)
    accompanist.silent = True
    session.run_until(2.1)
    assert still_on(session.messages)
    assert session.engine.counters.held > 0


def test_a_late_chord_still_in_force_starts_late_and_is_counted() -> None:
    accompanist, session = silent_session([C, hold(C), hold(C), hold(C), G])
    session.play([Start(0.0)])
    session.run_until(0.8)
    accompanist.silent = True
    session.run_until(1.4)
    assert chords(session.messages) == [(0.0, "C:maj")]
    answer(accompanist, session)
    assert chords(session.messages)[-1] == (1.0, "G:maj")
    assert (session.engine.counters.late, session.engine.counters.skipped) == (1, 0)


def test_a_late_chord_no_longer_in_force_is_left_out() -> None:
    plays = {4: G, 5: F}
    accompanist, session = silent_session(
        lambda frame, metre, newest, before: C if frame == 0 else plays.get(frame, hold(before)),
        replace(ANTICIPATE, commit=1.0, lookahead=1.0),
    )
    session.play([Start(0.0)])
    session.run_until(0.8)
    accompanist.silent = True
    session.run_until(1.4)
    answer(accompanist, session)
    assert chords(session.messages) == [(0.0, "C:maj"), (1.25, "F:maj")]
    assert (session.engine.counters.late, session.engine.counters.skipped) == (0, 1)


def test_frames_without_an_answer_are_held_and_the_next_request_is_for_what_comes() -> None:
    accompanist, session = silent_session([C])
    session.play([Start(0.0)])
    session.run_until(0.3)
    accompanist.silent = True
    session.run_until(0.95)
    accompanist.silent = False
    answer(accompanist, session)
    session.run_until(1.2)
    assert [request.frame for request in accompanist.requests] == [0, 1, 2, 4, 5]
    assert session.engine.counters.held == 1


def test_after_a_beat_of_waiting_it_asks_anew() -> None:
    accompanist, session = silent_session([C])
    accompanist.silent = True
    session.play([Start(0.0)])
    session.run_until(3.0)
    assert [request.frame for request in accompanist.requests] == [0, 5, 10]


def test_a_slow_accompanist_is_late_but_heard() -> None:
    """Answers come every beat and a half, and each brings a chord: many start late, none is lost."""
    accompanist, session = silent_session(lambda frame, metre, newest, before: onset(frame % 12))
    accompanist.silent = True
    session.play([Start(0.0)])
    for wait in range(1, 9):
        session.run_until(1.5 * wait)
        answer(accompanist, session)
    counters = session.engine.counters
    assert counters.answered == counters.asked - 1 == counters.chords
    assert counters.late >= 8
    assert len(chords(session.messages)) == counters.chords


def test_two_bars_without_an_answer_end_the_chord_and_an_answer_brings_it_back() -> None:
    accompanist, session = silent_session(lambda frame, metre, newest, before: hold(before) or C)
    session.play([Start(0.0)])
    session.run_until(0.1)
    accompanist.silent = True
    session.run_until(7.8)
    assert still_on(session.messages)
    session.run_until(8.5)
    assert still_on(session.messages) == {}
    assert session.engine.counters.silenced == 1
    answer(accompanist, session)
    assert chords(session.messages)[-1][1] == "C:maj"
    assert session.engine.counters.silenced == 1


def test_a_dead_accompanist_does_not_stop_the_engine() -> None:
    accompanist, session = silent_session([])
    accompanist.silent = True
    session.play([Start(0.0), NoteOn(1.0, 60, 80), Stop(60.0)])
    session.run_until(60.0)
    assert session.engine.counters.frames == 240
    assert music(session.messages) == []


def test_a_second_answer_for_the_same_frames_is_dropped() -> None:
    session = session_of([C])
    session.play([Start(0.0)])
    session.run_until(0.1)
    session.engine.handle(PlanArrived(0.1, Plan(0, (G,), 1, 0.0), 1))
    session.run_until(0.2)
    assert chords(session.messages) == [(0.0, "C:maj")]
    assert session.engine.counters.stale == 1


# --- independence of the driver


def test_an_event_finds_what_came_before_it_done() -> None:
    """Even if nobody drove the engine for a while, a note after the window is not heard by the request within it."""
    accompanist = ScriptedAccompanist([])
    session = session_of(accompanist, REACT)
    session.engine.handle(Start(0.0))
    session.engine.handle(NoteOn(0.1, 60, 80))
    session.run_until(0.2)
    assert [request.now for request in accompanist.requests] == [SILENCE]
    assert melody(accompanist) == [NOTE_ONSET + 60]


@pytest.mark.parametrize("settings", [ANTICIPATE, REACT, replace(REACT, commit=0.75, lookahead=2.0)])
def test_how_often_the_engine_is_driven_changes_nothing(settings: Settings) -> None:
    events = [Start(-1.0, -1.0), NoteOn(0.01, 60, 80), NoteOff(1.1, 60), NoteOn(2.4, 65, 80), TempoChange(3.3, 90.0)]
    played = []
    for steps in (1, 7, 1000):
        session = session_of(triad_each_beat, settings)
        session.play(events)
        for step in range(1, steps + 1):
            session.run_until(3.3 + 5.0 * step / steps)
        played.append(session.messages)
    assert played[0] == played[1] == played[2]
    assert len(chords(played[0])) > 3
