"""The manners of a process that keeps time."""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import sys
from collections.abc import Iterator

SWITCH_SECONDS = 0.0005
FIFO_PRIORITY = 10
NICE = -10
TIMER_MILLISECONDS = 1

logger = logging.getLogger(__name__)


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


def raise_thread_priority() -> str:
    """Put this thread before others, as far as the system lets us without asking; returns what came of it."""
    if not sys.platform.startswith("linux"):
        return "ordinary"
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(FIFO_PRIORITY))
        return "fifo"
    except OSError as error:
        logger.debug("no real-time scheduling: %s", error)
    try:
        os.nice(NICE)
        return "nice"
    except OSError as error:
        logger.debug("no higher priority: %s", error)
    return "ordinary"


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
