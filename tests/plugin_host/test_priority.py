"""Threads that notes wait for come before other programs, where the system grants it; child processes do not."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from plugin_host.priority import raise_priority

SCRIPT = """
import os, subprocess, sys, threading
from plugin_host.priority import raise_all_threads
ended = threading.Event()
threads = [threading.Thread(target=ended.wait, daemon=True) for _ in range(3)]
for thread in threads:
    thread.start()
for _ in range(2):
    raise_all_threads()
policies = [os.sched_getscheduler(thread.native_id) & ~os.SCHED_RESET_ON_FORK for thread in threading.enumerate()]
child = [sys.executable, "-c", "import os; print(os.sched_getscheduler(0))"]
print(policies == [os.SCHED_RR] * 4, int(subprocess.check_output(child)) == os.SCHED_OTHER)
ended.set()
"""


def granted() -> bool:
    """Whether this system lets a thread of ours be in real time."""
    answers: list[str] = []
    thread = threading.Thread(target=lambda: answers.append(raise_priority()))
    thread.start()
    thread.join()
    return answers == ["real-time"]


@pytest.mark.skipif(not hasattr(os, "sched_setscheduler"), reason="this system has no such priorities")
@pytest.mark.skipif(not granted(), reason="this user may not have real-time priority")
def test_all_threads_are_raised_and_children_are_not() -> None:
    said = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["True", "True"]
