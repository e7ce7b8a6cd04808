"""A journal's messages as melody, chords, tempo and metre map."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from bridge.events import ChordStarts, EndNote, MelodyHeard, PlayNote, Silence, TransportChanged
from bridge.recording.entries import Entry
from bridge.recording.timeline import Timeline
from gapt_core.chord_names import parse_chord
from gapt_core.data.duet import Duet
from gapt_core.errors import ChordNameError
from gapt_core.song import ChordEvent, Note, Song, bars_from_metres

Key = tuple[int, int]
"""Channel and pitch."""


def take_of(entries: Sequence[Entry], title: str) -> Duet | None:
    """What was played while the music rolled; None where no note was.

    Notes of the melody stand where they were played, chords' notes where they were sent, and chords' names on their
    grid line. What sounds when the music stops, or when the journal breaks off, ends there.
    """
    fold = _Fold(entries)
    for entry in entries:
        fold.take(entry)
    return fold.finished(title)


class _Part:
    """Notes, by when they begin and end."""

    def __init__(self) -> None:
        self.notes: list[Note] = []
        self._open: dict[Key, list[tuple[float, int]]] = defaultdict(list)

    def begin(self, key: Key, beats: float, velocity: int) -> None:
        self._open[key].append((beats, velocity))

    def sounds(self, key: Key) -> bool:
        return bool(self._open[key])

    def end(self, key: Key, beats: float) -> None:
        if self._open[key]:
            onset, velocity = self._open[key].pop(0)
            self.notes.append(Note(onset, max(0.0, beats - onset), key[1], velocity))

    def end_all(self, beats: float, channel: int | None = None) -> None:
        for key in [key for key, waiting in self._open.items() for _ in waiting if channel in (None, key[0])]:
            self.end(key, beats)

    def in_order(self) -> tuple[Note, ...]:
        return tuple(sorted(self.notes, key=lambda note: (note.onset_beats, note.pitch)))


class _Fold:
    def __init__(self, entries: Sequence[Entry]) -> None:
        self._time = Timeline(entries)
        self._melody, self._chords = _Part(), _Part()
        self._names: list[ChordEvent] = []
        self._passed: Counter[Key] = Counter()  # the player's own notes on their way through
        self._released: tuple[float, Key] | None = None
        self._latest = 0.0

    def take(self, entry: Entry) -> None:
        message = entry.message
        if isinstance(message, TransportChanged):
            stops = self._time.rolling and not message.rolling
            self._time.turn(entry, message)
            if stops:
                self._end_all(self._time.stood)
            elif self._time.rolling:
                self._latest = max(self._latest, self._time.sent(entry))
        elif self._time.rolling:
            self._play(entry)

    def finished(self, title: str) -> Duet | None:
        time = self._time
        self._end_all(self._latest)
        melody, chords = self._melody.in_order(), self._chords.in_order()
        if not (melody or chords):
            return None
        end = max(note.end_beats for note in (*melody, *chords))
        metres = tuple(metre for metre in time.metres if metre.onset_beats <= end)
        bars = bars_from_metres(metres, max(end, 1.0))
        end = bars[-1].onset_beats + bars[-1].duration_beats
        tempos = tuple(sorted(time.tempos, key=lambda tempo: tempo.onset_beats))
        song = Song(title, melody, None, metres, bars, tempos, end)
        return Duet(song, tuple(self._names), chords, tuple(time.markers))

    def _play(self, entry: Entry) -> None:
        message, sent = entry.message, self._time.sent(entry)
        self._latest = max(self._latest, sent)
        if isinstance(message, MelodyHeard):
            self._hear(message, self._time.due(entry))
        elif isinstance(message, ChordStarts):
            self._name(message.name, self._time.due(entry))
        elif isinstance(message, Silence):
            self._chords.end_all(sent, message.channel)
        elif isinstance(message, PlayNote) and message.passed:
            self._passed[message.channel, message.pitch] += 1
        elif isinstance(message, PlayNote):
            self._chords.begin((message.channel, message.pitch), sent, message.velocity)
        elif isinstance(message, EndNote):
            self._end(message, sent)

    def _hear(self, message: MelodyHeard, beats: float) -> None:
        key = (message.channel, message.pitch)
        self._melody.end(key, beats)
        if message.velocity:
            self._melody.begin(key, beats, message.velocity)
        else:
            self._released = (message.due_beats, key)

    def _end(self, message: EndNote, beats: float) -> None:
        key = (message.channel, message.pitch)
        both = self._passed[key] and self._chords.sounds(key)
        # Where a chord has the same note, the player's own end comes right after their key went up.
        if self._passed[key] and (not both or self._released == (message.due_beats, key)):
            self._passed[key] -= 1
        else:
            self._chords.end(key, beats)

    def _name(self, name: str, beats: float) -> None:
        try:
            chord = None if name == "N" else parse_chord(name)
        except ChordNameError:
            return
        if self._names and self._names[-1].onset_beats >= beats:
            beats = self._names.pop().onset_beats
        self._names.append(ChordEvent(beats, chord))

    def _end_all(self, beats: float) -> None:
        self._melody.end_all(beats)
        self._chords.end_all(beats)
        self._passed.clear()
        if self._names and self._names[-1].chord is not None:
            self._names.append(ChordEvent(beats, None))
