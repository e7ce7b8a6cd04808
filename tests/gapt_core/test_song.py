"""Metres, bars and where they change."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import metre_maps, songs

from gapt_core.errors import SongError
from gapt_core.song import Bar, Metre, Note, Song, Tempo, bars_from_metres, with_pickup


@pytest.mark.parametrize(
    ("numerator", "denominator", "bar", "beat"),
    [(4, 4, 4, 1), (3, 4, 3, 1), (6, 8, 3, 1.5), (12, 8, 6, 1.5), (7, 8, 3.5, 0.5), (3, 8, 1.5, 0.5), (2, 2, 4, 2)],
)
def test_bars_and_beats_of_metres(numerator: int, denominator: int, bar: float, beat: float) -> None:
    metre = Metre(0.0, numerator, denominator)
    assert (metre.bar_beats, metre.beat_beats) == (bar, beat)


def test_a_pickup_comes_first_and_a_change_cuts_a_bar() -> None:
    metres = (Metre(0.0, 3, 4), Metre(6.0, 4, 4))
    assert bars_from_metres(metres, 9.0, 1.0) == (Bar(0, 1), Bar(1, 3), Bar(4, 2), Bar(6, 4))


@given(metre_maps(), st.floats(0.01, 60), st.sampled_from([0.0, 0.5, 0.75]))
def test_bars_follow_each_other_and_cover_the_song(metres: tuple[Metre, ...], end: float, pickup: float) -> None:
    bars = bars_from_metres(metres, end, pickup)
    assert bars[0].onset_beats == 0.0 and bars[-1].onset_beats + bars[-1].duration_beats >= end - 1e-6
    for bar, following in pairwise(bars):
        assert bar.duration_beats > 0 and following.onset_beats == pytest.approx(bar.onset_beats + bar.duration_beats)


@given(songs(), st.floats(0, 40))
def test_the_metre_at_a_moment_is_the_last_to_have_begun(song: Song, beats: float) -> None:
    begun = [metre for metre in song.metres if metre.onset_beats <= beats]
    assert song.metre_at(beats) == begun[-1] or song.metre_at(beats).onset_beats == pytest.approx(beats, abs=1e-5)


def test_a_pickup_moves_the_bar_lines() -> None:
    bars = bars_from_metres((Metre(0.0, 3, 4),), 7.0)
    song = Song("", (Note(0.0, 7.0, 60),), None, (Metre(0.0, 3, 4),), bars, (Tempo(0.0, 100.0),), 9.0)
    moved = with_pickup(song, 1.0)
    assert [(bar.onset_beats, bar.duration_beats) for bar in moved.bars] == [(0, 1), (1, 3), (4, 3), (7, 3)]
    assert moved.end_beats == 10.0
    with pytest.raises(SongError, match="not shorter than a bar"):
        with_pickup(song, 3.0)
