"""Plays a melody in real time, as a player at a keyboard would: each note is reported when it is struck."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

from bridge.controls.parameters import PARAMETERS
from bridge.engine.engine import HALF_FRAME
from bridge.events import InEvent, NoteOff, NoteOn, Set, Start, Stop
from bridge.offline.accompany import song_events
from bridge.seams import Clock, Inbox
from bridge.timing.beatmap import BeatMap
from gapt_core.frames import frame_of
from gapt_core.song import Song
from gapt_core.vocabulary import FRAMES_PER_BEAT
from plugin_host.priority import raise_priority

TURNS = ("start", "stop")
LEAD_SECONDS = 0.5
"""From `start` to the first event, so that all threads are there."""


class Performer:
    """A host and a player in one, as a port. Notes are stamped as they are struck; start, stop and tempo by the score.

    `ended` is called on the performer's thread after the last event.
    """

    def __init__(self, clock: Clock, events: Sequence[InEvent], ended: Callable[[], None] = lambda: None) -> None:
        """Stand still; `events` are in order, and their seconds count from the first one."""
        self.ended = ended
        self._clock = clock
        self._events = events
        self._turn = threading.Condition()
        self._begin = 0.0  # the session's seconds at which those of the score begin
        self._paused: float | None = None  # the score's seconds at which it was stopped
        self._closing = False
        self._thread: threading.Thread | None = None

    def start(self, inbox: Inbox) -> None:
        """Begin to play."""
        self._begin = self._clock.now() + LEAD_SECONDS - self._events[0].seconds
        self._thread = threading.Thread(target=self._perform, args=(inbox,), name="performer", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Play no more. Safe to call twice."""
        with self._turn:
            self._closing = True
            self._turn.notify()
        if self._thread is not None:
            self._thread.join()

    def pause(self, seconds: float) -> bool:
        """Hold the score from `seconds` on, from any thread; False where it is held already."""
        with self._turn:
            if self._paused is not None:
                return False
            self._paused = seconds - self._begin
            self._turn.notify()
            return True

    def go_on(self, seconds: float) -> float | None:
        """Go on at `seconds` where the score was held; that place in its own seconds, None where it is not held."""
        with self._turn:
            place, self._paused = self._paused, None
            if place is not None:
                self._begin = seconds - place
                self._turn.notify()
            return place

    def _perform(self, inbox: Inbox) -> None:
        raise_priority()  # as the thread of a MIDI driver has
        for event in self._events:
            if not self._wait(event.seconds):
                return
            struck = isinstance(event, (NoteOn, NoteOff))
            inbox(replace(event, seconds=self._clock.now() if struck else self._begin + event.seconds))
        self.ended()

    def _wait(self, seconds: float) -> bool:
        """Wait until the score is at `seconds`; False where it will never be."""
        with self._turn:
            while not self._closing:
                left = self._begin + seconds - self._clock.now()
                if self._paused is None and left <= 0:
                    return True
                self._turn.wait(left if self._paused is None else None)
        return False


class Baton:
    """An input stage: `stop` holds the performer, and `start` goes on with the tune where it was held."""

    def __init__(self, performer: Performer, beat_map: BeatMap) -> None:
        """`beat_map` is that of the score."""
        self._performer = performer
        self._beat_map = beat_map

    def handle(self, event: InEvent) -> list[InEvent]:
        """Orders in place of the settings that mean one."""
        if not isinstance(event, Set) or event.name not in TURNS or not PARAMETERS[event.name].checked(event.value):
            return [event]
        if event.name == "stop":
            return [Stop(event.seconds)] if self._performer.pause(event.seconds) else []
        place = self._performer.go_on(event.seconds)
        return [] if place is None else [Start(event.seconds, self._beat_map.beats_at(place))]

    def advance(self, seconds: float) -> list[InEvent]:
        """Nothing: the performer has its own sense of time."""
        return []

    def wake_seconds(self) -> float | None:
        """Never."""
        return None


def score_events(song: Song) -> list[InEvent]:
    """What a performer of `song` does, from the count-in to the stop."""
    beat_map = BeatMap.of_tempos(song.tempos)
    # Just before the frame after the last one would begin.
    end = beat_map.seconds_at(max(1, frame_of(song.end_beats)) / FRAMES_PER_BEAT - HALF_FRAME / 2)
    return [*(event for event in song_events(song, beat_map) if event.seconds < end), Stop(end)]


def first_bars(song: Song, count: int) -> Song:
    """The song up to the end of its first `count` bars; a pickup is not counted."""
    full = song.bars[0].duration_beats < song.metres[0].bar_beats
    last = song.bars[min(count + full, len(song.bars)) - 1]
    return up_to(song, last.onset_beats + last.duration_beats)


def up_to(song: Song, beats: float) -> Song:
    """The song cut off at the first grid line from `beats` on; what sounds there ends there."""
    end = min(math.ceil(beats * FRAMES_PER_BEAT) / FRAMES_PER_BEAT, song.end_beats)
    notes = [note for note in song.notes if note.onset_beats < end]
    return replace(
        song,
        notes=tuple(replace(note, duration_beats=min(note.duration_beats, end - note.onset_beats)) for note in notes),
        bars=tuple(bar for bar in song.bars if bar.onset_beats < end) or song.bars[:1],
        metres=tuple(metre for metre in song.metres if metre.onset_beats < end) or song.metres[:1],
        tempos=tuple(tempo for tempo in song.tempos if tempo.onset_beats < end) or song.tempos[:1],
        end_beats=end,
    )
