"""The commands that play. What they need is imported when they run: `gapt --help` must stay quick."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from bridge.errors import BridgeError

if TYPE_CHECKING:
    from gapt_core.song import Song

Command = TypeVar("Command", bound=Callable[..., Any])

DUET_SUFFIX = "-duet.mid"


def _style(context: click.Context, option: click.Parameter, value: str) -> str:
    from gapt_core.vocabulary import STYLES

    if value not in STYLES:
        raise click.BadParameter(f"{value!r} is not one of {', '.join(STYLES)}.", context, option)
    return value


def policy_options(command: Command) -> Command:
    """The options that say which policy plays and how: `preset`, `mode`, `temperature`, `seed`, `style`."""
    for option in (
        click.option(
            "--style", default="unknown", show_default=True, callback=_style, help="What to play like, such as folk."
        ),
        click.option("--seed", type=int, default=0, show_default=True, help="The same seed gives the same chords."),
        click.option(
            "--temperature",
            type=click.FloatRange(0.0, 10.0),
            default=1.0,
            show_default=True,
            help="0 plays the likeliest chord; the higher, the bolder.",
        ),
        click.option(
            "--mode",
            type=click.Choice(["react", "anticipate"]),
            default="react",
            show_default=True,
            help="Listen to each note for some milliseconds before answering, or answer ahead of it.",
        ),
        click.option("--preset", default="default", show_default=True, help="A preset's name, or its folder."),
    ):
        command = option(command)
    return command


@click.command()
@click.argument("source", metavar="IN", type=click.Path(path_type=Path))
@click.option("-o", "--output", metavar="OUT", type=click.Path(path_type=Path), help="Default: IN-duet.mid, beside IN.")
@click.option("--track", help="The track that has the melody, by name or by number from 1.")
@click.option("--channel", type=click.IntRange(1, 16), help="The MIDI channel that has the melody.")
@click.option("--tune", type=click.IntRange(1), help="Which tune of a file with many, from 1.")
@policy_options
def accompany(source: Path, output: Path | None, track: str | None, channel: int | None, **options: Any) -> None:
    """Play chords to the melody of the file IN, and write both as the MIDI file OUT.

    IN is a MIDI file; ABC and MusicXML need the extra `scores`. Nothing sounds, and no time is kept: the
    same engine that plays live runs as fast as it can.
    """
    from bridge.offline import accompany as accompany_song
    from bridge.settings import Settings
    from gapt_core.data.duet import write_duet
    from plugin_host.accompanist import Sampling
    from plugin_host.proxy import WorkerAccompanist

    target = _target(source, output)
    song = _song(source, track, channel, options["tune"])
    sampling = Sampling(temperature=options["temperature"], seed=options["seed"])
    with WorkerAccompanist(options["preset"], sampling, options["style"]) as accompanist:
        began = time.monotonic()
        duet = accompany_song(song, accompanist, Settings(mode=options["mode"], sampling=sampling))
        took = time.monotonic() - began
    write_duet(target, duet)
    chords = sum(event.chord is not None for event in duet.chords)
    click.echo(f"{target}: {len(song.bars)} bars, {chords} chords, in {took:.1f} seconds.")


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
    if target.exists() and source.exists() and target.samefile(source):
        raise BridgeError(f"{target} is the file to be read and is not written over; name another one with -o.")
    return target


def _song(source: Path, track: str | None, channel: int | None, tune: int | None) -> Song:
    """The song to play to.

    Raises:
        GaptError: the file cannot be read, or it is not clear which of its tunes is meant.
    """
    from gapt_core.data.library import read_file

    result = read_file(source, track=int(track) if track and track.isdecimal() else track, channel=channel)
    for repair in result.repairs:
        click.echo(f"{source}: {repair}.", err=True)
    count = len(result.songs)
    if tune is None and count > 1:
        raise BridgeError(f"{source} holds {count} tunes; say which one with --tune 1 to --tune {count}.")
    if tune is not None and tune > count:
        raise BridgeError(f"{source} holds {count} tune{'s' * (count > 1)}; there is no number {tune}.")
    return result.songs[(tune or 1) - 1]
