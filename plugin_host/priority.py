"""Asks the system to run a thread before other programs: music is late at once where a compiler can wait."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from typing import Literal

Priority = Literal["real-time", "raised", "normal"]

NICENESS = -10

logger = logging.getLogger(__name__)


def raise_priority() -> Priority:
    """Put the calling thread before other programs, as far as the system grants it; what was granted.

    Real time is the lowest of its levels, below every audio server, and is not passed on to child processes. Linux
    grants it to users with a limit for it (`ulimit -r`), as distributions give their audio group. What it is worth:
    with other programs on every core, the slowest in a hundred wake-ups comes after 0.1 ms instead of tens.
    """
    if hasattr(os, "sched_setscheduler") and not _real_time_is_rationed():
        try:
            os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(1))
            return "real-time"
        except OSError as error:
            logger.debug("no real-time priority: %s", error)
    if hasattr(os, "nice"):
        try:
            os.nice(NICENESS)
            return "raised"
        except OSError as error:
            logger.debug("no raised priority: %s", error)
    return "normal"


def raise_all_threads() -> None:
    """Give every thread of this process the real-time priority of `raise_priority`, where the system grants it.

    Drivers call us on real-time threads of their own, and those wait for Python's lock. The thread that holds it must
    not wait meanwhile for a core that another program has: notes and clock would come late, and JACK, which waits for
    its clients, would stand still. Threads that have such a priority keep theirs.
    """
    if not hasattr(os, "sched_setscheduler") or _real_time_is_rationed():
        return
    for thread in threading.enumerate():
        # One that ends just now is no process any more.
        with contextlib.suppress(OSError, TypeError):
            if os.sched_getscheduler(thread.native_id) == os.SCHED_OTHER:  # type: ignore[arg-type]
                os.sched_setscheduler(
                    thread.native_id,  # type: ignore[arg-type]
                    os.SCHED_RR | os.SCHED_RESET_ON_FORK,
                    os.sched_param(1),
                )


def _real_time_is_rationed() -> bool:
    """Whether the system kills a process that computes in real time for longer than a limit, as we do at a restart."""
    import resource

    limit = getattr(resource, "RLIMIT_RTTIME", None)
    return limit is not None and resource.getrlimit(limit)[0] != resource.RLIM_INFINITY
