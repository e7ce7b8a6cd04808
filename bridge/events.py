"""What comes in and what goes out of the engine. Times are seconds of the session's `Clock`.

What comes in is of two kinds. *Facts* are what a driver saw: a note, a clock tick, what a host said. *Orders* are what
the engine does: roll, stand still, this tempo, that setting. Stages (`bridge.seams.InputStage`) make orders of facts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Union

from bridge.controls.parameters import Value
from plugin_host.accompanist import Plan


@dataclass(frozen=True, slots=True)
class NoteOn:
    """The player pressed a key at `seconds`, or at `beats` where the host says so. `channel` is 0 to 15."""

    seconds: float
    pitch: int
    velocity: int
    channel: int = 0
    beats: float | None = None


@dataclass(frozen=True, slots=True)
class NoteOff:
    """The player released a key at `seconds`, or at `beats` where the host says so."""

    seconds: float
    pitch: int
    channel: int = 0
    beats: float | None = None


@dataclass(frozen=True, slots=True)
class Panic:
    """The player's side fell silent at once (all notes off, reset), or somebody pressed the panic button."""

    seconds: float


@dataclass(frozen=True, slots=True)
class ControlChange:
    """A fact: a controller (0 to 127) of `device` moved to `value` (0 to 127)."""

    seconds: float
    device: str
    channel: int
    control: int
    value: int


@dataclass(frozen=True, slots=True)
class ProgramChange:
    """A fact: `device` chose a program, 0 to 127."""

    seconds: float
    device: str
    channel: int
    program: int


@dataclass(frozen=True, slots=True)
class Clock:
    """A fact: a message of MIDI clock on the port `device`; `beats` only with `position` (song position pointer)."""

    seconds: float
    device: str
    kind: Literal["tick", "start", "continue", "stop", "position"]
    beats: float = 0.0


@dataclass(frozen=True, slots=True)
class HostReport:
    """A fact: what a host said of its transport in one message; None is what it did not say.

    Attributes:
        host: which dialect, one of `bridge.controls.parameters.SYNCS`.
        beats: song position in quarter notes, 0 at the song's start.
        bar: (bar from 0, beat of the metre's denominator from 0.0) where it counts so.
        song_seconds: song position in seconds.
        bpm: quarter notes a minute.
        metre: (numerator, denominator).
        playing: whether it rolls.
        scale: (root pitch class, scale's name as the host spells it).
        loop: (start, length) in beats of a loop that is on; (0, 0) where it is off.
        exact: whether `beats` is as exact as its time stamp (Link, a plug-in), not polled now and then.
    """

    seconds: float
    host: str
    beats: float | None = None
    bar: tuple[int, float] | None = None
    song_seconds: float | None = None
    bpm: float | None = None
    metre: tuple[int, int] | None = None
    playing: bool | None = None
    scale: tuple[int, str] | None = None
    loop: tuple[float, float] | None = None
    exact: bool = False


@dataclass(frozen=True, slots=True)
class PortChanged:
    """A fact: the port `name` was lost or is back. `way` is `in` or `out`."""

    seconds: float
    name: str
    way: Literal["in", "out"]
    there: bool


@dataclass(frozen=True, slots=True)
class Set:
    """Somebody set the parameter `name`; `value` as it came, checked by the engine."""

    seconds: float
    name: str
    value: Value


@dataclass(frozen=True, slots=True)
class TempoChange:
    """An order: from `seconds` on the tempo is `bpm` quarter notes a minute."""

    seconds: float
    bpm: float


@dataclass(frozen=True, slots=True)
class Position:
    """An order: at `seconds` the music stands at `beats` and goes on at `bpm`; a correction, never a jump."""

    seconds: float
    beats: float
    bpm: float


@dataclass(frozen=True, slots=True)
class MetreChange:
    """An order: bars are `numerator`/`denominator` from the next bar line on, or from the bar line at `beats` on.

    Where the transport stands, from beat 0 on.
    """

    seconds: float
    numerator: int
    denominator: int
    beats: float | None = None


@dataclass(frozen=True, slots=True)
class Start:
    """An order: roll from `beats` (0 is a bar line) at `seconds`; while it rolls, this is a jump.

    Below beat 0 lies a count-in: nothing is heard or played there.
    """

    seconds: float
    beats: float = 0.0


