"""The duet's MIDI file: what stands in it, that it reads back, and that it is whole or not there."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import mido
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import chords, melodies, songs

from gapt_core.chords import Chord
from gapt_core.data.duet import TICKS_PER_BEAT, Duet, duet_file, write_duet
from gapt_core.data.midi import read_midi, song_of_midi
from gapt_core.data.midi_parts import parts_of
from gapt_core.data.smf import parse_midi
from gapt_core.errors import SongError
from gapt_core.frames import melody_frames, metre_frames
from gapt_core.song import ChordEvent, Metre, Note, Song, Tempo, bars_from_metres

WALTZ = (Metre(0.0, 3, 4),)


def small_duet() -> Duet:
    song = Song(
        title="Süße Töne",
        notes=(Note(0.0, 1.0, 67, 99), Note(1.0, 2.0, 72), Note(3.0, 1.0, 72)),
        chords=None,
        metres=WALTZ,
        bars=bars_from_metres(WALTZ, 4.0, 1.0),
        tempos=(Tempo(0.0, 90.0), Tempo(1.0, 120.0)),
        end_beats=4.0,
    )
    chords = (ChordEvent(1.0, Chord(0, "maj")), ChordEvent(3.0, None))
    return Duet(song, chords, (Note(1.0, 2.0, 48, 70), Note(1.0, 2.0, 52, 70), Note(1.0, 2.0, 55, 70)))


def read_back(duet: Duet, tmp_path: Path) -> Song:
    path = tmp_path / "duet.mid"
    write_duet(path, duet)
    return read_midi(path).songs[0]


def test_the_tracks_and_what_stands_in_them() -> None:
    conductor, melody, chords_track = duet_file(small_duet()).tracks
    assert [track.name for track in (conductor, melody, chords_track)] == ["Süße Töne", "Melody", "Chords"]
    metres = [(m.numerator, m.denominator, m.time) for m in conductor if m.type == "time_signature"]
    assert metres == [(1, 4, 0), (3, 4, 0)]
    tempos = [round(mido.tempo2bpm(m.tempo)) for m in conductor if m.type == "set_tempo"]
    assert tempos == [90, 120]
    assert [m.text for m in chords_track if m.type == "text"] == ["C:maj", "N"]
    assert [m.program for part in (melody, chords_track) for m in part if m.type == "program_change"] == [0, 4]
    assert {m.channel for m in chords_track if m.type == "note_on"} == {1}


def test_it_reads_back(tmp_path: Path) -> None:
    duet = small_duet()
    song = read_back(duet, tmp_path)
    assert song.notes == duet.song.notes and song.chords == duet.chords
    assert (song.title, song.metres, song.bars) == (duet.song.title, duet.song.metres, duet.song.bars)
    assert song.end_beats == duet.song.end_beats
    assert [round(tempo.bpm, 3) for tempo in song.tempos] == [90.0, 120.0]


ticks = st.integers(0, 24 * TICKS_PER_BEAT).map(lambda tick: tick / TICKS_PER_BEAT)


SIGNATURES = [(4, 4), (3, 4), (6, 8), (7, 8), (5, 4), (2, 2)]


@st.composite
def bar_lined_metres(draw: st.DrawFn) -> tuple[Metre, ...]:
    """Metres that change at bar lines after two bars or more: one short bar at the start would be a pickup."""
    metres: list[Metre] = []
    onset = 0.0
    for signature in draw(st.permutations(SIGNATURES))[: draw(st.integers(1, 3))]:
        metres.append(Metre(onset, *signature))
        onset += metres[-1].bar_beats * draw(st.integers(2, 3))
    return tuple(metres)


@st.composite
def duets(draw: st.DrawFn) -> Duet:
    """Duets on whole ticks whose melody is one line, as a player's is, and that end with their last bar."""
    onsets = sorted(draw(st.sets(ticks, min_size=1, max_size=8)))
    ends = [*onsets[1:], onsets[-1] + draw(st.integers(1, 3000)) / TICKS_PER_BEAT]
    shares = [draw(st.integers(1, round((end - on) * TICKS_PER_BEAT))) for on, end in zip(onsets, ends, strict=True)]
    pitch, velocity = st.integers(0, 127), st.integers(1, 127)
    notes = [
        Note(onset, share / TICKS_PER_BEAT, draw(pitch), draw(velocity))
        for onset, share in zip(onsets, shares, strict=True)
    ]
    metres = draw(bar_lined_metres())
    pickup = draw(st.sampled_from([0.0, 0.25, 0.5])) if len(metres) == 1 else 0.0
    bars = bars_from_metres(metres, notes[-1].end_beats, pickup)
    changes = draw(st.dictionaries(ticks, st.integers(60_000, 2**24 - 1), max_size=2))
    tempos = sorted({0.0: 500_000, **changes}.items())
    names = draw(st.dictionaries(ticks, st.none() | chords(), min_size=1, max_size=6))
    names = {0.0: None, **{beats: chord for beats, chord in names.items() if beats <= bars[-1].onset_beats}}
    song = Song(
        title=draw(st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=8)),
        notes=tuple(notes),
        chords=None,
        metres=metres,
        bars=bars,
        tempos=tuple(Tempo(beats, 60_000_000 / microseconds) for beats, microseconds in tempos),
        end_beats=bars[-1].onset_beats + bars[-1].duration_beats,
    )
    return Duet(song, tuple(ChordEvent(*name) for name in sorted(names.items())), ())


