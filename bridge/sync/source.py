"""What every source of tempo looks like to the conductor: a picture of its transport, renewed by each fact."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, Union

from bridge.events import Clock, HostReport

State = Literal["waiting", "locking", "locked", "free", "lost"]

Fact = Union[Clock, HostReport]

RANKS = ("link", "osc", "midi", "ableton", "reaper", "bitwig", "ardour", "internal")
"""All sources, the most exact first: positions with their own time, then ticks, then positions that come late."""


@dataclass(frozen=True, slots=True)
class View:
    """A source's transport: at `seconds` it stands at `beats` and goes on at `bpm` from there.

    Attributes:
        state: `locking` while the tempo is being found, `locked`, or `lost` where it rolls and nothing comes any more.
        bpm: None while unknown.
        rolling: None where the source has a tempo and no transport that we may follow: Link, a clock never started.
        stretch: counts starts and jumps; while it stays, `beats` run on.
        metre: (numerator, denominator), where the source tells.
        bar_line: where one bar line is, in beats, where the source tells.
        name: what to call it before people.
    """

    state: State
    seconds: float
    beats: float
    bpm: float | None
    rolling: bool | None
    stretch: int
    name: str
    metre: tuple[int, int] | None = None
    bar_line: float | None = None

    def beats_at(self, seconds: float, bpm: float) -> float:
        """Beats at `seconds`, at `bpm` where it tells no tempo; where it stands it stays."""
        if self.rolling is False:
            return self.beats
        return self.beats + (seconds - self.seconds) * (self.bpm or bpm) / 60.0

    def seconds_at(self, beats: float, bpm: float) -> float:
        """Seconds at `beats`."""
        return self.seconds + (beats - self.beats) * 60.0 / (self.bpm or bpm)


class Source(Protocol):
    """Follows one source. Sans-IO: it knows the time only from what it is told."""

    def take(self, fact: Fact) -> None:
        """Something of this source came."""

    def gone(self, seconds: float) -> None:
        """Its port was lost."""

    def view(self, seconds: float) -> View | None:
        """Its transport as known at `seconds`; None while there is nothing to follow."""

    def wake_seconds(self) -> float | None:
        """When its view changes unless a fact comes first; None for never."""
