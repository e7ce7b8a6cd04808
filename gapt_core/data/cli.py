"""`gapt songs`: what the readers make of files."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gapt_core.errors import SongError

if TYPE_CHECKING:
    from rich.table import Table

    from gapt_core.data.library import Outcome


@click.group()
def songs() -> None:
    """Look at files of songs before playing or training on them."""


@songs.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def check(paths: tuple[Path, ...], as_json: bool) -> None:
    """Read every file and folder in PATHS and say what is used, repaired or refused, and why.

    Reads MIDI and songs in JSON lines; ABC and MusicXML with the `scores` extra. Ends with exit code 2 if nothing
    can be used.
    """
    outcomes = _read(paths)
    click.echo(_json(outcomes) if as_json else _rendered(outcomes), nl=as_json)
    if not outcomes:
        raise SongError("There is no file of songs in the folder; name another one (docs/data.md says what is read).")
    if not any(outcome.songs for outcome in outcomes):
        raise SongError("None of the files can be used; see the reasons above.")


def _read(paths: Sequence[Path]) -> list[Outcome]:
    """One outcome a file, with a bar on the error stream where a person is looking."""
    from rich.console import Console
    from rich.progress import track

    from gapt_core.data.library import expand, read_outcome

    screen = Console(stderr=True)
    files = expand(paths)
    bar = track(files, "Reading", console=screen, transient=True, disable=not screen.is_terminal)
    return [read_outcome(file) for file in bar]


def _json(outcomes: Sequence[Outcome]) -> str:
    rows = [
        {
            "path": str(outcome.path),
            "outcome": outcome.verdict.value,
            "songs": len(outcome.songs),
            "with_chords": sum(song.chords is not None for song in outcome.songs),
            "notes": sum(len(song.notes) for song in outcome.songs),
            "reason": outcome.reason,
        }
        for outcome in outcomes
    ]
    return json.dumps(rows, indent=2, ensure_ascii=False)


def _rendered(outcomes: Sequence[Outcome]) -> str:
    """The table and a closing line, as text as wide as the terminal."""
    from rich.console import Console

    console = Console(highlight=False)
    with console.capture() as captured:
        if outcomes:
            console.print(_table(outcomes))
        console.print(_summary(outcomes), markup=False)
    return captured.get()


def _table(outcomes: Sequence[Outcome]) -> Table:
    from rich.markup import escape
    from rich.table import Table

    heading, names = _short_names([outcome.path for outcome in outcomes])
    table = Table(box=None, pad_edge=False)
    table.add_column(escape(heading), ratio=2, overflow="fold")
    table.add_column("outcome")
    table.add_column("songs", justify="right")
    table.add_column("reason", ratio=3, overflow="fold")
    for name, outcome in zip(names, outcomes, strict=True):
        count = str(len(outcome.songs)) if outcome.songs else ""
        table.add_row(escape(name), outcome.verdict.value, count, escape(outcome.reason))
    return table


def _short_names(paths: Sequence[Path]) -> tuple[str, list[str]]:
    """A heading that names the folder they share, and the paths within it."""
    absolute = [path.absolute() for path in paths]
    try:
        folder = os.path.commonpath([path.parent for path in absolute])
    except ValueError:  # on two drives
        return "file", [str(path) for path in paths]
    return f"file in {folder}", [str(path.relative_to(folder)) for path in absolute]


def _summary(outcomes: Sequence[Outcome]) -> str:
    counts = Counter(outcome.verdict.value for outcome in outcomes)
    found = [song for outcome in outcomes for song in outcome.songs]
    chords = sum(song.chords is not None for song in found)
    verdicts = ", ".join(f"{counts[verdict]} {verdict}" for verdict in ("used", "repaired", "refused"))
    return f"{len(outcomes)} files: {verdicts}; {len(found)} songs, {chords} of them with chords."
