"""From where the music stood to where that lies in the file of a take, which knows no way but onwards."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence

from bridge.events import TransportChanged
from bridge.recording.entries import Entry
from bridge.timing.metre import BarGrid
from gapt_core.data.duet import Marker
from gapt_core.song import Metre, Tempo
from gapt_core.vocabulary import FRAMES_PER_BEAT

LEEWAY_BEATS = 0.5
"""How far a jump may reach back over what was played already, for a host's loop shows a little late or early."""

HAIR_BEATS = 0.125
"""How far from a bar line a change of metre may be told that is meant for it."""

NEAR_BEATS = 1.0
"""What was due at most so far from when it was sent stands where it was due."""

TOGETHER_SECONDS = 0.05
"""Messages that one turn of the transport lets out leave within so much time."""


class Timeline:
    """The take's own beats, its tempos, metres and markers.

    Bar lines of the music are bar lines of the file: while the music runs on, so does the file, and where it jumps or
    starts anew the file goes on at the next place that lies as far into its bar. So a loop of whole bars follows
    itself without a gap, and any other jump costs a rest of less than a bar.
    """

    def __init__(self, entries: Sequence[Entry]) -> None:
        """Stand still at the beginning of a take of `entries`."""
        self.rolling = False
        self.stood = 0.0
        """The file's beat at which the music stopped last."""
        self.tempos: list[Tempo] = []
        self.metres: list[Metre] = []
        self.markers: list[Marker] = []
        self._turns = [entry.seconds for entry in entries if _turns(entry)]
        self._bars = BarGrid()
        self._offset = 0.0  # the file's beats less those of the music
        self._seen = (0.0, 0.0)  # seconds and beats of the music
        self._bpm = 120.0

    def sent(self, entry: Entry) -> float:
        """The file's beat at which `entry` was sent."""
        expected = self._expected(entry.seconds)
        # What ends because of a jump leaves just before the jump is told, when the music stands elsewhere already.
        leaps = self._turns_soon(entry.seconds) and abs(entry.beats - expected) > LEEWAY_BEATS
        self._seen = (entry.seconds, expected if leaps else entry.beats)
        return max(0.0, self._seen[1] + self._offset)

    def due(self, entry: Entry) -> float:
        """The file's beat at which `entry` was due; when it was sent, where that is far from it."""
        sent = self.sent(entry)
        due = entry.message.due_beats + self._offset
        return max(0.0, due) if abs(due - sent) <= NEAR_BEATS else sent

    def turn(self, entry: Entry, told: TransportChanged) -> None:
        """Take what the transport does: stand, roll, jump, another tempo or metre."""
        if told.rolling and not self.rolling:
            self._leap(entry, told, self.stood, "start at")
        elif told.rolling and told.jump:
            self._leap(entry, told, self._expected(entry.seconds) + self._offset - LEEWAY_BEATS, "jump to")
        elif told.rolling:
            due = self.due(entry)
            if told.metre != self.metre:
                self._change_metre(told)
            self._set_tempo(due, told.bpm)
        elif self.rolling:
            self.stood = self.sent(entry)
        self.rolling = told.rolling
        self._bpm = told.bpm

    @property
    def metre(self) -> tuple[int, int]:
        """Numerator and denominator of the file's newest metre."""
        return (self.metres[-1].numerator, self.metres[-1].denominator) if self.metres else (0, 0)

    def _leap(self, entry: Entry, told: TransportChanged, earliest: float, verb: str) -> None:
        """Go on where the file's bar lines fit those of the music, from `earliest` (the file's beats) on."""
        beats = max(0.0, entry.beats)  # below beat 0 there is only a count-in
        frame = _frame(beats)
        if self._bars.signature(frame) != told.metre:
            self._bars.restart(*told.metre)
        bar, place = self._bars.bar(frame)
        phase = beats + (place - frame) / FRAMES_PER_BEAT
        first = not self.metres
        line = 0.0 if first else self._line(earliest - (phase if told.metre == self.metre else 0.0))
        self._set_metre(line, told.metre)
        self._set_tempo(line + phase, told.bpm)
        self._offset = line + phase - beats
        self._seen = (entry.seconds, entry.beats)
        if bar or not first:
            self.markers.append(Marker(max(0.0, line + phase), f"{verb} bar {bar + 1}"))

    def _line(self, earliest: float) -> float:
        """The file's first bar line from `earliest` on."""
        metre = self.metres[-1]
        bars = math.ceil(max(0.0, earliest - metre.onset_beats) / metre.bar_beats - 1e-9)
        return metre.onset_beats + bars * metre.bar_beats

    def _change_metre(self, told: TransportChanged) -> None:
        line = self._bars.line_from(_frame(told.due_beats))
        self._bars.change(line, *told.metre)
        self._set_metre(self._line(line / FRAMES_PER_BEAT + self._offset - HAIR_BEATS), told.metre)

    def _set_metre(self, beats: float, metre: tuple[int, int]) -> None:
        if metre != self.metre:
            self.metres = [earlier for earlier in self.metres if earlier.onset_beats < beats]
            self.metres.append(Metre(beats, *metre))

    def _set_tempo(self, beats: float, bpm: float) -> None:
        if not self.tempos or self.tempos[-1].bpm != bpm:
            self.tempos = [earlier for earlier in self.tempos if earlier.onset_beats < beats]
            self.tempos.append(Tempo(beats if self.tempos else 0.0, bpm))

    def _expected(self, seconds: float) -> float:
        """Where the music stands at `seconds` unless it has jumped meanwhile."""
        then, beats = self._seen
        return beats + (seconds - then) * self._bpm / 60.0

    def _turns_soon(self, seconds: float) -> bool:
        i = bisect_left(self._turns, seconds)
        return i < len(self._turns) and self._turns[i] <= seconds + TOGETHER_SECONDS


def _turns(entry: Entry) -> bool:
    told = entry.message
    return isinstance(told, TransportChanged) and (told.jump or not told.rolling)


def _frame(beats: float) -> int:
    """The nearest frame: a position a hair before a bar line is on it."""
    return math.floor(beats * FRAMES_PER_BEAT + 0.5)
