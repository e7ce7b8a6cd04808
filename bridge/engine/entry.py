"""When the first chord comes in."""

from __future__ import annotations

import math

REJOIN_SECONDS = 1.0
"""A host that loops may say so by stop and continue; who plays on so soon has not stopped."""


class Entry:
    """A part of the engine: what has to be waited for between a start and the first chord."""

    def __init__(self) -> None:
        self.joined = False
        self._from = 0
        self._stopped = -math.inf

    def start(self, frame: int, listen: int, seconds: float, anew: bool) -> None:
        """The transport starts at `frame`, a piece `anew` or where it was; `listen` frames are to be heard first."""
        if anew or seconds - self._stopped > REJOIN_SECONDS:
            self.joined = False
            self._from = frame + listen

    def stop(self, seconds: float) -> None:
        """The transport stops."""
        self._stopped = seconds

    def listening(self, frame: int, ready: bool) -> int:
        """For how many frames from `frame` on no chord may be played, as far as can be said; 0 where one may.

        `ready`: a chord may come in at `frame`, by what was heard and where it is.
        """
        if self.joined:
            return 0
        if frame < self._from:
            return self._from - frame
        self.joined = ready
        return 0 if ready else 1
