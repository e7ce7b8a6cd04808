"""Lines for people, written by a thread of their own so that no terminal ever holds up a chord."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable

PATIENCE_SECONDS = 1.0

logger = logging.getLogger(__name__)


class Console:
    """Shows lines in order. `show` returns at once."""

    def __init__(self, write: Callable[[str], None]) -> None:
        """Start the thread; `write` puts out one line and may block."""
        self._lines: queue.SimpleQueue[Callable[[], str] | None] = queue.SimpleQueue()
        self._write = write
        self._thread = threading.Thread(target=self._run, name="console", daemon=True)
        self._thread.start()

    def show(self, line: Callable[[], str]) -> None:
        """Queue a line, which is made on the console's thread."""
        self._lines.put(line)

    def close(self) -> None:
        """Wait for what is queued, but not for a terminal that stands still. Safe to call twice."""
        self._lines.put(None)
        self._thread.join(PATIENCE_SECONDS)

    def _run(self) -> None:
        while (line := self._lines.get()) is not None:
            try:
                self._write(line())
            except OSError as error:
                # The terminal is gone, or what read our output has enough of it; the music goes on.
                logger.debug("nobody reads: %s", error)
                return
