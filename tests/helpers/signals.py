"""Children that hear signals, whatever the tests were started from."""

from __future__ import annotations

import signal


def hear_signals() -> None:
    """For `preexec_fn`: a shell's background job, or `nohup`, hands down ignored signals."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
