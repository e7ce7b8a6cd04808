"""Seconds to beats and back."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.timing.beatmap import BeatMap
from gapt_core.song import Tempo

SECONDS = st.floats(0, 4000, allow_nan=False)
BPM = st.floats(1, 999, allow_nan=False)
CHANGES = st.lists(st.tuples(SECONDS, BPM), max_size=8)


def map_of(bpm: float, changes: list[tuple[float, float]]) -> BeatMap:
    beat_map = BeatMap(bpm, seconds=10.0, beats=-2.0)
    for seconds, new in sorted(changes):
        beat_map.change_tempo(seconds, new)
    return beat_map


@given(BPM, CHANGES, SECONDS)
def test_there_and_back(bpm: float, changes: list[tuple[float, float]], seconds: float) -> None:
    beat_map = map_of(bpm, changes)
    assert beat_map.seconds_at(beat_map.beats_at(seconds)) == pytest.approx(seconds, rel=1e-9, abs=1e-6)


@given(BPM, CHANGES, SECONDS, SECONDS)
def test_time_runs_one_way(bpm: float, changes: list[tuple[float, float]], one: float, other: float) -> None:
    beat_map = map_of(bpm, changes)
    earlier, later = sorted((one, other))
    assert beat_map.beats_at(earlier) <= beat_map.beats_at(later)


@given(BPM, CHANGES, st.tuples(SECONDS, BPM))
def test_a_tempo_change_moves_nothing_that_has_passed(
    bpm: float, changes: list[tuple[float, float]], change: tuple[float, float]
) -> None:
    before, after = map_of(bpm, changes), map_of(bpm, changes)
    at = max([change[0], 10.0, *(seconds for seconds, _ in changes)])
    after.change_tempo(at, change[1])
    for seconds in (0.0, 10.0, at / 2, at):
        assert after.beats_at(seconds) == pytest.approx(before.beats_at(seconds))
    assert after.beats_at(at + 60) == pytest.approx(before.beats_at(at) + change[1])


@given(BPM, CHANGES, SECONDS)
def test_forgetting_changes_nothing_that_is_still_asked(
    bpm: float, changes: list[tuple[float, float]], since: float
) -> None:
    whole, short = map_of(bpm, changes), map_of(bpm, changes)
    short.forget_before(since)
    for seconds in (since, since + 1, since + 1000):
        assert short.beats_at(seconds) == whole.beats_at(seconds)
        assert short.bpm == whole.bpm


def test_a_song_map_by_hand() -> None:
    beat_map = BeatMap.of_tempos([Tempo(0.0, 60.0), Tempo(4.0, 120.0), Tempo(8.0, 30.0)])
    assert [beat_map.seconds_at(beats) for beats in (-1, 0, 4, 6, 8, 9)] == pytest.approx([-1, 0, 4, 5, 6, 8])
    assert beat_map.bpm == 30.0


def test_a_change_before_the_newest_anchor_counts_as_that_anchors() -> None:
    beat_map = BeatMap(60.0, seconds=0.0)
    beat_map.change_tempo(10.0, 120.0)
    beat_map.change_tempo(9.0, 240.0)
    assert beat_map.beats_at(10.0) == 10.0
    assert beat_map.beats_at(11.0) == 14.0


@pytest.mark.parametrize("bpm", [0.0, -1.0, math.nan, math.inf])
def test_what_is_no_tempo_is_refused(bpm: float) -> None:
    with pytest.raises(ValueError, match="tempo"):
        BeatMap(bpm)
    with pytest.raises(ValueError, match="tempo"):
        BeatMap(60.0).change_tempo(1.0, bpm)