@dataclass(frozen=True, slots=True)
class Stop:
    """An order: stand still; what sounds must end."""

    seconds: float


@dataclass(frozen=True, slots=True)
class ScaleChange:
    """An order: the host's scale is now `scale` (one of `bridge.controls.scales.SCALES`) on `key`."""

    seconds: float
    key: str
    scale: str


@dataclass(frozen=True, slots=True)
class SyncChanged:
    """A fact to show: `source` rules the tempo and is in `state`; `sentence` says it to people."""

    seconds: float
    source: str
    state: Literal["waiting", "locking", "locked", "free", "lost"]
    sentence: str


@dataclass(frozen=True, slots=True)
class PlanArrived:
    """The accompanist answered; `session` counts starts and stops, so that an answer to an earlier one is known."""

    seconds: float
    plan: Plan
    session: int


InEvent = Union[
    NoteOn,
    NoteOff,
    Panic,
    ControlChange,
    ProgramChange,
    Clock,
    HostReport,
    PortChanged,
    Set,
    TempoChange,
    Position,
    MetreChange,
    Start,
    Stop,
    ScaleChange,
    SyncChanged,
    PlanArrived,
]


@dataclass(frozen=True, slots=True)
class PlayNote:
    """Send a note-on. `due_beats` is its frame's grid line, which `react` and a late answer come after.

    `passed` marks the player's own note on its way through (`thru`): its channel is not ours to silence.
    """

    due_beats: float
    pitch: int
    velocity: int
    channel: int = 0
    passed: bool = False


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
class PlannedChord:
    """A chord to come: from `beats` on for `duration_beats` as far as planned. What is `final` will not change."""

    beats: float
    duration_beats: float
    name: str
    pitches: tuple[int, ...]
    final: bool


@dataclass(frozen=True, slots=True)
class PlanShown:
    """All chords known to come, in order; it replaces what was shown before. To show, never to play."""

    due_beats: float
    chords: tuple[PlannedChord, ...]


@dataclass(frozen=True, slots=True)
class MelodyHeard:
    """A note of the player that counts as melody began (`velocity` above 0) or ended: for the record and the page."""

    due_beats: float
    pitch: int
    velocity: int
    channel: int = 0


@dataclass(frozen=True, slots=True)
class Silence:
    """Sustain off, all notes off, all sound off, on a channel of our own: the last word on every way out."""

    due_beats: float
    channel: int = 0


@dataclass(frozen=True, slots=True)
class ParameterChanged:
    """A parameter has a new value: for every client to show."""

    due_beats: float
    name: str
    value: Value


@dataclass(frozen=True, slots=True)
class ClockOut:
    """Send a message of MIDI clock; `beats` only with `position`."""

    due_beats: float
    kind: Literal["tick", "start", "continue", "stop", "position"]
    beats: float = 0.0


@dataclass(frozen=True, slots=True)
class TransportChanged:
    """The transport rolls from `due_beats` on or stands, at this tempo and metre: for the record and for clients.

    `jump` says that the position changed by a leap (a start, a loop, a relocate).
    """

    due_beats: float
    rolling: bool
    bpm: float
    metre: tuple[int, int]
    jump: bool = False


@dataclass(frozen=True, slots=True)
class Status:
    """How the session fares, about twice a second.

    Attributes:
        bar: bar from 1 and beat in it from 1.0, by the metre.
        chords: chords so far.
        late: frames whose chord was late, skipped or never answered for.
        step_seconds: what the policy needed for the last answer.
        worker: empty while the policy's process is well, else what is wrong, one sentence.
        sync: which source rules and how it is.
        sync_state: that in one word of `SyncChanged`; empty where nothing was said yet.
    """

    due_beats: float
    playing: bool
    bpm: float
    metre: tuple[int, int]
    bar: tuple[int, float]
    chords: int
    late: int
    step_seconds: float
    preset: str
    worker: str
    sync: str
    sync_state: str = ""


OutMessage = Union[
    PlayNote,
    EndNote,
    ChordStarts,
    PlanShown,
    MelodyHeard,
    Silence,
    ParameterChanged,
    ClockOut,
    TransportChanged,
    Status,
]
