from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.sync.late import DERIVED_SECONDS, LateLine

EVERY = 0.1


def reports(bpm: float, late_ms: float, seconds: float, seed: int) -> list[tuple[float, float]]:
    """(arrival, beats) of a steady tempo told ten times a second."""
    rng = np.random.default_rng(seed)
    moments = np.arange(0.0, seconds, EVERY)
    arrivals = np.maximum.accumulate(moments + rng.uniform(0, late_ms, len(moments)) * 1e-3)
    return list(zip(arrivals.tolist(), (moments * bpm / 60.0).tolist(), strict=True))


@settings(max_examples=50, deadline=None)
@given(bpm=st.floats(40, 220), late_ms=st.floats(0, 100), seed=st.integers(0, 1 << 20))
def test_with_a_told_tempo_only_the_least_lateness_is_left(bpm: float, late_ms: float, seed: int) -> None:
    line = LateLine()
    line.tell(0.0, bpm)
    heard = reports(bpm, late_ms, 6.0, seed)
    for seconds, beats in heard:
        line.add(seconds, beats)
    least = min(seconds - beats * 60.0 / bpm for seconds, beats in heard if seconds > heard[-1][0] - 2.9)
    off_seconds = 6.0 - line.beats_at(6.0) * 60.0 / bpm
    assert -1e-6 <= off_seconds <= least + 1e-6


@pytest.mark.parametrize("seed", range(10))
def test_a_tempo_is_derived_from_places(seed: int) -> None:
    line = LateLine()
    for seconds, beats in reports(97.5, 6.0, 4.0, seed):
        line.add(seconds, beats)
    assert line.bpm == pytest.approx(97.5, rel=0.01)
    assert line.settled
    assert line.beats_at(4.0) == pytest.approx(4.0 * 97.5 / 60.0, abs=0.02)


def test_reports_without_lateness_are_met_exactly() -> None:
    line = LateLine()
    for seconds, beats in reports(133.0, 0.0, 3.0, 0):
        line.add(seconds, beats)
    assert line.bpm == pytest.approx(133.0)
    assert line.beats_at(5.0) == pytest.approx(5.0 * 133.0 / 60.0)


@pytest.mark.parametrize(("first", "second"), [(120.0, 90.0), (90.0, 140.0)])
def test_a_derived_tempo_follows_a_change_within_its_window(first: float, second: float) -> None:
    line, beats = LateLine(), 0.0
    for i in range(200):
        line.add(i * EVERY, beats)
        beats += (first if i < 100 else second) * EVERY / 60.0
        if i > 100 + 1.5 * DERIVED_SECONDS / EVERY:
            assert line.bpm == pytest.approx(second, rel=0.001)
    assert line.beats_at(200 * EVERY) == pytest.approx(beats, abs=0.001)


def test_places_that_do_not_move_make_no_tempo() -> None:
    line = LateLine()
    for i in range(30):
        line.add(i * EVERY, 8.0)
    assert line.bpm is None
    assert line.beats_at(10.0) == 8.0


def test_a_tempo_told_later_counts_from_then_on() -> None:
    line = LateLine()
    line.tell(0.0, 120.0)
    line.add(0.0, 0.0)
    line.tell(1.0, 60.0)
    assert line.beats_at(2.0) == pytest.approx(3.0)
