"""A recorded solo line as notes: pitch by SwiftF0, whose weights come inside its package, of the `audio` extra.

SwiftF0 is a small convolutional net (Nieradzik, arXiv 2508.18440, 2025); its own dynamic programming cuts pitch into
notes. What it needs is imported when it is needed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gapt_core.errors import SongError
from gapt_core.song import Metre, Note, Song, Tempo, bars_from_metres

Floats = NDArray[np.float64]

SUFFIXES = (".wav", ".flac", ".mp3", ".ogg", ".aif", ".aiff")

LONGEST_SECONDS = 1800.0
"""A longer recording is refused: pitch takes memory and time."""

SHORTEST_SECONDS = 0.05
QUIET_DB = 35.0
"""Notes so far below the loudest are no notes."""

BEATS_A_MINUTE = 60.0
"""One beat a second: beats are found later."""

VELOCITIES = (40, 110)

TOUCHING_SECONDS = 0.02
LESS_SURE = 0.05


class Span(NamedTuple):
    """A pitch held: from when to when in seconds, its MIDI number with fractions, how sure it is (0 to 1), its level in
    decibels."""

    start: float
    end: float
    pitch: float
    sure: float
    level: float


def read_audio(path: Path) -> Song:
    """The notes of a recording, one beat a second, without chords.

    Raises:
        SongError: it cannot be read, is too long, holds no melody, or the extra is not installed.
    """
    samples, rate = _samples(path)
    detector, segment_notes = _transcriber(path)
    heard = detector.detect(samples, rate)
    spans = [_span(note, heard, samples, rate) for note in segment_notes(heard)]
    notes = _notes(mended(spans))
    if not notes:
        raise SongError(f"{path} holds no melody that can be heard; record one line alone, without chords.")
    metres = (Metre(0.0, 4, 4),)
    end = max(note.end_beats for note in notes)
    bars = bars_from_metres(metres, end)
    last = bars[-1].onset_beats + bars[-1].duration_beats
    return Song(path.stem, notes, None, metres, bars, (Tempo(0.0, BEATS_A_MINUTE),), last, source=str(path))


def _samples(path: Path) -> tuple[NDArray[np.float32], int]:
    """One channel, and its samples a second."""
    try:
        import soundfile
    except (ImportError, OSError) as error:
        raise _missing(path) from error
    try:
        with soundfile.SoundFile(path) as file:
            if file.frames > LONGEST_SECONDS * file.samplerate:
                raise SongError(f"{path} is longer than {LONGEST_SECONDS / 60:g} minutes; cut it up.")
            samples = file.read(dtype="float32", always_2d=True)
            rate = int(file.samplerate)
    except (soundfile.SoundFileError, OSError, RuntimeError, ValueError) as error:
        raise SongError(
            f"{path} is no sound file that can be read ({_brief(error)}); save it as WAV or FLAC."
        ) from error
    mono = np.nan_to_num(samples.mean(axis=1))
    if len(mono) < rate * SHORTEST_SECONDS:
        raise SongError(f"{path} is empty; record it again.")
    return mono, rate


def _transcriber(path: Path) -> tuple[Any, Any]:
    """The detector, on one thread, and its cutter of notes."""
    try:
        from swift_f0 import SwiftF0, segment_notes
    except (ImportError, OSError) as error:
        raise _missing(path) from error
    return SwiftF0(threads=1, spin=False), segment_notes


def mended(spans: Sequence[Span]) -> list[Span]:
    """The spans with slips of an octave put right: one that touches another an octave away and is less sure is its
    continuation, and so is what then goes on at that pitch."""
    result: list[Span] = []
    slipped = False
    for span in spans:
        last = result[-1] if result else None
        touching = last is not None and span.start - last.end < TOUCHING_SECONDS
        if last is None or not touching:
            slipped = False
        elif abs(abs(span.pitch - last.pitch) - 12) < 0.5 and abs(span.sure - last.sure) >= LESS_SURE:
            slipped = True
            pitch = max(span, last, key=lambda one: one.sure).pitch
            result[-1] = last._replace(end=span.end, pitch=pitch, sure=max(span.sure, last.sure))
            continue
        elif slipped and abs(span.pitch - last.pitch) < 0.5:
            result[-1] = last._replace(end=span.end)
            continue
        result.append(span)
    return result


def _span(note: Any, heard: Any, samples: NDArray[np.float32], rate: int) -> Span:
    within = (heard.timestamps >= note.start) & (heard.timestamps < note.end)
    level = _decibels(samples[int(note.start * rate) : int(note.end * rate)])
    sure = float(heard.confidence[within].mean()) if within.any() else 0.0
    return Span(float(note.start), float(note.end), 69 + 12 * math.log2(note.pitch_hz / 440.0), sure, level)


def _notes(spans: Sequence[Span]) -> tuple[Note, ...]:
    """MIDI notes of what was found: in tune with each other, without what is too short or too quiet."""
    spans = [span for span in spans if span.end - span.start >= SHORTEST_SECONDS]
    if not spans:
        return ()
    turns = np.exp(2j * np.pi * np.array([span.pitch for span in spans])).mean()
    tuning = float(np.angle(turns)) / (2 * np.pi)
    loudest = max(span.level for span in spans)
    return tuple(
        Note(
            span.start,
            span.end - span.start,
            min(max(round(span.pitch - tuning), 0), 127),
            round(float(np.interp(span.level - loudest, (-QUIET_DB, 0.0), VELOCITIES))),
        )
        for span in spans
        if span.level > loudest - QUIET_DB
    )


def _decibels(samples: NDArray[np.float32]) -> float:
    return 10 * math.log10(float(np.mean(np.square(samples, dtype=np.float64))) + 1e-12) if len(samples) else -120.0


def _missing(path: Path) -> SongError:
    return SongError(f'{path} needs a reader of sound; install it with: pip install "gapt-bridge[audio]"')


def _brief(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")[-80:]
