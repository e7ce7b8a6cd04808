from __future__ import annotations

import numpy as np
import pytest
from virtual_sync import Follower, kinds

from bridge.events import (
    HostReport,
    MetreChange,
    NoteOn,
    PortChanged,
    ScaleChange,
    Set,
    Start,
    SyncChanged,
    TempoChange,
)

EVERY = 0.1


def play(
    host: str,
    begin: float,
    first_beat: float,
    bpm: float,
    seconds: float,
    late_ms: float = 0.0,
    told: bool = True,
) -> list[HostReport]:
    """Places told ten times a second, each up to `late_ms` late."""
    rng = np.random.default_rng(7)
    moments = np.arange(0.0, seconds - 1e-9, EVERY)
    arrivals = np.maximum.accumulate(begin + moments + rng.uniform(0, late_ms, len(moments)) * 1e-3)
    places = first_beat + moments * bpm / 60.0
    tempo = bpm if told else None
    return [HostReport(a, host, beats=b, bpm=tempo) for a, b in zip(arrivals.tolist(), places.tolist(), strict=True)]


def rolling(host: str = "ableton", bpm: float = 120.0, **settings: object) -> Follower:
    """A follower that has heard a host play from beat 0 at second 10 for 8 s."""
    follower = Follower(**settings)
    follower.take(HostReport(9.0, host, beats=0.0, bpm=bpm, playing=False))
    follower.take(HostReport(10.0, host, playing=True), *play(host, 10.0, 0.0, bpm, 8.0))
    return follower


def test_a_host_that_stands_is_waited_for() -> None:
    follower = Follower()
    follower.take(HostReport(9.0, "ableton", beats=0.0, bpm=93.0, playing=False))
    assert follower.sync == ("ableton", "waiting")
    assert "press play" in follower.all(SyncChanged)[-1].sentence
    assert follower.transport.bpm == 93.0
    assert kinds(follower.take(NoteOn(9.5, 60, 64))) == ["NoteOn"]


def test_play_rolls_from_where_it_stood() -> None:
    follower = rolling()
    assert follower.all(Start) == [Start(10.0, 0.0)]
    assert follower.sync == ("ableton", "locked")
    assert follower.beats_at(18.0) == pytest.approx(16.0, abs=0.001)


def test_late_places_of_a_told_tempo() -> None:
    follower = Follower()
    follower.take(*play("ableton", 10.0, 0.0, 120.0, 8.0, late_ms=100.0))
    assert follower.transport.rolling
    assert (follower.beats_at(18.0) - 16.0) * 0.5 == pytest.approx(0.0, abs=0.02)


def test_whole_beats_only() -> None:
    follower = Follower()
    rng = np.random.default_rng(1)
    late = rng.uniform(0, 0.1, 16)
    follower.take(HostReport(9.9, "ableton", bpm=100.0, playing=True))
    follower.take(*(HostReport(10.0 + i * 0.6 + late[i], "ableton", beats=float(i)) for i in range(16)))
    assert follower.all(Start)[0].beats == 0.0
    assert len(follower.all(Start)) == 1
    assert (follower.beats_at(19.6) - 16.0) * 0.6 == pytest.approx(0.0, abs=0.05)


@pytest.mark.parametrize("target", [0.0, 8.0, 15.0, 40.0])
def test_a_loop_or_relocate_is_a_jump_within_one_beat(target: float) -> None:
    follower = rolling()
    orders = follower.take(*play("ableton", 18.03, target, 120.0, 4.0))
    jumps = [order for order in orders if isinstance(order, Start)]
    assert len(jumps) == 1
    assert jumps[0].seconds < 18.03 + 0.5
    assert follower.beats_at(22.03) == pytest.approx(target + 8.0, abs=0.01)


def test_a_stop_and_a_new_start_elsewhere() -> None:
    follower = rolling()
    assert "Stop" in kinds(follower.take(HostReport(18.0, "ableton", playing=False)))
    follower.take(HostReport(19.0, "ableton", beats=4.0), HostReport(20.0, "ableton", playing=True))
    follower.take(*play("ableton", 20.0, 4.0, 120.0, 2.0))
    assert follower.all(Start)[-1] == Start(20.0, 4.0)


def test_a_change_of_tempo_is_no_jump() -> None:
    follower = rolling()
    follower.take(HostReport(18.0, "ableton", bpm=90.0), *play("ableton", 18.0, 16.0, 90.0, 4.0, late_ms=60.0))
    assert len(follower.all(Start)) == 1
    assert follower.transport.bpm == pytest.approx(90.0, rel=0.01)
    assert (follower.beats_at(22.0) - 22.0) * 60 / 90 == pytest.approx(0.0, abs=0.03)


def test_a_metre_counts_from_the_bar_line_just_passed() -> None:
    follower = rolling()
    follower.take(HostReport(18.04, "ableton", metre=(3, 4)))
    change = follower.all(MetreChange)[-1]
    assert (change.numerator, change.denominator, change.beats) == (3, 4, 16.0)


