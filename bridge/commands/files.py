"""The files that commands read and write, checked before anything is played."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bridge.errors import BridgeError

if TYPE_CHECKING:
    from gapt_core.song import Song

DUET_SUFFIX = "-duet.mid"


def target_of(source: Path, output: Path | None) -> Path:
    """Where the duet of `source` goes.

    Raises:
        BridgeError: nothing can be written there, or it is the file to be read.
    """
    target = output or source.with_name(source.stem + DUET_SUFFIX)
    if target.is_dir():
        raise BridgeError(f"{target} is a folder; name a file in it with -o.")
    if not target.parent.is_dir():
        raise BridgeError(f"There is no folder {target.parent}; make it first, or name another file with -o.")
    if not os.access(target.parent, os.W_OK):
        raise BridgeError(f"The folder {target.parent} may not be written to; name a file elsewhere with -o.")
    if target.exists() and source.exists() and target.samefile(source):
        raise BridgeError(f"{target} is the file to be read and is not written over; name another one with -o.")
    return target


def unused(target: Path) -> Path:
    """`target`, or the next name after it that no file has."""
    from bridge.recording.recorder import names

    return next(path for path in names(target) if not path.exists())


def song_of(source: Path, track: str | None = None, channel: int | None = None, tune: int | None = None) -> Song:
    """The song to play to.

    Raises:
        GaptError: the file cannot be read, or it is not clear which of its tunes is meant.
    """
    from gapt_core.data.library import read_song

    result = read_song(source, int(track) if track and track.isdecimal() else track, channel)
    for repair in result.repairs:
        click.echo(f"{source}: {repair}.", err=True)
    count = len(result.songs)
    if tune is None and count > 1:
        raise BridgeError(f"{source} holds {count} tunes; say which one with --tune 1 to --tune {count}.")
    if tune is not None and tune > count:
        raise BridgeError(f"{source} holds {counted(count, 'tune')}; there is no number {tune}.")
    return result.songs[(tune or 1) - 1]


def counted(count: int, noun: str) -> str:
    """Such as `1 bar` or `3 bars`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"
