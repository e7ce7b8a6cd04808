"""MIDI files made by `mido`, as bytes: the other side of our own reader."""

from __future__ import annotations

import io
from collections.abc import Sequence

import mido

TICKS = 480

Span = tuple[float, float, int]
"""A note as (onset, length, pitch), in beats."""


def track(
    spans: Sequence[Span] = (),
    name: str = "",
    channel: int = 0,
    programme: int | None = None,
    metas: Sequence[tuple[float, mido.MetaMessage]] = (),
) -> mido.MidiTrack:
    """One track; at one tick notes end, then metas come, then notes begin."""
    timed: list[tuple[int, int, mido.Message]] = [(_tick(beats), 1, meta) for beats, meta in metas]
    if programme is not None:
        timed.append((0, 1, mido.Message("program_change", channel=channel, program=programme)))
    for onset, length, pitch in spans:
        timed.append((_tick(onset), 2, mido.Message("note_on", channel=channel, note=pitch, velocity=80)))
        timed.append((_tick(onset + length), 0, mido.Message("note_off", channel=channel, note=pitch)))
    result = mido.MidiTrack([mido.MetaMessage("track_name", name=name)] if name else [])
    now = 0
    for tick, _, message in sorted(timed, key=lambda item: item[:2]):
        result.append(message.copy(time=tick - now))
        now = tick
    return result


def midi_bytes(*tracks: mido.MidiTrack, form: int = 1) -> bytes:
    """A whole file."""
    file = mido.MidiFile(type=form, ticks_per_beat=TICKS, charset="utf-8")
    file.tracks += tracks
    out = io.BytesIO()
    file.save(file=out)
    return out.getvalue()


def tempo(beats: float, bpm: float) -> tuple[float, mido.MetaMessage]:
    """A tempo change for `track(metas=...)`."""
    return beats, mido.MetaMessage("set_tempo", tempo=round(60e6 / bpm))


def metre(beats: float, numerator: int, denominator: int) -> tuple[float, mido.MetaMessage]:
    """A metre change for `track(metas=...)`."""
    return beats, mido.MetaMessage("time_signature", numerator=numerator, denominator=denominator)


def text(beats: float, words: str, kind: str = "text") -> tuple[float, mido.MetaMessage]:
    """A text, marker, lyric or cue for `track(metas=...)`."""
    return beats, mido.MetaMessage(kind, text=words)


def block(onset: float, length: float, *pitches: int) -> list[Span]:
    """Notes struck together."""
    return [(onset, length, pitch) for pitch in pitches]


def _tick(beats: float) -> int:
    return round(beats * TICKS)
