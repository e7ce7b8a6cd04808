"""Whole songs through the engine under virtual time, against golden files and against the file path."""

from __future__ import annotations

from dataclasses import replace

import pytest
from golden import check
from hypothesis import assume, given
from hypothesis import strategies as st
from rules import onset, quarters, triad_each_bar, triad_each_beat
from strategies import songs

from bridge.controls.settings import Settings
from bridge.errors import BridgeError
from bridge.events import Start
from bridge.offline.accompany import accompany
from bridge.offline.virtual import VirtualSession
from gapt_core.data.duet import Duet
from gapt_core.frames import song_to_frames
from gapt_core.song import Metre, Note, Song, Tempo, bars_from_metres
from plugin_host.scripted import ScriptedAccompanist

REACT, ANTICIPATE = Settings(mode="react", entry="free"), Settings(mode="anticipate", entry="free")

TWINKLE = (60, 60, 67, 67, 69, 69, 67, 67, 65, 65, 64, 64, 62, 62, 60, 60)


def lark() -> Song:
    """A pickup, two bars of 7/8, then 3/4 and a slower tempo; played by hand, off the grid, with rests."""
    metres = (Metre(0.0, 7, 8), Metre(7.5, 3, 4))
    played = [
        (0.02, 0.4, 67), (0.5, 0.93, 72), (1.48, 0.5, 74), (2.03, 1.0, 76), (3.0, 0.45, 74), (3.52, 0.2, 72),
        (4.01, 1.4, 69), (5.5, 0.5, 67), (5.99, 0.9, 64), (7.52, 1.9, 65), (9.5, 0.4, 64), (10.45, 2.6, 60),
    ]  # fmt: skip
    notes = tuple(Note(*note) for note in played)
    tempos = (Tempo(0.0, 96.0), Tempo(7.5, 71.5), Tempo(11.0, 40.0))
    return Song("lark", notes, None, metres, bars_from_metres(metres, 13.5, 0.5), tempos, 13.5)


def rounded(duet: Duet) -> dict[str, list[list[object]]]:
    return {
        "chords": [[event.onset_beats, event.chord.name if event.chord else "N"] for event in duet.chords],
        "notes": [[note.onset_beats, note.duration_beats, note.pitch, note.velocity] for note in duet.chord_notes],
    }


@pytest.mark.parametrize("mode", ["react", "anticipate"])
@pytest.mark.parametrize(("song", "rule"), [(quarters(TWINKLE), triad_each_bar), (lark(), triad_each_beat)])
def test_golden_duets(song: Song, rule: object, mode: str) -> None:
    name = "twinkle" if song.title == "quarters" else song.title
    duet = accompany(song, ScriptedAccompanist(rule), replace(REACT, mode=mode))
    assert duet.song is song
    check(f"duet-{name}-{mode}", rounded(duet))


@given(songs(), st.sampled_from([REACT, ANTICIPATE, replace(REACT, commit=1.25)]))
def test_the_live_path_hears_what_the_file_path_reads(song: Song, settings: Settings) -> None:
    exact = tuple(replace(n, onset_beats=round(n.onset_beats, 6)) for n in song.notes)
    song = replace(song, notes=exact)
    accompanist = ScriptedAccompanist(triad_each_beat)
    accompany(song, accompanist, settings)
    frames = song_to_frames(song)
    assert [frame.melody for frame in accompanist.fed] == frames.melody.tolist()
    assert [list(frame.metre) for frame in accompanist.fed] == frames.metre.tolist()


@given(songs(), st.lists(st.tuples(st.integers(1, 60), st.sampled_from([1.0, 33.3, 120.0, 999.0])), max_size=5))
def test_no_tempo_map_changes_what_is_heard_or_played(song: Song, changes: list[tuple[int, float]]) -> None:
    exact = tuple(replace(n, onset_beats=round(n.onset_beats, 6)) for n in song.notes)
    tempos = (Tempo(0.0, 120.0), *(Tempo(at / 2, bpm) for at, bpm in sorted(dict(changes).items())))
    plain, varied = replace(song, notes=exact), replace(song, notes=exact, tempos=tempos)
    first, second = ScriptedAccompanist(triad_each_beat), ScriptedAccompanist(triad_each_beat)
    one, other = accompany(plain, first, ANTICIPATE), accompany(varied, second, ANTICIPATE)
    assert first.fed == second.fed
    assert one.chords == other.chords
    assert one.chord_notes == other.chord_notes


@given(songs(), st.sampled_from([REACT, ANTICIPATE, replace(REACT, commit=0.75), replace(ANTICIPATE, listen=4.0)]))
def test_chords_stand_on_the_grid_and_end_with_the_song(song: Song, settings: Settings) -> None:
    duet = accompany(song, ScriptedAccompanist(lambda frame, *_: onset(frame % 12, "min7")), settings)
    end = max(len(song_to_frames(song)) / 4, song.bars[-1].onset_beats + song.bars[-1].duration_beats)
    first = settings.listen
    assume(len(song_to_frames(song)) / 4 > first)
    assert [event.onset_beats for event in duet.chords] == [
        first + frame / 4 for frame in range(len(song_to_frames(song)) - int(first * 4))
    ]
    assert all(note.duration_beats > 0 and note.onset_beats * 4 % 1 == 0 for note in duet.chord_notes)
    assert max(note.end_beats for note in duet.chord_notes) == end


@pytest.mark.parametrize(("pickup", "first"), [(0.0, 4.0), (1.0, 1.0)])
def test_who_answers_ahead_comes_in_on_the_first_bar_line_with_something_heard(pickup: float, first: float) -> None:
    settings = replace(ANTICIPATE, entry="bar")
    duet = accompany(quarters(pickup_beats=pickup), ScriptedAccompanist(triad_each_beat), settings)
    assert duet.chords[0].onset_beats == first


@pytest.mark.parametrize("bpm", [1.0, 999.0])
def test_tempo_1_and_999(bpm: float) -> None:
    slow = accompany(quarters(tempos=(Tempo(0.0, bpm),)), ScriptedAccompanist(triad_each_beat), REACT)
    assert slow.chords == accompany(quarters(), ScriptedAccompanist(triad_each_beat), REACT).chords


def test_twenty_minutes() -> None:
    accompanist = ScriptedAccompanist(triad_each_bar)
    duet = accompany(quarters(TWINKLE * 150), accompanist, REACT)
    assert len(accompanist.fed) == 9600
    assert len(duet.chords) == 600


def test_a_song_without_notes_is_accompanied_in_silence() -> None:
    metres = (Metre(0.0, 4, 4),)
    song = Song("rest", (), None, metres, bars_from_metres(metres, 8.0), (Tempo(0.0, 120.0),), 8.0)
    duet = accompany(song, ScriptedAccompanist(triad_each_bar), REACT)
    assert (duet.chords, duet.chord_notes) == ((), ())


def test_the_second_song_of_one_accompanist_begins_from_nothing() -> None:
    accompanist = ScriptedAccompanist(triad_each_bar)
    first = accompany(quarters(), accompanist, REACT)
    assert accompany(quarters(), accompanist, REACT) == first


def test_an_accompanist_that_gives_no_answer_is_said_to_be_dead() -> None:
    accompanist = ScriptedAccompanist([])
    accompanist.silent = True
    session = VirtualSession(accompanist, REACT, answer_seconds=0.001)
    session.play([Start(0.0)])
    with pytest.raises(BridgeError, match="gave no answer"):
        session.run_until(1.0)
