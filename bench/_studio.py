"""Programs of a studio without a sound card: started, connected, watched, and taken down again whatever happens."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).parent
RATE, PERIOD = 48000, 128
JACK_PORTS = 192
"""Few: with its usual number the server wants more shared memory than a container has."""
TRIES = 3
START_SECONDS = 15.0
END_SECONDS = 10.0
POLL_SECONDS = 0.05
PR_SET_PDEATHSIG = 1

PROGRAMS = ("jackd", "jack_lsp", "jack_connect", "klick", "jack_midi_clock", "pd", "oscdump", "oscsend", "fluidsynth")
SOUND_FONTS = ("/usr/share/sounds/sf2/TimGM6mb.sf2", "/usr/share/sounds/sf2/default-GM.sf2")


class StudioError(Exception):
    """A program of the studio does not do what it is there for."""


def missing() -> str:
    """Why there can be no studio here; empty where there can."""
    absent = [program for program in PROGRAMS if shutil.which(program) is None]
    absent += [] if sound_font() else ["a General MIDI sound font"]
    absent += [] if find_spec("jack") and hasattr(__import__("jack"), "Client") else ["JACK-Client (pip)"]
    return f"not installed: {', '.join(absent)} (.ci/nightly installs all)" if absent else ""


def sound_font() -> str:
    """Path of a sound font; empty where there is none."""
    return next((path for path in SOUND_FONTS if Path(path).exists()), "")


def free_port() -> int:
    """A UDP port that nobody holds."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def wait_for(what: str, true: Callable[[], bool], seconds: float = START_SECONDS) -> None:
    """Return once `true()`.

    Raises:
        StudioError: not within `seconds`.
    """
    until = time.monotonic() + seconds
    while not true():
        if time.monotonic() > until:
            raise StudioError(f"{what}: not within {seconds:g} s.")
        time.sleep(POLL_SECONDS)


class Studio:
    """Programs by name, with their output in files of `folder`."""

    def __init__(self, folder: Path) -> None:
        """Start nothing yet."""
        self.folder = folder
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._environment = {**os.environ, "JACK_NO_START_SERVER": "1", "OMP_NUM_THREADS": "1"}

    def set(self, variable: str, value: str) -> None:
        """An environment variable for whatever is started from now on."""
        self._environment[variable] = value

    def start(self, name: str, *command: str) -> subprocess.Popen[bytes]:
        """Start a program; its output goes to `name.out` and `name.err`, after what is there already."""
        with self.log(name, "out").open("ab") as out, self.log(name, "err").open("ab") as err:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=self._environment, preexec_fn=_as_a_child
            )
        self._running[name] = process
        return process

    def start_python(self, name: str, script: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a script of this folder."""
        return self.start(name, sys.executable, str(HERE / script), *arguments)

    def start_jack(self, server: str) -> None:
        """Start a JACK server called `server`, which every program started from now on uses, and so does this process.

        Raises:
            StudioError: it does not start.
        """
        os.environ["JACK_DEFAULT_SERVER"] = self._environment["JACK_DEFAULT_SERVER"] = server
        for i in range(TRIES):
            # In real time, waiting for nobody: one that waits for its clients stands still when one of them leaves. But
            # where real time may not be had a client is late now and then, and what it has not read is lost else.
            manner = ["-R", "-P", "60"] if i < TRIES - 1 else ["-r", "-S"]
            jackd = ["jackd", "-n", server, *manner, "-p", str(JACK_PORTS), "-d", "dummy"]
            self.start("jackd", *jackd, "-r", str(RATE), "-p", str(PERIOD))
            with contextlib.suppress(StudioError):
                wait_for("jackd", lambda: "system:" in self.ports())
                return
            self.stop("jackd")
        raise StudioError(f"jackd does not start: {self.log('jackd', 'err').read_text(errors='replace')}")

    def ports(self, *options: str) -> str:
        """What `jack_lsp` says; empty where no server answers."""
        listed = subprocess.run(
            ["jack_lsp", *options], env=self._environment, capture_output=True, text=True, timeout=END_SECONDS
        )
        return listed.stdout if listed.returncode == 0 else ""

    def has_port(self, name: str) -> bool:
        """Whether JACK has a port of that name (`client:port`)."""
        return name in self.ports().splitlines()

    def connect(self, source: str, target: str) -> None:
        """Connect two JACK ports, once both are there.

        Raises:
            StudioError: they are not.
        """
        wait_for(f"{source} and {target}", lambda: self.has_port(source) and self.has_port(target))
        subprocess.run(["jack_connect", source, target], env=self._environment, capture_output=True, check=True)

    def connected(self, name: str) -> list[str]:
        """Ports that the JACK port `name` is connected to."""
        lines = iter(self.ports("-c").splitlines())
        found: list[str] = []
        ours = False
        for line in lines:
            if not line.startswith(" "):
                ours = line == name
            elif ours:
                found.append(line.strip())
        return found

    def send_osc(self, port: int, address: str, types: str = "", *arguments: object) -> None:
        """Send an OSC message with liblo's `oscsend`."""
        command = ["oscsend", "127.0.0.1", str(port), address, *([types] if types else []), *map(str, arguments)]
        subprocess.run(command, capture_output=True, check=True, timeout=END_SECONDS)

    def process(self, name: str) -> subprocess.Popen[bytes]:
        """A program that was started."""
        return self._running[name]

    def stop(self, name: str, number: signal.Signals = signal.SIGTERM) -> int:
        """End a program with a signal; its exit code. One that does not hear it is killed."""
        process = self._running.pop(name)
        process.send_signal(number)
        try:
            return process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def log(self, name: str, stream: str) -> Path:
        """The file of what a program wrote, `out` or `err`."""
        return self.folder / f"{name}.{stream}"

    def alive(self) -> Sequence[str]:
        """Names of what runs, and of what should."""
        return [name for name, process in self._running.items() if process.poll() is None]

    def dead(self) -> Sequence[str]:
        """Names of what has ended by itself."""
        return [name for name, process in self._running.items() if process.poll() is not None]

    def close(self) -> None:
        """End everything, the server last."""
        for name in reversed(list(self._running)):
            self.stop(name)


@contextlib.contextmanager
def studio(folder: Path) -> Iterator[Studio]:
    """A studio whose programs end on the way out."""
    before = os.environ.get("JACK_DEFAULT_SERVER")
    rack = Studio(folder)
    try:
        yield rack
    finally:
        rack.close()
        if before is None:
            os.environ.pop("JACK_DEFAULT_SERVER", None)
        else:
            os.environ["JACK_DEFAULT_SERVER"] = before


def resident_mib(pid: int) -> float:
    """Memory of a process in MiB; 0 where it is gone."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    return 0.0


def children(pid: int) -> dict[int, str]:
    """Process numbers and command lines of a process's children."""
    found: dict[int, str] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError):
            if int((folder / "stat").read_text().rpartition(")")[2].split()[1]) == pid:
                found[int(folder.name)] = (
                    (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                )
    return found


def _as_a_child() -> None:
    """Hear the signals that end a program even where whoever started us ignored them; end when we die."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, set())
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
