"""Takes: what stands in the file is what was sent, bar lines stay bar lines, and the file has no way but onwards."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import mido
import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorded import FREE, Stage, tune

from bridge.events import (
    ChordStarts,
    EndNote,
    InEvent,
    MelodyHeard,
    MetreChange,
    NoteOff,
    NoteOn,
    OutMessage,
    PlayNote,
    Silence,
    Start,
    Stop,
    TempoChange,
    TransportChanged,
)
from bridge.recording.entries import Entry, Selection
from bridge.recording.recorder import open_recorder
from bridge.recording.take import take_of
from bridge.recording.timeline import LEEWAY_BEATS
from gapt_core.chords import CHORD_COUNT, chord_at
from gapt_core.data.duet import Duet, duet_file
from gapt_core.data.midi import read_midi
from gapt_core.song import Note


def entries_of(stage: Stage) -> list[Entry]:
    selection = Selection()
    return [entry for sent in stage.sent if (entry := selection.entry(*sent)) is not None]


def taken(stage: Stage) -> Duet:
    duet = take_of(entries_of(stage), "take")
    assert duet is not None
    return duet


def entry(beats: float, message: OutMessage, bpm: float = 120.0) -> Entry:
    return Entry(beats * 60.0 / bpm, beats, message)  # type: ignore[arg-type]


def onsets(notes: tuple[Note, ...]) -> list[tuple[float, int]]:
    return [(round(note.onset_beats, 3), note.pitch) for note in notes]


def names(duet: Duet) -> list[tuple[float, str]]:
    return [(round(event.onset_beats, 3), event.chord.name if event.chord else "N") for event in duet.chords]


def test_a_plain_take_has_both_parts_where_they_were(tmp_path: Path) -> None:
    said: list[str] = []
    with open_recorder(tmp_path / "take.mid", said.append) as recorder:
        stage = Stage(recorder.send, settings=replace(FREE, tempo=90.0))
        stage.play(Start(1000.0), *tune(1000.0, 4, bpm=90.0), Stop(1002.64))
    assert said == [f"The take is in {tmp_path / 'take.mid'}."]
    assert [path.name for path in tmp_path.iterdir()] == ["take.mid"]
    song = read_midi(tmp_path / "take.mid").songs[0]
    assert onsets(song.notes) == [(0.0, 60), (1.0, 64), (2.0, 67), (3.0, 65)]
    assert [note.end_beats for note in song.notes] == pytest.approx([0.9, 1.9, 2.9, 3.9], abs=0.002)
    assert [tempo.bpm for tempo in song.tempos] == pytest.approx([90.0], abs=0.01)
    assert [(metre.numerator, metre.denominator) for metre in song.metres] == [(4, 4)]
    assert song.title == "take"
    assert song.chords is not None
    sent = [m.name for m in stage.port.messages if isinstance(m, ChordStarts)]
    assert [event.chord.name if event.chord else "N" for event in song.chords] == sent


def test_every_note_sent_stands_in_the_file_at_the_beat_at_which_it_was_sent() -> None:
    stage = Stage(settings=replace(FREE, mode="react", window_ms=20.0, voicing="arpeggio"))
    stage.play(Start(1000.0), *tune(1000.0, 8))
    stage.run_until(1004.2)
    sent = sorted((round(b, 6), m.pitch) for m, _, b in stage.sent if isinstance(m, PlayNote))
    assert len(sent) > 12
    assert sorted((round(n.onset_beats, 6), n.pitch) for n in taken(stage).chord_notes) == sent
    assert any(beats % 0.25 > 0.02 for beats, _ in sent)


def test_chord_names_stand_on_their_grid_line_though_the_notes_came_later() -> None:
    stage = Stage(settings=replace(FREE, mode="react", window_ms=20.0))
    stage.play(Start(1000.0), *tune(1000.0, 4))
    assert [beats for beats, _ in names(taken(stage))][:4] == [0.0, 1.0, 2.0, 3.0]


def test_a_loop_of_whole_bars_follows_itself_without_a_gap() -> None:
    stage = Stage()
    stage.play(Start(1000.0), *tune(1000.0, 8), Start(1004.0, 0.0), *tune(1004.0, 8), Stop(1008.0))
    duet = taken(stage)
    assert onsets(duet.song.notes) == [(float(i), (60, 64, 67, 65)[i % 4]) for i in range(16)]
    assert duet.song.end_beats == pytest.approx(16.0)
    assert [(marker.beats, marker.text) for marker in duet.markers] == [(8.0, "jump to bar 1")]
    conductor = duet_file(duet).tracks[0]
    assert [m.text for m in conductor if m.type == "marker"] == ["jump to bar 1"]


def test_a_jump_within_a_bar_keeps_the_bar_lines() -> None:
    stage = Stage()
    stage.play(Start(1000.0), *tune(1000.0, 2), Start(1001.25, 13.0), *tune(1001.25, 3), Stop(1003.0))
    duet = taken(stage)
    assert onsets(duet.song.notes) == [(0.0, 60), (1.0, 64), (5.0, 60), (6.0, 64), (7.0, 67)]
    assert [(marker.beats, marker.text) for marker in duet.markers] == [(5.0, "jump to bar 4")]


@pytest.mark.parametrize("seen", [-0.2, 0.2])
def test_a_loop_that_is_seen_early_or_late_costs_no_bar(seen: float) -> None:
    stage = Stage()
    jump = 1004.0 + seen / 2
    stage.play(
        Start(1000.0), *tune(1000.0, 7), Start(jump, seen if seen > 0 else 0.0), *tune(jump + 0.2, 3), Stop(1007.0)
    )
    [marker] = taken(stage).markers
    assert marker.beats == pytest.approx(8.0 + max(seen, 0.0), abs=0.01)


def test_what_stands_between_a_stop_and_a_start_is_closed_up_to_the_next_bar() -> None:
    stage = Stage()
    stage.play(Start(1000.0), *tune(1000.0, 5), Stop(1002.7))
    stage.play(NoteOn(1010.0, 30, 80), NoteOff(1011.0, 30))
    stage.play(Start(1020.0, 16.0), *tune(1020.0, 4), Stop(1022.0))
    duet = taken(stage)
    assert onsets(duet.song.notes)[5:] == [(8.0, 60), (9.0, 64), (10.0, 67), (11.0, 65)]
    assert [(marker.beats, marker.text) for marker in duet.markers] == [(8.0, "start at bar 5")]
    assert 30 not in {note.pitch for note in duet.song.notes}


def test_a_count_in_is_not_in_the_file() -> None:
    stage = Stage()
    stage.play(Start(1000.0, -4.0), *tune(1002.0, 4), Stop(1004.0))
    duet = taken(stage)
    assert onsets(duet.song.notes) == [(0.0, 60), (1.0, 64), (2.0, 67), (3.0, 65)]
    assert duet.markers == ()


def test_a_start_in_the_middle_of_the_song_begins_the_file_at_its_bar() -> None:
    stage = Stage()
    stage.play(Start(1000.0, 66.0), *tune(1000.0, 2), Stop(1001.0))
    duet = taken(stage)
    assert onsets(duet.song.notes) == [(2.0, 60), (3.0, 64)]
    assert [(marker.beats, marker.text) for marker in duet.markers] == [(2.0, "start at bar 17")]


def test_tempo_changes_and_metres_stand_where_they_came_into_force() -> None:
    stage = Stage()
    stage.play(Start(1000.0), *tune(1000.0, 4), TempoChange(1002.0, 60.0), MetreChange(1002.5, 3, 4))
    stage.play(*tune(1003.0, 12, bpm=60.0), Stop(1015.0))
    song = taken(stage).song
    assert [(tempo.onset_beats, tempo.bpm) for tempo in song.tempos] == [(0.0, 120.0), (pytest.approx(4.0), 60.0)]
    assert [(m.onset_beats, m.numerator, m.denominator) for m in song.metres] == [(0.0, 4, 4), (8.0, 3, 4)]
    assert [bar.onset_beats for bar in song.bars] == [0.0, 4.0, 8.0, 11.0, 14.0]


def test_another_metre_after_a_stop_begins_with_its_own_bar() -> None:
    stage = Stage()
    stage.play(Start(1000.0), *tune(1000.0, 5), Stop(1002.7), MetreChange(1003.0, 3, 4))
    stage.play(Start(1004.0), *tune(1004.0, 3), Stop(1006.0))
    song = taken(stage).song
    assert [(m.onset_beats, m.numerator) for m in song.metres] == [(0.0, 4), (8.0, 3)]
    assert onsets(song.notes)[5:] == [(8.0, 60), (9.0, 64), (10.0, 67)]


def test_what_sounds_when_the_journal_breaks_off_ends_there() -> None:
    stage = Stage()
    stage.play(Start(1000.0), NoteOn(1000.0, 60, 80))
    stage.run_until(1001.75)
    duet = taken(stage)
    [note] = duet.song.notes
    assert 2.4 < note.end_beats <= 3.5  # the status that says how far it has come is told twice a second
    assert max(note.end_beats for note in duet.chord_notes) == note.end_beats


def test_a_stop_ends_what_sounds_there() -> None:
    stage = Stage()
    stage.play(Start(1000.0), NoteOn(1000.0, 60, 80), Stop(1001.0))
    stage.run_until(1005.0)
    duet = taken(stage)
    assert [note.end_beats for note in duet.song.notes] == pytest.approx([2.0], abs=0.01)
    assert names(duet)[-1] == (2.0, "N")


def test_the_players_own_notes_on_their_way_through_are_no_chord() -> None:
    stage = Stage(settings=replace(FREE, thru=True))
    stage.play(Start(1000.0), *tune(1000.0, 8), Stop(1004.0))
    without = Stage()
    without.play(Start(1000.0), *tune(1000.0, 8), Stop(1004.0))
    assert len([m for m in stage.port.messages if isinstance(m, PlayNote) and m.passed]) == 8
    assert taken(stage).chord_notes == taken(without).chord_notes


def test_a_silence_ends_the_notes_of_its_channel() -> None:
    messages = [TransportChanged(0.0, True, 120.0, (4, 4), True), PlayNote(0.0, 60, 64, 2), PlayNote(0.0, 64, 64, 3)]
    journal = [
        *(entry(0.0, message) for message in messages),
        entry(1.0, Silence(1.0, 2)),
        entry(2.0, EndNote(2.0, 64, 3)),
    ]
    duet = take_of(journal, "t")
    assert duet is not None
    assert [(note.pitch, note.duration_beats) for note in duet.chord_notes] == [(60, 1.0), (64, 2.0)]


def test_nothing_played_is_no_take(tmp_path: Path) -> None:
    said: list[str] = []
    with open_recorder(tmp_path / "take.mid", said.append) as recorder:
        stage = Stage(recorder.send)
        stage.play(Start(1000.0), Stop(1001.0))
    assert said == ["No note was played, so there is no take."]
    assert list(tmp_path.iterdir()) == []


def test_every_chord_of_the_vocabulary_keeps_its_name() -> None:
    heard = [entry(0.0, TransportChanged(0.0, True, 120.0, (4, 4), True)), entry(0.0, MelodyHeard(0.0, 60, 80))]
    chords = [chord_at(index) for index in range(CHORD_COUNT)]
    starts = [entry(float(i), ChordStarts(float(i), 4 * i, chord.name, ())) for i, chord in enumerate(chords)]
    duet = take_of([*heard, *starts], "t")
    assert duet is not None
    texts = [m.text for track in duet_file(duet).tracks for m in track if m.type == "text"]
    assert texts == [*(chord.name for chord in chords), "N"]


@st.composite
def transports(draw: st.DrawFn) -> list[InEvent]:
    """Starts, jumps and stops anywhere, with a tune throughout."""
    turns: list[InEvent] = [Start(1000.0)]
    now = 1000.0
    for _ in range(draw(st.integers(0, 5))):
        now += draw(st.integers(1, 40)) / 10.0
        stop = draw(st.booleans())
        turns.append(Stop(now) if stop else Start(now, draw(st.integers(0, 80)) / 4.0))
    return sorted([*turns, *tune(1000.0, 30)], key=lambda event: event.seconds)


@given(transports())
def test_whatever_the_transport_does_the_file_goes_onwards_and_keeps_the_bar(events: list[InEvent]) -> None:
    stage = Stage()
    stage.play(*events)
    stage.run_until(events[-1].seconds + 1.0)
    duet = taken(stage)
    rolling = False
    expected: list[tuple[float, int]] = []
    for message, _, beats in stage.sent:
        if isinstance(message, TransportChanged):
            rolling = message.rolling
        elif isinstance(message, PlayNote) and rolling:
            expected.append((beats % 4.0, message.pitch))
    places = [(note.onset_beats % 4.0, note.pitch) for note in duet.chord_notes]
    assert sorted(pitch for _, pitch in places) == sorted(pitch for _, pitch in expected)
    for (beats, _), (place, _) in zip(sorted(expected, key=_by_pitch), sorted(places, key=_by_pitch), strict=True):
        assert min(abs(beats - place), 4.0 - abs(beats - place)) < 1e-3
    for note in (*duet.song.notes, *duet.chord_notes):
        assert 0.0 <= note.onset_beats <= note.end_beats <= duet.song.end_beats + 1e-9
    marked = [marker.beats for marker in duet.markers]
    assert all(later >= earlier - LEEWAY_BEATS for earlier, later in pairwise(marked))
    mido.MidiFile.save(duet_file(duet), file=_Nowhere())


def _by_pitch(place: tuple[float, int]) -> tuple[int, float]:
    return place[1], round(place[0] + 0.01, 2) % 4.0


class _Nowhere:
    def write(self, data: bytes) -> None:
        """Forget it."""
