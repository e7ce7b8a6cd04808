"""The recorded file against what the listener heard: the same notes, in the same order, at the same places."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import mido
from _evidence import SIXTEENTH, Evidence, Row, figures
from _heard import Heard, together
from _tempomap import BEATS_PER_BAR

Filed = tuple[float, float, int]
"""Onset and end in the file's beats, and pitch."""


def take(evidence: Evidence) -> list[Row]:
    """The rows about the take."""
    if not evidence.take.exists():
        return [Row("the take", "there is none", False)]
    filed = _in_chords(filed_notes(evidence.take, "Chords"))
    groups = together(evidence.protocol.notes("chords"), 2 * evidence.period)
    heard = [note for group in groups for note in sorted(group, key=lambda each: each.key[1])]
    pairs, unheard = _paired(evidence, filed, heard)
    same = [note.key[1] for note, _ in pairs] == [each[2] for _, each in pairs]
    found = f"{len(filed)} notes, {len(heard)} heard, {unheard} while unplugged; " + (
        "same order" if same else "NOT the same"
    )
    complete = len(pairs) == len(heard) and len(filed) == len(heard) + unheard
    lines = [Row("the take's chords against the wire", found, complete and same and bool(pairs))]
    if pairs:
        off = [_off_ms(evidence, note, each) for note, each in pairs]
        near = all(abs(ms) < _half_frame_ms(evidence, note) for ms, (note, _) in zip(off, pairs, strict=True))
        lines.append(Row("… their place in the bar (within half a sixteenth)", figures(off), near))
        lengths = [length for note, each in pairs if (length := _length_off_ms(evidence, note, each)) is not None]
        lines.append(Row("… their length", figures(lengths), not lengths or max(map(abs, lengths)) < 50.0))
    melody, told = len(filed_notes(evidence.take, "Melody")), _melody_told(evidence)
    played = len(evidence.protocol.notes("melody"))
    lines.append(Row("the take's melody", f"{melody} notes; {told} told by OSC; {played} played", melody == told))
    return lines


def filed_notes(path: Path, track: str) -> list[Filed]:
    """Notes of a track of a MIDI file, in order."""
    file = mido.MidiFile(path)
    notes: list[Filed] = []
    for each in (each for each in file.tracks if each.name == track):
        tick, sounding = 0, {}
        for message in each:
            tick += message.time
            if message.type == "note_on" and message.velocity:
                sounding[message.note] = tick
            elif message.type in ("note_on", "note_off") and message.note in sounding:
                onset = sounding.pop(message.note)
                notes.append((onset / file.ticks_per_beat, tick / file.ticks_per_beat, message.note))
    return sorted(notes)


def _in_chords(notes: Sequence[Filed]) -> list[Filed]:
    """Notes that begin together in order of pitch."""
    groups: list[list[Filed]] = []
    for note in notes:
        if groups and note[0] - groups[-1][0][0] < SIXTEENTH / 8:
            groups[-1].append(note)
        else:
            groups.append([note])
    return [note for group in groups for note in sorted(group, key=lambda each: each[2])]


def _paired(
    evidence: Evidence, filed: Sequence[Filed], heard: Sequence[Heard]
) -> tuple[list[tuple[Heard, Filed]], int]:
    """Heard notes with those of the file: the file has more, and all of them where the port was unplugged."""
    unplugged = [frame for frame, there in evidence.protocol.plugs if not there]
    before = sum(note.frame < unplugged[0] for note in heard) if unplugged else len(heard)
    unheard = len(filed) - len(heard)
    if unheard < 0:
        return list(zip(heard, filed, strict=False)), 0
    return list(zip(heard, [*filed[:before], *filed[before + unheard :]], strict=True)), unheard


def _off_ms(evidence: Evidence, note: Heard, filed: Filed) -> float:
    """How much later in its bar a note stands in the file than it was on the wire, in ms."""
    beats = evidence.protocol.beats_at(note.frame, evidence.tempos)
    off = (filed[0] - beats + BEATS_PER_BAR / 2) % BEATS_PER_BAR - BEATS_PER_BAR / 2
    return off * 60000.0 / evidence.tempos.bpm(beats)


def _half_frame_ms(evidence: Evidence, note: Heard) -> float:
    bpm = evidence.tempos.bpm(evidence.protocol.beats_at(note.frame, evidence.tempos))
    return SIXTEENTH / 2 * 60000.0 / bpm


def _length_off_ms(evidence: Evidence, note: Heard, filed: Filed) -> float | None:
    """How much longer a note lasts in the file, in ms; None where a jump, stop, lost port or the end lies within."""
    if note.end is None or evidence.protocol.turn_at(note.frame) != evidence.protocol.turn_at(note.end):
        return None
    broken = [*(at for at, _ in evidence.protocol.plugs), *evidence.when("end")]
    if any(note.frame <= at <= note.end for at in broken):
        return None
    begin, end = (evidence.protocol.beats_at(frame, evidence.tempos) for frame in (note.frame, note.end))
    return (filed[1] - filed[0] - (end - begin)) * 60000.0 / evidence.tempos.bpm(begin)


def _melody_told(evidence: Evidence) -> int:
    return sum(bool(told.arguments[1]) for told in evidence.heard("/gapt/melody"))
