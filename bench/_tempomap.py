"""A tempo map in bars of 4/4, as `klick` reads it, and where each beat lies in JACK's transport."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

BEATS_PER_BAR = 4


@dataclass(frozen=True)
class Section:
    """So many bars at `bpm` quarter notes a minute."""

    bars: int
    bpm: float


class TempoMap:
    """Frames of the transport to beats and back, by sections that follow each other; the last one never ends."""

    def __init__(self, sections: Sequence[Section], rate: int) -> None:
        """`rate` is in frames a second."""
        self.sections = tuple(sections)
        self.rate = rate
        self._beats, self._frames = [0.0], [0.0]
        for section in self.sections[:-1]:
            beats = float(BEATS_PER_BAR * section.bars)
            self._beats.append(self._beats[-1] + beats)
            self._frames.append(self._frames[-1] + beats * 60.0 * rate / section.bpm)

    def beats(self, frame: float) -> float:
        """Beats at a frame of the transport."""
        i = max(0, bisect_right(self._frames, frame) - 1)
        return self._beats[i] + (frame - self._frames[i]) * self.sections[i].bpm / (60.0 * self.rate)

    def frame(self, beats: float) -> float:
        """The transport's frame at `beats`."""
        i = max(0, bisect_right(self._beats, beats) - 1)
        return self._frames[i] + (beats - self._beats[i]) * 60.0 * self.rate / self.sections[i].bpm

    def bpm(self, beats: float) -> float:
        """The tempo at `beats`."""
        return self.sections[max(0, bisect_right(self._beats, beats) - 1)].bpm

    @property
    def changes(self) -> list[float]:
        """Beats at which the tempo changes."""
        return self._beats[1:]

    def klick(self) -> str:
        """The map as `klick -f` reads it."""
        return "".join(f"{section.bars} {BEATS_PER_BAR}/4 {section.bpm:g}\n" for section in self.sections)

    @classmethod
    def parse(cls, text: str, rate: int) -> TempoMap:
        """The map of what `klick` wrote out."""
        lines = [line.split() for line in text.splitlines()]
        return cls([Section(int(bars), float(bpm)) for bars, _, bpm in lines], rate)
