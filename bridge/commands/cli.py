"""The commands that play. What they need is imported when they run: `gapt --help` must stay quick."""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bridge.commands.policy import PolicyChoice, policy_options
from bridge.errors import BridgeError
from gapt_core.cli import FiniteRange

if TYPE_CHECKING:
    from bridge.engine.settings import Settings
    from bridge.live.record import Record
    from gapt_core.song import Song

DUET_SUFFIX = "-duet.mid"
DEMO_DUET = "duet.mid"
DEMO_TUNE = "auld-lang-syne.mid"
METRE = re.compile(r"([1-9]|[12]\d|3[0-2])/(1|2|4|8|16)")


def _metre(context: click.Context, option: click.Parameter, value: str) -> tuple[int, int]:
    match = METRE.fullmatch(value)
    if match is None:
        raise click.BadParameter(f"{value!r} is no metre; write it like 3/4 or 6/8.", context, option)
    return int(match[1]), int(match[2])


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
@policy_options
def accompany(source: Path, output: Path | None, pickup: float | None, policy: PolicyChoice, **chosen: Any) -> None:
    """Play chords to the melody of the file IN, and write both as the MIDI file OUT.

    IN is a MIDI file; ABC and MusicXML need the extra `scores`. Nothing sounds, and no time is kept: the same
    engine that plays live runs as fast as it can.
    """
    from bridge.offline.accompany import accompany as accompany_song
    from gapt_core.data.duet import write_duet
    from gapt_core.song import with_pickup

    target = _target(source, output)
    song = _song(source, **chosen)
    if pickup is not None:
        song = with_pickup(song, pickup)
    with policy.worker() as accompanist:
        began = time.monotonic()
        duet = accompany_song(song, accompanist, policy.settings())
        took = time.monotonic() - began
    write_duet(target, duet)
    chords = sum(event.chord is not None for event in duet.chords)
    click.echo(f"{target}: {_counted(len(song.bars), 'bar')}, {_counted(chords, 'chord')}, in {took:.1f} seconds.")


@click.command()
@click.option(
    "--demo",
    is_flag=False,
    flag_value=DEMO_TUNE,
    metavar="[FILE]",
    help="Needs no device: plays a tune of ours, or FILE, in real time, answers it, and writes both parts.",
)
@click.option("--bars", type=click.IntRange(1), help="With --demo: play only so many bars.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help=f"With --demo: the MIDI file to write. Default: {DEMO_DUET}.",
)
@click.option("--in", "midi_in", metavar="NAME", help="MIDI port to hear, or a part of its name. Default: one of ours.")
@click.option("--out", "midi_out", metavar="NAME", help="MIDI port to play to. Default: one of ours.")
@click.option("--same-port", is_flag=True, help="Let both be the same port.")
@click.option(
    "--out-channel", type=click.IntRange(1, 16), default=1, show_default=True, help="MIDI channel of the chords."
)
@click.option("--midi/--no-midi", default=True, help="Without MIDI: by OSC alone.")
@click.option("--osc/--no-osc", default=None, help="With OSC or without. Default: with; --demo: without.")
@click.option("--osc-in", type=click.IntRange(1, 65535), default=9100, show_default=True, help="UDP port to hear.")
@click.option("--osc-out", type=click.IntRange(1, 65535), default=9101, show_default=True, help="UDP port to play to.")
@click.option(
    "--tempo",
    type=FiniteRange(10, 999),
    default=120.0,
    show_default=True,
    help="Quarter notes a minute.",
)
@click.option("--metre", default="4/4", show_default=True, callback=_metre, help="Such as 3/4.")
@click.option(
    "--window-ms",
    type=FiniteRange(0, 500),
    default=0.5,
    show_default=True,
    help="How long `react` listens to a sixteenth before it answers.",
)
@click.option(
    "--commit",
    type=FiniteRange(0, 4),
    default=0.25,
    show_default=True,
    help="How much of each plan is final, in beats.",
)
@click.option(
    "--lookahead",
    type=FiniteRange(0, 16),
    default=0.25,
    show_default=True,
    help="How far to plan, in beats.",
)
@click.option(
    "--listen",
    type=FiniteRange(0, 64),
    default=0.0,
    show_default=True,
    help="Beats to listen before the first chord.",
)
@policy_options
def jam(demo: str | None, policy: PolicyChoice, **options: Any) -> None:
    """Answer a melody with chords, in time; Ctrl-C ends it.

    The melody comes in by MIDI or OSC, and the first note is beat 0. Chords go out by both.
    """
    settings = policy.settings(
        bpm=options["tempo"],
        window_seconds=options["window_ms"] / 1000.0,
        commit=_frames(options["commit"]),
        lookahead=_frames(options["lookahead"]),
        listen_beats=options["listen"],
        channel=options["out_channel"] - 1,
    )
    if demo is not None:
        _demo(demo, settings, policy, options)
    else:
        _jam(settings, policy, options)


