"""Writes the `.mid` beside each `.abc` of this folder: the melody alone, a little stressed on the beats.

Run `python examples/make_midi.py` after a change of a tune; a test holds the files. Needs the `scores` extra.
"""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

from gapt_core.data.duet import melody_file
from gapt_core.data.scores import read_abc
from gapt_core.frames import frame_of, metre_frames
from gapt_core.song import Song

HERE = Path(__file__).parent
DOWNBEAT, BEAT, BETWEEN = 96, 86, 76
"""Velocities."""

BREATH_BEATS = 0.05
"""How much earlier than written each note ends."""


def midi_bytes(source: Path) -> bytes:
    """The MIDI file of one tune."""
    out = io.BytesIO()
    melody_file(_played(read_abc(source).songs[0])).save(file=out)
    return out.getvalue()


def _played(song: Song) -> Song:
    frames = metre_frames(song, frame_of(song.end_beats) + 1).tolist()
    notes = []
    for note in song.notes:
        place, _, beat = frames[frame_of(note.onset_beats)]
        velocity = BETWEEN if place % beat else BEAT if place else DOWNBEAT
        notes.append(replace(note, velocity=velocity, duration_beats=note.duration_beats - BREATH_BEATS))
    return replace(song, notes=tuple(notes))


if __name__ == "__main__":
    for tune in sorted(HERE.glob("*.abc")):
        tune.with_suffix(".mid").write_bytes(midi_bytes(tune))
