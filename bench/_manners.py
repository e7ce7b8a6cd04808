"""How a JACK client in Python keeps the server's time, whatever else the machine does."""

from __future__ import annotations

import contextlib
import gc
import os
import sys

SWITCH_SECONDS = 1e-4
PRIORITY = 2


def live_client() -> None:
    """Let nothing in this process hold up its callback: neither Python's lock, nor the collector, nor other programs.

    The thread that holds the lock must not wait for a core while the callback, of higher priority, waits for the lock.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.disable()
    with contextlib.suppress(AttributeError, PermissionError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(PRIORITY))
