"""What a running jam looks like at a moment, from the messages that leave it. Knows no terminal."""

from __future__ import annotations

from collections import deque

from bridge.events import (
    ChordStarts,
    MelodyHeard,
    OutMessage,
    ParameterChanged,
    PlannedChord,
    PlanShown,
    Status,
    TransportChanged,
)
from bridge.live.letters import NO_CHORD
from gapt_core.song import Metre

MOST_NOTES = 6


class ViewState:
    """Takes messages in order, each with the seconds at which it came; then says what is at any later moment."""

    def __init__(self) -> None:
        self.rolling = False
        self.bpm = 120.0
        self.metre = (4, 4)
        self.chord = NO_CHORD
        self.pitches: tuple[int, ...] = ()
        self.held: list[int] = []
        """Pitches of the melody that sound, the newest last."""
        self.plan: tuple[PlannedChord, ...] = ()
        self.status: Status | None = None
        self.notes: deque[str] = deque(maxlen=MOST_NOTES)
        """The last things that happened, the newest last."""
        self._anchor = (0.0, 0.0)  # seconds and beats
        self._bar = (1, 1.0)  # bar and beat in it at the anchor

    def take(self, message: OutMessage, seconds: float) -> None:
        """Take what left at `seconds`."""
        if isinstance(message, TransportChanged):
            self._transport(message, seconds)
        elif isinstance(message, Status):
            self._take_status(message, seconds)
        elif isinstance(message, ChordStarts):
            self.chord, self.pitches = message.name, message.pitches
        elif isinstance(message, PlanShown):
            self.plan = message.chords
        elif isinstance(message, MelodyHeard):
            self._melody(message)
        elif isinstance(message, ParameterChanged):
            self._parameter(message)

    def say(self, sentence: str) -> None:
        """Add to what happened."""
        self.notes.append(printable(sentence))

    def beats(self, seconds: float) -> float:
        """Where the music stands at `seconds`."""
        then, beats = self._anchor
        return beats + (seconds - then) * self.bpm / 60.0

    def bar(self, seconds: float) -> tuple[int, float]:
        """Bar, and beat of its metre, both from 1, at `seconds`."""
        bar, beat = self._bar
        whole, beat = divmod(beat - 1.0 + (self.beats(seconds) - self._anchor[1]) / self._beat, self.beats_per_bar)
        return bar + int(whole), beat + 1.0

    @property
    def beats_per_bar(self) -> int:
        """How many beats are felt in a bar."""
        return max(1, round(Metre(0.0, *self.metre).bar_beats / self._beat))

    def to_come(self, seconds: float) -> list[tuple[float, PlannedChord]]:
        """Chords that have not begun, each with the beats to go."""
        now = self.beats(seconds)
        return [(chord.beats - now, chord) for chord in self.plan if chord.beats > now]

    @property
    def frame_seconds(self) -> float:
        """How long a sixteenth lasts."""
        return 15.0 / self.bpm

    @property
    def _beat(self) -> float:
        return Metre(0.0, *self.metre).beat_beats

    def _transport(self, told: TransportChanged, seconds: float) -> None:
        if told.jump or told.metre != self.metre:
            metre = Metre(0.0, *told.metre)
            bar, place = divmod(told.due_beats, metre.bar_beats)
            self._bar = (int(bar) + 1, 1.0 + place / metre.beat_beats)
        else:
            self._bar = self.bar(seconds)
        self.rolling, self.bpm, self.metre = told.rolling, told.bpm, told.metre
        self._anchor = (seconds, told.due_beats)
        if not told.rolling:
            self.plan = ()

    def _take_status(self, status: Status, seconds: float) -> None:
        before, self.status = self.status, status
        self.rolling, self.bpm, self.metre = status.playing, status.bpm, status.metre
        self._anchor, self._bar = (seconds, status.due_beats), status.bar
        if status.worker and status.worker != (before.worker if before else ""):
            self.say(status.worker)
        if status.sync and status.sync != (before.sync if before else ""):
            self.say(status.sync)

    def _melody(self, note: MelodyHeard) -> None:
        if note.pitch in self.held:
            self.held.remove(note.pitch)
        if note.velocity:
            self.held.append(note.pitch)

    def _parameter(self, changed: ParameterChanged) -> None:
        value = f"{changed.value:g}" if isinstance(changed.value, float) else changed.value
        self.say(f"{changed.name} is {value}")


def printable(text: str) -> str:
    """`text` on one line, without what would steer the terminal: names come from other programs."""
    return "".join(character if character.isprintable() else " " for character in text)
