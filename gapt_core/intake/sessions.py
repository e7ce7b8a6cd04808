"""Sessions that the bridge recorded, and duets that it wrote: how they are known, and cut into what was played."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from gapt_core.chord_names import parse_chord
from gapt_core.data.duet import (
    CHORDS_CHANNEL,
    CHORDS_TRACK,
    ELECTRIC_PIANO,
    MELODY_CHANNEL,
    MELODY_TRACK,
    PIANO,
    TICKS_PER_BEAT,
)
from gapt_core.data.smf import MARKER, TEXT, MidiFile
from gapt_core.errors import ChordNameError
from gapt_core.song import ChordEvent, Song, Tempo

RESTART = "start at"
"""How a marker begins where the music began anew (docs/recording.md)."""

REST_BARS = 4
"""A melody that rests for so many bars begins a new song."""


def is_ours(midi: MidiFile) -> bool:
    """Whether a file was written by this program as it stands: its tracks, programmes and chord names say so.

    A file that went through other software is no longer ours: somebody had it in hand.
    """
    if midi.single or midi.ticks_per_beat != TICKS_PER_BEAT or len(midi.tracks) != 3:
        return False
    melody, chords = midi.tracks[1:]
    programmes = [[(change.channel, change.number) for change in track.programmes] for track in (melody, chords)]
    names = [meta.text for meta in chords.metas if meta.kind == TEXT]
    return (
        (melody.name, chords.name) == (MELODY_TRACK, CHORDS_TRACK)
        and programmes == [[(MELODY_CHANNEL, PIANO)], [(CHORDS_CHANNEL, ELECTRIC_PIANO)]]
        and bool(names)
        and all(_is_harte(name) for name in names)
    )


def restarts(midi: MidiFile) -> list[float]:
    """Beats at which the music began anew."""
    markers = [meta for meta in midi.tracks[0].metas if meta.kind == MARKER and meta.text.startswith(RESTART)]
    return [marker.tick / midi.ticks_per_beat for marker in markers]


def pieces(song: Song, anew: list[float]) -> Iterator[Song]:
    """The song cut at bar lines: where the music began anew, and after long rests of the melody."""
    cuts = [_bar_at(song, beats) for beats in anew]
    for note, following in pairwise(song.notes):
        if following.onset_beats - note.end_beats >= REST_BARS * song.metre_at(note.onset_beats).bar_beats:
            cuts.append(_bar_at(song, following.onset_beats))
    inner = sorted({cut for cut in cuts if song.bars[0].onset_beats < cut < song.end_beats})
    edges = [song.bars[0].onset_beats, *inner, song.end_beats]
    for begin, end in pairwise(edges):
        piece = between(song, begin, end)
        if piece.notes:
            yield piece if not inner else replace(piece, title=f"{song.title}, bar {_bar_number(song, begin)}")


def between(song: Song, begin: float, end: float) -> Song:
    """What lies between two bar lines, begun at beat 0; bars of silence before its first note are left out."""
    notes = tuple(note for note in song.notes if begin <= note.onset_beats < end)
    if notes:
        begin = max(begin, _bar_at(song, notes[0].onset_beats))
    bars = tuple(bar for bar in song.bars if begin <= bar.onset_beats < end) or song.bars[-1:]
    chords = song.chords and _chords_between(song.chords, begin, end)
    metres = [replace(song.metre_at(begin), onset_beats=begin)]
    metres += [metre for metre in song.metres if begin < metre.onset_beats < end]
    return replace(
        song,
        notes=tuple(replace(note, onset_beats=note.onset_beats - begin) for note in notes),
        chords=chords and tuple(replace(event, onset_beats=event.onset_beats - begin) for event in chords),
        metres=tuple(replace(metre, onset_beats=metre.onset_beats - begin) for metre in metres),
        bars=tuple(replace(bar, onset_beats=bar.onset_beats - begin) for bar in bars),
        tempos=(replace(_tempo_at(song, begin), onset_beats=0.0),),
        end_beats=end - begin,
    )


def _chords_between(chords: tuple[ChordEvent, ...], begin: float, end: float) -> tuple[ChordEvent, ...]:
    """The changes, and at the beginning the chord that sounds on."""
    before = [event for event in chords if event.onset_beats < begin]
    inside = tuple(event for event in chords if begin <= event.onset_beats < end)
    if before and before[-1].chord and not (inside and inside[0].onset_beats == begin):
        return (replace(before[-1], onset_beats=begin), *inside)
    return inside


def _bar_at(song: Song, beats: float) -> float:
    """The bar line at or before a place."""
    return max((bar.onset_beats for bar in song.bars if bar.onset_beats <= beats + 0.25), default=0.0)


def _bar_number(song: Song, beats: float) -> int:
    return sum(bar.onset_beats <= beats + 1e-6 for bar in song.bars)


def _tempo_at(song: Song, beats: float) -> Tempo:
    return max(
        (tempo for tempo in song.tempos if tempo.onset_beats <= beats + 1e-6), key=lambda tempo: tempo.onset_beats
    )


def _is_harte(name: str) -> bool:
    try:
        return name == "N" or parse_chord(name) is not None
    except ChordNameError:
        return False
