"""The two clocks."""

from __future__ import annotations

from bridge.timing.clock import ManualClock, MonotonicClock


def test_the_monotonic_clock_returns_neither_early_nor_backwards() -> None:
    clock = MonotonicClock()
    start = clock.now()
    for wait in (0.0, 0.0005, 0.003, -1.0):
        deadline = clock.now() + wait
        clock.sleep_until(deadline)
        assert clock.now() >= max(deadline, start)


def test_virtual_time_takes_none_and_never_goes_back() -> None:
    clock = ManualClock(2.0)
    clock.sleep_until(1e6)
    assert clock.now() == 1e6
    clock.sleep_until(3.0)
    assert clock.now() == 1e6
