"""liblo's oscdump, an OSC receiver that shares no code with ours."""

from __future__ import annotations

import shlex
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bridge.ports.osc.codec import build

PATIENCE = 30.0


def missing() -> str:
    """Why liblo's tools cannot be used here; empty where they can."""
    absent = [program for program in ("oscsend", "oscdump") if shutil.which(program) is None]
    return f"{' and '.join(absent)} not installed (Debian: liblo-tools)" if absent else ""


def oscsend(port: int, address: str, types: str = "", *arguments: object) -> None:
    """Send one message to a port of this computer."""
    command = ["oscsend", "osc.udp://127.0.0.1:" + str(port), address, *([types] if types else [])]
    subprocess.run([*command, *map(str, arguments)], check=True, timeout=30.0)


@dataclass
class Dump:
    """A running oscdump."""

    port: int
    process: subprocess.Popen[str]

    def message(self) -> tuple[str, str, list[str]]:
        """Address, types and arguments, as written, of the next one."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "oscdump has ended"
        _, address, *rest = shlex.split(line)
        return address, rest[0] if rest else "", rest[1:]


@contextmanager
def oscdump() -> Iterator[Dump]:
    """Run one that listens already."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        port = int(udp.getsockname()[1])
    process = subprocess.Popen(["oscdump", "-L", str(port)], stdout=subprocess.PIPE, text=True)
    try:
        dump = Dump(port, process)
        _wait(dump)
        yield dump
    finally:
        process.kill()
        process.communicate()


def _wait(dump: Dump) -> None:
    """Knock until it answers by a line."""
    ready = f"/ready/{dump.port}"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.connect(("127.0.0.1", dump.port))
        udp.settimeout(0.05)
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                udp.send(build(ready))
                udp.recv(1)
            except ConnectionRefusedError:
                assert dump.process.poll() is None and time.monotonic() < deadline, "oscdump does not listen"
                time.sleep(0.01)
            except TimeoutError:
                break
    while dump.message()[0] != ready:
        pass
