"""Plays a melody in real time, as a player at a keyboard would: each note is reported when it is struck."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

from bridge.engine.engine import HALF_FRAME
from bridge.events import InEvent, NoteOff, NoteOn, Stop
from bridge.offline.accompany import song_events
from bridge.seams import Clock, Inbox
from bridge.timing.beatmap import BeatMap
from gapt_core.frames import frame_of
from gapt_core.song import Song
from gapt_core.vocabulary import FRAMES_PER_BEAT
from plugin_host.priority import raise_priority

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
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, inbox: Inbox) -> None:
        """Begin to play."""
        self._thread = threading.Thread(target=self._perform, args=(inbox,), name="performer", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Play no more. Safe to call twice."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def _perform(self, inbox: Inbox) -> None:
        raise_priority()  # as the thread of a MIDI driver has
        begin = self._clock.now() + LEAD_SECONDS - self._events[0].seconds
        for event in self._events:
            due = begin + event.seconds
            if self._stopping.wait(max(0.0, due - self._clock.now())):
                return
            struck = isinstance(event, (NoteOn, NoteOff))
            inbox(replace(event, seconds=self._clock.now() if struck else due))
        self.ended()


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
