"""What comes in and what goes out of the engine. Times are seconds of the session's `Clock`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Union

from plugin_host.accompanist import Plan


@dataclass(frozen=True, slots=True)
class NoteOn:
    """The player pressed a key at `seconds`."""

    seconds: float
    pitch: int
    velocity: int


@dataclass(frozen=True, slots=True)
class NoteOff:
    """The player released a key at `seconds`."""

    seconds: float
    pitch: int


@dataclass(frozen=True, slots=True)
class TempoChange:
    """From `seconds` on the tempo is `bpm` quarter notes a minute."""

    seconds: float
    bpm: float


@dataclass(frozen=True, slots=True)
class MetreChange:
    """From the next bar line on, bars are `numerator`/`denominator`."""

    seconds: float
    numerator: int
    denominator: int


@dataclass(frozen=True, slots=True)
class Start:
    """The transport rolls from `beats` (0 is a bar line) at `seconds`."""

    seconds: float
    beats: float = 0.0


@dataclass(frozen=True, slots=True)
class Stop:
    """The transport stands still; what sounds must end."""

    seconds: float


@dataclass(frozen=True, slots=True)
class PlanArrived:
    """The accompanist answered; `session` counts resets, so that a late answer to an old one is known."""

    seconds: float
    plan: Plan
    session: int


InEvent = Union[NoteOn, NoteOff, TempoChange, MetreChange, Start, Stop, PlanArrived]


@dataclass(frozen=True, slots=True)
class PlayNote:
    """Send a note-on, due at `due_beats` (`due_seconds` at today's tempo)."""

    due_beats: float
    pitch: int
    velocity: int
    channel: int = 0


@dataclass(frozen=True, slots=True)
class EndNote:
    """Send a note-off."""

    due_beats: float
    pitch: int
    channel: int = 0


@dataclass(frozen=True, slots=True)
class ChordStarts:
    """A chord begins (or, without pitches, the harmony rests): for OSC, the printed line and the duet's text.

    `frame` is the frame it was planned for and `name` its Harte name, `N` for none.
    """

    due_beats: float
    frame: int
    name: str
    pitches: tuple[int, ...]


OutMessage = Union[PlayNote, EndNote, ChordStarts]
