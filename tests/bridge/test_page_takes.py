"""The MIDI files of the page: both parts, with the chords' names, and the last bars as they stand in the whole."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import mido
import pytest
from recorded import FREE, Stage, tune

from bridge.events import MetreChange, Start, Stop, TempoChange
from bridge.page.takes import last_bars, midi_of
from bridge.recording.entries import Entry, Selection
from bridge.recording.take import take_of
from gapt_core.data.duet import Duet
from gapt_core.data.midi import read_midi


def entries_of(stage: Stage) -> list[Entry]:
    selection = Selection()
    return [entry for sent in stage.sent if (entry := selection.entry(*sent)) is not None]


@pytest.fixture(scope="module")
def played() -> list[Entry]:
    """Ten bars, the last four of them slower."""
    stage = Stage(settings=FREE)
    stage.play(Start(1000.0), *tune(1000.01, 24), TempoChange(1012.0, 60.0), *tune(1012.01, 16, 60.0), Stop(1028.0))
    return entries_of(stage)


def taken(entries: list[Entry]) -> Duet:
    duet = take_of(entries, "x")
    assert duet is not None
    return duet


def test_a_file_has_both_parts_and_the_names_as_markers(played: list[Entry], tmp_path: Path) -> None:
    data = midi_of(played)
    assert data is not None
    file = mido.MidiFile(file=io.BytesIO(data))
    assert [track.name for track in file.tracks[1:]] == ["Melody", "Chords"]
    counts = [sum(message.type == "note_on" for message in track) for track in file.tracks[1:]]
    duet = taken(played)
    assert counts == [40, len(duet.chord_notes)] and counts[1] > 40
    markers = [message.text for message in file.tracks[0] if message.type == "marker"]
    assert {"C", "E", "G", "F"} <= set(markers)
    path = tmp_path / "session.mid"
    path.write_bytes(data)
    song = read_midi(path).songs[0]
    assert [note.pitch for note in song.notes] == [note.pitch for note in duet.song.notes]


def test_the_last_bars_are_those_of_the_whole_moved_to_the_beginning(played: list[Entry]) -> None:
    whole = taken(played)
    end = whole.song.bars[-1]
    cut = last_bars(whole, 6)
    begin = whole.song.bars[-6].onset_beats
    assert len(cut.song.bars) == 6 and cut.song.bars[0].onset_beats == 0.0
    assert cut.song.end_beats == end.onset_beats + end.duration_beats - begin
    later = [note for note in whole.song.notes if note.onset_beats >= begin]
    assert list(cut.song.notes)[-len(later) :] == [
        replace(note, onset_beats=note.onset_beats - begin) for note in later
    ]
    assert all(note.onset_beats >= 0.0 and note.duration_beats >= 0.0 for note in cut.chord_notes)
    assert cut.song.tempos[0].onset_beats == 0.0 and cut.song.tempos[-1].bpm == 60.0
    assert cut.song.metres[0].onset_beats == 0.0
    (bpm,) = {tempo.bpm for tempo in last_bars(whole, 3).song.tempos}
    assert bpm == 60.0


def test_what_sounds_at_the_cut_begins_there(played: list[Entry]) -> None:
    cut = last_bars(taken(played), 2)
    assert cut.chords and cut.chords[0].onset_beats == 0.0 and cut.chords[0].chord is not None


def test_more_bars_than_there_are_is_all(played: list[Entry]) -> None:
    assert midi_of(played, 1000) == midi_of(played)


def test_nothing_played_is_no_file() -> None:
    stage = Stage(settings=FREE)
    stage.play(Start(1000.0), Stop(1004.0))
    assert midi_of([]) is None and midi_of(entries_of(stage)) is None


def test_a_metre_that_changes_on_the_way_is_in_the_last_bars() -> None:
    stage = Stage(settings=FREE)
    stage.play(Start(1000.0), *tune(1000.01, 8), MetreChange(1003.9, 3, 4), *tune(1004.01, 12), Stop(1010.0))
    cut = last_bars(taken(entries_of(stage)), 2)
    assert (cut.song.metres[0].numerator, cut.song.metres[0].denominator) == (3, 4)
    assert [bar.duration_beats for bar in cut.song.bars] == [3.0, 3.0]
    data = midi_of(entries_of(stage), 2)
    assert data is not None and mido.MidiFile(file=io.BytesIO(data)).length > 0
