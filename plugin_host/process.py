"""One worker process and the wire to it: starting, sending without ever waiting, receiving, ending."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
import threading
import time

from plugin_host.errors import HostError, WorkerLost
from plugin_host.protocol import Decoder, Failed, Message, Ready, encode
from plugin_host.spawn import spawn, wire_pair

RECEIVE_BYTES = 1 << 16
MOST_UNSENT_BYTES = 1 << 20
"""A worker that has left so much unread will not come back."""
END_SECONDS = 2.0


class WorkerProcess:
    """A process of `plugin_host.worker`, starting up from the moment it is made.

    `send` may be called from any thread, `receive` from one at a time.

    Raises:
        HostError: the system gives no process.
    """

    def __init__(self, preset: str, style: str) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 — closed by `release`
        ours, theirs = wire_pair()
        with theirs:
            # One thread is all the worker uses; pools of more would only cost time and memory to set up.
            environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
            try:
                self._process = spawn("plugin_host.worker", (preset, style), theirs, self._errors.fileno(), environment)
            except OSError as error:
                ours.close()
                self._errors.close()
                raise HostError(f"The policy's process cannot start ({error}); close other programs.") from error
        # Two handles of one end: a time limit belongs to the handle, and only reading may wait.
        self._in, self._out = ours, ours.dup()
        self._out.settimeout(0.0)
        self._decoder = Decoder()
        self._lock = threading.Lock()
        self._unsent = bytearray()
        self._lost: WorkerLost | None = None
        self.heard_seconds = time.monotonic()
        """When the worker was last heard, by the monotonic clock."""

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def send(self, message: Message) -> None:
        """Pass a message on without waiting.

        Raises:
            WorkerLost: the worker is gone or has stopped reading.
        """
        encoded = encode(message)
        with self._lock:
            if self._lost is None:
                self._unsent += encoded
            self._flush()

    def receive(self, seconds: float) -> list[Message]:
        """Messages that came within `seconds`, perhaps none.

        Raises:
            WorkerLost: the worker is gone.
        """
        with self._lock:
            self._flush()
        try:
            self._in.settimeout(seconds)
            data = self._in.recv(RECEIVE_BYTES)
        except TimeoutError:
            return []
        except OSError as error:
            raise WorkerLost(f"The policy's process is gone ({error}).") from error
        if not data:
            raise WorkerLost("The policy's process is gone.")
        self.heard_seconds = time.monotonic()
        return self._decoder.take(data)

    def wait_ready(self, seconds: float) -> Ready:
        """Return once the worker can play.

        Raises:
            HostError: it cannot, or not within `seconds`.
        """
        deadline = time.monotonic() + seconds
        try:
            while (left := deadline - time.monotonic()) > 0:
                for message in self.receive(left):
                    if isinstance(message, Ready):
                        return message
                    if isinstance(message, Failed):
                        raise HostError(message.sentence)
        except WorkerLost:
            raise HostError(
                f"The policy's process ended while starting ({self._last_words()}): install gapt-bridge again."
            ) from None
        raise HostError(f"The policy was not ready within {seconds:.0f} seconds: close other programs and try again.")

    def kill(self) -> None:
        """End the process at once; whoever receives from it learns that it is lost. Safe to call twice."""
        self._process.kill()
        self._process.wait()

    def release(self) -> None:
        """Close the wire of a killed process, after the last `receive`. Safe to call twice."""
        self._in.close()
        self._out.close()
        self._errors.close()

    def _flush(self) -> None:
        """Send as much as the wire takes; a worker once lost stays lost, for a message may be cut in the middle."""
        try:
            while self._unsent and self._lost is None:
                del self._unsent[: self._out.send(self._unsent)]
        except BlockingIOError:
            if len(self._unsent) > MOST_UNSENT_BYTES:
                self._lost = WorkerLost("The policy's process has stopped reading.")
        except OSError as error:
            self._lost = WorkerLost(f"The policy's process is gone ({error}).")
        if self._lost is not None:
            self._unsent.clear()
            raise self._lost

    def _last_words(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(END_SECONDS)
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").split("\n")
        said = [line.strip() for line in lines if line.strip()]
        return said[-1] if said else f"exit code {self._process.returncode}"