def _jam(settings: Settings, policy: PolicyChoice, options: dict[str, Any]) -> None:
    from bridge.live.session import open_jam
    from bridge.ports.choice import VIRTUAL, PortChoice

    if options["output"] is not None or options["bars"] is not None:
        raise click.UsageError("--output and --bars are for --demo; add it, or leave them out.")
    midi, osc = options["midi"], options["osc"] is not False
    choice = PortChoice(
        midi_in=options["midi_in"] or VIRTUAL if midi else None,
        midi_out=options["midi_out"] or VIRTUAL if midi else None,
        same_port=options["same_port"],
        osc_in=options["osc_in"] if osc else None,
        osc_out=options["osc_out"] if osc else None,
    )
    if not (midi or osc):
        raise click.UsageError("--no-midi and --no-osc leave nothing to hear; leave one of them out.")
    if osc and options["osc_in"] == options["osc_out"]:
        raise click.UsageError("--osc-in and --osc-out are the same, so it would hear itself; give another one.")
    with _record() as record, open_jam(settings, options["metre"], choice, policy.worker, record.add) as session:
        for way, names in (("Hears", session.ports.heard), ("Plays", session.ports.played)):
            click.echo(f"{way} {', '.join(names)}.")
        session.run(lambda: click.echo("Ready: your first note is beat 0. Ctrl-C ends."))
    click.echo(record.summary(session.counters))


def _demo(tune: str, settings: Settings, policy: PolicyChoice, options: dict[str, Any]) -> None:
    from bridge.demo.performer import first_bars
    from bridge.live.session import open_demo
    from bridge.ports.choice import PortChoice

    if options["midi_in"] is not None:
        raise click.UsageError("--demo plays the melody itself; leave out --in.")
    source = Path(__file__).parents[1] / "demo" / DEMO_TUNE if tune == DEMO_TUNE else Path(tune)
    target = _target(source, options["output"] or Path(DEMO_DUET))
    song = _song(source)
    if options["bars"]:
        song = first_bars(song, options["bars"])
    choice = PortChoice(
        midi_in=None,
        midi_out=options["midi_out"],
        osc_in=None,
        osc_out=options["osc_out"] if options["osc"] else None,
    )
    click.echo(f"“{song.title}”, {_counted(len(song.bars), 'bar')}; the policy gets ready.")
    with _record() as record, open_demo(settings, song, choice, policy.worker, record) as session:
        session.run()
        beats = session.beats
    written = _write(target, song, record, beats)
    click.echo(record.summary(session.counters))
    click.echo(written)


def _write(target: Path, song: Song, record: Record, beats: float) -> str:
    """Write what was played up to `beats`; returns a sentence that says so."""
    from bridge.demo.performer import up_to
    from bridge.offline.accompany import chord_events, chord_notes
    from gapt_core.data.duet import Duet, write_duet

    played = up_to(song, beats)
    if not played.notes:
        return "Nothing was played, and so nothing is written."
    chords = chord_events(sent.chord for sent in record.sent)
    write_duet(target, Duet(played, chords, chord_notes(record.messages, played.end_beats)))
    return f"Both parts are in {target}."


@contextlib.contextmanager
def _record() -> Iterator[Record]:
    """A record that prints each chord as it leaves."""
    from bridge.live.console import Console
    from bridge.live.record import Record, line_of

    console = Console(click.echo)
    try:
        yield Record(lambda sent: console.show(lambda: line_of(sent)))
    finally:
        console.close()


def _frames(beats: float) -> int:
    from gapt_core.vocabulary import FRAMES_PER_BEAT

    return max(1, round(beats * FRAMES_PER_BEAT))


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


def _song(source: Path, track: str | None = None, channel: int | None = None, tune: int | None = None) -> Song:
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