@given(duets())
def test_any_duet_reads_back_as_the_same_song(duet: Duet) -> None:
    song = _reread(duet)
    assert song.notes == duet.song.notes
    assert song.chords == (duet.chords or None)
    assert (song.title, song.bars, song.end_beats) == (duet.song.title, duet.song.bars, duet.song.end_beats)
    assert song.tempos == duet.song.tempos
    assert np.array_equal(metre_frames(song, 100), metre_frames(duet.song, 100))


def _reread(duet: Duet) -> Song:
    return song_of_midi(parse_midi(_bytes(duet), "t"), Path("t")).songs[0]


@given(songs().filter(lambda song: song.notes))
def test_the_melody_keeps_its_frames_however_its_notes_overlap(song: Song) -> None:
    on_ticks = tuple(
        replace(note, onset_beats=_whole(note.onset_beats), duration_beats=_whole(note.duration_beats))
        for note in song.notes
    )
    song = replace(song, notes=on_ticks)
    [part] = parts_of(parse_midi(_bytes(Duet(song, (), ())), "t"))
    assert np.array_equal(melody_frames(replace(song, notes=part.notes), 200), melody_frames(song, 200))


def _whole(beats: float) -> float:
    return round(beats * TICKS_PER_BEAT) / TICKS_PER_BEAT


def _bytes(duet: Duet) -> bytes:
    out = io.BytesIO()
    duet_file(duet).save(file=out)
    return out.getvalue()


@given(songs(), melodies())
def test_at_one_tick_notes_end_before_others_begin_and_all_end(song: Song, voiced: tuple[Note, ...]) -> None:
    for track in duet_file(Duet(song, (), voiced)).tracks[1:]:
        sounding: set[int] = set()
        begun: set[int] = set()
        for message in track:
            begun = begun if message.time == 0 else set()
            if message.type == "note_on":
                begun.add(message.note)
                sounding.add(message.note)
            elif message.type == "note_off":
                assert message.note not in begun
                sounding.discard(message.note)
        assert not sounding


def test_a_tempo_slower_than_midi_knows_is_written_as_the_slowest(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    duet = small_duet()
    slow = replace(duet, song=replace(duet.song, tempos=(Tempo(0.0, 1.0),)))
    assert read_back(slow, tmp_path).tempos[0].bpm == pytest.approx(3.576, abs=0.001)
    assert "1.00 beats a minute" in caplog.text


@pytest.mark.parametrize("place", ["no/such/folder/duet.mid", "folder"])
def test_an_unwritable_path_is_one_sentence_and_leaves_nothing(tmp_path: Path, place: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(SongError, match=f"{place} cannot be written"):
        write_duet(tmp_path / place, small_duet())
    assert [path.name for path in tmp_path.rglob("*")] == ["folder"]
