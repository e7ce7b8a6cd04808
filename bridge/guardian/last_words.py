"""Keeps the guardian told what to send by UDP should we die."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence

from bridge.errors import BridgeError
from bridge.events import ChordStarts, EndNote, OutMessage, PlayNote, Silence
from bridge.guardian.guardian import Guardian
from bridge.guardian.protocol import Words

SETTLE_SECONDS = 0.005
"""How long to wait for the other notes of a chord; so much of it may be left sounding by OSC if we die just then."""
END_SECONDS = 1.0

_CHANGING = (ChordStarts, EndNote, PlayNote, Silence)

logger = logging.getLogger(__name__)


class LastWords:
    """A port that sends nothing itself: it stands after the one that `words` asks for what would end all of it.

    A thread of its own tells the guardian, for the sender's has better things to do between two notes of a chord.
    """

    def __init__(self, guardian: Guardian, words: Callable[[], Sequence[Words]]) -> None:
        """`words` is called from the thread."""
        self._guardian = guardian
        self._words = words
        self._changed = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._tell, name="last words", daemon=True)
        self._thread.start()

    def send(self, message: OutMessage) -> None:
        """Have the guardian told anew where `message` changes what sounds."""
        if isinstance(message, _CHANGING):
            self._changed.set()

    def tend(self) -> None:
        """See to it that there is a guardian, for without MIDI nobody else does; from the thread that opened it."""
        self._guardian.tend()
        try:
            self._guardian.start()
        except BridgeError as error:
            logger.warning("%s", error)
        self._changed.set()

    def close(self) -> None:
        """Nothing is left to end. Safe to call twice."""
        self._closing = True
        self._changed.set()
        self._thread.join(END_SECONDS)
        self._guardian.last_words(())

    def _tell(self) -> None:
        while self._changed.wait() and not self._closing:
            time.sleep(SETTLE_SECONDS)
            self._changed.clear()
            self._guardian.last_words(self._words())
