"""What the listener wrote down, and what follows from it: notes, what sounds when, and where the music stood."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from _tempomap import TempoMap

NOTE_OFF, NOTE_ON, CONTROL = 0x80, 0x90, 0xB0
CLOCK_SECONDS = 10.0
"""How far around a moment to look for the callback that woke with the least delay."""

LEFT_SECONDS = 0.03
"""What is sent in the moment of a jump reaches the wire after it."""

Key = tuple[int, int]
"""Channel and pitch."""


@dataclass(frozen=True)
class Message:
    """What came at a frame of JACK's time."""

    frame: int
    data: tuple[int, ...]


@dataclass(frozen=True)
class Turn:
    """From `frame` on the transport rolls from its own frame `position`, or stands there."""

    frame: int
    rolling: bool
    position: int


@dataclass(frozen=True)
class Heard:
    """A note, by frames of JACK's time; `end` is None where it never ended."""

    key: Key
    frame: int
    end: int | None


@dataclass
class Protocol:
    """The listener's file."""

    rate: int
    messages: dict[str, list[Message]] = field(default_factory=dict)
    turns: list[Turn] = field(default_factory=list)
    clock: list[tuple[int, float]] = field(default_factory=list)
    xruns: list[int] = field(default_factory=list)
    plugs: list[tuple[int, bool]] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path, rate: int) -> Protocol:
        """What the file has so far."""
        protocol = cls(rate, {"chords": [], "melody": [], "clock": []})
        for line in path.read_text("utf-8").splitlines():
            kind, *rest = json.loads(line)
            if kind == "m":
                protocol.messages[rest[0]].append(Message(rest[1], tuple(rest[2])))
            elif kind == "t":
                protocol.turns.append(Turn(*rest))
            elif kind == "c":
                protocol.clock.append((rest[0], rest[1]))
            elif kind == "p":
                protocol.plugs.append((rest[0], rest[1]))
            else:
                protocol.xruns.append(rest[0])
        return protocol

    def frame_at(self, seconds: float) -> float:
        """JACK's frame at `seconds` of `perf_counter`, by the callbacks around it that woke with the least delay."""
        near = [(begin, woke) for begin, woke in self.clock if abs(woke - seconds) <= CLOCK_SECONDS] or self.clock
        lead = min(woke - begin / self.rate for begin, woke in near)
        return (seconds - lead) * self.rate

    def turn_at(self, frame: float) -> Turn:
        """What the transport did at a frame."""
        i = bisect_right(self.turns, frame, key=lambda turn: turn.frame) - 1
        return self.turns[max(0, i)]

    def beats_at(self, frame: float, tempos: TempoMap) -> float:
        """Where the music stood."""
        turn = self.turn_at(frame)
        return tempos.beats(turn.position + (frame - turn.frame if turn.rolling else 0.0))

    def beats_near(self, frame: float, line: float, tempos: TempoMap) -> float:
        """Where the music stood; right after a jump or stop also where it would stand without, if that is nearer."""
        i = max(0, bisect_right(self.turns, frame, key=lambda turn: turn.frame) - 1)
        near = [turn for turn in self.turns[max(0, i - 2) : i] if turn.rolling and self._just_left(turn, frame)]
        places = [tempos.beats(turn.position + frame - turn.frame) for turn in near]
        return min([self.beats_at(frame, tempos), *places], key=lambda beats: abs(beats - line))

    def _just_left(self, turn: Turn, frame: float) -> bool:
        after = self.turns[self.turns.index(turn) + 1]
        return frame - after.frame <= LEFT_SECONDS * self.rate

    def notes(self, port: str) -> list[Heard]:
        """All notes of a port, in the order in which they began; the end of one is the next note-off of its key."""
        notes: list[Heard] = []
        sounding: dict[Key, list[int]] = {}
        for frame, key, on in _strokes(self.messages[port]):
            if on:
                sounding.setdefault(key, []).append(len(notes))
                notes.append(Heard(key, frame, None))
            elif sounding.get(key):
                i = sounding[key].pop(0)
                notes[i] = Heard(key, notes[i].frame, frame)
        return notes

    def sounding(self, port: str, frame: float) -> Counter[Key]:
        """What a strict ledger has on at a frame: each note-on needs its own note-off, other words do not count."""
        ledger: Counter[Key] = Counter()
        for at, key, on in _strokes(self.messages[port]):
            if at > frame:
                break
            ledger[key] += 1 if on else -1
            if ledger[key] <= 0:
                del ledger[key]
        return ledger

    def stops(self) -> list[Turn]:
        """Where the transport came to stand after rolling."""
        pairs = zip(self.turns, self.turns[1:], strict=False)
        return [after for before, after in pairs if before.rolling and not after.rolling]

    def silences(self, port: str, begin: float, end: float) -> list[tuple[float, float]]:
        """Stretches of frames between `begin` and `end` in which nothing sounded."""
        gaps: list[tuple[float, float]] = []
        count, quiet_since = 0, begin
        for at, _, on in _strokes(self.messages[port]):
            was = count
            count = max(0, count + (1 if on else -1))
            if was == 0 and count and at > begin:
                gaps.append((max(begin, quiet_since), min(at, end)))
            if was and not count:
                quiet_since = at
            if at > end:
                break
        return [gap for gap in gaps if gap[1] > gap[0]]


def together(notes: Sequence[Heard], within: float) -> list[list[Heard]]:
    """Notes that began within so many frames of the first of them, as chords."""
    groups: list[list[Heard]] = []
    for note in notes:
        if groups and note.frame - groups[-1][0].frame <= within:
            groups[-1].append(note)
        else:
            groups.append([note])
    return groups


def _strokes(messages: Sequence[Message]) -> Iterator[tuple[int, Key, bool]]:
    for message in messages:
        status = message.data[0]
        if status & 0xF0 in (NOTE_ON, NOTE_OFF):
            on = status & 0xF0 == NOTE_ON and message.data[2] > 0
            yield message.frame, (status & 0x0F, message.data[1]), on
