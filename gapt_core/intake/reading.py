"""One file of any kind as songs on the grid, and in one line what was made of it."""

from __future__ import annotations

import gzip
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gapt_core.data.jsonl import read_songs
from gapt_core.data.library import REASONS, Verdict, read_song
from gapt_core.data.midi import song_of_midi
from gapt_core.data.reading import MAX_BEATS
from gapt_core.data.smf import METRE, MidiFile, parse_midi
from gapt_core.errors import SongError
from gapt_core.intake.audio import read_audio
from gapt_core.intake.patterns import Patterns
from gapt_core.intake.playing import FREELY, Claim, Settled, settle
from gapt_core.intake.reports import LEAST_NOTES, Assumed, FileReport, IntakeOptions, TakenSong
from gapt_core.intake.sessions import is_ours, pieces, restarts
from gapt_core.intake.walk import AUDIO, JSONL, MIDI, kind_of
from gapt_core.song import Song

MEGABYTE = 1 << 20
MOST_MEGABYTES = {MIDI: 8, "abc": 8, "musicxml": 64, JSONL: 256, AUDIO: 2048}
"""Larger files are no songs of one player."""

MOST_UNPACKED = 512 * MEGABYTE

SURE, LIKELY = 0.8, 0.5

ALONE = "the only part"
"""How the remark of a reader of MIDI ends that had no choice."""

WRITTEN = Claim(metre=True, lines=True)
"""What scores and songs in JSON lines say of their bars."""

UNREADABLE = (ArithmeticError, LookupError, MemoryError, OSError, RuntimeError, ValueError)
"""What one file may make a reader stumble over; it shall not cost the others."""

logger = logging.getLogger(__name__)


@dataclass
class _Taken:
    """What has been made of a file so far: songs with what was assumed, repairs, remarks; whether it is a session."""

    songs: list[Settled]
    repairs: list[str]
    remarks: list[str]
    short: int = 0
    session: bool = False


def read_file(path: Path, options: IntakeOptions, patterns: Patterns) -> FileReport:
    """What becomes of one file; raises no error of the file's.

    Raises:
        TrainingError: the options ask for what cannot be done.
    """
    try:
        taken = _read(path, options, patterns)
    except SongError as error:
        return FileReport(path, Verdict.REFUSED, _reason(error, path))
    except UNREADABLE as error:
        logger.debug("%s could not be read", path, exc_info=True)
        return FileReport(path, Verdict.REFUSED, f"cannot be read ({type(error).__name__}: {_one_line(error)})")
    if not taken.songs:
        return FileReport(path, Verdict.REFUSED, f"has fewer than {LEAST_NOTES} notes: too short to learn from")
    songs = tuple(TakenSong(settled.song, path, settled.assumed) for settled in taken.songs)
    own = [repair for settled in taken.songs for repair in settled.repairs]
    repairs = [*taken.repairs, *dict.fromkeys(own)]
    if taken.short:
        repairs.append(f"{taken.short} too short to learn from")
    clauses = [_counted(songs), *_told(repairs), *taken.remarks]
    verdict = Verdict.REPAIRED if repairs else Verdict.USED
    return FileReport(path, verdict, "; ".join(clause for clause in clauses if clause), songs, taken.session)


def _read(path: Path, options: IntakeOptions, patterns: Patterns) -> _Taken:
    kind = kind_of(path)
    _check_size(path, kind)
    if kind == MIDI:
        return _midi(path, options, patterns)
    if kind == AUDIO:
        return _taken([read_audio(path)], Claim(False, False), replace(options, trust_file=False), patterns)
    if kind == JSONL:
        return _lines(path, options, patterns)
    result = read_song(path)
    taken = _taken(result.songs, WRITTEN if kind else Claim(True, False), options, patterns)
    taken.repairs[:0] = result.repairs
    return taken


def _midi(path: Path, options: IntakeOptions, patterns: Patterns) -> _Taken:
    midi = parse_midi(path.read_bytes(), str(path))
    result = song_of_midi(midi, path)
    song = result.songs[0]
    if is_ours(midi):
        taken = _session(song, midi, options, patterns)
    else:
        pickup = song.bars[0].duration_beats < song.metres[0].bar_beats - 1e-6
        told = any(meta.kind == METRE for track in midi.tracks for meta in track.metas)
        taken = _taken([song], Claim(told, pickup and len(song.metres) == 1), options, patterns)
        taken.remarks += [remark for remark in result.remarks if not remark.endswith(ALONE)]
    taken.repairs[:0] = result.repairs
    return taken


