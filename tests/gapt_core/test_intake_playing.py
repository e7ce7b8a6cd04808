"""What somebody played, on the grid: whose beats are believed, what is moved, and what is said of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from playing import TUNES, frames_between, played, tune, with_chords

from gapt_core.errors import TrainingError
from gapt_core.frames import song_to_frames
from gapt_core.intake.grid import one_a_frame, snapped, snapped_chords
from gapt_core.intake.patterns import Patterns
from gapt_core.intake.playing import AS_WRITTEN, FREELY, TO_THE_BEATS, Claim, settle
from gapt_core.intake.reading import describe
from gapt_core.intake.reports import IntakeOptions, options_of
from gapt_core.intake.trust import Timing, lateness_of, timing_of
from gapt_core.song import Metre, Note, Song, bars_from_metres

UNTOLD = Claim(metre=False, lines=False)
METRE_TOLD = Claim(metre=True, lines=False)


@pytest.fixture(scope="module")
def patterns() -> Patterns:
    return Patterns()


def without_pickup(song: Song) -> Song:
    """As programs export it that know no pickup: bar lines from the first note on."""
    return replace(song, bars=bars_from_metres(song.metres, song.end_beats))


def jittered(song: Song, seconds: float, late: float = 0.0) -> Song:
    random = np.random.default_rng(2)
    off = random.normal(late, seconds, len(song.notes)) * song.tempos[0].bpm / 60
    return replace(
        song,
        notes=tuple(
            replace(note, onset_beats=max(note.onset_beats + away, 0.0))
            for note, away in zip(song.notes, off, strict=True)
        ),
    )


def test_timing() -> None:
    random = np.random.default_rng(0)
    steps = np.cumsum(random.choice([0.5, 0.5, 1.0, 0.25], 100))
    assert timing_of(steps) is Timing.EXACT
    assert timing_of(np.cumsum(random.choice([1 / 3, 2 / 3, 1.0], 100))) is Timing.EXACT
    assert timing_of(steps + random.normal(0, 0.06, 100)) is Timing.PLAYED
    assert timing_of(steps * 1.0471) is Timing.FREE
    assert timing_of(random.uniform(0, 100, 100)) is Timing.FREE
    assert lateness_of(steps + 0.07 + random.normal(0, 0.03, 100)) == pytest.approx(0.07, abs=0.02)


@pytest.mark.parametrize("name", TUNES)
def test_what_is_written_stays_as_it_is(name: str, patterns: Patterns) -> None:
    settled = settle(tune(name), METRE_TOLD, IntakeOptions(), patterns)
    assert settled.song == tune(name)
    assert settled.assumed.how == AS_WRITTEN
    assert not settled.repairs


@pytest.mark.parametrize("name", TUNES)
def test_thirty_milliseconds_do_not_matter(name: str, patterns: Patterns) -> None:
    song = tune(name)
    settled = settle(jittered(song, 0.03, late=0.02), Claim(True, True), IntakeOptions(), patterns)
    assert settled.assumed.how == TO_THE_BEATS
    true, found = song_to_frames(song).melody, song_to_frames(settled.song).melody
    assert len(found) == len(true)
    assert np.flatnonzero((found > 0) & (found < 129)).tolist() == np.flatnonzero((true > 0) & (true < 129)).tolist()
    assert (found == true).mean() > 0.9


def test_a_pickup_that_is_not_told_is_heard(patterns: Patterns) -> None:
    song = with_chords(tune("amazing-grace"), 7, 0)
    settled = settle(without_pickup(song), METRE_TOLD, IntakeOptions(), patterns)
    assert settled.song.bars[0].duration_beats == 1.0
    assert settled.repairs == ("bar lines moved by 1 quarter",)
    assert settled.song.chords == song.chords
    assert settled.assumed.downbeat == pytest.approx(60 / 92, abs=0.01)


def test_a_file_is_believed_if_it_is_asked_for(patterns: Patterns) -> None:
    song = without_pickup(tune("amazing-grace"))
    assert settle(song, METRE_TOLD, IntakeOptions(trust_file=True), patterns).song == song
    assert settle(song, Claim(True, True), IntakeOptions(), patterns).song == song


def test_a_wrong_tempo_map_is_seen_through(patterns: Patterns) -> None:
    song = tune("auld-lang-syne")
    settled = settle(played(song, 97, 0.02), METRE_TOLD, IntakeOptions(), patterns)
    assert settled.assumed.how == FREELY
    assert settled.assumed.tempo[0] == pytest.approx(97, rel=0.03)
    assert settled.song.tempos[0].bpm == settled.assumed.tempo[0]
    assert frames_between(settled.song) == frames_between(song)
    assert "played freely" in describe(settled.assumed)


def test_a_tempo_of_three_to_four_looks_exact_and_is_not_believed(patterns: Patterns) -> None:
    settled = settle(played(tune("drunken-sailor"), 90, 0.012), UNTOLD, IntakeOptions(), patterns)
    assert settled.assumed.how == FREELY
    assert settled.assumed.tempo[0] == pytest.approx(90, rel=0.03)


def test_options_decide(patterns: Patterns) -> None:
    performance = played(tune("ode-to-joy"), 100, 0.01)
    settled = settle(performance, UNTOLD, IntakeOptions(tempo=50.0, metre=(3, 4)), patterns)
    assert settled.assumed.tempo[0] == pytest.approx(50, rel=0.05)
    assert settled.song.metres == (Metre(0.0, 3, 4),)
    assert settled.assumed.metre == "3/4"
    kept = settle(performance, UNTOLD, IntakeOptions(trust_file=True), patterns)
    assert kept.song.tempos[0].bpm == 120.0


def test_ornaments_leave_the_note_they_adorn(patterns: Patterns) -> None:
    song = tune("ode-to-joy")
    struck = song.notes[8]
    grace = Note(struck.onset_beats - 0.06, 0.05, struck.pitch + 1)
    notes = tuple(sorted((*song.notes, grace), key=lambda note: note.onset_beats))
    settled = settle(jittered(replace(song, notes=notes), 0.01), Claim(True, True), IntakeOptions(), patterns)
    assert [note.pitch for note in settled.song.notes] == [note.pitch for note in song.notes]
    assert one_a_frame([Note(1, 0.25, 60), Note(1, 0.5, 62), Note(1, 0.5, 61)]) == (Note(1, 0.5, 62),)


@given(st.lists(st.floats(0.06, 9.0), min_size=1, max_size=40), st.sampled_from([(4, 4), (3, 4), (6, 8)]))
def test_snapping_never_goes_back_and_never_far(gaps: list[float], signature: tuple[int, int]) -> None:
    pattern = Patterns().of(*signature)
    assert pattern
    exact = np.cumsum(gaps)
    frames = snapped(exact, pattern)
    assert (np.diff(frames) >= 0).all()
    assert (np.abs(frames - exact) <= 1.5).all()
    np.testing.assert_array_equal(snapped(frames.astype(float), pattern), frames)


def test_chord_changes_snap_to_where_chords_change(patterns: Patterns) -> None:
    pattern = patterns.of(4, 4)
    assert pattern
    assert snapped_chords(np.array([0.2, 7.6, 15.45, 32.4]), pattern).tolist() == [0, 8, 16, 32]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"tempo": 5.0}, "is not played"),
        ({"tempo": float("nan")}, "is not played"),
        ({"grid": "waltz"}, "is no metre"),
        ({"grid": "0/4"}, "is no metre"),
        ({"grid": "4/3"}, "is no metre"),
        ({"grid": "file", "tempo": 90.0}, "contradict"),
    ],
)
def test_options_that_cannot_be(options: dict, words: str) -> None:
    with pytest.raises(TrainingError, match=words):
        options_of(**options)


def test_options_that_can() -> None:
    assert options_of(96.0, "6/8", True) == IntakeOptions(96.0, (6, 8), False, True)
    assert options_of(grid="file") == IntakeOptions(trust_file=True)
    assert options_of() == IntakeOptions()
