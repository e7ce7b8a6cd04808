"""Ableton Link, by aalink: an extra, because its licence is the GPL (docs/dependencies.md).

Joining never changes the session's tempo: the newcomer waits half a second between making its peer and switching it
on, as long as aalink needs to hear the others (its issue 7), and never sets a tempo. Nothing is reported while there
are no peers: alone there is nobody to follow.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from bridge.errors import BridgeError
from bridge.events import HostReport
from bridge.seams import Clock, Inbox

POLL_SECONDS = 0.02
JOIN_SECONDS = 0.5

TIGHT_SECONDS = 0.0002
"""A beat whose reading took longer was interrupted, and is read again."""

TRIES = 5

logger = logging.getLogger(__name__)


class LinkPort:
    """An `InPort` that reports the session's beat some fifty times a second, from a thread with a loop of its own."""

    name = "link"

    def __init__(
        self,
        clock: Clock,
        quantum: Callable[[], float] = lambda: 4.0,
        start_stop: bool = False,
        own_bpm: float = 120.0,
    ) -> None:
        """Not in the session yet.

        Args:
            quantum: the bar's length in quarter notes; peers share their place in it, and not which bar it is.
            start_stop: whether to start and stop with the others, where they share it.
            own_bpm: the tempo of a session that nobody else has begun.
        """
        self._clock = clock
        self._quantum = quantum
        self._start_stop = start_stop
        self._own_bpm = own_bpm
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, inbox: Inbox) -> None:
        """Join the session and begin to report.

        Raises:
            BridgeError: aalink is not installed.
        """
        try:
            import aalink
        except ImportError:
            raise BridgeError(
                "Ableton Link needs aalink, whose licence is the GPL: install it with "
                "`pip install 'gapt-bridge[link]'`, or follow another source with --sync."
            ) from None
        run = self._run(aalink, inbox)
        self._thread = threading.Thread(target=asyncio.run, args=(run,), name="link", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Leave the session. Safe to call twice."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join()

    async def _run(self, aalink: Any, inbox: Inbox) -> None:
        link = aalink.Link(self._own_bpm)
        link.quantum = self._quantum()
        link.start_stop_sync_enabled = self._start_stop
        await self._rest(JOIN_SECONDS)
        link.enabled = not self._closing.is_set()
        while not self._closing.is_set():
            link.quantum = self._quantum()
            if link.num_peers:
                inbox(self._report(link))
            await asyncio.sleep(POLL_SECONDS)
        link.enabled = False

    async def _rest(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._closing.is_set() and time.monotonic() < until:
            await asyncio.sleep(POLL_SECONDS)

    def _report(self, link: Any) -> HostReport:
        for _ in range(TRIES):
            before = self._clock.now()
            beats = link.beat
            after = self._clock.now()
            if after - before < TIGHT_SECONDS:
                break
        playing = bool(link.playing) if self._start_stop else None
        seconds = 0.5 * (before + after)
        return HostReport(seconds, "link", beats=beats, bpm=link.tempo, playing=playing, exact=True)
