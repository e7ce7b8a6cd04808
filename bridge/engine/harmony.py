"""From chord tokens to notes: which chord is in force, what of it is still to be sent, what sounds."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.engine.ledger import Ledger
from bridge.engine.scheduler import Scheduler
from bridge.engine.settings import Counters, Settings
from bridge.events import ChordStarts, EndNote, OutMessage, PlayNote
from bridge.seams import Voicer
from gapt_core.chords import chord_at
from gapt_core.vocabulary import CHORD_HOLD, CHORD_ONSET, FRAMES_PER_BEAT, sounding_chord

NO_CHORD_NAME = "N"


class Harmony:
    """The chords of a session: a part of the engine, called by nothing else."""

    def __init__(self, voicer: Voicer, settings: Settings, counters: Counters) -> None:
        self._voicer = voicer
        self._settings = settings
        self._counters = counters
        self._queue = Scheduler()
        self._ledger = Ledger()
        self._chord: int | None = None
        self._notes: list[PlayNote] = []
        self._led_from: tuple[int, ...] = ()

    def take(self, frame: int, tokens: Sequence[int], now_beats: float) -> None:
        """Queue what the final `tokens` of the frames from `frame` on change.

        A chord is queued for the grid line of its frame, and so leaves at once where that is past. Of several
        whose lines are past only the last is in force; the others are left out.
        """
        now = now_beats * FRAMES_PER_BEAT
        changes = self._changes(frame, tokens)
        past = max(0, sum(at <= now for at, _ in changes) - 1)
        self._counters.skipped += past
        for at, chord in changes[past:]:
            self._change(at, chord)
            self._counters.chords += chord is not None
            self._counters.late += chord is not None and now > at + 1

    def rest(self, frame: int) -> bool:
        """Queue the end of the chord in force for `frame`; False where none is."""
        sounding = self._chord is not None
        if sounding:
            self._change(frame, None)
        return sounding

    def next_beats(self) -> float:
        """When the next message is due; infinity where none is queued."""
        return self._queue.next_beats()

    def send_next(self) -> OutMessage:
        """Take out the next message, which is being sent now."""
        message = self._queue.pop()
        self._ledger.record(message)
        return message

    def clear(self, now_beats: float) -> list[OutMessage]:
        """Forget the music, the queue too; returns what has to be sent so that nothing sounds."""
        self._queue.cancel()
        last: list[OutMessage] = [*self._ledger.end_all(now_beats)]
        if self._chord is not None:
            last.append(ChordStarts(now_beats, int(now_beats * FRAMES_PER_BEAT), NO_CHORD_NAME, ()))
        self._chord, self._notes, self._led_from = None, [], ()
        return last

    def _changes(self, frame: int, tokens: Sequence[int]) -> list[tuple[int, int | None]]:
        """(frame, chord) wherever `tokens` begin or end a chord; a hold of what does not sound begins it."""
        changes = []
        chord = self._chord
        for at, token in enumerate(tokens, start=frame):
            begins = CHORD_ONSET <= token < CHORD_HOLD
            if begins or sounding_chord(token) != chord:
                chord = sounding_chord(token)
                changes.append((at, chord))
        return changes

    def _change(self, frame: int, chord: int | None) -> None:
        due = frame / FRAMES_PER_BEAT
        for note in self._notes:
            self._queue.put(EndNote(due, note.pitch, note.channel))
        self._chord, self._notes = chord, []
        if chord is None:
            self._queue.put(ChordStarts(due, frame, NO_CHORD_NAME, ()))
            return
        pitches = self._led_from = self._voicer.voice(chord_at(chord), self._led_from)
        self._queue.put(ChordStarts(due, frame, chord_at(chord).name, pitches))
        for pitch in pitches:
            self._notes.append(PlayNote(due, pitch, self._settings.velocity, self._settings.channel))
            self._queue.put(self._notes[-1])
