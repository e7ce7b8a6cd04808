"""A whole song in seconds, by the very engine that plays live."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from bridge.controls.settings import Settings
from bridge.engine.engine import HALF_FRAME
from bridge.events import ChordStarts, EndNote, InEvent, NoteOff, NoteOn, OutMessage, PlayNote, Start, TempoChange
from bridge.offline.virtual import VirtualSession
from bridge.seams import Voicer
from bridge.timing.beatmap import BeatMap
from bridge.timing.metre import BarGrid
from gapt_core.chord_names import parse_chord
from gapt_core.data.duet import Duet
from gapt_core.frames import frame_of
from gapt_core.song import ChordEvent, Note, Song
from gapt_core.vocabulary import FRAMES_PER_BEAT
from plugin_host.accompanist import Accompanist

COUNT_IN_BEATS = 1.0
"""How long the transport rolls before beat 0, so that a note a little ahead of it is heard."""


def accompany(song: Song, accompanist: Accompanist, settings: Settings, voicer: Voicer | None = None) -> Duet:
    """Play the whole of `song` to `accompanist`, by the song's own tempo and bars; returns both parts.

    The chords stand on the grid lines of their frames and end with the song's last bar.

    Raises:
        BridgeError: the accompanist does not answer.
    """
    beat_map = BeatMap.of_tempos(song.tempos)
    # Nobody sees a plan here.
    settings = replace(settings, tempo=song.tempos[0].bpm, lookahead=0.0)
    session = VirtualSession(accompanist, settings, voicer, BarGrid.of_song(song))
    length = max(1, frame_of(song.end_beats)) / FRAMES_PER_BEAT
    end = beat_map.seconds_at(length - HALF_FRAME / 2)  # the last frame is closed, the one after it has not begun
    session.play(event for event in song_events(song, beat_map) if event.seconds < end)
    session.run_until(end)
    last_bar = song.bars[-1]
    return Duet(
        song=song,
        chords=chord_events(session.messages),
        chord_notes=chord_notes(session.messages, max(length, last_bar.onset_beats + last_bar.duration_beats)),
    )


def song_events(song: Song, beat_map: BeatMap) -> list[InEvent]:
    """What a player of `song` would send, in order, a count-in first: at one moment notes end before others begin."""
    timed: list[tuple[float, int, InEvent]] = []
    for tempo in song.tempos[1:]:
        timed.append((tempo.onset_beats, 0, TempoChange(beat_map.seconds_at(tempo.onset_beats), tempo.bpm)))
    for note in song.notes:
        on, off = beat_map.seconds_at(note.onset_beats), beat_map.seconds_at(note.end_beats)
        ends = 1 if note.end_beats > note.onset_beats else 3
        timed.append((note.onset_beats, 2, NoteOn(on, note.pitch, note.velocity)))
        timed.append((note.end_beats, ends, NoteOff(off, note.pitch)))
    timed.sort(key=lambda item: item[:2])
    start = Start(beat_map.seconds_at(-COUNT_IN_BEATS), -COUNT_IN_BEATS)
    return [start, *(event for _, _, event in timed)]


def chord_events(messages: Iterable[OutMessage]) -> tuple[ChordEvent, ...]:
    """The chord changes among `messages`."""
    starts = (message for message in messages if isinstance(message, ChordStarts))
    return tuple(ChordEvent(start.due_beats, parse_chord(start.name)) for start in starts)


def chord_notes(messages: Iterable[OutMessage], end_beats: float) -> tuple[Note, ...]:
    """The notes among `messages`, in order of onset; what no message ends rings to `end_beats`."""
    open_notes: dict[int, PlayNote] = {}
    notes: list[Note] = []

    def close(pitch: int, at: float) -> None:
        began = open_notes.pop(pitch)
        notes.append(Note(began.due_beats, at - began.due_beats, pitch, began.velocity))

    for message in messages:
        if isinstance(message, PlayNote):
            open_notes[message.pitch] = message
        elif isinstance(message, EndNote):
            close(message.pitch, message.due_beats)
    for pitch in list(open_notes):
        close(pitch, end_beats)
    return tuple(sorted(notes, key=lambda note: (note.onset_beats, note.pitch)))
