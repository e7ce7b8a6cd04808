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
    """From the next bar line on, bars are `numerator`/`denominator`; where the transport stands, from beat 0 on."""

    seconds: float
    numerator: int
    denominator: int


@dataclass(frozen=True, slots=True)
class Start:
    """The transport rolls from `beats` (0 is a bar line) at `seconds`; while it rolls, this is a jump.

    Below beat 0 lies a count-in: nothing is heard or played there.
    """

    seconds: float
    beats: float = 0.0


@dataclass(frozen=True, slots=True)
class Stop:
    """The transport stands still; what sounds must end."""

    seconds: float


@dataclass(frozen=True, slots=True)
class PlanArrived:
    """The accompanist answered; `session` counts starts and stops, so that an answer to an earlier one is known."""

    seconds: float
    plan: Plan
    session: int


InEvent = Union[NoteOn, NoteOff, TempoChange, MetreChange, Start, Stop, PlanArrived]


@dataclass(frozen=True, slots=True)
class PlayNote:
    """Send a note-on. `due_beats` is its frame's grid line, which `react` and a late answer come after."""

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

    `frame` is the frame it was planned for, counted in sixteenths from beat 0, and `name` its Harte name, `N` for none.
    """

    due_beats: float
    frame: int
    name: str
    pitches: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PlanShown:
    """What the accompanist means to play from `frame` on, not final: chord tokens to show, never to play."""

    due_beats: float
    frame: int
    tokens: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Silence:
    """Sustain off, all notes off, all sound off, on our own channel: the last word on every way out."""

    due_beats: float
    channel: int = 0


@dataclass(frozen=True, slots=True)
class Status:
    """How the session fares, about once a second: whether it plays, tempo, chords so far and how many were late."""

    due_beats: float
    playing: bool
    bpm: float
    chords: int
    late: int


OutMessage = Union[PlayNote, EndNote, ChordStarts, PlanShown, Silence, Status]
