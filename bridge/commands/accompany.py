"""`gapt accompany`: chords to a file, as fast as the machine goes."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from bridge.commands.files import counted, song_of, target_of
from bridge.commands.options import OFFLINE, parameter_options, settings_of, worker_of
from bridge.controls.parameters import Value
from gapt_core.cli import FiniteRange


@click.command()
@click.argument("source", metavar="IN", type=click.Path(path_type=Path))
@click.option("-o", "--output", metavar="OUT", type=click.Path(path_type=Path), help="Default: IN-duet.mid, beside IN.")
@click.option("--track", help="The track that has the melody, by name or by number from 1.")
@click.option("--channel", type=click.IntRange(1, 16), help="The MIDI channel that has the melody.")
@click.option("--tune", type=click.IntRange(1), help="Which tune of a file with many, from 1.")
@click.option(
    "--pickup",
    type=FiniteRange(0),
    help="Beats before the first full bar, where the file hides them.",
)
@parameter_options(OFFLINE)
def accompany(source: Path, output: Path | None, pickup: float | None, given: dict[str, Value], **chosen: Any) -> None:
    """Play chords to the melody of the file IN, and write both as the MIDI file OUT.

    IN is a MIDI file; ABC and MusicXML need the extra `scores`. Nothing sounds, and no time is kept: the same
    engine that plays live runs as fast as it can.
    """
    from bridge.offline.accompany import accompany as accompany_song
    from gapt_core.data.duet import write_duet
    from gapt_core.song import with_pickup

    target = target_of(source, output)
    song = song_of(source, **chosen)
    if pickup is not None:
        song = with_pickup(song, pickup)
    settings = settings_of(given)
    with worker_of(settings) as accompanist:
        began = time.monotonic()
        duet = accompany_song(song, accompanist, settings)
        took = time.monotonic() - began
    write_duet(target, duet)
    chords = sum(event.chord is not None for event in duet.chords)
    click.echo(f"{target}: {counted(len(song.bars), 'bar')}, {counted(chords, 'chord')}, in {took:.1f} seconds.")
