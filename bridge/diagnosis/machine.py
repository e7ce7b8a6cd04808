"""Checks of the machine: Python, torch, cores, clock, sleep, priority."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

from bridge.diagnosis.findings import Finding
from bridge.live.record import percentile
from bridge.timing.clock import MonotonicClock
from bridge.timing.realtime import live_process
from plugin_host.priority import Priority, raise_priority

OLDEST, NEWEST = (3, 10), (3, 13)
TORCH_PATIENCE_SECONDS = 120.0
FINE_CLOCK_SECONDS = 1e-5
SLEEPS = 200
SLEEP_SECONDS = 0.002
GOOD_SLEEP_MS = 2.0
"""A sleep this late at worst is still caught by the spin before a deadline, but for a millisecond."""
GOOD_SPIN_MS = 1.0

_TORCH = "import json, torch; print(json.dumps([torch.__version__, torch.version.cuda, torch.get_num_threads()]))"


def python() -> Iterator[Finding]:
    """Whether this Python is one that is supported."""
    version = platform.python_version()
    where = f"{version} on {platform.system()} {platform.release()} ({platform.machine()}), {sys.executable}"
    if OLDEST <= sys.version_info[:2] <= NEWEST:
        yield Finding("Python", "ok", where)
    else:
        supported = f"{OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]}"
        yield Finding("Python", "warn", where, f"install GAPT Bridge with Python {supported}, for which it is tested.")


def torch() -> Iterator[Finding]:
    """Whether a process of its own can import torch."""
    began = time.monotonic()
    command = [sys.executable, "-c", _TORCH]
    advice = "install it anew with `pip install --force-reinstall torch`; the README names the smaller build."
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TORCH_PATIENCE_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        yield Finding("torch", "fail", f"cannot be imported within {TORCH_PATIENCE_SECONDS:.0f} seconds", advice)
        return
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        yield Finding("torch", "fail", f"cannot be imported ({last})", advice)
        return
    version, cuda, _ = json.loads(done.stdout.splitlines()[-1])
    build = f"built for CUDA {cuda}, of which nothing is used" if cuda else "built for CPU"
    yield Finding("torch", "ok", f"{version}, {build}; imported in {time.monotonic() - began:.1f} s by the worker")


def cores() -> Iterator[Finding]:
    """Whether the worker and the sender can have a core each."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    if count >= 2:
        yield Finding("cores", "ok", f"{count}{load}")
    else:
        advice = "expect late chords beside other programs; --mode anticipate and a larger --commit help."
        yield Finding("cores", "warn", f"only one{load}", advice)


def clock() -> Iterator[Finding]:
    """How fine the clock is that we live by."""
    resolution = min(_step() for _ in range(200))
    text = f"{1e6 * resolution:.2f} microseconds ({time.get_clock_info('perf_counter').implementation})"
    if resolution <= FINE_CLOCK_SECONDS:
        yield Finding("clock", "ok", text)
    else:
        yield Finding("clock", "warn", text, "chords can be no more exact; on a virtual machine ask for another clock.")


def sleep() -> Iterator[Finding]:
    """How late a sleep ends, and how late a sleep that ends in a spin, as the sender's does."""
    late = sleep_lateness(SLEEPS, SLEEP_SECONDS)
    for name, good, advice in (
        ("sleep", GOOD_SLEEP_MS, "other programs hold the cores: end what you do not need, or see “priority”."),
        ("sleep and spin", GOOD_SPIN_MS, "chords will leave late by as much: end other programs, or see “priority”."),
    ):
        p50, p99, worst = (percentile(late[name], share) for share in (0.5, 0.99, 1.0))
        text = f"late by {p50:.3f} ms at the median, {p99:.3f} ms p99, {worst:.3f} ms at worst"
        yield Finding(name, "ok", text) if p99 <= good else Finding(name, "warn", text, advice)


def sleep_lateness(count: int, seconds: float) -> dict[str, list[float]]:
    """Milliseconds late, in order of size, of `count` sleeps of `seconds` and as many that end in a spin.

    On a thread with the sender's priority and in a process with a session's manners.
    """
    late: dict[str, list[float]] = {"sleep": [], "sleep and spin": []}

    def run() -> None:
        raise_priority()
        clock = MonotonicClock()
        for name, wait in (("sleep", _sleep_until), ("sleep and spin", clock.sleep_until)):
            for _ in range(count):
                due = clock.now() + seconds
                wait(due)
                late[name].append(1000.0 * (clock.now() - due))

    with live_process():
        thread = threading.Thread(target=run, name="sleeper")
        thread.start()
        thread.join()
    return {name: sorted(values) for name, values in late.items()}


def priority() -> Iterator[Finding]:
    """What the system grants a thread that keeps time."""
    granted: list[Priority] = []
    thread = threading.Thread(target=lambda: granted.append(raise_priority()), name="priority")
    thread.start()
    thread.join()
    if granted == ["real-time"]:
        yield Finding("priority", "ok", "real-time")
    elif granted == ["raised"]:
        yield Finding("priority", "ok", "raised above other programs")
    else:
        yield Finding("priority", "warn", "the same as any program's", _priority_advice())


def _priority_advice() -> str:
    if sys.platform == "linux":
        return (
            "let your user have real time: put `@audio - rtprio 95` into /etc/security/limits.d/audio.conf, "
            "join the group (`sudo usermod -aG audio $USER`) and log in again."
        )
    return "other programs may delay chords; close what you do not need."


def _sleep_until(seconds: float) -> None:
    time.sleep(max(0.0, seconds - time.perf_counter()))


def _step() -> float:
    """Seconds from one reading of the clock to the next different one."""
    before = time.perf_counter()
    while (now := time.perf_counter()) == before:
        pass
    return now - before
