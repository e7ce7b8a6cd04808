"""Another program with MIDI ports, which can be killed: `player melody` to hear from and `player chords` to play to.

Each line on its input is a message to send, in hexadecimal; each message that it hears becomes such a line.
"""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from bridge.ports.midi_drivers import load_driver

ENDED = "(ended)"
"""What is heard once there is nothing more to hear."""

MELODY, CHORDS = "player melody", "player chords"
ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 60.0
CLOSE_SECONDS = 10.0


class Talker:
    """A script of this folder in a process of its own, with which one talks in lines."""

    def __init__(self, script: str, *arguments: str, before: Callable[[], None] | None = None) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).parent / script), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(Path(__file__).parent), *sys.path])},
            preexec_fn=before,
            start_new_session=True,
        )
        self.lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        first = self.hear()
        if first != "ready":
            self.kill()
            raise AssertionError(f"{script} does not start: {first}")

    def say(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def hear(self) -> str:
        """The next line."""
        return self.lines.get(timeout=PATIENCE_SECONDS)

    def hear_until(self, end: str) -> list[str]:
        """Lines up to and with the one that begins with `end`."""
        heard = [self.hear()]
        while not heard[-1].startswith(end):
            assert heard[-1] != ENDED, heard
            heard.append(self.hear())
        return heard

    def kill(self) -> None:
        """End it without a chance to say goodbye. Safe to call twice."""
        self.process.kill()
        self._release()

    def close(self) -> None:
        """Let it end by itself, which the end of its input asks for; kill it where it does not. Safe to call twice."""
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(CLOSE_SECONDS)
        self.kill()

    def _release(self) -> None:
        self.process.wait(PATIENCE_SECONDS)
        self._reader.join(PATIENCE_SECONDS)
        for end in (self.process.stdin, self.process.stdout):
            assert end is not None
            end.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))
        self.lines.put(ENDED)


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    driver = load_driver()
    melody = driver.open_output(MELODY, True)
    chords = driver.open_input(CHORDS, True, lambda data: say(bytes(data).hex()))
    say("ready")
    for line in sys.stdin:
        melody.send(list(bytes.fromhex(line)))
    for port in (melody, chords):
        port.close()


if __name__ == "__main__":
    main()
