"""How the engine plays, and what it counts while it does."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from plugin_host.accompanist import Sampling

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
    """What happened so far, for the status line and for tests.

    Attributes:
        frames: melody frames closed.
        asked: plans asked for.
        answered: plans taken.
        stale: plans dropped, for they answered an earlier session or frames already answered.
        chords: chords started.
        late: chords started more than a frame after their grid line.
        skipped: chords never started, because a later one was in force when the answer came.
        held: frames that passed without a plan; what sounded went on.
        silenced: times that two bars passed without a plan and the chord was ended.
        late_notes: melody notes that came after their frame was closed and count for the next one.
    """

    frames: int = 0
    asked: int = 0
    answered: int = 0
    stale: int = 0
    chords: int = 0
    late: int = 0
    skipped: int = 0
    held: int = 0
    silenced: int = 0
    late_notes: int = 0
