"""Which part of a MIDI file is the melody, and which holds chords."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from statistics import fmean

from gapt_core.chord_names import parse_chord
from gapt_core.data.smf import CUE, DRUMS, LYRIC, MARKER, TEXT, Key, Meta, MidiFile, Track
from gapt_core.errors import ChordNameError, SongError
from gapt_core.song import Note

MELODY_NAMES = ("melody", "melodie", "mel", "tune", "theme", "vocal", "vocals", "vox", "voice", "lead", "solo",
                "soprano", "sing", "singer", "cantus", "gesang", "treble", "right hand")  # fmt: skip
"""Words in a track's name that make it the melody, the surest first."""

CHORD_NAMES = ("chord", "chords", "harmony", "harmonies", "accompaniment", "comping", "akkorde", "accords")

SOLO_PROGRAMMES = frozenset([22, *range(40, 43), *range(52, 55), *range(56, 61), *range(64, 88)])
"""General MIDI programmes, from 0, that play one line: harmonica, solo strings, voices, brass, reeds, pipes, leads."""

NAMED_SHARE = 0.8
"""How many of a track's texts must be chord symbols for them to be its chords, and how many of
the onsets in an unnamed track must be of three notes or more for it to be a chords track."""

TOGETHER_BEATS = 0.125
"""Notes that begin within this many beats of the first begin together."""


@dataclass(frozen=True)
class Part:
    """The notes of one track, or of one channel of it.

    Attributes:
        label: how to speak of it, such as `track 2 'Melody'` or `track 1 channel 3`.
        number: its track, counted from 1.
        name: its track's name; "" where the track has several parts.
        channels: counted from 1.
        programme: the first General MIDI programme, from 0, or None.
        notes: by onset.
        open_notes: how many of them no note-off ends.
    """

    label: str
    number: int
    name: str
    channels: frozenset[int]
    programme: int | None
    notes: tuple[Note, ...]
    open_notes: int


def parts_of(midi: MidiFile, by_channel: bool = False) -> list[Part]:
    """Every part with notes, drums left out.

    A track is a part, whatever its channels; but with `by_channel`, or where one track holds the whole
    file and sets several channels to programmes, each channel of a track is one.
    """
    tracks_with_notes = sum(bool(track.keys) for track in midi.tracks)
    found: list[Part] = []
    for number, track in enumerate(midi.tracks, start=1):
        programmed = {programme.channel for programme in track.programmes}
        split = by_channel or midi.single or (tracks_with_notes == 1 and len(programmed) > 1)
        channels = sorted({key.channel for key in track.keys} - {DRUMS})
        if split and len(channels) > 1:
            found += [_part(track, number, [channel], "", midi.ticks_per_beat) for channel in channels]
        elif channels:
            found.append(_part(track, number, channels, track.name, midi.ticks_per_beat))
    return [part for part in found if part.notes]


def choose_melody(parts: list[Part], track: str | int | None, channel: int | None) -> tuple[Part, str]:
    """The melody's part and why it was taken, by wish or by the rules of `docs/data.md`.

    Raises:
        SongError: no part is as wished; the sentence lists what there is and needs the file's name before it.
    """
    if track is not None or channel is not None:
        wished = [part for part in parts if _is_wished(part, track, channel)]
        if not wished:
            there = ", ".join(part.label for part in parts)
            raise SongError(f"has no notes in the track or channel asked for; choose from {there}.")
        return max(wished, key=_melody_score), "as asked for"
    if len(parts) == 1:
        return parts[0], "the only part"
    named = _named_melody(parts)
    if named is not None:
        return named, "by name"
    lines = [part for part in parts if not is_chords(part)] or parts
    soloists = [part for part in lines if part.programme in SOLO_PROGRAMMES]
    if len(soloists) == 1:
        return soloists[0], "by programme"
    return max(lines, key=_melody_score), "the highest single line"


