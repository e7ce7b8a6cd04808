"""What an intake looks like: a table on a terminal, plain lines elsewhere, or JSON; and how it is shared out."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

    from gapt_core.intake.reports import FileReport, Intake, TakenSong
    from gapt_core.intake.split import Split

LEARN, CHOOSE, HELD_OUT = "learn", "choose", "held out"
COLUMNS = ("file", "outcome", "songs", "bars", "chords", "part", "why and how")
NAMED = 12
"""Songs held out that are named; the table has the others."""

KINDS_NAMED = 6

Parts = dict[int, str]
"""Part of a song by its group."""


def parts_of(split: Split | None) -> Parts:
    """What each group is for; nothing where the songs are too few to be split."""
    if split is None:
        return {}
    shares = ((LEARN, split.train), (CHOOSE, split.valid), (HELD_OUT, split.held_out))
    return {song.group: name for name, songs in shares for song in songs}


def as_json(intake: Intake, split: Split | None, refusal: str) -> str:
    """Everything, for programs; `refusal` is why there is no split."""
    parts = parts_of(split)
    value = {
        "files": [_plain_file(report, parts) for report in intake.files],
        "passed_over": dict(intake.passed_over),
        "songs": len(intake.songs),
        "bars": sum(song.bars for song in intake.songs),
        "with_chords": sum(song.with_chords for song in intake.songs),
        "groups": len({song.group for song in intake.songs}),
        "gentle": bool(split and split.gentle),
        "warning": split.warning if split else refusal,
    }
    return json.dumps(value, indent=2)


def _plain_file(report: FileReport, parts: Parts) -> dict[str, Any]:
    return {
        "path": str(report.path),
        "outcome": report.verdict.value,
        "reason": report.reason,
        "songs": [_plain_song(song, parts) for song in report.songs],
    }


def _plain_song(song: TakenSong, parts: Parts) -> dict[str, Any]:
    assumed = song.assumed
    return {
        "title": song.song.title, "bars": song.bars, "notes": len(song.song.notes), "with_chords": song.with_chords,
        "beats": assumed.how, "tempo": [round(bpm, 2) for bpm in assumed.tempo], "metre": assumed.metre,
        "first_bar_line_seconds": round(assumed.downbeat, 3), "sure": round(assumed.sure, 3),
        "group": song.group, "part": parts.get(song.group),
    }  # fmt: skip


def plain(intake: Intake, split: Split | None) -> str:
    """A line a file, fields apart by tabs, and the closing lines."""
    rows = [COLUMNS, *_rows(intake, parts_of(split))]
    return "\n".join([*("\t".join(row) for row in rows), *closing(intake, split)]) + "\n"


def table(intake: Intake, split: Split | None) -> str:
    """A table as wide as the terminal, and the closing lines."""
    from rich.console import Console

    console = Console(highlight=False)
    with console.capture() as captured:
        if intake.files:
            console.print(_table(intake, split))
        for line in closing(intake, split):
            console.print(line, markup=False)
    return captured.get()


def _table(intake: Intake, split: Split | None) -> Table:
    from rich.markup import escape
    from rich.table import Table

    grid = Table(box=None, pad_edge=False)
    for name in COLUMNS:
        number = name in ("songs", "bars", "chords")
        wide = {"file": 2, "why and how": 4}.get(name)
        grid.add_column(name, ratio=wide, overflow="fold", justify="right" if number else "left")
    for row in _rows(intake, parts_of(split)):
        grid.add_row(*map(escape, row))
    return grid


def _rows(intake: Intake, parts: Parts) -> Iterable[tuple[str, ...]]:
    names = _short_names([report.path for report in intake.files])
    for name, report in zip(names, intake.files, strict=True):
        songs = report.songs
        numbers = (len(songs), sum(song.bars for song in songs), sum(song.with_chords for song in songs))
        counts = [str(number) if number else "" for number in numbers]
        yield (printable(name), report.verdict.value, *counts, _part(songs, parts), printable(report.reason))


def _part(songs: Sequence[TakenSong], parts: Parts) -> str:
    counts = Counter(parts[song.group] for song in songs if song.group in parts)
    if len(counts) == 1:
        return next(iter(counts))
    return ", ".join(f"{counts[part]} {part}" for part in (LEARN, CHOOSE, HELD_OUT) if counts[part])


def closing(intake: Intake, split: Split | None) -> list[str]:
    """What it comes to: files, songs, bars, chords; what was passed over; how the songs are shared out."""
    from gapt_core.intake.split import counted

    songs = intake.songs
    verdicts = Counter(report.verdict.value for report in intake.files)
    fates = ", ".join(f"{verdicts[name]} {name}" for name in ("used", "repaired", "refused"))
    chords, unlike = sum(song.with_chords for song in songs), len({song.group for song in songs})
    bars = sum(song.bars for song in songs)
    said = f"{chords} with chords and {len(songs) - chords} without; {unlike} unlike each other"
    files, tunes = counted(len(intake.files), "file"), counted(len(songs), "song")
    lines = [f"{files}: {fates}; {tunes} with {counted(bars, 'bar')}, {said}."]
    if intake.passed_over:
        kinds = [f"{count} {printable(kind)}" for kind, count in intake.passed_over.items()]
        more = [f"{len(kinds) - KINDS_NAMED} kinds more"] if len(kinds) > KINDS_NAMED else []
        lines.append(f"Passed over, being of other kinds: {', '.join([*kinds[:KINDS_NAMED], *more])}.")
    return lines + (_shares(split) if split else [])


def _shares(split: Split) -> list[str]:
    from gapt_core.intake.split import counted

    titles = list(dict.fromkeys(printable(song.song.title) for song in split.held_out))
    more = [f"{len(titles) - NAMED} more"] if len(titles) > NAMED else []
    learn = counted(len(split.train), "song")
    counts = f"{learn} to learn from, {len(split.valid)} to choose by, {len(split.held_out)} held out"
    lines = [f"{counts}: {'; '.join([*titles[:NAMED], *more])}."]
    return lines + ([split.warning] if split.warning else [])


def printable(text: str) -> str:
    """Text without what would move a terminal's cursor, or that no encoding has."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _short_names(paths: Sequence[Path]) -> list[str]:
    """The paths within the folder that they share."""
    absolute = [path.absolute() for path in paths]
    try:
        folder = os.path.commonpath([path.parent for path in absolute]) if absolute else ""
    except ValueError:  # on two drives
        return [str(path) for path in paths]
    return [str(path.relative_to(folder)) for path in absolute]
