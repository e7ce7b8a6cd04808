"""A song: melody notes, chords, bars and tempo, all in beats. One beat is one quarter note."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gapt_core.chords import Chord
from gapt_core.errors import SongError


@dataclass(frozen=True, slots=True)
class Note:
    """A melody note; times in beats, `pitch` and `velocity` as in MIDI."""

    onset_beats: float
    duration_beats: float
    pitch: int
    velocity: int = 80

    @property
    def end_beats(self) -> float:
        """Where the note stops, in beats."""
        return self.onset_beats + self.duration_beats


@dataclass(frozen=True, slots=True)
class ChordEvent:
    """A chord that sounds from `onset_beats` until the next event; None is no chord."""

    onset_beats: float
    chord: Chord | None


@dataclass(frozen=True, slots=True)
class Metre:
    """A time signature from `onset_beats` on."""

    onset_beats: float
    numerator: int
    denominator: int

    @property
    def bar_beats(self) -> float:
        """Length of a full bar in quarter notes."""
        return self.numerator * 4.0 / self.denominator

    @property
    def beat_beats(self) -> float:
        """Length of one felt beat in quarter notes: a dotted one in 6/8, 9/8 and 12/8."""
        compound = self.denominator >= 8 and self.numerator % 3 == 0 and self.numerator > 3
        return (3 if compound else 1) * 4.0 / self.denominator


@dataclass(frozen=True, slots=True)
class Tempo:
    """Quarter notes a minute from `onset_beats` on."""

    onset_beats: float
    bpm: float


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar; a pickup is simply a shorter first bar."""

    onset_beats: float
    duration_beats: float


@dataclass(frozen=True)
class Song:
    """A melody with, perhaps, its chords.

    `chords` is None where the source has none (an empty tuple would be a song of silence).
    `metres`, `bars` and `tempos` are ordered and never empty.
    """

    title: str
    notes: tuple[Note, ...]
    chords: tuple[ChordEvent, ...] | None
    metres: tuple[Metre, ...]
    bars: tuple[Bar, ...]
    tempos: tuple[Tempo, ...]
    end_beats: float
    style: str | None = None
    source: str = ""

    def metre_at(self, beats: float) -> Metre:
        """The metre in force at `beats`."""
        current = self.metres[0]
        for metre in self.metres:
            if metre.onset_beats <= beats + 1e-6:
                current = metre
        return current


def bars_from_metres(metres: tuple[Metre, ...], end_beats: float, pickup_beats: float = 0.0) -> tuple[Bar, ...]:
    """Bars that cover `[0, end_beats)`: a pickup first, and a bar cut short where the metre changes."""
    bars: list[Bar] = []
    onset = 0.0
    if pickup_beats > 1e-6:
        bars.append(Bar(0.0, pickup_beats))
        onset = pickup_beats
    while onset < end_beats - 1e-6 or not bars:
        metre = [m for m in metres if m.onset_beats <= onset + 1e-6 or m is metres[0]][-1]
        later = [m.onset_beats for m in metres if m.onset_beats > onset + 1e-6]
        length = min([metre.bar_beats, *(change - onset for change in later)])
        bars.append(Bar(onset, length))
        onset += length
    return tuple(bars)


def with_pickup(song: Song, pickup_beats: float) -> Song:
    """The same song with its bar lines moved, so that the first full bar begins after `pickup_beats`.

    Raises:
        SongError: the pickup is not shorter than a bar.
    """
    bar_beats = song.metres[0].bar_beats
    if pickup_beats >= bar_beats:
        raise SongError(f"A pickup of {pickup_beats:g} beats is not shorter than a bar of {bar_beats:g}; give less.")
    bars = bars_from_metres(song.metres, song.end_beats, pickup_beats)
    return replace(song, bars=bars, end_beats=bars[-1].onset_beats + bars[-1].duration_beats)
