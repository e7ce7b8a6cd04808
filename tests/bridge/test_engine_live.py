"""What can be set, pressed and corrected while the engine plays."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest
from rules import hold, onset, triad_each_beat

from bridge.controls.settings import Settings
from bridge.engine.voicer import RootVoicer
from bridge.events import (
    ChordStarts,
    ClockOut,
    EndNote,
    MelodyHeard,
    MetreChange,
    NoteOff,
    NoteOn,
    OutMessage,
    Panic,
    ParameterChanged,
    PlanShown,
    PlayNote,
    Position,
    ScaleChange,
    Set,
    Silence,
    Start,
    Stop,
    TempoChange,
    TransportChanged,
)
from bridge.offline.virtual import VirtualSession
from gapt_core.vocabulary import NOTE_ONSET, SILENCE
from plugin_host.scripted import ScriptedAccompanist

FREE = Settings(mode="anticipate", tempo=60.0, entry="free", lookahead=0.25)
"""At 60 a minute a beat is a second and a frame a quarter of one."""

C, D, F, G = onset(0), onset(2), onset(5), onset(7)


def session_of(script: object, settings: Settings = FREE) -> VirtualSession:
    accompanist = script if isinstance(script, ScriptedAccompanist) else ScriptedAccompanist(script)
    return VirtualSession(accompanist, settings, RootVoicer())


def chords(messages: Iterable[OutMessage]) -> list[tuple[float, str]]:
    return [(message.due_beats, message.name) for message in messages if isinstance(message, ChordStarts)]


def sounding(messages: Iterable[OutMessage]) -> set[tuple[int, int]]:
    """What a synthesiser would still play."""
    on: set[tuple[int, int]] = set()
    for message in messages:
        if isinstance(message, PlayNote):
            on.add((message.channel, message.pitch))
        elif isinstance(message, EndNote):
            on.discard((message.channel, message.pitch))
    return on


def of(kind: type, messages: Iterable[OutMessage]) -> list[OutMessage]:
    return [message for message in messages if isinstance(message, kind)]


def a_chord_a_beat(frame: int, metre: tuple[int, int, int], newest: int, before: int) -> int:
    return onset(frame // 4 % 12) if frame % 4 == 0 else hold(before)


# --- the first chord


def test_the_first_chord_comes_in_on_a_bar_line_once_something_was_heard() -> None:
    session = session_of(lambda *_: C, replace(FREE, entry="bar"))
    session.play([Start(0.0), NoteOn(1.5, 60, 80)])
    session.run_until(9.0)
    assert chords(session.messages)[0] == (4.0, "C:maj")


def test_in_react_the_note_on_the_bar_line_is_enough() -> None:
    session = session_of(lambda *_: C, replace(FREE, entry="bar", mode="react", window_ms=20.0))
    session.play([Start(0.0), NoteOn(4.01, 60, 80)])
    session.run_until(5.0)
    assert chords(session.messages)[0] == (4.0, "C:maj")


def test_without_a_melody_there_is_no_chord() -> None:
    session = session_of(lambda *_: C, replace(FREE, entry="bar"))
    session.play([Start(0.0)])
    session.run_until(20.0)
    assert chords(session.messages) == []


def test_listening_lasts_as_long_as_is_set_and_to_the_bar_line_after_it() -> None:
    session = session_of(lambda *_: C, replace(FREE, entry="bar", listen=5.0))
    session.play([Start(0.0), NoteOn(0.5, 60, 80)])
    session.run_until(13.0)
    assert chords(session.messages)[0] == (8.0, "C:maj")


def test_a_start_within_a_bar_waits_for_the_next_and_a_loop_does_not() -> None:
    session = session_of(lambda *_: C, replace(FREE, entry="bar"))
    session.play([Start(0.0, 9.5), NoteOn(0.6, 60, 80)])
    session.run_until(3.4)
    assert chords(session.messages)[0][0] == 12.0
    session.play([Start(3.5, 9.5)])
    session.run_until(3.5)
    assert chords(session.messages)[-1] == (9.5, "C:maj")


@pytest.mark.parametrize(("pause", "first"), [(0.2, 9.5), (2.0, 12.0)])
def test_a_loop_by_stop_and_continue_waits_for_no_bar_line(pause: float, first: float) -> None:
    session = session_of(lambda *_: C, replace(FREE, entry="bar"))
    session.play([Start(0.0), NoteOn(0.1, 60, 80), Stop(6.0), Start(6.0 + pause, 9.5)])
    session.run_until(15.0)
    assert next(beat for beat, name in chords(session.messages) if beat > 6.0 and name != "N") == first


# --- settings


def test_what_is_set_is_told_to_everybody_and_what_cannot_be_is_counted() -> None:
    session = session_of([])
    session.play([Set(0.0, "temperature", 0.5), Set(0.0, "temperature", -1.0), Set(0.0, "nonsense", 1.0)])
    session.run_until(0.0)
    assert session.messages == [ParameterChanged(pytest.approx(0.0), "temperature", 0.5)]
    assert (session.engine.settings.temperature, session.engine.counters.refused) == (0.5, 1)


def test_what_is_set_to_the_value_it_has_is_told_all_the_same() -> None:
    """A client that moved a fader past the end must learn where it stands."""
    session = session_of([])
    session.play([Set(0.0, "density", 0.0)])
    session.run_until(0.0)
    assert of(ParameterChanged, session.messages)


def test_how_chords_are_drawn_reaches_the_accompanist_without_a_reset() -> None:
    accompanist = ScriptedAccompanist([])
    session = session_of(accompanist)
    session.play([Start(0.0), Set(1.0, "temperature", 0.25), Set(1.0, "key", "C"), Set(1.0, "chord_set", "plain")])
    session.run_until(1.0)
    assert accompanist.resets == 1
    assert accompanist.sampling.temperature == 0.25
    assert accompanist.sampling.allowed is not None and len(accompanist.sampling.allowed) == 6


def test_a_preset_is_swapped_and_the_music_goes_on() -> None:
    accompanist = ScriptedAccompanist(a_chord_a_beat)
    session = session_of(accompanist)
    session.play([Start(0.0), Set(1.5, "preset", "public-domain")])
    session.run_until(4.2)
    assert accompanist.preset == "public-domain"
    assert [beat for beat, _ in chords(session.messages)] == [0.0, 1.0, 2.0, 3.0, 4.0]


def test_another_channel_ends_the_old_one_and_takes_the_chord_along() -> None:
    session = session_of([C])
    session.play([Start(0.0)])
    session.run_until(1.1)
    before = len(session.messages)
    session.play([Set(1.1, "channel", 5)])
    session.run_until(1.3)
    after = session.messages[before:]
    assert Silence(pytest.approx(1.1), 0) in after
    assert {channel for channel, _ in sounding(session.messages)} == {4}
    assert chords(after)[-1] == (1.25, "C:maj")
    ends = [i for i, message in enumerate(after) if isinstance(message, EndNote)]
    assert max(ends) < after.index(Silence(pytest.approx(1.1), 0))


@pytest.mark.parametrize(("name", "value"), [("voicing", "arpeggio"), ("register", 72)])
def test_another_voicing_strikes_the_chord_anew(name: str, value: object) -> None:
    session = session_of([C])
    session.play([Start(0.0), Set(1.1, name, value)])  # type: ignore[arg-type]
    session.run_until(1.3)
    assert chords(session.messages) == [(0.0, "C:maj"), (1.25, "C:maj")]


def test_an_arpeggio_goes_on_while_the_chord_does_and_ends_with_it() -> None:
    session = session_of([C], replace(FREE, voicing="arpeggio"))
    session.play([Start(0.0)])
    session.run_until(3.9)
    assert len({play.due_beats for play in of(PlayNote, session.messages)}) > 5
    session.play([Stop(4.1)])
    session.run_until(9.0)
    assert sounding(session.messages) == set()
    assert not [play for play in of(PlayNote, session.messages) if play.due_beats > 4.1]


def test_hold_keeps_the_chord_however_long_and_letting_go_goes_on() -> None:
    session = session_of(a_chord_a_beat, replace(FREE, commit=2.0))
    session.play([Start(0.0), NoteOn(0.0, 60, 80), Set(2.5, "hold", True)])
    session.run_until(30.0)
    assert chords(session.messages)[-1] == (2.0, "D:maj")
    assert sounding(session.messages)
    assert (session.engine.counters.held, session.engine.counters.silenced) == (0, 0)
    session.play([Set(30.1, "hold", False)])
    session.run_until(33.1)
    assert chords(session.messages)[-1][0] == 33.0


@pytest.mark.parametrize("stops", [False, True])
def test_what_is_held_is_struck_anew_after_a_jump_or_a_stop(stops: bool) -> None:
    session = session_of(a_chord_a_beat)
    session.play([Start(0.0), NoteOn(0.0, 60, 80), Set(2.5, "hold", True)])
    session.play([Stop(4.0)] if stops else [])
    session.play([Start(5.0, 8.0)])
    session.run_until(20.0)
    assert chords(session.messages)[-1] == (8.0, "D:maj")
    assert sounding(session.messages)
    session.play([Set(20.1, "hold", False)])
    session.run_until(25.0)
    assert chords(session.messages)[-1][0] > 23.0


def test_hold_before_the_first_chord_holds_that_one() -> None:
    session = session_of(a_chord_a_beat, replace(FREE, hold=True))
    session.play([Start(0.0)])
    session.run_until(9.0)
    assert chords(session.messages) == [(0.0, "C:maj")]


@pytest.mark.parametrize("offset", [-500.0, -60.0, 100.0, 500.0])
@pytest.mark.parametrize("change", [("register", 72), ("voicing", "arpeggio"), ("channel", 3)])
def test_with_an_offset_too_what_is_struck_anew_keeps_the_order(offset: float, change: tuple[str, object]) -> None:
    settings = replace(FREE, offset_ms=offset, commit=2.0, voicing="arpeggio" if offset < 0 else "block")
    session = session_of(a_chord_a_beat, settings)
    session.play([Start(0.0), Set(4.4, *change), Set(5.05, "bypass", True), Set(6.3, "bypass", False)])  # type: ignore[arg-type]
    session.run_until(12.0)
    started = [beat for beat, name in chords(session.messages) if name != "N"]
    assert started == sorted(started)
    assert {0, 1, 2, 3, 7, 8, 9, 10} <= set(started)
    lines = [play.due_beats for play in of(PlayNote, session.messages)]
    assert lines == sorted(lines)


def test_bypass_is_silent_at_once_listens_on_and_comes_back() -> None:
    accompanist = ScriptedAccompanist(a_chord_a_beat)
    session = session_of(accompanist)
    session.play([Start(0.0), Set(1.6, "bypass", True)])
    session.run_until(1.6)
    assert sounding(session.messages) == set()
    session.run_until(3.6)
    assert chords(session.messages)[-1] == (pytest.approx(1.6), "N")
    assert len(accompanist.fed) == 14
    session.play([Set(3.6, "bypass", False)])
    session.run_until(3.8)
    assert chords(session.messages)[-1] == (3.75, "Eb:maj")
    assert sounding(session.messages)


@pytest.mark.parametrize("offset", [-60.0, 0.0, 40.0])
def test_the_offset_shifts_all_chords(offset: float) -> None:
    session = session_of(a_chord_a_beat, replace(FREE, offset_ms=offset))
    session.play([Start(0.0)])
    line = 3.0 + offset / 1000.0
    session.run_until(line - 0.001)
    assert chords(session.messages)[-1][0] == 2.0
    session.run_until(line + 0.001)
    assert chords(session.messages)[-1][0] == 3.0


def test_the_mode_may_change_while_it_plays() -> None:
    accompanist = ScriptedAccompanist(a_chord_a_beat)
    session = session_of(accompanist)
    session.play([Start(0.0), NoteOn(0.0, 60, 80), Set(1.1, "mode", "react")])
    session.run_until(4.6)
    assert [request.now is None for request in accompanist.requests] == [*[True] * 5, *[False] * 14]
    assert [beat for beat, _ in chords(session.messages)] == [0.0, 1.0, 2.0, 3.0, 4.0]


# --- the player's notes


def test_only_the_chosen_channels_and_what_is_above_the_split_is_melody() -> None:
    accompanist = ScriptedAccompanist([])
    session = session_of(accompanist, replace(FREE, in_channels="2", split=48))
    session.play([Start(0.0), NoteOn(0.0, 60, 80, 0), NoteOn(0.25, 40, 80, 1), NoteOn(0.5, 64, 80, 1)])
    session.run_until(0.7)
    assert [frame.melody for frame in accompanist.fed] == [SILENCE, SILENCE, NOTE_ONSET + 64]


def test_thru_passes_every_note_on_and_ends_it_though_thru_is_switched_off_meanwhile() -> None:
    session = session_of([], replace(FREE, thru=True, split=48))
    session.play([NoteOn(0.0, 40, 80, 3), NoteOn(0.1, 60, 90, 3), Set(0.2, "thru", False), NoteOff(0.3, 40, 3)])
    session.run_until(0.4)
    plays = [(play.pitch, play.velocity, play.channel, play.passed) for play in of(PlayNote, session.messages)]
    assert plays == [(40, 80, 3, True), (60, 90, 3, True)]
    session.play([NoteOn(0.5, 62, 80, 3), NoteOff(0.6, 60, 3)])
    session.run_until(0.7)
    assert sounding(session.messages) == set()


def test_the_same_pitch_on_two_channels_is_two_keys() -> None:
    session = session_of([], replace(FREE, thru=True))
    session.play([Start(0.0), NoteOn(0.1, 60, 80, 1), NoteOn(0.2, 60, 80, 2), NoteOff(0.3, 60, 1)])
    session.run_until(0.4)
    assert sounding(session.messages) == {(2, 60)}


def test_a_panic_ends_everything_and_only_the_next_chord_is_heard_again() -> None:
    session = session_of([C, hold(C), hold(C), hold(C), hold(C), hold(C), G], replace(FREE, thru=True))
    session.play([Start(0.0), NoteOn(0.1, 90, 80, 1), Panic(0.6)])
    session.run_until(1.4)
    assert sounding(session.messages) == set()
    assert Silence(pytest.approx(0.6), 0) in session.messages
    session.run_until(1.5)
    assert chords(session.messages)[-1] == (1.5, "G:maj")
    assert sounding(session.messages)


def test_a_channel_through_which_the_player_sounds_is_not_silenced() -> None:
    session = session_of([C], replace(FREE, thru=True))
    session.play([Start(0.0), NoteOn(0.1, 90, 80, 0), Stop(0.6)])
    session.run_until(1.0)
    assert of(Silence, session.messages) == []
    assert sounding(session.messages) == {(0, 90)}


def test_another_channel_cuts_no_note_that_the_player_holds_there() -> None:
    session = session_of([C], replace(FREE, thru=True))
    session.play([Start(0.0), NoteOn(0.1, 90, 80, 0), Set(1.1, "channel", 5)])
    session.run_until(1.3)
    assert of(Silence, session.messages) == []
    assert (0, 90) in sounding(session.messages)


def test_velocity_follows_the_player_as_far_as_is_set() -> None:
    loud, soft = (
        session_of(a_chord_a_beat, replace(FREE, velocity_follow=follow, velocity=40)) for follow in (1.0, 0.0)
    )
    for session in (loud, soft):
        session.play([Start(0.0), NoteOn(0.1, 60, 120)])
        session.run_until(1.1)
    forces = [[play.velocity for play in of(PlayNote, s.messages) if play.due_beats == 1.0] for s in (loud, soft)]
    assert min(forces[0]) > 1.5 * max(forces[1])


def test_melody_is_told_with_its_ends() -> None:
    session = session_of([])
    session.play([Start(0.0), NoteOn(0.1, 60, 80), NoteOff(0.3, 60), NoteOn(0.5, 62, 70), Stop(0.7)])
    session.run_until(0.7)
    heard = [(round(m.due_beats, 3), m.pitch, m.velocity) for m in of(MelodyHeard, session.messages)]
    assert heard == [(0.1, 60, 80), (0.3, 60, 0), (0.5, 62, 70), (0.7, 62, 0)]


def test_a_note_is_heard_where_its_host_says_it_was_played() -> None:
    accompanist = ScriptedAccompanist([])
    session = session_of(accompanist)
    session.play([Start(0.0), NoteOn(0.45, 60, 80, 0, beats=0.25), NoteOn(0.8, 62, 80, 0, beats=57.0)])
    session.run_until(1.2)
    melody = [frame.melody for frame in accompanist.fed]
    assert melody[3] == NOTE_ONSET + 62


# --- time


def test_a_correction_moves_what_is_to_come_and_repeats_nothing() -> None:
    accompanist = ScriptedAccompanist(a_chord_a_beat)
    session = session_of(accompanist)
    session.play([Start(0.0), Position(2.02, 2.0, 60.0)])
    session.run_until(2.9)
    assert [beat for beat, _ in chords(session.messages)] == [0.0, 1.0, 2.0]
    session.run_until(3.019)
    assert chords(session.messages)[-1][0] == 2.0
    session.run_until(3.021)
    assert chords(session.messages)[-1][0] == 3.0
    assert len(accompanist.fed) == 12


def test_tempo_metre_and_position_are_told() -> None:
    session = session_of([])
    session.play([Start(0.0), TempoChange(1.0, 60.01), TempoChange(2.0, 90.0), Position(3.0, 3.5, 90.02), Stop(4.0)])
    session.run_until(4.0)
    told = [(round(t.due_beats, 2), t.rolling, t.bpm, t.jump) for t in of(TransportChanged, session.messages)]
    assert told == [(0.0, True, 60.0, True), (2.0, True, 90.0, False), (5.0, False, 90.02, False)]


def test_a_metre_is_told_where_it_begins() -> None:
    session = session_of([])
    session.play([Start(0.0), MetreChange(1.0, 3, 4)])
    session.run_until(5.0)
    told = [(t.due_beats, t.metre) for t in of(TransportChanged, session.messages)]
    assert told == [(0.0, (4, 4)), (4.0, (3, 4))]


def test_the_clock_ticks_24_times_a_beat_rolling_or_not_and_says_where_it_starts() -> None:
    session = session_of([], replace(FREE, clock_out=True))
    session.run_until(0.0)
    session.play([Start(2.0, 0.0)])
    session.run_until(2.99)
    kinds = [message.kind for message in of(ClockOut, session.messages)]
    assert kinds[-25:] == ["start", *["tick"] * 24]
    session.play([Start(3.5, 8.0), Stop(4.6)])
    session.run_until(4.6)
    kinds = [(m.kind, m.beats) for m in of(ClockOut, session.messages) if m.kind != "tick"]
    assert kinds == [("start", 0.0), ("stop", 0.0), ("position", 8.0), ("continue", 0.0), ("stop", 0.0)]


@pytest.mark.parametrize(
    ("at", "kinds"),
    [(5.1, ["position", "continue"]), (-1.0, ["start"]), (0.0, ["start"]), (6.0, ["position", "continue"])],
)
def test_who_follows_our_clock_stands_where_we_do(at: float, kinds: list[str]) -> None:
    """A follower counts from the place told, and the first tick after the start is that place."""
    session = session_of([], replace(FREE, clock_out=True))
    session.play([Start(2.0, at)])
    session.run_until(5.03)
    told = of(ClockOut, session.messages)
    since = next(i for i, m in enumerate(told) if m.kind in ("start", "continue"))
    place = next((m.beats for m in told if m.kind == "position"), 0.0)
    ticks = len([m for m in told[since:] if m.kind == "tick"])
    assert [m.kind for m in told if m.kind != "tick"] == kinds
    assert place + (ticks - 1) / 24 == pytest.approx(at + 3.03, abs=1 / 24)


def test_a_clock_switched_on_while_it_rolls_says_where_and_one_switched_off_stops() -> None:
    session = session_of([])
    session.play([Start(0.0), Set(1.1, "clock_out", True), Set(2.0, "clock_out", False)])
    session.run_until(3.0)
    kinds = [(m.kind, m.beats) for m in of(ClockOut, session.messages) if m.kind != "tick"]
    assert kinds == [("position", 1.25), ("continue", 0.0), ("stop", 0.0)]


def test_a_host_scale_is_followed_only_if_asked() -> None:
    session = session_of([])
    session.play([ScaleChange(0.0, "D", "dorian")])
    assert session.engine.settings.key == "any"
    session.play([Set(0.1, "follow_scale", True)])
    assert (session.engine.settings.key, session.engine.settings.scale) == ("D", "dorian")
    session.play([ScaleChange(0.2, "E", "minor")])
    assert session.engine.settings.key == "E"


def test_the_plan_shows_what_is_final_and_what_is_not_with_its_pitches() -> None:
    session = session_of(a_chord_a_beat, replace(FREE, commit=2.0, lookahead=4.0))
    session.play([Start(0.0)])
    session.run_until(0.1)
    (shown,) = of(PlanShown, session.messages)
    assert [(c.beats, c.name, c.final) for c in shown.chords] == [  # type: ignore[attr-defined]
        (1.0, "C#:maj", True),
        (2.0, "D:maj", False),
        (3.0, "Eb:maj", False),
    ]
    assert all(len(c.pitches) == 4 and c.duration_beats == 1.0 for c in shown.chords)  # type: ignore[attr-defined]


def test_status_says_bar_and_beat() -> None:
    session = session_of(triad_each_beat, replace(FREE, metre="3/4"))
    session.play([Start(0.0)])
    session.run_until(4.5)
    status = session.engine.status(4.5)
    assert (status.bar, status.metre, status.playing) == ((2, pytest.approx(2.5)), (3, 4), True)


@pytest.mark.parametrize(("entry", "enters"), [("bar", [False, False, True, False]), ("free", [False] * 4)])
def test_the_accompanist_knows_where_the_first_chord_comes_in(entry: str, enters: list[bool]) -> None:
    accompanist = ScriptedAccompanist(lambda *_: C)
    session = session_of(accompanist, replace(FREE, entry=entry, metre="2/16"))
    session.play([Start(0.0), NoteOn(0.0, 60, 80)])
    session.run_until(0.8)
    assert [request.enters for request in accompanist.requests[:4]] == enters


def test_a_transport_that_stands_says_where() -> None:
    session = session_of([])
    session.run_until(50_000.0)
    assert session.engine.status(50_000.0).bar == (1, 1.0)
    session.play([Start(50_000.0, 0.0), Stop(50_006.0), TempoChange(50_100.0, 90.0)])
    session.run_until(50_200.0)
    assert session.engine.status(50_200.0).bar == (2, pytest.approx(3.0))
    assert [round(t.due_beats, 3) for t in of(TransportChanged, session.messages)] == [0.0, 6.0, 6.0]
