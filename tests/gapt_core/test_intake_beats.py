"""Beats, metre and bar lines of what was played, against tunes whose beats are known."""

from __future__ import annotations

import numpy as np
import pytest
from playing import TUNES, frames_between, played, tune, with_chords

from gapt_core.errors import TrainingError
from gapt_core.intake import kernels
from gapt_core.intake.accents import Line, comings_back, features, motif_begins, tonic
from gapt_core.intake.bars import Told, find_bars
from gapt_core.intake.beats import find_beats, smoothed
from gapt_core.intake.grid import seconds_of
from gapt_core.intake.patterns import Patterns
from gapt_core.song import Song


@pytest.fixture(scope="module")
def patterns() -> Patterns:
    return Patterns()


def onsets(song: Song) -> np.ndarray:
    return seconds_of(song, [note.onset_beats for note in song.notes])


def line_of(song: Song) -> Line:
    place = np.array([round(note.onset_beats * 4) for note in song.notes])
    pitch = np.array([note.pitch for note in song.notes])
    return Line(place, pitch, np.array([note.duration_beats * 4 for note in song.notes]))


def test_rows_are_probabilities(patterns: Patterns) -> None:
    for signature in ((4, 4), (3, 4), (6, 8), (2, 4), (5, 4), (9, 8), (12, 8), (2, 2)):
        pattern = patterns.of(*signature)
        assert pattern is not None
        assert pattern.bar * signature[1] == signature[0] * 16
        np.testing.assert_allclose(np.exp(pattern.rhythm).sum(axis=2), 1, atol=0.01)
        np.testing.assert_allclose(np.exp(pattern.onset).sum(), 1, atol=0.01)
        assert len(pattern.kinds) == len(pattern.chord) == pattern.bar


def test_a_metre_without_beats_is_refused_with_the_way_out(patterns: Patterns) -> None:
    assert patterns.of(7, 8) is None
    with pytest.raises(TrainingError, match="--grid file"):
        patterns.wished((7, 8))


def test_the_search_is_its_plain_twin() -> None:
    random = np.random.default_rng(0)
    periods, latenesses, places = 5, 3, 4
    search = kernels.Search(
        rhythm=np.log(random.dirichlet(np.ones(9), places)), periods=0.1 * 1.05 ** np.arange(periods),
        lateness=np.log(np.full(latenesses, 1 / 3)), change=np.log(np.array([0.2, 0.6, 0.2])),
        fresh=np.log(np.full((latenesses, places), 1 / 12)), spacing=0.01, spread=0.01, wander=0.01, lost=-9.0,
        beam=50.0,
    )  # fmt: skip
    gaps = np.array([0.1, 0.21, 0.32, 5.0, 0.11, 0.2])
    start = np.log(random.dirichlet(np.ones(periods * latenesses * places))).reshape(periods, latenesses, places)
    paths = np.zeros(7, np.int64), np.zeros(7, np.int64)
    fast = kernels.likeliest_path(gaps, start, search, paths[0])
    slow = kernels.likeliest_path.py_func(gaps, start, search, paths[1])
    assert fast == pytest.approx(slow)
    assert paths[0].tolist() == paths[1].tolist()


@pytest.mark.parametrize("name", TUNES)
def test_beats_of_a_tune_played_without_a_click(name: str, patterns: Patterns) -> None:
    song = tune(name)
    felt = 100 if song.metres[0].beat_beats == 1 else 90
    bpm = felt * song.metres[0].beat_beats
    beats = find_beats(onsets(played(song, bpm, 0.02)), patterns.heard())
    assert beats.bpm == pytest.approx(bpm, rel=0.03)
    assert np.diff(beats.frame).tolist() == frames_between(song)


def test_a_tempo_that_wanders_is_followed(patterns: Patterns) -> None:
    song = tune("drunken-sailor")
    wandering = played(song, 110, 0.015, bend=lambda at: at + 0.35 * np.sin(at / 5))
    beats = find_beats(onsets(wandering), patterns.heard())
    assert np.diff(beats.frame).tolist() == frames_between(song)
    assert beats.period.max() / beats.period.min() > 1.08


