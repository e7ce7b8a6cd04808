"""One worker process: starting it, messages to it without ever waiting, messages from it, its end."""

from __future__ import annotations

import os
import time

from plugin_host.errors import HostError, WorkerLost
from plugin_host.protocol import Decoder, Failed, Message, Ready, encode
from plugin_host.spawn import Child

MODULE = "plugin_host.worker"


class WorkerProcess:
    """A process of `plugin_host.worker`, starting up from the moment it is made.

    `send` may be called from any thread, `receive` from one at a time.

    Raises:
        HostError: the system gives no process.
    """

    def __init__(self, preset: str, style: str) -> None:
        # One thread is all the worker uses; pools of more would only cost time and memory to set up.
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        try:
            self._child = Child(MODULE, (preset, style), _lost, environment)
        except OSError as error:
            raise HostError(f"The policy's process cannot start ({error}); close other programs.") from error
        self._decoder = Decoder()
        self.heard_seconds = time.monotonic()
        """When the worker was last heard, by the monotonic clock."""

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._child.pid

    def send(self, message: Message) -> None:
        """Pass a message on without waiting.

        Raises:
            WorkerLost: the worker is gone or has stopped reading.
        """
        self._child.send(encode(message))

    def receive(self, seconds: float) -> list[Message]:
        """Messages that came within `seconds`, perhaps none.

        Raises:
            WorkerLost: the worker is gone.
        """
        data = self._child.receive(seconds)
        if data:
            self.heard_seconds = time.monotonic()
        return self._decoder.take(data)

    def wait_ready(self, seconds: float) -> Ready:
        """Return once the worker can play, or once it knows what it was told by `Recall`.

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
            said = self._child.last_words()
            raise HostError(f"The policy's process ended while starting ({said}): install gapt-bridge again.") from None
        raise HostError(f"The policy was not ready within {seconds:.0f} seconds: close other programs and try again.")

    def dismiss(self) -> None:
        """Begin to end the process, without waiting for it; whoever receives from it learns at once that it is lost."""
        self._child.dismiss()

    def kill(self) -> None:
        """End the process at once; whoever receives from it learns that it is lost. Safe to call twice."""
        self._child.kill()

    def release(self) -> None:
        """Close the wire of a killed process, after the last `receive`. Safe to call twice."""
        self._child.release()


def _lost(what: str) -> WorkerLost:
    return WorkerLost(f"The policy's process {what}.")
