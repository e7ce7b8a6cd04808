"""A melody with the chords it was answered with, and the MIDI file of both."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import mido

from gapt_core.errors import SongError
from gapt_core.song import Bar, ChordEvent, Metre, Note, Song
from presets.files import write_atomically

TICKS_PER_BEAT = 960
MELODY_TRACK, CHORDS_TRACK = "Melody", "Chords"
MELODY_CHANNEL, CHORDS_CHANNEL = 0, 1
PIANO, ELECTRIC_PIANO = 0, 4
SLOWEST_BPM = 60_000_000 / (2**24 - 1)
"""What the three bytes of a MIDI tempo can say."""

logger = logging.getLogger(__name__)

_OFF, _META, _ON = range(3)
Timed = tuple[int, int, mido.Message]


@dataclass(frozen=True)
class Marker:
    """A remark on what happened at a place."""

    beats: float
    text: str


@dataclass(frozen=True)
class Duet:
    """A song, the chords that answered it, their notes as a voicer set them, and remarks."""

    song: Song
    chords: tuple[ChordEvent, ...]
    chord_notes: tuple[Note, ...]
    markers: tuple[Marker, ...] = ()


def write_duet(path: Path, duet: Duet) -> None:
    """Write a MIDI file of format 1: title, tempo, metre and markers; `Melody`; `Chords` with Harte names as texts.

    Written whole or not at all. Read back it gives the same song (`gapt_core.data.midi.read_midi`). A tempo below
    `SLOWEST_BPM` becomes that one.

    Raises:
        SongError: the file cannot be written.
    """
    file = io.BytesIO()
    duet_file(duet).save(file=file)
    try:
        write_atomically(path, file.getvalue())
    except OSError as error:
        raise SongError(f"{path} cannot be written ({error.strerror}); choose a folder you may write to.") from error


def duet_file(duet: Duet) -> mido.MidiFile:
    """The MIDI file of `write_duet`, in memory."""
    names = [(event.onset_beats, "N" if event.chord is None else event.chord.name) for event in duet.chords]
    texts = [(_tick(beats), _META, mido.MetaMessage("text", text=name)) for beats, name in names]
    chords = _note_messages(duet.chord_notes, CHORDS_CHANNEL)
    file = melody_file(duet.song, duet.markers)
    file.tracks.append(_track(CHORDS_TRACK, [_programme(CHORDS_CHANNEL, ELECTRIC_PIANO), *texts, *chords]))
    return file


def melody_file(song: Song, markers: tuple[Marker, ...] = ()) -> mido.MidiFile:
    """The melody alone, with the song's tempo, metre and title, and `markers`."""
    file = mido.MidiFile(type=1, ticks_per_beat=TICKS_PER_BEAT, charset="utf-8")
    melody = _note_messages(song.notes, MELODY_CHANNEL)
    remarks = [(_tick(marker.beats), _META, mido.MetaMessage("marker", text=marker.text)) for marker in markers]
    file.tracks.append(_track(song.title, [*_conductor(song), *remarks]))
    file.tracks.append(_track(MELODY_TRACK, [_programme(MELODY_CHANNEL, PIANO), *melody]))
    return file


def _conductor(song: Song) -> list[Timed]:
    """Tempo and metre events; a bar that its metre does not fill has a metre of its own, as a pickup has."""
    events: list[Timed] = []
    for tempo in song.tempos:
        if tempo.bpm < SLOWEST_BPM:
            logger.warning("%.2f beats a minute are written as %.2f, the slowest MIDI knows", tempo.bpm, SLOWEST_BPM)
        microseconds = mido.bpm2tempo(max(tempo.bpm, SLOWEST_BPM))
        message = mido.MetaMessage("set_tempo", tempo=min(microseconds, 2**24 - 1))
        events.append((_tick(tempo.onset_beats), _META, message))
    written: tuple[int, int] | None = None
    for beats, signature in _signatures(song):
        if signature != written:
            message = mido.MetaMessage("time_signature", numerator=signature[0], denominator=signature[1])
            events.append((_tick(beats), _META, message))
            written = signature
    return events


def _signatures(song: Song) -> Iterator[tuple[float, tuple[int, int]]]:
    """The metre to write at each bar. A last bar cut short is left in its metre; a pickup shows by what follows."""
    first, last = song.bars[0], song.bars[-1]
    metre = song.metre_at(last.onset_beats)
    for bar in song.bars if first is last else song.bars[:-1]:
        yield bar.onset_beats, _signature(bar, song.metre_at(bar.onset_beats))
    if first is last:
        yield last.onset_beats + last.duration_beats, (metre.numerator, metre.denominator)
    elif last.duration_beats < metre.bar_beats:
        yield last.onset_beats, (metre.numerator, metre.denominator)
    else:
        yield last.onset_beats, _signature(last, metre)


def _signature(bar: Bar, metre: Metre) -> tuple[int, int]:
    """The metre a bar is written in: the song's own, or one as long as the bar where 64ths can say it."""
    for denominator in (4, 8, 16, 32, 64):
        count = bar.duration_beats * denominator / 4
        if bar.duration_beats != metre.bar_beats and count == int(count) and 1 <= count <= 255:
            return int(count), denominator
    return metre.numerator, metre.denominator


def _note_messages(notes: tuple[Note, ...], channel: int) -> list[Timed]:
    """Note-ons and note-offs; a pitch struck again ends first, and every note lasts a tick."""
    messages: list[Timed] = []
    by_pitch: dict[int, list[Note]] = {}
    for note in notes:
        by_pitch.setdefault(note.pitch, []).append(note)
    for pitch, same in by_pitch.items():
        same.sort(key=lambda note: note.onset_beats)
        ends = sorted(_tick(note.end_beats) for note in same)
        starts = [_tick(note.onset_beats) for note in same]
        for i, note in enumerate(same):
            end = max(min([ends[i], *starts[i + 1 : i + 2]]), starts[i] + 1)
            on = mido.Message("note_on", channel=channel, note=pitch, velocity=max(note.velocity, 1))
            messages.append((starts[i], _ON, on))
            messages.append((end, _OFF, mido.Message("note_off", channel=channel, note=pitch, velocity=64)))
    return messages


def _programme(channel: int, number: int) -> Timed:
    return 0, _META, mido.Message("program_change", channel=channel, program=number)


def _track(name: str, timed: list[Timed]) -> mido.MidiTrack:
    """A track from messages at ticks: at one tick notes end, then texts, then notes begin."""
    track = mido.MidiTrack([mido.MetaMessage("track_name", name=name)])
    now = 0
    for tick, _, message in sorted(timed, key=lambda item: item[:2]):
        track.append(message.copy(time=tick - now))
        now = tick
    track.append(mido.MetaMessage("end_of_track"))
    return track


def _tick(beats: float) -> int:
    return max(round(beats * TICKS_PER_BEAT), 0)