def test_a_host_without_tempo_is_derived() -> None:
    follower = Follower()
    bars = [
        HostReport(10.0 + i * EVERY, "ardour", bar=(int(b // 4), b % 4), playing=True if i == 0 else None)
        for i, b in ((i, i * EVERY * 97.5 / 60.0) for i in range(80))
    ]
    follower.take(*bars)
    assert follower.transport.bpm == pytest.approx(97.5, rel=0.005)
    assert len(follower.all(Start)) == 1
    assert follower.beats_at(18.0) == pytest.approx(13.0, abs=0.02)


def test_the_songs_seconds_take_the_lateness_out_of_the_beats() -> None:
    rng = np.random.default_rng(5)
    follower, worst = Follower(), 0.0
    follower.take(HostReport(9.9, "reaper", playing=True))
    for i in range(120):
        song = i * EVERY
        beats = song * 110.0 / 60.0
        arrival = 10.0 + song + rng.uniform(0, 0.05)
        hundredths = np.floor(beats * 100 + 1e-6) / 100
        follower.take(
            HostReport(arrival, "reaper", song_seconds=song),
            HostReport(arrival + 0.0002, "reaper", bar=(int(hundredths // 4), hundredths % 4)),
        )
        if song > 5.0:
            worst = max(worst, abs(follower.beats_at(10.0 + song) - beats) * 60.0 / 110.0)
    assert follower.transport.bpm == pytest.approx(110.0, rel=0.01)
    assert worst < 0.015


def test_bars_of_three_are_found_out() -> None:
    follower = Follower()
    for i in range(200):
        beats = i * EVERY * 2.0
        follower.take(HostReport(10.0 + i * EVERY, "reaper", bar=(int(beats // 3), beats % 3), playing=True))
    assert len(follower.all(Start)) == 1
    change = follower.all(MetreChange)[-1]
    assert (change.numerator, change.denominator) == (3, 4)
    assert change.beats is not None
    assert change.beats % 3 == 0


def test_a_host_that_was_playing_before_we_came_is_joined() -> None:
    follower = Follower()
    follower.take(*play("reaper", 10.0, 33.0, 120.0, 3.0, told=False))
    assert follower.transport.rolling
    assert follower.beats_at(13.0) == pytest.approx(39.0, abs=0.02)


def test_exact_reports_are_taken_as_they_are() -> None:
    follower = Follower()
    follower.take(HostReport(10.0, "osc", beats=4.0, bpm=90.0, playing=True, exact=True))
    assert follower.all(Start) == [Start(10.0, 4.0)]
    follower.take(HostReport(10.5, "osc", beats=4.751, bpm=90.0, playing=True, exact=True))
    assert follower.beats_at(10.5) == pytest.approx(4.751)
    assert len(follower.all(Start)) == 1
    follower.take(HostReport(11.0, "osc", beats=2.0, bpm=90.0, playing=True, metre=(6, 8), exact=True))
    assert follower.all(Start)[-1] == Start(11.0, 2.0)
    assert follower.all(MetreChange)[-1].numerator == 6
    assert "Stop" in kinds(follower.take(HostReport(11.5, "osc", beats=2.75, bpm=90.0, playing=False, exact=True)))


def test_a_host_that_falls_silent_leaves_the_music_playing() -> None:
    follower = rolling()
    follower.advance(30.0)
    assert follower.sync == ("ableton", "lost")
    assert follower.beats_at(30.0) == pytest.approx(40.0, abs=0.01)


def test_a_host_whose_port_is_gone_is_forgotten_where_it_stands() -> None:
    follower = Follower()
    follower.take(HostReport(9.0, "bitwig", beats=0.0, playing=False))
    follower.take(PortChanged(10.0, "DrivenByMoss", "in", False))
    assert follower.sync == ("internal", "free")
    assert kinds(follower.take(NoteOn(11.0, 60, 64))) == ["Start", "NoteOn"]


@pytest.mark.parametrize(
    ("scale", "order"),
    [
        ((2, "Dorian"), ScaleChange(9.0, "D", "dorian")),
        ((9, "Minor Pentatonic"), ScaleChange(9.0, "A", "minor")),
        ((0, "Whole Tone"), None),
    ],
)
def test_the_hosts_scale(scale: tuple[int, str], order: ScaleChange | None) -> None:
    orders = Follower().take(HostReport(9.0, "ableton", scale=scale), HostReport(9.1, "ableton", scale=scale))
    assert [found for found in orders if isinstance(found, ScaleChange)] == ([order] if order else [])


def test_our_own_tempo_is_kept_for_later_while_a_host_rules() -> None:
    follower = rolling()
    assert kinds(follower.take(Set(18.0, "tempo", 200.0))) == ["Set"]
    assert follower.transport.bpm == pytest.approx(120.0)
    follower.take(Set(18.1, "sync", "internal"))
    assert follower.transport.bpm == pytest.approx(120.0)
    assert isinstance(follower.take(Set(18.2, "tempo", 100.0))[1], TempoChange)


def exactly(seconds: float, beats: float) -> HostReport:
    return HostReport(seconds, "osc", beats=beats, bpm=120.0, playing=True, exact=True)


def test_one_exact_report_that_was_held_up_on_its_way_is_no_jump() -> None:
    follower = Follower()
    follower.take(exactly(10.0, 0.0), *(exactly(10.0 + 0.1 * i, 0.2 * i) for i in range(1, 10)))
    assert "Start" not in kinds(follower.take(exactly(11.04, 2.0), exactly(11.1, 2.2), exactly(11.2, 2.4)))
    assert follower.beats_at(11.2) == pytest.approx(2.4, abs=0.01)


def test_two_exact_reports_that_agree_are_a_jump_and_one_that_is_far_off_is() -> None:
    follower = Follower()
    follower.take(exactly(10.0, 0.0), *(exactly(10.0 + 0.1 * i, 0.2 * i) for i in range(1, 10)))
    assert "Start" in kinds(follower.take(exactly(11.0, 2.2), exactly(11.1, 2.4)))
    assert "Start" in kinds(follower.take(exactly(11.2, 8.0)))
