"""Two clocks: the machine's, and one that only moves when told to."""

from __future__ import annotations

import time

SPIN_SECONDS = 0.001
"""How long before a deadline sleeping gives way to spinning: a sleep wakes up to a millisecond late."""


class MonotonicClock:
    """The machine's monotonic clock. `sleep_until` sleeps, then spins, and so is microseconds late at most."""

    def now(self) -> float:
        """Seconds since some fixed moment."""
        return time.perf_counter()

    def sleep_until(self, seconds: float) -> None:
        """Return at `seconds`, or at once where that is past."""
        asleep = seconds - time.perf_counter() - SPIN_SECONDS
        if asleep > 0:
            time.sleep(asleep)
        while time.perf_counter() < seconds:
            time.sleep(0)  # leaves Python's lock to the threads that bring notes


class ManualClock:
    """Virtual time: waiting takes none, it only sets the clock forward."""

    def __init__(self, seconds: float = 0.0) -> None:
        self._seconds = seconds

    def now(self) -> float:
        """Seconds, as set."""
        return self._seconds

    def sleep_until(self, seconds: float) -> None:
        """Set the clock to `seconds`; it never goes back."""
        self._seconds = max(self._seconds, seconds)
