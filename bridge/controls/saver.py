"""Saves without holding up who plays: a disk may take longer than a note."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable

from bridge.errors import BridgeError

END_SECONDS = 5.0

logger = logging.getLogger(__name__)


class Saver:
    """Does what it is given, in order, on a thread of its own, which starts with the first."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def put(self, job: Callable[[], None]) -> None:
        """Have `job` done; returns at once. What goes wrong is logged. From one thread."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="saver", daemon=True)
            self._thread.start()
        self._jobs.put(job)

    def close(self) -> None:
        """Return once all is done. Safe to call twice."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._jobs.put(None)
            thread.join(END_SECONDS)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                job()
            except BridgeError as error:
                logger.warning("%s", error)
