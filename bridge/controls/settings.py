"""How a session plays, as values of the parameters, and what the engine counts while it does."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from bridge.controls.parameters import PARAMETERS, Value, channels_of, metre_of
from bridge.controls.scales import allowed_chords
from gapt_core.vocabulary import FRAMES_PER_BEAT
from plugin_host.accompanist import Sampling

Mode = Literal["anticipate", "react"]


@dataclass(frozen=True, slots=True)
class Settings:
    """A value for every parameter that has one, in the parameter's own unit; `PARAMETERS` says what each means.

    The defaults of mode, temperature and density are those of no preset in particular.
    """

    preset: str = "default"
    style: str = "unknown"
    mode: Mode = "react"
    temperature: float = 1.0
    density: float = 0.0
    seed: int = 1
    window_ms: float = 20.0
    commit: float = 0.25
    lookahead: float = 2.0
    listen: float = 0.0
    entry: str = "bar"
    voicing: str = "block"
    register: int = 60
    velocity: int = 64
    velocity_follow: float = 0.0
    channel: int = 1
    offset_ms: float = 0.0
    key: str = "any"
    scale: str = "major"
    chord_set: str = "all"
    follow_scale: bool = False
    bypass: bool = False
    hold: bool = False
    thru: bool = False
    split: int = 0
    in_channels: str = "any"
    tempo: float = 120.0
    metre: str = "4/4"
    sync: str = "auto"
    link_start_stop: bool = False
    clock_out: bool = False
    recording: bool = False

    def changed(self, name: str, value: object) -> Settings:
        """The same with one value changed.

        Raises:
            BridgeError: there is no such parameter, or it cannot have this value.
        """
        checked: Any = PARAMETERS[name].checked(value)
        return replace(self, **{name: checked})

    def value(self, name: str) -> Value:
        """The value of the parameter `name`."""
        value: Value = getattr(self, name)
        return value

    @property
    def midi_channel(self) -> int:
        """The channel of the chords as MIDI counts, 0 to 15."""
        return self.channel - 1

    @property
    def commit_frames(self) -> int:
        """How many frames of each plan are final, at least 1."""
        return max(1, round(self.commit * FRAMES_PER_BEAT))

    @property
    def plan_frames(self) -> int:
        """How many frames each plan covers; those past `commit_frames` are shown, not played."""
        return max(self.commit_frames, round(self.lookahead * FRAMES_PER_BEAT))

    @property
    def bar(self) -> tuple[int, int]:
        """Our own metre: numerator and denominator."""
        return metre_of(self.metre)

    @property
    def bar_beats(self) -> float:
        """The length of our own bar in quarter notes."""
        numerator, denominator = self.bar
        return 4.0 * numerator / denominator

    @property
    def sampling(self) -> Sampling:
        """How chords are drawn."""
        limited = self.key != "any" or self.chord_set != "all"
        allowed = allowed_chords(self.key, self.scale, self.chord_set) if limited else None
        return Sampling(self.temperature, self.density, self.seed, allowed)

    @property
    def heard_channels(self) -> frozenset[int]:
        """The channels of the melody as MIDI counts, 0 to 15."""
        return channels_of(self.in_channels)


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
        jumps: times that the host's position jumped while it rolled.
        refused: settings that could not be had.
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
    jumps: int = 0
    refused: int = 0
