"""How well beats, metre and bar lines are found: invented performances of songs whose beats are known, and real files.

Usage: bench/intake.py --songs SET.jsonl.gz ... [--count N] [--files FOLDER --truth SET.jsonl.gz]. Every song of a set
is played in every manner. Of a folder's files, the songs of the same titles in `--truth` tell where the bar lines are:
as the files have them, and as they are found with the chords and without. Needs the `test` extra (mir_eval).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from _performance import MANNERS, Manner, Marks, bar_lines, marks, performed, without_rests

from gapt_core.data.jsonl import read_songs
from gapt_core.data.midi import read_midi
from gapt_core.intake.patterns import Patterns
from gapt_core.intake.playing import FREELY, Claim, settle
from gapt_core.intake.reports import IntakeOptions
from gapt_core.intake.trust import Timing, timing_of
from gapt_core.song import Metre, Song

LEAST_NOTES = 24
TEMPOS = (80.0, 144.0)
"""Felt beats a minute."""

OFF = 97 / 110
"""A tempo map that is wrong by so much."""

WITHIN = 0.13
"""Quarters: half a frame."""


@dataclass(frozen=True)
class Tried:
    """One performance: its marks, whether its file's own beats were believed, how sure it was, and seconds it took."""

    marks: Marks
    believed: bool
    sure: float
    seconds: float


def tried(songs: Sequence[Song], manner: Manner, patterns: Patterns) -> Iterator[Tried]:
    """Each song played once, and taken in."""
    random = np.random.default_rng(7)
    for song in songs:
        bpm = random.uniform(*TEMPOS)
        performance = performed(song, manner, bpm * song.metres[0].beat_beats, random)
        begun = time.process_time()
        settled = settle(performance.song, Claim(manner.click, False), IntakeOptions(), patterns)
        took = time.process_time() - begun
        when = beat_clock(performance.song, settled.song)
        believed = settled.assumed.how != FREELY
        yield Tried(marks(song, performance, settled.song, when), believed, settled.assumed.sure, took)


def beat_clock(file: Song, found: Song):  # type: ignore[no-untyped-def]
    """Seconds of the beats of what was found, by a smooth line through its own notes in the file."""
    from gapt_core.intake.beats import smoothed
    from gapt_core.intake.grid import seconds_of

    onsets = {}
    pitches = [note.pitch for note in found.notes]
    place = 0
    for note, second in zip(file.notes, seconds_of(file, [note.onset_beats for note in file.notes]), strict=True):
        if place < len(pitches) and note.pitch == pitches[place]:
            onsets[round(found.notes[place].onset_beats * 4)] = second
            place += 1
    frames = np.array(sorted(onsets))
    grid, period = smoothed(np.array([onsets[frame] for frame in frames]), frames, 16)

    def when(beats):  # type: ignore[no-untyped-def]
        inside = np.interp(beats * 4, frames, grid)
        before = np.minimum(beats * 4 - frames[0], 0.0) * period[0]
        return inside + before + np.maximum(beats * 4 - frames[-1], 0.0) * period[-1]

    return when


