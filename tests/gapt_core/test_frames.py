"""The one quantiser: its rules by example, and live playing against the file path."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from strategies import (
    chord_events,
    chord_tracks,
    melodies,
    metre_maps,
    songs,
    transposed_chords,
    transposed_melody,
    transposed_song,
)

from gapt_core.chords import Chord
from gapt_core.frames import LiveMelody, chord_frames, frame_of, melody_frames, metre_frames, song_to_frames
from gapt_core.song import Bar, ChordEvent, Metre, Note, Song, Tempo, bars_from_metres
from gapt_core.vocabulary import CHORD_HOLD, NO_CHORD, NOTE_HOLD, NOTE_ONSET, SILENCE, legal_tokens

FOUR_FOUR = (Metre(0.0, 4, 4),)


def song_of(*notes: Note, chords: tuple[ChordEvent, ...] | None = None, end: float = 4.0) -> Song:
    return Song("t", notes, chords, FOUR_FOUR, bars_from_metres(FOUR_FOUR, end), (Tempo(0.0, 120.0),), end)


def heard(*notes: Note, frames: int = 8) -> str:
    """Frames as text: `60`, `--` for a hold, `..` for silence."""
    tokens = melody_frames(song_of(*notes), frames).tolist()
    return " ".join(
        ".." if token == SILENCE else "--" if token >= NOTE_HOLD else str(token - NOTE_ONSET) for token in tokens
    )


@pytest.mark.parametrize(
    ("notes", "expected"),
    [
        ([Note(0, 1, 60)], "60 -- -- -- .. .. .. .."),
        ([Note(0.124, 0.5, 60)], "60 -- .. .. .. .. .. .."),
        ([Note(0.125, 0.5, 60)], ".. 60 -- .. .. .. .. .."),
        ([Note(0, 0, 60)], "60 .. .. .. .. .. .. .."),
        ([Note(0, 0.05, 60), Note(0.5, 0.01, 61)], "60 .. 61 .. .. .. .. .."),
        ([Note(0, 1 / 3, 60), Note(1 / 3, 1 / 3, 62), Note(2 / 3, 1 / 3, 64)], "60 62 -- 64 .. .. .. .."),
        ([Note(0, 2, 60), Note(0.5, 0.25, 64)], "60 -- 64 .. .. .. .. .."),
        ([Note(0, 0.5, 67), Note(0, 1, 60)], "67 -- .. .. .. .. .. .."),
        ([Note(0, 0.52, 60), Note(0.5, 1, 60)], "60 -- 60 -- -- -- .. .."),
        ([Note(0, 1.5, 60), Note(0.5, 0.25, 60)], "60 -- 60 -- -- -- .. .."),
        ([Note(0.5, 0.5, 60), Note(0.45, 0.5, 64)], ".. .. 60 -- .. .. .. .."),
        ([], ".. .. .. .. .. .. .. .."),
    ],
    ids=[
        "plain", "just-before-half", "half-goes-up", "zero-length", "short-notes-last-a-frame", "triplet",
        "newer-cuts-older-for-good", "highest-of-one-onset", "legato-repetition", "ends-in-order-of-onsets",
        "newer-in-the-same-frame", "nothing",
    ],
)  # fmt: skip
def test_melody_rules(notes: list[Note], expected: str) -> None:
    assert heard(*notes) == expected


def feed_in_order(song: Song) -> list[tuple[float, int, int, Note]]:
    """A song's note events as a player makes them: (beats, rank, pitch, note); at one moment
    what sounded ends first, then notes begin, then notes without length end."""
    events = []
    for note in song.notes:
        events.append((note.onset_beats, 1, note.pitch, note))
        events.append((note.end_beats, 0 if note.end_beats > note.onset_beats else 2, note.pitch, note))
    return sorted(events, key=lambda event: event[:3])


@given(melodies(), st.integers(0, 3))
@example((Note(0, 4, 60), Note(1, 1, 60)), 0)
@example((Note(0, 4, 60), Note(1, 1, 64), Note(2, 1, 60)), 0)
@example((Note(1, 2, 60), Note(1, 0, 64), Note(2, 3, 60)), 0)
def test_live_playing_equals_the_file(notes: tuple[Note, ...], frames_ahead: int) -> None:
    song = song_of(*notes)
    length = 132
    live, pending, tokens = LiveMelody(), feed_in_order(song), []
    for frame in range(length):
        while pending and frame_of(pending[0][0]) <= frame + frames_ahead:
            beats, rank, pitch, _ = pending.pop(0)
            (live.note_on if rank == 1 else live.note_off)(beats, pitch)
        tokens.append(live.token(frame))
    assert tokens == melody_frames(song, length).tolist()


def test_live_playing_forgets_after_clear_and_survives_stray_note_offs() -> None:
    live = LiveMelody()
    live.note_off(0.0, 60)
    live.note_on(0.0, 60)
    assert live.token(0) == NOTE_ONSET + 60
    live.clear()
    assert live.token(1) == SILENCE
    live.note_off(0.5, 60)
    live.note_on(1.0, 60)
    live.note_off(1.5, 60)
    assert [live.token(frame) for frame in (4, 5, 6)] == [NOTE_ONSET + 60, NOTE_HOLD + 60, SILENCE]


def test_live_playing_does_not_grow() -> None:
    live = LiveMelody()
    for count in range(1000):
        live.note_on(count / 4, 60 + count % 5)
        live.note_off(count / 4 + 0.2, 60 + count % 5)
        live.token(count)
    assert len(live._notes) <= 2 and sum(live._owed.values()) == 0


@given(melodies())
def test_no_melody_hold_after_silence(notes: tuple[Note, ...]) -> None:
    previous = SILENCE
    for token in melody_frames(song_of(*notes), 132).tolist():
        if token >= NOTE_HOLD:
            assert previous in (token, token - NOTE_HOLD + NOTE_ONSET)
        previous = token


@given(chord_events())
@example((ChordEvent(-1.0, Chord(0, "maj")),))
def test_chord_frames_obey_the_grammar_and_change_where_the_song_does(events: tuple[ChordEvent, ...]) -> None:
    tokens = chord_frames(song_of(chords=events), 100)
    assert tokens is not None
    previous = NO_CHORD
    for frame, token in enumerate(tokens.tolist()):
        assert legal_tokens(previous)[token]
        due = [event for event in events if frame_of(event.onset_beats) <= frame]
        chord = due[-1].chord if due else None
        assert token == NO_CHORD if chord is None else token in (1 + chord.index, CHORD_HOLD + chord.index)
        previous = token


def test_a_song_without_chords_has_no_chord_frames_and_an_empty_one_has_silence() -> None:
    assert chord_frames(song_of(chords=None), 4) is None
    silence = chord_frames(song_of(chords=()), 4)
    assert silence is not None and silence.tolist() == [NO_CHORD] * 4


@given(songs(), st.integers(-11, 11))
def test_transposition_commutes_with_tokenising(song: Song, semitones: int) -> None:
    here, there = song_to_frames(song), song_to_frames(transposed_song(song, semitones))
    assert np.array_equal(transposed_melody(here.melody, semitones), there.melody)
    assert np.array_equal(here.metre, there.metre)
    if here.chord is None:
        assert there.chord is None
    else:
        assert np.array_equal(transposed_chords(here.chord, semitones), there.chord)


@given(chord_tracks(16), st.integers(-11, 11))
def test_transposing_tokens_there_and_back_changes_nothing(tokens: np.ndarray, semitones: int) -> None:
    assert np.array_equal(transposed_chords(transposed_chords(tokens, semitones), -semitones), tokens)


def metre_of(metres: tuple[Metre, ...], bars: list[tuple[float, float]], frames: int) -> list[list[int]]:
    song = Song("t", (), None, metres, tuple(Bar(*bar) for bar in bars), (Tempo(0.0, 120.0),), frames / 4)
    return metre_frames(song, frames).tolist()


def test_a_pickup_counts_from_the_end_of_its_bar() -> None:
    rows = metre_of((Metre(0.0, 3, 4),), [(0, 1), (1, 3)], 8)
    assert rows == [[place, 12, 4] for place in (8, 9, 10, 11, 0, 1, 2, 3)]


def test_a_metre_change_takes_effect_at_its_bar() -> None:
    rows = metre_of((Metre(0.0, 2, 4), Metre(2.0, 6, 8)), [(0, 2), (2, 3)], 12)
    assert rows[7] == [7, 8, 4] and rows[8] == [0, 12, 6] and rows[11] == [3, 12, 6]


def test_a_divided_bar_counts_on() -> None:
    rows = metre_of(FOUR_FOUR, [(0, 4), (4, 3), (7, 1), (8, 4)], 36)
    assert [row[0] for row in rows[16:34]] == [*range(16), 0, 1]


def test_a_short_bar_in_the_middle_counts_from_0_and_a_long_one_has_its_own_length() -> None:
    rows = metre_of(FOUR_FOUR, [(0, 4), (4, 2), (6, 4), (10, 5)], 60)
    assert [row[0] for row in rows[16:26]] == [0, 1, 2, 3, 4, 5, 6, 7, 0, 1]
    assert rows[59] == [19, 20, 4]


def test_seven_eight_beats_are_eighths_and_bars_fourteen_frames() -> None:
    assert metre_of((Metre(0.0, 7, 8),), [(0, 3.5), (3.5, 3.5)], 15)[14] == [0, 14, 2]


@given(metre_maps(), st.integers(1, 120), st.sampled_from([0.0, 0.5, 0.75, 1.0]), st.integers(0, 40))
def test_every_frame_has_a_place_in_a_bar(metres: tuple[Metre, ...], quarters: int, pickup: float, more: int) -> None:
    end = quarters / 4
    bars = bars_from_metres(metres, end, min(pickup, metres[0].bar_beats))
    song = Song("t", (), None, metres, bars, (Tempo(0.0, 120.0),), end)
    place, full, beat = metre_frames(song, quarters + more).T
    assert (place >= 0).all() and (place < full).all() and (beat >= 1).all() and (beat <= full).all()
    assert {int(length) for length in full} <= {frame_of(metre.bar_beats) for metre in metres}


@given(st.integers(0, 4000))
def test_grid_lines_are_their_own_frames(frame: int) -> None:
    assert frame_of(frame / 4) == frame
    assert frame_of(math.nextafter(frame / 4 + 0.1249, 0)) == frame
