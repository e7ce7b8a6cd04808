"""Where the bar lines are: the metre columns of every frame, the same live as from a file."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from gapt_core.frames import frame_of, metre_frames
from gapt_core.song import Metre, Song
from gapt_core.vocabulary import FRAMES_PER_BEAT

Place = tuple[int, int, int]
"""Place in the bar, length of the full bar, length of a beat; in frames."""


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Bars of one metre in a row: frame `start` is `offset` frames into bar number `bar`."""

    start: int
    offset: int
    full: int
    beat: int
    bar: int = 0
    signature: tuple[int, int] = (4, 4)

    def place(self, frame: int) -> Place:
        return (frame - self.start + self.offset) % self.full, self.full, self.beat


class BarGrid:
    """Bars over frames. Frame 0 is a bar line, but for the pickup of a song; frames below 0 count back from it."""

    def __init__(self, numerator: int = 4, denominator: int = 4) -> None:
        self._stretches = [_stretch(0, numerator, denominator)]

    @classmethod
    def of_song(cls, song: Song) -> BarGrid:
        """The bars of a song; past its end the last metre goes on."""
        stretches: list[_Stretch] = []
        for frame, row in enumerate(metre_frames(song, max(1, frame_of(song.end_beats))).tolist()):
            if not stretches or stretches[-1].place(frame) != tuple(row):
                place, full, beat = row
                metre = song.metre_at(frame / FRAMES_PER_BEAT)
                signature = (metre.numerator, metre.denominator)
                stretches.append(_Stretch(frame, place, full, beat, _next_bar(stretches, frame), signature))
        grid = cls()
        grid._stretches = stretches
        return grid

    def place(self, frame: int) -> Place:
        """Place in the bar, full bar and beat of `frame`, in frames."""
        return self._stretches[self._index(frame)].place(frame)

    def bar(self, frame: int) -> tuple[int, int]:
        """Number of the bar that `frame` is in, from 0, and its place in it in frames."""
        stretch = self._stretches[self._index(frame)]
        return stretch.bar + (frame - stretch.start + stretch.offset) // stretch.full, stretch.place(frame)[0]

    def signature(self, frame: int) -> tuple[int, int]:
        """Numerator and denominator of the metre at `frame`."""
        return self._stretches[self._index(frame)].signature

    def line_from(self, frame: int) -> int:
        """The first bar line at or after `frame`."""
        place, full, _ = self.place(frame)
        line = frame + -place % full
        later = [s.start for s in self._stretches[self._index(frame) + 1 :] if s.offset == 0]
        return min([line, *later])

    def change(self, frame: int, numerator: int, denominator: int) -> None:
        """From the first bar line at or after `frame` on, bars are `numerator`/`denominator`."""
        start = self.line_from(frame)
        bar, _ = self.bar(start)
        self._stretches = [stretch for stretch in self._stretches if stretch.start < start]
        self._stretches.append(_stretch(start, numerator, denominator, bar))

    def begin(self, frame: int, numerator: int, denominator: int) -> None:
        """At `frame` there is a bar line, whatever was there, and bars are `numerator`/`denominator` from it on."""
        bar, place = self.bar(frame)
        self._stretches = [stretch for stretch in self._stretches if stretch.start < frame]
        self._stretches.append(_stretch(frame, numerator, denominator, bar + (place > 0)))

    def restart(self, numerator: int, denominator: int) -> None:
        """From frame 0 on, bars are `numerator`/`denominator`."""
        self._stretches = [_stretch(0, numerator, denominator)]

    def _index(self, frame: int) -> int:
        return max(0, bisect_right(self._stretches, frame, key=lambda stretch: stretch.start) - 1)


def _stretch(start: int, numerator: int, denominator: int, bar: int = 0) -> _Stretch:
    metre = Metre(0.0, numerator, denominator)
    full, beat = max(1, frame_of(metre.bar_beats)), max(1, frame_of(metre.beat_beats))
    return _Stretch(start, 0, full, beat, bar, (numerator, denominator))


def _next_bar(stretches: list[_Stretch], frame: int) -> int:
    """The number of the bar that begins at `frame`, after `stretches`, the last of which may be cut short there."""
    if not stretches:
        return 0
    last = stretches[-1]
    return last.bar + -(-(frame - last.start + last.offset) // last.full)
