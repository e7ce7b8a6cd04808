"""MIDI files in: what is melody, what are chords, maps and bars, and every kind of damage."""

from __future__ import annotations

import struct
from pathlib import Path

import mido
import pytest
from hypothesis import given
from hypothesis import strategies as st
from midi_files import block, metre, midi_bytes, tempo, text, track

from gapt_core.chords import Chord
from gapt_core.data.midi import read_midi, song_of_midi
from gapt_core.data.reading import ReadResult
from gapt_core.data.smf import parse_midi
from gapt_core.errors import SongError
from gapt_core.song import Bar, ChordEvent, Metre, Song, Tempo

LINE = [(0.0, 1.0, 72), (1.0, 1.0, 74), (2.0, 2.0, 76)]
LOW = [(0.0, 1.0, 40), (1.0, 1.0, 43), (2.0, 2.0, 45)]
BLOCKS = [*block(0, 2, 48, 52, 55), *block(2, 2, 43, 47, 50, 53)]
NAME = Path("a file.mid")


def read(data: bytes, **wish: object) -> ReadResult:
    return song_of_midi(parse_midi(data, str(NAME)), NAME, **wish)


def song_in(data: bytes, **wish: object) -> Song:
    return read(data, **wish).songs[0]


def pitches(song: Song) -> list[int]:
    return [note.pitch for note in song.notes]


def test_notes_keep_their_times_and_velocities() -> None:
    song = song_in(midi_bytes(track([(0.5, 1.25, 60), (2.0, 1 / 3, 62)])))
    first, second = song.notes
    assert (first.onset_beats, first.duration_beats, first.pitch, first.velocity) == (0.5, 1.25, 60, 80)
    assert second.duration_beats == pytest.approx(1 / 3, abs=1 / 480)
    assert song.chords is None and song.title == "a file" and song.source == "a file.mid"


@pytest.mark.parametrize(
    ("parts", "remark"),
    [
        ([track(LOW, "Bass"), track(LINE, "Lead Vocal")], "track 2 'Lead Vocal', by name"),
        ([track(LINE, "Strings"), track(LOW, "MELODY")], "track 2 'MELODY', by name"),
        ([track(LOW, programme=0), track(LINE, programme=73)], "track 2 channel 1, by programme"),
        ([track(BLOCKS), track(LOW)], "track 2 channel 1, the highest single line"),
        ([track(LOW), track(LINE)], "track 2 channel 1, the highest single line"),
        ([track(LOW * 1), track([(t, 1.0, p) for t in range(4) for p in (72, 76)])], "track 1 channel 1, the highest"),
        ([track(LINE), track([(0, 1, 90)], channel=9)], "track 1 channel 1, the only part"),
    ],
)
def test_which_part_is_the_melody(parts: list[mido.MidiTrack], remark: str) -> None:
    assert read(midi_bytes(*parts)).remarks[0].startswith(remark)


def test_a_wish_comes_before_every_rule() -> None:
    data = midi_bytes(track(LINE, "Melody"), track(LOW, "Bass", channel=3))
    assert pitches(song_in(data, track="bass")) == pitches(song_in(data, track=2)) == [40, 43, 45]
    assert pitches(song_in(data, channel=4)) == [40, 43, 45]
    for wish in ({"track": "flute"}, {"track": 7}, {"channel": 9}):
        with pytest.raises(SongError, match="choose from track 1 'Melody', track 2 'Bass'"):
            read(data, **wish)


def test_channels_of_one_track_are_parts_where_they_are_programmed_apart() -> None:
    both = track(LOW, programme=0)
    both += track(LINE, channel=1, programme=73)
    assert pitches(song_in(midi_bytes(both, form=0))) == [72, 74, 76]
    assert pitches(song_in(midi_bytes(both))) == [72, 74, 76]
    assert pitches(song_in(midi_bytes(both), channel=1)) == [40, 43, 45]


def test_one_line_over_many_channels_is_one_part() -> None:
    spread = track()
    for number, span in enumerate(LINE):
        spread += track([(0.0, *span[1:])], channel=1 + number)
    assert pitches(song_in(midi_bytes(spread))) == [72, 74, 76]


def test_drums_are_never_the_melody() -> None:
    with pytest.raises(SongError, match="has no notes"):
        read(midi_bytes(track(LINE, "Melody", channel=9)))


