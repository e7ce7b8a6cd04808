"""The tunes of `examples/` as somebody plays them, and as files of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gapt_core.chords import Chord
from gapt_core.data.duet import melody_file
from gapt_core.data.midi import read_midi
from gapt_core.song import ChordEvent, Metre, Note, Song, Tempo, bars_from_metres

EXAMPLES = Path(__file__).parents[2] / "examples"
TUNES = ("amazing-grace", "auld-lang-syne", "drunken-sailor", "greensleeves", "ode-to-joy", "scarborough-fair")

Floats = NDArray[np.float64]


@cache
def tune(name: str) -> Song:
    """A tune of `examples/`, the melody alone."""
    return read_midi(EXAMPLES / f"{name}.mid").songs[0]


def with_chords(song: Song, *roots: int) -> Song:
    """The song with a major chord a bar, over and over."""
    full = [bar for bar in song.bars if bar.duration_beats == song.metres[0].bar_beats]
    events = [ChordEvent(bar.onset_beats, Chord(roots[i % len(roots)], "maj")) for i, bar in enumerate(full)]
    return replace(song, chords=tuple(events))


def played(
    song: Song, bpm: float, jitter: float = 0.02, claimed: float = 120.0, bend: Callable[[Floats], Floats] | None = None
) -> Song:
    """The melody played at `bpm` by somebody `jitter` seconds off, in a file whose tempo map says `claimed`.

    `bend` is what becomes of the seconds.
    """
    random = np.random.default_rng(5)
    onsets = np.array([note.onset_beats for note in song.notes]) * 60 / bpm
    onsets = np.maximum(onsets if bend is None else bend(onsets), 0) + random.normal(0, jitter, len(onsets)).clip(
        -0.1, 0.1
    )
    order = np.argsort(onsets)
    beats = np.maximum(onsets[order], 0) * claimed / 60
    lengths = [song.notes[i].duration_beats * 0.9 * claimed / bpm for i in order]
    notes = tuple(
        Note(float(beat), length, song.notes[i].pitch) for beat, length, i in zip(beats, lengths, order, strict=True)
    )
    metres = (Metre(0.0, 4, 4),)
    end = max(note.end_beats for note in notes)
    return Song(song.title, notes, None, metres, bars_from_metres(metres, end), (Tempo(0.0, claimed),), end)


def frames_between(song: Song) -> list[int]:
    """From each onset to the next, in frames."""
    return np.diff([round(note.onset_beats * 4) for note in song.notes]).tolist()


def in_key(song: Song, up: int) -> Song:
    """The melody transposed."""
    return replace(song, notes=tuple(replace(note, pitch=note.pitch + up) for note in song.notes), chords=None)


def write_tunes(folder: Path, names: Sequence[str] = TUNES) -> None:
    """A folder with a file of each tune."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        write_melody(folder / f"{name}.mid", tune(name))


def write_melody(path: Path, song: Song) -> Path:
    """A MIDI file of the melody alone."""
    melody_file(song).save(path)
    return path
