"""Songs with the chords that a policy played to them, as MIDI files to listen to."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gapt_core.chords import Chord, chord_at
from gapt_core.data.duet import Duet, duet_file
from gapt_core.finetune.material import Tune
from gapt_core.song import ChordEvent, Note, Song
from gapt_core.vocabulary import CHORD_HOLD, FRAMES_PER_BEAT, NO_CHORD, sounding_chord

BASS, MIDDLE = 36, 54
"""The root lies in the octave above `BASS`, the pitch classes in the one above `MIDDLE`: plain block chords."""

CHORD_VELOCITY = 60


def duet_bytes(tune: Tune, chord: NDArray[np.int64]) -> bytes:
    """The song and chord tokens `[frames]`, perhaps fewer frames than it has, as a MIDI file of both."""
    end = len(chord) / FRAMES_PER_BEAT
    events = chord_events(chord)
    file = io.BytesIO()
    duet_file(Duet(_until(tune.song, end), events, chord_notes(events, end))).save(file=file)
    return file.getvalue()


def chord_events(chord: NDArray[np.int64]) -> tuple[ChordEvent, ...]:
    """The onsets and ends of a chord track."""
    before = np.concatenate([[NO_CHORD], chord[:-1]])
    at = np.flatnonzero((chord != NO_CHORD) & (chord < CHORD_HOLD) | (chord == NO_CHORD) & (before != NO_CHORD))
    return tuple(ChordEvent(int(frame) / FRAMES_PER_BEAT, _named(int(chord[frame]))) for frame in at)


def chord_notes(events: Sequence[ChordEvent], end_beats: float) -> tuple[Note, ...]:
    """Block chords, each until the next event, the last until `end_beats`."""
    ends = [*(event.onset_beats for event in events[1:]), end_beats]
    return tuple(
        Note(event.onset_beats, until - event.onset_beats, pitch, CHORD_VELOCITY)
        for event, until in zip(events, ends, strict=False)
        for pitch in _pitches(event.chord)
    )


def _named(token: int) -> Chord | None:
    index = sounding_chord(token)
    return None if index is None else chord_at(index)


def _pitches(chord: Chord | None) -> list[int]:
    if chord is None:
        return []
    upper = sorted(MIDDLE + (pitch_class - MIDDLE) % 12 for pitch_class in chord.pitch_classes)
    return [BASS + (chord.root - BASS) % 12, *upper]


def _until(song: Song, end: float) -> Song:
    """As much of a song as was played."""
    if song.end_beats <= end:
        return song
    notes = tuple(
        replace(note, duration_beats=min(note.duration_beats, end - note.onset_beats))
        for note in song.notes
        if note.onset_beats < end
    )
    bars = tuple(bar for bar in song.bars if bar.onset_beats < end)
    return replace(song, notes=notes, bars=bars, end_beats=end)