def test_a_polyphonic_part_gives_its_top_line() -> None:
    result = read(midi_bytes(track([*block(0, 2, 60, 64, 67), (1.0, 1.0, 55), (2.0, 1.0, 65), (2.9, 1.0, 62)])))
    assert pitches(result.songs[0]) == [67, 65, 62]
    assert result.repairs == ("polyphonic: 3 of 6 notes lie under another and are left out",)


def test_legato_is_not_polyphony() -> None:
    assert read(midi_bytes(track([(0, 1.2, 67), (1, 1.2, 65), (2, 1, 65)]))).repairs == ()


def test_tempo_and_metre_maps_and_bars() -> None:
    conductor = track(name="The Tune", metas=[tempo(0, 90), metre(0, 7, 8), tempo(3.5, 999), metre(3.5, 3, 4)])
    song = song_in(midi_bytes(conductor, track([(0, 9, 60)])))
    assert song.title == "The Tune"
    assert [(round(change.bpm), change.onset_beats) for change in song.tempos] == [(90, 0.0), (999, 3.5)]
    assert song.metres == (Metre(0.0, 7, 8), Metre(3.5, 3, 4))
    assert song.bars == (Bar(0.0, 3.5), Bar(3.5, 3.0), Bar(6.5, 3.0)) and song.end_beats == 9.5


def test_a_short_first_metre_is_a_pickup() -> None:
    conductor = track(metas=[metre(0, 1, 4), metre(1, 3, 4)])
    song = song_in(midi_bytes(conductor, track([(0, 1, 60), (1, 3, 62)])))
    assert song.metres == (Metre(0.0, 3, 4),) and song.bars == (Bar(0.0, 1.0), Bar(1.0, 3.0))


def test_a_metre_written_again_is_no_change() -> None:
    song = song_in(midi_bytes(track([(0, 8, 60)], metas=[metre(0, 4, 4), metre(2, 4, 4)])))
    assert song.metres == (Metre(0.0, 4, 4),) and len(song.bars) == 2


def test_without_maps_it_is_120_in_common_time() -> None:
    song = song_in(midi_bytes(track(LINE)))
    assert song.tempos == (Tempo(0.0, 120.0),) and song.metres == (Metre(0.0, 4, 4),)


def test_nonsense_in_maps_is_passed_over() -> None:
    zero = mido.MetaMessage("set_tempo", tempo=0)
    song = song_in(midi_bytes(track(LINE, metas=[(0, zero), metre(0, 4, 256)])))
    assert song.tempos == (Tempo(0.0, 120.0),) and song.metres == (Metre(0.0, 4, 4),)


def test_a_chords_track_is_read_back() -> None:
    again = [*BLOCKS, *block(4, 1, 43, 47, 50, 53), *block(7, 1, 45, 52, 60)]
    song = song_in(midi_bytes(track(LINE, "Melody"), track(again, "Chords", channel=1)))
    assert song.chords == (
        ChordEvent(0.0, Chord(0, "maj")),
        ChordEvent(2.0, Chord(7, "7")),
        ChordEvent(5.0, None),
        ChordEvent(7.0, Chord(9, "min")),
        ChordEvent(8.0, None),
    )


def test_chord_names_come_before_chord_notes() -> None:
    named = track(BLOCKS, "Chords", channel=1, metas=[text(0, "Am7"), text(1, "N"), text(2, "F:maj/3", "marker")])
    song = song_in(midi_bytes(track(LINE, "Melody"), named))
    expected = [(0.0, Chord(9, "min7")), (1.0, None), (2.0, Chord(5, "maj"))]
    assert [(event.onset_beats, event.chord) for event in song.chords or ()] == expected


def test_words_that_look_like_chords_here_and_there_are_lyrics() -> None:
    sung = track(LINE, "Melody", metas=[text(0, "A"), text(1, "maz", "lyrics"), text(2, "ing", "lyrics")])
    assert song_in(midi_bytes(sung)).chords is None


def test_a_text_that_is_no_chord_symbol_is_reported() -> None:
    metas = [text(beats / 2, "G7") for beats in range(8)] + [text(5, "Coda")]
    result = read(midi_bytes(track(LINE, "Melody"), track(name="Chords", metas=metas)))
    assert result.repairs == ("no chord symbols: 'Coda'",) and len(result.songs[0].chords or ()) == 8