def _session(song: Song, midi: MidiFile, options: IntakeOptions, patterns: Patterns) -> _Taken:
    """What was played in a recorded session: its beats are the bridge's, and so are its chords."""
    if not options.trust_chords:
        song = replace(song, chords=None)
    taken = _taken(list(pieces(song, restarts(midi))), WRITTEN, options, patterns)
    taken.session = True
    taken.remarks.append(
        "a recorded session" if options.trust_chords else "a recorded session: its chords are the bridge's, not taken"
    )
    return taken


def _lines(path: Path, options: IntakeOptions, patterns: Patterns) -> _Taken:
    """The songs of a file of JSON lines, up to the first line that is none."""
    songs: list[Song] = []
    repairs = []
    try:
        songs.extend(read_songs(path))
    except SongError as error:
        if not songs:
            raise
        repairs.append(f"{_reason(error, path)}: the {len(songs)} songs before it are used")
    if not songs:
        raise SongError(f"{path} holds no songs.")
    taken = _taken(songs, WRITTEN, options, patterns)
    taken.repairs += repairs
    return taken


def _taken(songs: Iterable[Song], claim: Claim, options: IntakeOptions, patterns: Patterns) -> _Taken:
    """Songs on the grid; those too short to learn from are counted."""
    taken = _Taken([], [], [])
    for song in songs:
        if len(song.notes) < LEAST_NOTES:
            taken.short += 1
            continue
        settled = settle(_tidy(song), claim, options, patterns)
        if settled.song.end_beats > MAX_BEATS:
            raise SongError(f"{song.source} is longer than the {MAX_BEATS:.0f} beats that are read; cut it up.")
        taken.songs.append(settled)
    return taken


def _tidy(song: Song) -> Song:
    """The song with its notes in order, and without a chord track in which nothing sounds."""
    sounding = song.chords is not None and any(event.chord for event in song.chords)
    notes = tuple(sorted(song.notes, key=lambda note: (note.onset_beats, note.pitch)))
    return replace(song, notes=notes, chords=song.chords if sounding else None)


def _check_size(path: Path, kind: str | None) -> None:
    """Refuse what is too large, packed or unpacked.

    Raises:
        SongError: it is.
    """
    size = path.stat().st_size
    most = MOST_MEGABYTES.get(kind or "", 64)
    if size > most * MEGABYTE:
        raise SongError(f"{path} is larger than {most} MB; cut it up.")
    if not size:
        raise SongError(f"{path} is empty; export it again.")
    if kind == JSONL and path.suffix.lower() == ".gz":
        unpacked = 0
        with gzip.open(path) as file:
            while part := file.read(MEGABYTE):
                unpacked += len(part)
                if unpacked > MOST_UNPACKED:
                    raise SongError(f"{path} unpacks to more than {MOST_UNPACKED // MEGABYTE} MB; cut it up.")


def _counted(songs: Sequence[TakenSong]) -> str:
    return describe(songs[0].assumed) if len(songs) == 1 else f"{len(songs)} songs"


def describe(assumed: Assumed) -> str:
    """What was assumed, in one clause."""
    middle, low, high = (round(bpm) for bpm in assumed.tempo)
    clause = f"{assumed.how}, {assumed.metre} at {middle}"
    if assumed.how == FREELY:
        clause += f" ({low} to {high}), first bar line at {assumed.downbeat:.2f} s"
    if assumed.sure < 1:
        word = "sure" if assumed.sure >= SURE else "likely" if assumed.sure >= LIKELY else "a guess"
        clause += f", bars {word} ({assumed.sure:.0%})"
    return clause


def _told(repairs: Sequence[str]) -> list[str]:
    """The first repairs, and how many more."""
    more = [f"and {len(repairs) - REASONS} more repairs"] if len(repairs) > REASONS else []
    return [*repairs[:REASONS], *more]


def _reason(error: SongError, path: Path) -> str:
    return str(error).removeprefix(f"{path}").lstrip(" ,").rstrip(".")


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:120]
