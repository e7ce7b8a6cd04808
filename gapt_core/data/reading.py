"""What all readers share: their result, the limits of a song, and the top line of a polyphonic part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gapt_core.song import Note, Song

MAX_BEATS = 50_000.0
"""The longest song that is read, in beats: 50 minutes at 999 beats a minute, seven hours at 120."""

LEGATO_BEATS = 0.25
"""How long a note may ring into the next one and still belong to one line."""


@dataclass(frozen=True)
class ReadResult:
    """What a file holds.

    Attributes:
        songs: at least one.
        repairs: what had to be put right or left out, one clause each; empty where nothing had to.
        remarks: how the file was understood, such as which track is the melody.
    """

    songs: tuple[Song, ...]
    repairs: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def top_line(notes: Sequence[Note]) -> tuple[Note, ...]:
    """The notes, by onset, without those that begin under a higher one or with it.

    A note that begins while a higher one sounds on for more than `LEGATO_BEATS` belongs to another voice.
    What is left may still overlap; the quantiser's rule (`gapt_core.frames`) deals with that.
    """
    kept: list[Note] = []
    for note in sorted(notes, key=lambda note: (note.onset_beats, -note.pitch, -note.duration_beats)):
        if not any(_is_above(higher, note) for higher in _sounding(kept, note.onset_beats)):
            kept.append(note)
    return tuple(kept)


def _sounding(kept: list[Note], beats: float) -> list[Note]:
    """Notes kept that may sound at `beats`; a long way back nothing does, which keeps this linear."""
    return [note for note in kept[-32:] if note.end_beats > beats or note.onset_beats == beats]


def _is_above(higher: Note, note: Note) -> bool:
    if higher.onset_beats == note.onset_beats:
        return higher.pitch >= note.pitch
    return higher.pitch > note.pitch and higher.end_beats > note.onset_beats + LEGATO_BEATS
