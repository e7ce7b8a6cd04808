"""The commands that play. What they need is imported when they run: `gapt --help` must stay quick."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bridge.commands.policy import PolicyChoice, policy_options
from bridge.errors import BridgeError

if TYPE_CHECKING:
    from gapt_core.song import Song

DUET_SUFFIX = "-duet.mid"


@click.command()
@click.argument("source", metavar="IN", type=click.Path(path_type=Path))
@click.option("-o", "--output", metavar="OUT", type=click.Path(path_type=Path), help="Default: IN-duet.mid, beside IN.")
@click.option("--track", help="The track that has the melody, by name or by number from 1.")
@click.option("--channel", type=click.IntRange(1, 16), help="The MIDI channel that has the melody.")
@click.option("--tune", type=click.IntRange(1), help="Which tune of a file with many, from 1.")
@policy_options
def accompany(
    source: Path, output: Path | None, track: str | None, channel: int | None, tune: int | None, policy: PolicyChoice
) -> None:
    """Play chords to the melody of the file IN, and write both as the MIDI file OUT.

    IN is a MIDI file; ABC and MusicXML need the extra `scores`. Nothing sounds, and no time is kept: the same
    engine that plays live runs as fast as it can.
    """
    from bridge.offline import accompany as accompany_song
    from gapt_core.data.duet import write_duet

    target = _target(source, output)
    song = _song(source, track, channel, tune)
    with policy.worker() as accompanist:
        began = time.monotonic()
        duet = accompany_song(song, accompanist, policy.settings())
        took = time.monotonic() - began
    write_duet(target, duet)
    chords = sum(event.chord is not None for event in duet.chords)
    click.echo(f"{target}: {_counted(len(song.bars), 'bar')}, {_counted(chords, 'chord')}, in {took:.1f} seconds.")


def _target(source: Path, output: Path | None) -> Path:
    """Where the duet goes.

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


def _song(source: Path, track: str | None, channel: int | None, tune: int | None) -> Song:
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
        raise BridgeError(f"{source} holds {_counted(count, 'tune')}; there is no number {tune}.")
    return result.songs[(tune or 1) - 1]


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
