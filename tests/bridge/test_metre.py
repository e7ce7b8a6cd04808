"""Bar lines live and from a file."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st
from strategies import songs

from bridge.timing.metre import BarGrid
from gapt_core.frames import metre_frames, song_to_frames
from gapt_core.song import Bar, Metre, Song, Tempo, bars_from_metres

SIGNATURES = st.sampled_from([(4, 4), (3, 4), (2, 4), (6, 8), (7, 8), (5, 4), (12, 8), (2, 2), (1, 4)])


@given(songs())
def test_a_songs_grid_is_the_file_paths(song: Song) -> None:
    grid, frames = BarGrid.of_song(song), song_to_frames(song)
    assert [list(grid.place(frame)) for frame in range(len(frames))] == frames.metre.tolist()


@given(songs())
def test_past_its_end_a_songs_last_metre_goes_on(song: Song) -> None:
    grid, length = BarGrid.of_song(song), len(song_to_frames(song))
    places = [grid.place(frame) for frame in range(length - 1, length + 40)]
    for (place, full, beat), later in itertools.pairwise(places):
        assert later == ((place + 1) % full, full, beat)


@given(SIGNATURES, st.lists(st.tuples(st.integers(0, 200), SIGNATURES), max_size=4))
def test_a_metre_changed_live_equals_the_same_metres_in_a_file(
    first: tuple[int, int], changes: list[tuple[int, tuple[int, int]]]
) -> None:
    grid, metres = BarGrid(*first), [Metre(0.0, *first)]
    for frame, signature in sorted(changes):
        metres.append(Metre(grid.line_from(frame) / 4, *signature))
        grid.change(frame, *signature)
    bars = bars_from_metres(tuple(metres), 80.0)
    song = Song("live", (), None, tuple(metres), bars, (Tempo(0.0, 120.0),), 80.0)
    assert [list(grid.place(frame)) for frame in range(320)] == metre_frames(song, 320).tolist()


def test_the_next_bar_line() -> None:
    grid = BarGrid(3, 4)
    assert [grid.line_from(frame) for frame in (-13, -12, 0, 1, 11, 12, 13)] == [-12, -12, 0, 12, 12, 12, 24]
    grid.change(13, 6, 8)
    assert [grid.place(frame) for frame in (12, 23, 24, 36)] == [(0, 12, 4), (11, 12, 4), (0, 12, 6), (0, 12, 6)]
    grid.restart(4, 4)
    assert grid.place(24) == (8, 16, 4)


def test_a_bar_cut_short_by_a_change_ends_at_the_change() -> None:
    metres = (Metre(0.0, 4, 4), Metre(6.0, 3, 4))
    song = Song("cut", (), None, metres, bars_from_metres(metres, 12.0), (Tempo(0.0, 120.0),), 12.0)
    assert BarGrid.of_song(song).line_from(17) == 24


def test_a_divided_bar_has_no_line_where_it_is_divided() -> None:
    metres = (Metre(0.0, 4, 4), Metre(7.0, 8, 8))
    bars = (Bar(0.0, 4.0), Bar(4.0, 3.0), Bar(7.0, 1.0), Bar(8.0, 4.0))
    song = Song("divided", (), None, metres, bars, (Tempo(0.0, 120.0),), 12.0)
    grid = BarGrid.of_song(song)
    assert [grid.place(frame) for frame in (27, 28)] == [(11, 16, 4), (12, 16, 2)]
    assert [grid.line_from(frame) for frame in (17, 28)] == [32, 32]


def test_a_pickup_is_no_bar_line_but_its_end_is() -> None:
    metres = (Metre(0.0, 4, 4),)
    song = Song("pickup", (), None, metres, bars_from_metres(metres, 9.0, 1.0), (Tempo(0.0, 120.0),), 9.0)
    grid = BarGrid.of_song(song)
    assert grid.place(0) == (12, 16, 4)
    assert [grid.line_from(frame) for frame in (0, 4, 5)] == [4, 4, 20]


@given(SIGNATURES, SIGNATURES, st.integers(0, 100), st.integers(0, 60))
def test_a_host_may_begin_a_bar_anywhere(first: tuple[int, int], second: tuple[int, int], at: int, after: int) -> None:
    grid = BarGrid(*first)
    bars = grid.bar(at)[0] + (grid.place(at)[0] > 0)
    grid.begin(at, *second)
    assert grid.place(at)[0] == 0
    assert grid.signature(at) == second
    assert grid.place(at + after) == BarGrid(*second).place(after)
    assert grid.bar(at + after)[0] == bars + BarGrid(*second).bar(after)[0]