def test_a_note_that_never_ends_lasts_to_the_end() -> None:
    hanging = track([(0, 1, 60)])
    hanging.append(mido.Message("note_on", note=64, velocity=80, time=0))
    hanging.append(mido.MetaMessage("end_of_track", time=960))
    result = read(midi_bytes(hanging))
    assert result.songs[0].notes[-1].duration_beats == 2.0
    assert result.repairs == ("1 notes never end: they last to the end of the track",)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "is empty"),
        (b"not music at all", "is not a MIDI file"),
        (b"MThd\0\0", "breaks off inside its header"),
        (midi_bytes(track(LINE), form=2), "of format 2; save it as format 0 or 1"),
        (b"MThd" + struct.pack(">IHHh", 6, 1, 1, -25 * 256 + 40), "counts film frames"),
        (midi_bytes(track(name="nothing")), "has no notes"),
        (midi_bytes(), "has no notes"),
        (midi_bytes(track(LINE))[:25], "breaks off and has no notes"),
        (midi_bytes(track([(0, 60_000, 60)])), "beats long"),
    ],
    ids=["empty", "text", "header", "format-2", "smpte", "no-notes", "no-tracks", "truncated-early", "endless"],
)
def test_what_cannot_be_used_is_refused_in_one_sentence(data: bytes, sentence: str) -> None:
    with pytest.raises(SongError, match=sentence) as refused:
        read(data)
    assert str(refused.value).startswith("a file.mid ") and "\n" not in str(refused.value)


def test_a_truncated_file_keeps_what_comes_before() -> None:
    data = midi_bytes(track([(beats, 1, 60 + beats) for beats in range(16)]))
    result = read(data[: len(data) // 2])
    assert 4 <= len(result.songs[0].notes) <= 10
    assert result.repairs[0] == "the file breaks off: what comes before is used"


def test_a_damaged_track_keeps_what_comes_before() -> None:
    data = bytearray(midi_bytes(track([(beats, 1, 60) for beats in range(16)])))
    data[data.index(60, 60)] |= 0x80
    result = read(bytes(data))
    assert result.repairs[0] == "the file holds bytes that are no MIDI: what comes before is used"
    assert 2 <= len(result.songs[0].notes) < 16


def test_files_are_named_when_they_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(SongError, match=r"missing\.mid cannot be read"):
        read_midi(tmp_path / "missing.mid")
    with pytest.raises(SongError, match="cannot be read"):
        read_midi(tmp_path)


def test_twenty_minutes_at_999_are_read(tmp_path: Path) -> None:
    path = tmp_path / "long.mid"
    path.write_bytes(midi_bytes(track([(beats, 1, 60 + beats % 12) for beats in range(19_980)], metas=[tempo(0, 999)])))
    song = read_midi(path).songs[0]
    assert len(song.notes) == 19_980 and song.end_beats == 19_980.0


@given(st.binary(max_size=60), st.integers(0, 300), st.integers(0, 255))
def test_any_bytes_are_read_or_refused(noise: bytes, place: int, value: int) -> None:
    whole = bytearray(midi_bytes(track(LINE, "Melody", metas=[tempo(0, 90), metre(0, 3, 4)]), track(BLOCKS, "Chords")))
    whole[place % len(whole)] = value
    for data in (bytes(whole), bytes(whole[:place]), b"MThd" + noise, bytes(whole[:22]) + noise):
        try:
            song = song_in(data)
        except SongError:
            continue
        assert song.notes and song.bars and song.end_beats > 0


@given(
    st.lists(
        st.tuples(st.integers(0, 4000), st.integers(0, 900), st.integers(0, 127), st.integers(0, 15)), max_size=20
    ),
    st.booleans(),
)
def test_our_reader_hears_what_mido_hears(spans: list[tuple[int, int, int, int]], single: bool) -> None:
    tracks = [track([(tick / 480, length / 480, pitch)], "t", channel) for tick, length, pitch, channel in spans]
    if single:
        tracks = [mido.merge_tracks(tracks)]
    data = midi_bytes(*tracks, form=0 if single else 1)
    ours = parse_midi(data, "t")
    heard = [(key.tick, key.channel, key.pitch, key.velocity) for part in ours.tracks for key in part.keys]
    told = []
    for theirs in tracks:
        now = 0
        for message in theirs:
            now += message.time
            if message.type in ("note_on", "note_off"):
                velocity = message.velocity if message.type == "note_on" else 0
                told.append((now, message.channel, message.note, velocity))
    assert heard == told
