"""The manners of a process that keeps time."""

from __future__ import annotations

import contextlib
import gc
import sys
from collections.abc import Iterator

SWITCH_SECONDS = 0.0005
TIMER_MILLISECONDS = 1


@contextlib.contextmanager
def live_process() -> Iterator[None]:
    """While it lasts: no garbage collection, short turns for threads, and fine timers where they are coarse."""
    interval = sys.getswitchinterval()
    gc.collect()
    gc.freeze()
    gc.disable()
    sys.setswitchinterval(SWITCH_SECONDS)
    try:
        with _fine_timers():
            yield
    finally:
        sys.setswitchinterval(interval)
        gc.enable()
        gc.unfreeze()


@contextlib.contextmanager
def _fine_timers() -> Iterator[None]:
    if sys.platform != "win32":
        yield
        return
    import ctypes

    # Without this a wait with a time limit ends at the next tick of 15.6 ms.
    ctypes.windll.winmm.timeBeginPeriod(TIMER_MILLISECONDS)
    try:
        yield
    finally:
        ctypes.windll.winmm.timeEndPeriod(TIMER_MILLISECONDS)
