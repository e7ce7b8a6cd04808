"""What was played, as MIDI files to download: all of it, or the last bars."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace

from bridge.live.letters import symbol
from bridge.recording.entries import Entry
from bridge.recording.take import take_of
from gapt_core.data.duet import Duet, Marker, duet_file
from gapt_core.song import ChordEvent, Metre, Note, Tempo

TITLE = "GAPT Bridge"


def midi_of(entries: Sequence[Entry], bars: int | None = None) -> bytes | None:
    """A MIDI file of both parts with the chords' names as markers; None where nothing was played.

    `bars` takes only the last so many bars.
    """
    duet = take_of(entries, TITLE)
    if duet is None:
        return None
    if bars is not None:
        duet = last_bars(duet, bars)
    names = [Marker(chord.onset_beats, _name(chord)) for chord in duet.chords]
    markers = sorted([*duet.markers, *names], key=lambda marker: marker.beats)
    file = io.BytesIO()
    duet_file(replace(duet, markers=tuple(markers))).save(file=file)
    return file.getvalue()


def last_bars(duet: Duet, count: int) -> Duet:
    """The last `count` bars of a duet, from beat 0 on; what sounds at their beginning begins there."""
    song = duet.song
    bars = song.bars[-count:]
    begin = bars[0].onset_beats
    chords = [chord for chord in duet.chords if chord.onset_beats > begin]
    before = [chord for chord in duet.chords if chord.onset_beats <= begin]
    if before and before[-1].chord is not None:
        chords.insert(0, ChordEvent(begin, before[-1].chord))
    metres = [metre for metre in song.metres if metre.onset_beats <= begin][-1:]
    tempos = [tempo for tempo in song.tempos if tempo.onset_beats <= begin][-1:]
    metres += [metre for metre in song.metres if metre.onset_beats > begin]
    tempos += [tempo for tempo in song.tempos if tempo.onset_beats > begin]
    cut = replace(
        song,
        notes=_from(song.notes, begin),
        metres=tuple(Metre(max(0.0, m.onset_beats - begin), m.numerator, m.denominator) for m in metres),
        tempos=tuple(Tempo(max(0.0, t.onset_beats - begin), t.bpm) for t in tempos),
        bars=tuple(replace(bar, onset_beats=bar.onset_beats - begin) for bar in bars),
        end_beats=song.end_beats - begin,
    )
    return Duet(
        cut,
        tuple(ChordEvent(chord.onset_beats - begin, chord.chord) for chord in chords),
        _from(duet.chord_notes, begin),
        tuple(Marker(marker.beats - begin, marker.text) for marker in duet.markers if marker.beats >= begin),
    )


def _from(notes: Sequence[Note], begin: float) -> tuple[Note, ...]:
    later = [replace(note, onset_beats=note.onset_beats - begin) for note in notes if note.onset_beats >= begin]
    held = [note for note in notes if note.onset_beats < begin < note.end_beats]
    return (*(replace(note, onset_beats=0.0, duration_beats=note.end_beats - begin) for note in held), *later)


def _name(chord: ChordEvent) -> str:
    return symbol("N" if chord.chord is None else chord.chord.name)