def _named_melody(parts: list[Part]) -> Part | None:
    for word in MELODY_NAMES:
        for part in parts:
            if re.search(rf"\b{word}\b", part.name.lower()):
                return part
    return None


def is_chords(part: Part) -> bool:
    """Whether a part is a chords track: by its name, or because its notes begin three or more at a time."""
    if any(re.search(rf"\b{word}\b", part.name.lower()) for word in CHORD_NAMES):
        return True
    groups = struck_together(part.notes)
    full = sum(len({note.pitch % 12 for note in group}) >= 3 for group in groups)
    return full >= max(2, NAMED_SHARE * len(groups))


def struck_together(notes: tuple[Note, ...]) -> list[list[Note]]:
    """Notes grouped by onset; a group spans at most `TOGETHER_BEATS`."""
    groups: list[list[Note]] = []
    for note in sorted(notes, key=lambda note: (note.onset_beats, note.pitch)):
        if groups and note.onset_beats <= groups[-1][0].onset_beats + TOGETHER_BEATS:
            groups[-1].append(note)
        else:
            groups.append([note])
    return groups


def chord_texts(midi: MidiFile) -> tuple[list[Meta], list[Meta]]:
    """Texts of the track that names chords, (those understood, the others); empty where no track does."""
    best: tuple[list[Meta], list[Meta]] = [], []
    for track in midi.tracks:
        texts = [meta for meta in track.metas if meta.kind in (TEXT, LYRIC, MARKER, CUE) and meta.text]
        named = [meta for meta in texts if _is_chord_name(meta.text)]
        if len(named) >= max(1, NAMED_SHARE * len(texts)) and len(named) > len(best[0]):
            best = named, [meta for meta in texts if meta not in named]
    return best


def _is_chord_name(text: str) -> bool:
    try:
        parse_chord(text)
    except ChordNameError:
        return False
    return True


def _is_wished(part: Part, track: str | int | None, channel: int | None) -> bool:
    by_track = track is None or str(track).lower() in (str(part.number), part.name.lower())
    return by_track and (channel is None or channel in part.channels)


def _part(track: Track, number: int, channels: list[int], name: str, ticks_per_beat: int) -> Part:
    keys = [key for key in track.keys if key.channel in channels]
    notes, open_notes = _pair(keys, track.end_tick, ticks_per_beat)
    programmes = [programme.number for programme in track.programmes if programme.channel in channels]
    label = f"track {number}" + (f" '{name}'" if name else f" channel {channels[0] + 1}")
    counted = frozenset(channel + 1 for channel in channels)
    return Part(label, number, name, counted, programmes[0] if programmes else None, tuple(notes), open_notes)


def _pair(keys: list[Key], end_tick: int, ticks_per_beat: int) -> tuple[list[Note], int]:
    """Notes from their ons and offs, the oldest on first, and how many never end (they last to the end)."""
    open_keys: dict[tuple[int, int], list[Key]] = defaultdict(list)
    spans: list[tuple[Key, int]] = []
    for key in keys:
        waiting = open_keys[key.channel, key.pitch]
        if key.velocity:
            waiting.append(key)
        elif waiting:
            spans.append((waiting.pop(0), key.tick))
    hanging = [key for waiting in open_keys.values() for key in waiting]
    spans += [(key, end_tick) for key in hanging]
    notes = [
        Note(key.tick / ticks_per_beat, (end - key.tick) / ticks_per_beat, key.pitch, key.velocity)
        for key, end in sorted(spans, key=lambda span: (span[0].tick, span[0].pitch, span[1]))
    ]
    return notes, len(hanging)


def _melody_score(part: Part) -> float:
    """How much a part is a melody: its share of notes struck alone, its register, and how long it plays."""
    groups = struck_together(part.notes)
    alone = sum(len(group) for group in groups if len(group) == 1) / len(part.notes)
    register = min(max((fmean(note.pitch for note in part.notes) - 48) / 36, 0.0), 1.0)
    length = min(len(groups) / 32, 1.0)
    return alone + register + length
