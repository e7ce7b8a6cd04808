"""MIDI files in: melody, chords where there are any, tempo and metre maps, bars with a pickup."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from gapt_core.chord_names import chord_of_pitches, parse_chord
from gapt_core.data.midi_parts import Part, choose_melody, chord_texts, is_chords, parts_of, struck_together
from gapt_core.data.reading import LEGATO_BEATS, MAX_BEATS, ReadResult, top_line
from gapt_core.data.smf import METRE, TEMPO, Meta, MidiFile, parse_midi
from gapt_core.errors import SongError
from gapt_core.song import Bar, ChordEvent, Metre, Note, Song, Tempo, bars_from_metres

DEFAULT_BPM = 120.0
DEFAULT_METRE = (4, 4)
MICROSECONDS_A_MINUTE = 60_000_000
SHORTEST_UNIT = 6
"""The largest power of two in a metre's denominator that is believed: 64ths."""

Timed = TypeVar("Timed")


def read_midi(path: Path, track: str | int | None = None, channel: int | None = None) -> ReadResult:
    """The song of one MIDI file. `track` (its name, or its number from 1) and `channel` (1 to 16) choose the melody.

    Raises:
        SongError: the file cannot be read or holds no usable notes; the sentence names it.
    """
    try:
        midi = parse_midi(path.read_bytes(), str(path))
    except OSError as error:
        raise SongError(f"{path} cannot be read ({error.strerror}); check the name and the permissions.") from error
    return song_of_midi(midi, path, track, channel)


def song_of_midi(midi: MidiFile, path: Path, track: str | int | None = None, channel: int | None = None) -> ReadResult:
    """The song of parsed tracks; see `read_midi`. `path` is named in sentences and gives the title where none is."""
    parts = parts_of(midi, by_channel=channel is not None)
    damage = next((track.damage for track in midi.tracks if track.damage), "")
    if not parts:
        raise SongError(f"{path} {damage + ' and ' if damage else ''}has no notes (drums aside); nothing to play to.")
    try:
        melody, reason = choose_melody(parts, track, channel)
    except SongError as error:
        raise SongError(f"{path} {error}") from error
    notes = top_line(melody.notes)
    chords, texts_left = _chords(midi, [part for part in parts if part is not melody])
    last = max([note.end_beats for note in notes] + [event.onset_beats for event in chords or ()])
    if last > MAX_BEATS:
        raise SongError(f"{path} is {last:.0f} beats long, more than the {MAX_BEATS:.0f} that are read; cut it up.")
    metres, pickup = _metres(midi)
    bars = bars_from_metres(metres, last, pickup)
    song = Song(
        title=_title(midi, path),
        notes=notes,
        chords=chords,
        metres=metres,
        bars=bars,
        tempos=_tempos(midi),
        end_beats=_end(bars),
        source=str(path),
    )
    return ReadResult((song,), tuple(_repairs(melody, notes, damage, texts_left)), (f"{melody.label}, {reason}",))


def _repairs(melody: Part, notes: tuple[Note, ...], damage: str, texts_left: list[str]) -> Iterator[str]:
    if damage:
        yield f"the file {damage}: what comes before is used"
    if melody.open_notes:
        yield f"{melody.open_notes} notes never end: they last to the end of the track"
    if len(notes) < len(melody.notes):
        under = len(melody.notes) - len(notes)
        yield f"polyphonic: {under} of {len(melody.notes)} notes lie under another and are left out"
    if texts_left:
        yield f"no chord symbols: {', '.join(repr(text) for text in texts_left[:3])}"


def _chords(midi: MidiFile, parts: list[Part]) -> tuple[tuple[ChordEvent, ...] | None, list[str]]:
    """Chords by their written names, or else from a chords track, or None; and the texts that are no names."""
    named, others = chord_texts(midi)
    if named:
        events = [ChordEvent(meta.tick / midi.ticks_per_beat, parse_chord(meta.text)) for meta in named]
        return tuple(_last_of_each_moment(events, lambda event: event.onset_beats)), [meta.text for meta in others]
    played = [part for part in parts if is_chords(part)]
    return (_played_chords(max(played, key=lambda part: len(part.notes)).notes) if played else None), []


def _played_chords(notes: tuple[Note, ...]) -> tuple[ChordEvent, ...]:
    """Chord changes heard in a chords track: struck again it is no new chord, a gap is no chord."""
    events: list[ChordEvent] = []
    sounding_to = 0.0
    for group in struck_together(notes):
        onset = group[0].onset_beats
        if len({note.pitch % 12 for note in group}) < 2:
            continue
        chord = chord_of_pitches(note.pitch for note in group)
        if events and onset > sounding_to + LEGATO_BEATS:
            events.append(ChordEvent(sounding_to, None))
        if not events or events[-1].chord != chord:
            events.append(ChordEvent(onset, chord))
        sounding_to = max(note.end_beats for note in group)
    return (*events, ChordEvent(sounding_to, None)) if events else ()


def _tempos(midi: MidiFile) -> tuple[Tempo, ...]:
    written = [(meta.tick, int.from_bytes(meta.data[:3], "big")) for meta in _metas(midi, TEMPO)]
    changes = [
        Tempo(tick / midi.ticks_per_beat, MICROSECONDS_A_MINUTE / microseconds)
        for tick, microseconds in written
        if microseconds
    ]
    return tuple(_last_of_each_moment([Tempo(0.0, DEFAULT_BPM), *changes], lambda tempo: tempo.onset_beats))


def _metres(midi: MidiFile) -> tuple[tuple[Metre, ...], float]:
    """The metre map and the length of the pickup, in beats.

    A first bar in a shorter metre than what follows is how notation programs write a pickup: it counts
    as one of the metre after it. A metre written again is no change.
    """
    changes = [
        Metre(meta.tick / midi.ticks_per_beat, meta.data[0], 2 ** meta.data[1])
        for meta in _metas(midi, METRE)
        if len(meta.data) >= 2 and meta.data[0] and meta.data[1] <= SHORTEST_UNIT
    ]
    in_order = _last_of_each_moment([Metre(0.0, *DEFAULT_METRE), *changes], lambda metre: metre.onset_beats)
    metres = [metre for i, metre in enumerate(in_order) if i == 0 or not _same_metre(metre, in_order[i - 1])]
    if len(metres) > 1 and metres[0].bar_beats == metres[1].onset_beats < metres[1].bar_beats:
        return (replace(metres[1], onset_beats=0.0), *metres[2:]), metres[0].bar_beats
    return tuple(metres), 0.0


def _same_metre(one: Metre, other: Metre) -> bool:
    return (one.numerator, one.denominator) == (other.numerator, other.denominator)


def _metas(midi: MidiFile, kind: int) -> list[Meta]:
    found = [meta for track in midi.tracks for meta in track.metas if meta.kind == kind]
    return sorted(found, key=lambda meta: meta.tick)


def _last_of_each_moment(changes: list[Timed], onset: Callable[[Timed], float]) -> list[Timed]:
    return list({onset(change): change for change in changes}.values())


def _end(bars: tuple[Bar, ...]) -> float:
    return bars[-1].onset_beats + bars[-1].duration_beats


def _title(midi: MidiFile, path: Path) -> str:
    first = midi.tracks[0]
    return (first.name if midi.single or not first.keys else "") or path.stem
