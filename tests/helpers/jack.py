"""A JACK server of our own without a sound card, for tests of real MIDI ports."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

PERIOD = 128
PORTS = 128
"""Few: with its usual number the server wants more shared memory than a container has."""
START_SECONDS = 10.0
TRIES = 3


def missing() -> str:
    """Why there can be no server here; empty where there can."""
    absent = [program for program in ("jackd", "jack_lsp") if shutil.which(program) is None]
    return f"{' and '.join(absent)} not installed (Debian: jackd2)" if absent else ""


@contextmanager
def server(name: str) -> Iterator[None]:
    """Run a server called `name`, which all clients started meanwhile use."""
    before = os.environ.get("JACK_DEFAULT_SERVER")
    os.environ["JACK_DEFAULT_SERVER"] = name
    jackd = _started(name)
    try:
        yield
    finally:
        # A server that writes to a client just killed may die of it, and its place in the list of servers, which has
        # eight, stays taken until a server of the same name has ended well.
        for _ in range(TRIES):
            jackd.terminate()
            if jackd.wait(30.0) == 0:
                break
            jackd = _started(name)
        else:
            jackd.terminate()
            jackd.wait(30.0)
        if before is None:
            del os.environ["JACK_DEFAULT_SERVER"]
        else:
            os.environ["JACK_DEFAULT_SERVER"] = before


def _started(name: str) -> subprocess.Popen[bytes]:
    for i in range(TRIES):
        # In real time where we may: on a busy machine the other way loses messages now and then.
        command = ["jackd", "-n", name, *(["-r"] if i else ["-R", "-P", "10"]), "-S", "-p", str(PORTS)]
        jackd = subprocess.Popen(
            [*command, "-d", "dummy", "-r", "48000", "-p", str(PERIOD)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until = time.monotonic() + START_SECONDS
        while jackd.poll() is None and time.monotonic() < until:
            listed = subprocess.run(["jack_lsp", "-s", name], capture_output=True, check=False)
            if listed.returncode == 0 and b"system:" in listed.stdout:
                return jackd
        jackd.kill()
        jackd.wait()
    raise RuntimeError("jackd does not start")