def usable(songs: Sequence[Song], count: int, patterns: Patterns) -> list[Song]:
    """Songs of one metre that is told apart by ear, evenly from the whole set."""
    heard = {pattern.signature for pattern in patterns.heard()} | {(2, 2), (2, 4)}
    plain = [
        replace(without_rests(song), metres=(in_quarters(song.metres[0]),))
        for song in songs
        if len(song.metres) == 1
        and (song.metres[0].numerator, song.metres[0].denominator) in heard
        and len(song.notes) >= LEAST_NOTES
    ]
    return plain[:: max(1, len(plain) // count)][:count]


def in_quarters(metre: Metre) -> Metre:
    """The metre, 2/2 as 4/4: they sound alike."""
    return replace(metre, numerator=4, denominator=4) if (metre.numerator, metre.denominator) == (2, 2) else metre


def print_sets(files: Sequence[Path], count: int, patterns: Patterns) -> None:
    """A table a set."""
    for file in files:
        songs = usable(list(read_songs(file)), count, patterns)
        print(f"\n{file.name.split('.')[0]}, {len(songs)} songs\n")
        print("| played | file believed | beats | octave off | metre | bar lines | notes' frames | sure | s a file |")
        print("|---|---|---|---|---|---|---|---|---|")
        for manner in MANNERS:
            rows = list(tried(songs, manner, patterns))
            each = [row.marks for row in rows]
            frames = np.nanmean([mark.frames for mark in each])
            cells = [
                *(f"{np.mean(values):.0%}" for values in (
                    [row.believed for row in rows], [mark.beats for mark in each], [mark.octave for mark in each],
                    [mark.metre for mark in each], [mark.lines for mark in each])),
                f"{frames:.1%}", f"{np.mean([row.sure for row in rows]):.0%}",
                f"{np.mean([row.seconds for row in rows]):.2f}",
            ]  # fmt: skip
            print(f"| {manner.name} | {' | '.join(cells)} |", flush=True)


def print_folder(folder: Path, truth_file: Path, patterns: Patterns) -> None:
    """Where the bar lines of real files are, and whether their own beats are found by ear."""
    truth = {song.title: song for song in read_songs(truth_file)}
    songs = [read_midi(path).songs[0] for path in sorted(folder.glob("*.mid"))]
    pairs = [(song, truth[song.title]) for song in songs if song.title in truth]
    print(f"\n{folder.name}: {len(pairs)} files, tempos {sorted({round(song.tempos[0].bpm) for song, _ in pairs})}\n")
    timings = [timing_of(np.array([note.onset_beats for note in song.notes])) for song, _ in pairs]
    print(f"Onsets against the file's beats: {', '.join(f'{timings.count(t)} {t.value}' for t in Timing)}.")
    claim, options = Claim(True, False), IntakeOptions()
    ways = {"as the file has them": [song for song, _ in pairs]}
    ways["found, chords and all"] = [settle(song, claim, options, patterns).song for song, _ in pairs]
    bare = [settle(replace(song, chords=None), claim, options, patterns).song for song, _ in pairs]
    ways["found, melody alone"] = bare
    for name, results in ways.items():
        right = [first_line(found) == first_line(true) for found, (_, true) in zip(results, pairs, strict=True)]
        print(f"Bar lines {name}: {np.mean(right):.0%} right.")
    by_ear = [settle(slower(song), Claim(False, False), options, patterns) for song, _ in pairs]
    ratio = np.array(
        [found.song.tempos[0].bpm / song.tempos[0].bpm for found, (song, _) in zip(by_ear, pairs, strict=True)]
    )
    print(
        f"With a tempo map that is wrong: found by ear {np.mean([f.assumed.how == FREELY for f in by_ear]):.0%}; ",
        end="",
    )
    print(f"the true tempo within 2 %: {np.mean(np.abs(ratio - 1) < 0.02):.0%}.")


def slower(song: Song) -> Song:
    """The same sounds in a file whose tempo map is wrong, melody alone."""
    notes = [
        replace(note, onset_beats=note.onset_beats * OFF, duration_beats=note.duration_beats * OFF)
        for note in song.notes
    ]
    return replace(
        song, notes=tuple(notes), chords=None, tempos=(replace(song.tempos[0], bpm=song.tempos[0].bpm * OFF),)
    )


def first_line(song: Song) -> float:
    """How far the first note lies after a bar line, in quarters, to the half frame."""
    line = bar_lines(song)
    bar = song.metres[0].bar_beats
    away = (song.notes[0].onset_beats - line[0]) % bar if len(line) else 0.0
    return round(away / (2 * WITHIN)) * 2 * WITHIN % bar


def main() -> None:
    """Read what is asked for and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--songs", type=Path, nargs="*", default=[])
    parser.add_argument("--count", type=int, default=40, help="songs of a set")
    parser.add_argument("--files", type=Path)
    parser.add_argument("--truth", type=Path)
    given = parser.parse_args()
    patterns = Patterns()
    print_sets(given.songs, given.count, patterns)
    if given.files and given.truth:
        print_folder(given.files, given.truth, patterns)


if __name__ == "__main__":
    main()