@pytest.mark.parametrize("name", ["drunken-sailor", "ode-to-joy", "scarborough-fair", "londonderry-air"])
def test_a_rubato_of_a_tenth_is_followed(patterns: Patterns, name: str) -> None:
    song, turn = tune(name), 2 * np.pi / 8
    performance = played(song, 100, 0.02, bend=lambda at: at + 0.1 / turn * np.sin(turn * at))
    assert np.diff(find_beats(onsets(performance), patterns.heard()).frame).tolist() == frames_between(song)


def test_a_tempo_that_is_told_decides_between_octaves(patterns: Patterns) -> None:
    performance = onsets(played(tune("ode-to-joy"), 100, 0.01))
    assert find_beats(performance, patterns.heard(), 50).bpm == pytest.approx(50, rel=0.03)
    assert find_beats(performance, patterns.heard(), 200).bpm == pytest.approx(200, rel=0.03)


def test_rests_do_not_lose_the_beat(patterns: Patterns) -> None:
    first = np.arange(16) * 0.5
    beats = find_beats(np.concatenate([first, first + 8 + 4.0]), patterns.heard(), 120)
    assert int(beats.frame[16] - beats.frame[15]) == 4 * 9


def test_very_long_rests_are_shortened(patterns: Patterns) -> None:
    first = np.arange(16) * 0.5
    beats = find_beats(np.concatenate([first, first + 5000]), patterns.heard(), 120)
    assert beats.frame[16] - beats.frame[15] <= 9 * beats.pattern.bar


def test_smoothing_keeps_a_steady_tempo_and_rises() -> None:
    random = np.random.default_rng(1)
    frame = np.cumsum(random.integers(1, 5, 60))
    grid, period = smoothed(frame * 0.125 + random.normal(0, 0.02, 60), frame, 32)
    np.testing.assert_allclose(period, 0.125, rtol=0.06)
    np.testing.assert_allclose(grid, frame * 0.125, atol=0.03)
    assert (np.diff(grid) > 0).all()


@pytest.mark.parametrize("name", TUNES)
def test_chords_tell_where_the_bar_lines_are(name: str, patterns: Patterns) -> None:
    song = with_chords(tune(name), 0, 7, 5)
    changes = np.array([round(event.onset_beats * 4) for event in song.chords or () if event.chord])
    own = patterns.of(song.metres[0].numerator, song.metres[0].denominator)
    assert own
    bars = find_bars(line_of(song), changes, [own])
    pickup = song.bars[0].duration_beats % song.metres[0].bar_beats
    assert bars.shift == round((own.bar - pickup * 4) % own.bar)


def test_what_is_told_counts(patterns: Patterns) -> None:
    line, none = line_of(tune("scarborough-fair")), np.array([], np.int64)
    for signature in ((4, 4), (3, 4), (6, 8)):
        bars = find_bars(line, none, patterns.heard(), told=Told(signature, 4, 50.0, 50.0))
        assert (bars.pattern.signature, bars.shift) == (signature, 4)
        assert bars.sure > 0.99


def test_accents() -> None:
    place = np.arange(16) * 2
    pitch = np.array([60, 62, 64, 65, 67, 65, 64, 62] * 2)
    line = Line(place, pitch, np.full(16, 2.0))
    assert features(line).shape == (16, 22)
    assert tonic(line._replace(pitch=pitch + 3)) == (tonic(line) + 3) % 12
    assert [tonic(line_of(tune(name))) for name in ("ode-to-joy", "amazing-grace", "auld-lang-syne")] == [2, 7, 5]
    begins = motif_begins(np.append(np.diff(pitch), 0), np.append(np.diff(place), 8.0))
    assert np.flatnonzero(begins).tolist() == [8]
    assert comings_back(line)[3] == 1.0 and comings_back(line)[0] < 0.5
