"""What the engine has been told of the transport, and the orders that bring it nearer to what a source says.

Beats never run back by more than a hair without a `Start`: where the music is ahead it slows down until it is right.
"""

from __future__ import annotations

from bridge.events import InEvent, MetreChange, Position, Start, Stop, TempoChange
from gapt_core.vocabulary import FRAMES_PER_BEAT

HAIR_SECONDS = 0.005
"""So far the music may be set back at once; nobody hears it."""

CATCH_BEATS = 0.5
"""Over so many beats the music waits for a source that it is ahead of."""

SLOWEST_SHARE = 0.5
"""Of the source's tempo, while waiting."""

NEWS_SECONDS, NEWS_SHARE = 0.0002, 0.0005
"""Corrections of place and tempo below both are not worth an anchor."""

LATE_START_BEATS = 0.06
"""A start told so little after a grid line is meant for that line."""

ROUNDING = 1e-6


class Orders:
    """The engine's transport as told. Methods give the orders to send, which may be none."""

    def __init__(self, bpm: float, metre: tuple[int, int]) -> None:
        self.bpm = bpm
        self.metre = metre
        self.rolling = False
        self.waiting = False
        self._anchor = (0.0, 0.0)
        self._bar_line = 0.0

    @property
    def bar_beats(self) -> float:
        """How long a bar is, in quarter notes."""
        return 4.0 * self.metre[0] / self.metre[1]

    def beats_at(self, seconds: float) -> float:
        """Beats at `seconds`."""
        since, beats = self._anchor
        return beats + (seconds - since) * self.bpm / 60.0

    def overhear(self, event: InEvent) -> None:
        """Take in an order that somebody else gave, as those that play a score do."""
        if isinstance(event, Start):
            self.rolling, self._anchor = True, (event.seconds, event.beats)
        elif isinstance(event, Stop):
            self.rolling = False
        elif isinstance(event, TempoChange):
            self._retime(event.seconds, event.bpm)
        elif isinstance(event, Position):
            self._anchor, self.bpm = (event.seconds, event.beats), event.bpm
        elif isinstance(event, MetreChange):
            self.metre = (event.numerator, event.denominator)

    def start(self, seconds: float, beats: float, bpm: float) -> list[InEvent]:
        """Roll from `beats`; a little after a grid line, from that line a little earlier."""
        excess = beats % (1.0 / FRAMES_PER_BEAT)
        if excess < LATE_START_BEATS:
            seconds, beats = seconds - excess * 60.0 / bpm, beats - excess
        orders = self.tempo(seconds, bpm)
        self.rolling, self.waiting, self._anchor = True, False, (seconds, beats)
        return [*orders, Start(seconds, beats)]

    def stop(self, seconds: float) -> list[InEvent]:
        """Stand still."""
        if not self.rolling:
            return []
        self._anchor = (seconds, self.beats_at(seconds))
        self.rolling = self.waiting = False
        return [Stop(seconds)]

    def tempo(self, seconds: float, bpm: float) -> list[InEvent]:
        """Go on, or stand, at `bpm`."""
        if abs(bpm - self.bpm) <= NEWS_SHARE * bpm:
            return []
        self._retime(seconds, bpm)
        return [TempoChange(seconds, bpm)]

    def correct(self, seconds: float, beats: float, bpm: float) -> list[InEvent]:
        """Roll on at `beats` and `bpm`, or wait for that place where we are ahead of it."""
        ahead = self.beats_at(seconds) - beats
        if ahead * 60.0 / bpm > HAIR_SECONDS:
            self.waiting = True
            beats += ahead
            bpm *= max(SLOWEST_SHARE, 1.0 - ahead / CATCH_BEATS)
        elif abs(ahead) * 60.0 / bpm < NEWS_SECONDS and abs(bpm - self.bpm) < NEWS_SHARE * bpm:
            return []
        else:
            self.waiting = False
        self._anchor, self.bpm = (seconds, beats), bpm
        return [Position(seconds, beats, bpm)]

    def change_metre(self, seconds: float, metre: tuple[int, int], bar_line: float | None = None) -> list[InEvent]:
        """Bars are `metre`, from the next bar line on or counted from `bar_line`, unless they are so already."""
        place = None if bar_line is None else (bar_line - self._bar_line) % self.bar_beats
        aligned = place is None or min(place, self.bar_beats - place) < ROUNDING
        if metre == self.metre and aligned:
            return []
        if bar_line is None and self.rolling:
            here = self.beats_at(seconds) - self._bar_line
            self._bar_line += -(-here // self.bar_beats) * self.bar_beats
        else:
            self._bar_line = bar_line or 0.0
        self.metre = metre
        return [MetreChange(seconds, *metre, beats=bar_line)]

    def bar_line_near(self, beats: float) -> float:
        """The bar line that lies at `beats` or was just passed; the beat, where none is near."""
        line = self._bar_line + (beats - self._bar_line) // self.bar_beats * self.bar_beats
        return line if beats - line < 0.5 else float(int(beats))

    def _retime(self, seconds: float, bpm: float) -> None:
        self._anchor, self.bpm = (seconds, self.beats_at(seconds)), bpm
