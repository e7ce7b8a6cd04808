"""The heart of the live session: events in, timed messages out.

An `Engine` owns no thread, opens no port and reads no clock: it knows the time only from what it is told.
Whoever drives it (`bridge.sender` live, `bridge.offline` for files) does three things from one thread:

1. `handle(event)` for every event, in the order in which they came;
2. `advance(now)` when `now` reaches `wake_seconds()`, and after events; send what it returns, at once;
3. turn each answer of the accompanist, which may come on any thread, into a `PlanArrived` event.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from bridge.events import InEvent, OutMessage
from bridge.metre import BarGrid
from bridge.seams import Voicer
from plugin_host.accompanist import Accompanist, Plan, Sampling

Mode = Literal["anticipate", "react"]


@dataclass(frozen=True, slots=True)
class Settings:
    """How the engine plays.

    Attributes:
        mode: `anticipate` answers before a frame begins, `react` after `window_seconds` of listening to it.
        window_seconds: how long `react` waits after the grid line, at most half a frame.
        commit: how many frames of each plan are final.
        lookahead: how many frames each plan covers; those past `commit` are shown, not played.
        listen_beats: how long to listen from each start before the first chord.
        velocity: of the chords' notes.
        channel: of the chords' notes, 0 to 15.
        bpm: tempo before the first `TempoChange`.
        sampling: how chords are drawn.
    """

    mode: Mode = "react"
    window_seconds: float = 0.010
    commit: int = 1
    lookahead: int = 1
    listen_beats: float = 0.0
    velocity: int = 64
    channel: int = 0
    bpm: float = 120.0
    sampling: Sampling = field(default_factory=Sampling)


@dataclass
class Counters:
    """What happened so far, for the status line and for tests."""

    frames: int = 0
    """Melody frames closed."""
    asked: int = 0
    """Plans asked for."""
    answered: int = 0
    """Plans taken."""
    stale: int = 0
    """Plans dropped: of an earlier session, or for frames already answered."""
    chords: int = 0
    """Chords started."""
    late: int = 0
    """Chords started more than a frame after their grid line."""
    skipped: int = 0
    """Chords never started, because a later one was in force when the answer came."""
    held: int = 0
    """Frames that passed without a plan: what sounded went on."""
    silenced: int = 0
    """Times that two bars passed without a plan and the chord was ended."""
    late_notes: int = 0
    """Melody notes that came after their frame was closed and count for the next one."""


class Engine:
    """See the module's docstring for who calls what."""

    def __init__(
        self,
        accompanist: Accompanist,
        voicer: Voicer,
        settings: Settings,
        deliver: Callable[[Plan, int], None],
        bars: BarGrid | None = None,
    ) -> None:
        """Stand still.

        Args:
            deliver: called with each plan and the session it answers, from whatever thread the accompanist
                answers on; it has to come back as `PlanArrived` through `handle`, not call the engine itself.
            bars: where the bar lines are; 4/4 from beat 0 without.
        """
        self.counters = Counters()

    @property
    def rolling(self) -> bool:
        """Whether the transport rolls."""
        raise NotImplementedError

    @property
    def waiting(self) -> bool:
        """Whether a plan has been asked for that has not come yet."""
        raise NotImplementedError

    def handle(self, event: InEvent) -> None:
        """Take an event in. What it lets out is returned by the next `advance`."""
        raise NotImplementedError

    def advance(self, seconds: float) -> list[OutMessage]:
        """Let time go on to `seconds`; the messages now due, in the order in which to send them."""
        raise NotImplementedError

    def wake_seconds(self) -> float | None:
        """When `advance` has something to do next unless an event comes first; None while nothing is to come."""
        raise NotImplementedError

    def beats_at(self, seconds: float) -> float:
        """Beats at `seconds`."""
        raise NotImplementedError

    def seconds_at(self, beats: float) -> float:
        """Seconds at `beats`, at the tempo known so far: for the lateness of a message."""
        raise NotImplementedError
