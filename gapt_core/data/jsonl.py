"""Songs as gzip JSON lines: the training corpus, and what `gapt_core` exchanges between programs.

One song a line: `{id, set, style, title, ts, bars, tempo, mel, ch, end}`, times in quarter notes.
A note whose length is not a number (the last of a transcription) lasts to the end of the song.
"""

from __future__ import annotations

import gzip
import json
import math
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gapt_core.chord_names import parse_chord
from gapt_core.chords import Chord, nearest_chord
from gapt_core.errors import ChordNameError, SongError
from gapt_core.song import Bar, ChordEvent, Metre, Note, Song, Tempo

DEFAULT_BPM = 120.0


def read_songs(path: Path) -> Iterator[Song]:
    """The songs of one `.jsonl` or `.jsonl.gz` file.

    Raises:
        SongError: the file cannot be read, or a line is not a song; the line is named.
    """
    number = 0
    try:
        with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                yield song_from_record(json.loads(line), source=f"{path}:{number}")
    except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError, IndexError) as error:
        raise SongError(f"{path}, line {number + 1}: not a song in JSON lines ({error}); see docs/data.md.") from error


def song_from_record(record: dict[str, Any], source: str = "") -> Song:
    """A `Song` from one parsed line."""
    end = float(record["end"])
    return Song(
        title=record["title"],
        notes=tuple(_note(float(on), float(length), int(pitch), end) for on, length, pitch in record["mel"]),
        chords=tuple(_chord_event(event) for event in record["ch"]),
        metres=tuple(Metre(float(on), int(num), int(den)) for on, num, den in record["ts"]),
        bars=tuple(Bar(float(on), float(length)) for on, length in record["bars"]),
        tempos=(Tempo(0.0, float(record["tempo"] or DEFAULT_BPM)),),
        end_beats=end,
        style=record["style"],
        source=source,
    )


def _note(onset: float, length: float, pitch: int, end: float) -> Note:
    return Note(onset, length if math.isfinite(length) else max(end - onset, 0.0), pitch)


def _chord_event(event: list[Any]) -> ChordEvent:
    onset, root, pitch_classes = event[:3]
    if root < 0:
        return ChordEvent(float(onset), None)
    return ChordEvent(float(onset), _labelled(event[4:]) or nearest_chord(int(root), pitch_classes))


def _labelled(label: list[Any]) -> Chord | None:
    """The chord that the label names, if there is one and it does: pitch classes worked out from
    labels by others are less to be trusted (one set has `maj7` with a minor seventh)."""
    try:
        return parse_chord(label[0]) if label else None
    except ChordNameError:
        return None
