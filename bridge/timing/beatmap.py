"""Monotonic seconds to beats and back, by anchors. Only what leaves or wakes is ever turned into seconds."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable

from gapt_core.song import Tempo


class BeatMap:
    """A piecewise linear map; from each anchor (seconds, beats) on the tempo is so many quarter notes a minute.

    Before the first anchor its tempo reaches back. A tempo change adds an anchor and moves no other, so
    that beats already passed keep their seconds and queues in beats stay as they are.
    """

    def __init__(self, bpm: float, seconds: float = 0.0, beats: float = 0.0) -> None:
        """One anchor.

        Raises:
            ValueError: `bpm` is not a positive number.
        """
        self._seconds = [seconds]
        self._beats = [beats]
        self._bpms = [_checked(bpm)]

    @classmethod
    def of_tempos(cls, tempos: Iterable[Tempo]) -> BeatMap:
        """The map of a song that starts at second 0; `tempos` are ordered and not empty."""
        first, *later = tempos
        beat_map = cls(first.bpm)
        for tempo in later:
            beat_map.change_tempo(beat_map.seconds_at(tempo.onset_beats), tempo.bpm)
        return beat_map

    @property
    def bpm(self) -> float:
        """The newest tempo."""
        return self._bpms[-1]

    def change_tempo(self, seconds: float, bpm: float) -> None:
        """From `seconds` on the tempo is `bpm`; a moment before the newest anchor counts as that anchor's.

        Raises:
            ValueError: `bpm` is not a positive number.
        """
        bpm = _checked(bpm)
        seconds = max(seconds, self._seconds[-1])
        self._beats.append(self.beats_at(seconds))
        self._seconds.append(seconds)
        self._bpms.append(bpm)

    def anchor(self, seconds: float, beats: float, bpm: float) -> None:
        """At `seconds` the music stands at `beats` and goes on at `bpm`: a small correction may set it back a hair.

        Raises:
            ValueError: `bpm` is not a positive number.
        """
        bpm = _checked(bpm)
        at = max(seconds, self._seconds[-1])
        self._seconds.append(at)
        self._beats.append(beats + (at - seconds) * bpm / 60.0)
        self._bpms.append(bpm)

    def forget_before(self, seconds: float) -> None:
        """Drop the anchors that matter only before `seconds`, so that a session has no end."""
        passed = self._at(seconds)
        del self._seconds[:passed], self._beats[:passed], self._bpms[:passed]

    def beats_at(self, seconds: float) -> float:
        """Beats at `seconds`."""
        i = self._at(seconds)
        return self._beats[i] + (seconds - self._seconds[i]) * self._bpms[i] / 60.0

    def seconds_at(self, beats: float) -> float:
        """Seconds at `beats`; where a correction has set the music back over them, the later time."""
        # From the newest anchor back: it is nearly always the one, and corrections leave the beats out of order.
        i = len(self._beats) - 1
        while i > 0 and self._beats[i] > beats:
            i -= 1
        return self._seconds[i] + (beats - self._beats[i]) * 60.0 / self._bpms[i]

    def _at(self, seconds: float) -> int:
        return max(0, bisect_right(self._seconds, seconds) - 1)


def _checked(bpm: float) -> float:
    if not (math.isfinite(bpm) and bpm > 0):
        raise ValueError(f"a tempo is a positive number of beats a minute, not {bpm}")
    return bpm
