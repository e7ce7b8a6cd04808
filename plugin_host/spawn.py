"""A process of ours at the other end of a socket that only the two share.

The process's end is handed over by inheritance, on Windows through `share`, so there is no port to be found and
nobody else can speak; when either side dies the other reads the end.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence

RECEIVE_BYTES = 1 << 16
BUFFER_BYTES = 1 << 18
MOST_UNSENT_BYTES = 1 << 20
"""A process that has left so much unread will not come back."""
END_SECONDS = 2.0

# The child gets this process's own import path, so that it runs the same code whatever folder it is started in.
_START = (
    "import os, sys; sys.path[:] = sys.argv.pop(1).split(os.pathsep); "
    "from importlib import import_module; sys.exit(import_module(sys.argv.pop(1)).main(sys.argv[1:]))"
)


class Child:
    """A process that runs `module.main([*arguments, number])`, where `inherited_wire(number)` is its end of the wire.

    `send` may be called from any thread, `receive` from one at a time.
    """

    def __init__(
        self,
        module: str,
        arguments: Sequence[str],
        lost: Callable[[str], Exception],
        environment: Mapping[str, str] = os.environ,
        *,
        apart: bool = False,
    ) -> None:
        """Start it.

        Args:
            lost: makes the error to raise once the process is gone, of what has happened to it (`is gone`).
            apart: whether it stays out of reach of the signals that a terminal or a shell sends to us.

        Raises:
            OSError: the system gives no process.
        """
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 — closed by `release`
        ours, theirs = _wire_pair()
        with theirs:
            try:
                command = [_START, os.pathsep.join(sys.path), module, *arguments]
                self._process = _spawn(command, theirs, self._errors.fileno(), environment, apart)
            except OSError:
                ours.close()
                self._errors.close()
                raise
        # Two handles of one end: a time limit belongs to the handle, and only reading may wait.
        self._in, self._out = ours, ours.dup()
        self._out.settimeout(0.0)
        self._lock = threading.Lock()
        self._unsent = bytearray()
        self._lost_by = lost
        self._lost: Exception | None = None

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    @property
    def unsent(self) -> int:
        """How many bytes wait for the wire to take them."""
        return len(self._unsent)

    def send(self, data: bytes) -> None:
        """Pass `data` on without waiting.

        Raises:
            Exception: what `lost` makes, for the process is gone or has stopped reading.
        """
        with self._lock:
            if self._lost is None:
                self._unsent += data
            self._flush()

    def receive(self, seconds: float) -> bytes:
        """What came within `seconds`, perhaps nothing.

        Raises:
            Exception: what `lost` makes, for the process is gone.
        """
        with self._lock:
            self._flush()
        try:
            self._in.settimeout(seconds)
            data = self._in.recv(RECEIVE_BYTES)
        except (TimeoutError, BlockingIOError):
            return b""
        except OSError as error:
            raise self._lost_by(f"is gone ({error})") from error
        if not data:
            raise self._lost_by("is gone")
        return data

    def finish(self) -> None:
        """Let the process read the end, and wait until it has ended by itself; where it does not, kill it."""
        self._hang_up()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(END_SECONDS)
        self.kill()

    def dismiss(self) -> None:
        """Begin to end the process, without waiting for it; whoever receives from it learns at once that it is lost."""
        self._hang_up()
        self._process.kill()

    def kill(self) -> None:
        """End the process at once; whoever receives from it learns that it is lost. Safe to call twice."""
        self._process.kill()
        self._process.wait()

    def release(self) -> None:
        """Close the wire of a killed process, after the last `receive`. Safe to call twice."""
        self._in.close()
        self._out.close()
        self._errors.close()

    def last_words(self) -> str:
        """What a process that is ending wrote last to its error stream, or its exit code."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(END_SECONDS)
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").split("\n")
        said = [line.strip() for line in lines if line.strip()]
        return said[-1] if said else f"exit code {self._process.returncode}"

    def _hang_up(self) -> None:
        with contextlib.suppress(OSError):
            self._out.shutdown(socket.SHUT_RDWR)

    def _flush(self) -> None:
        """Send as much as the wire takes; a process once lost stays lost, for a message may be cut in the middle."""
        try:
            while self._unsent and self._lost is None:
                del self._unsent[: self._out.send(self._unsent)]
        except BlockingIOError:
            if len(self._unsent) > MOST_UNSENT_BYTES:
                self._lost = self._lost_by("has stopped reading")
        except OSError as error:
            self._lost = self._lost_by(f"is gone ({error})")
        if self._lost is not None:
            self._unsent.clear()
            raise self._lost


def inherited_wire(number: str) -> socket.socket:
    """In the process: its end of the wire; `number` is the last argument it was given."""
    if sys.platform == "win32":
        return socket.fromshare(sys.stdin.buffer.read())
    return socket.socket(fileno=int(number))


def _wire_pair() -> tuple[socket.socket, socket.socket]:
    pair = socket.socketpair()
    for end in pair:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
        if end.family == socket.AF_INET:
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return pair


def _spawn(
    command: list[str], wire: socket.socket, errors: int, environment: Mapping[str, str], apart: bool
) -> subprocess.Popen[bytes]:
    if sys.platform == "win32":
        flags = subprocess.ABOVE_NORMAL_PRIORITY_CLASS | subprocess.CREATE_NO_WINDOW
        process = subprocess.Popen(
            [sys.executable, "-c", *command, "0"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            env=dict(environment),
            creationflags=flags | (subprocess.CREATE_NEW_PROCESS_GROUP if apart else 0),
        )
        assert process.stdin is not None
        with process.stdin as hand:
            hand.write(wire.share(process.pid))
        return process
    number = wire.fileno()
    return subprocess.Popen(
        [sys.executable, "-c", *command, str(number)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=errors,
        env=dict(environment),
        pass_fds=(number,),
        start_new_session=apart,
    )
