"""`gapt jam`: play with the bridge, live."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bridge.commands.files import counted, song_of, target_of, unused
from bridge.commands.options import LIVE, parameter_options, settings_of, worker_of
from bridge.controls.parameters import Value

if TYPE_CHECKING:
    from bridge.controls.settings import Settings
    from bridge.live.record import Record
    from bridge.live.show import Show
    from bridge.page.tap import PageChoice, PageTap
    from bridge.ports.choice import PortChoice
    from gapt_core.song import Song

DEMO_DUET = "duet.mid"
DEMO_TUNE = "auld-lang-syne.mid"
MIDI_OPTIONS = ("midi_in", "midi_out", "same_port")


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
    help=f"With --demo: the MIDI file to write. Default: {DEMO_DUET}, or the next free name.",
)
@click.option(
    "--in",
    "midi_in",
    metavar="NAME",
    multiple=True,
    help="MIDI port to hear, or a part of its name; may be given again. Default: one of ours.",
)
@click.option("--out", "midi_out", metavar="NAME", help="MIDI port to play to. Default: one of ours.")
@click.option("--same-port", is_flag=True, help="Let both be the same port.")
@click.option("--midi/--no-midi", default=True, help="Without MIDI: by OSC alone.")
@click.option("--osc/--no-osc", default=None, help="With OSC or without. Default: with; --demo: without.")
@click.option("--osc-in", type=click.IntRange(1, 65535), default=9100, show_default=True, help="UDP port to hear.")
@click.option(
    "--osc-out",
    metavar="[HOST:]PORT",
    default="9101",
    show_default=True,
    help="Where to send besides those who subscribe.",
)
@click.option("--osc-reply", metavar="[HOST:]PORT", help="Where answers go. Default: to whoever asked.")
@click.option(
    "--osc-listen", metavar="HOST", default="127.0.0.1", show_default=True, help="0.0.0.0 opens it to the network."
)
@click.option("--osc-allow", metavar="NET", multiple=True, help="Who is listened to then. Default: private networks.")
@click.option("--osc-query/--no-osc-query", default=True, help="OSCQuery on the TCP port of the same number.")
@click.option(
    "--osc-announce/--no-osc-announce",
    default=None,
    help="Tell the network by zeroconf where OSC is. Default: where it is open to it.",
)
@click.option(
    "--record", type=click.Path(path_type=Path), metavar="FILE", help="Record to this MIDI file, from the beginning."
)
@click.option("--page", is_flag=True, help="Show the session, and set it, on a page in the browser.")
@click.option("--page-port", type=click.IntRange(0, 65535), default=9180, show_default=True, help="Its TCP port.")
@click.option(
    "--page-host",
    metavar="HOST",
    default="127.0.0.1",
    show_default=True,
    help="0.0.0.0 opens it to other devices, by a link that each can use once.",
)
@click.option(
    "--page-open/--no-page-open",
    default=None,
    help="Open the browser. Default: where there is a screen and a terminal.",
)
@click.option("--plain", is_flag=True, help="A line for each chord in place of the live view.")
@parameter_options(LIVE)
def jam(demo: str | None, given: dict[str, Value], **options: Any) -> None:
    """Answer a melody with chords, in time; Ctrl-C ends it.

    The melody comes in by MIDI or OSC; chords go out by both. Without a host to follow the first note is beat 0.
    Everything from --preset on can also be set while it plays, by OSC (/gapt/NAME), by MIDI controllers, and for good
    in the settings file.
    """
    if demo is not None:
        _demo(demo, settings_of(given), options)
    else:
        _jam(given, options)


def _jam(given: dict[str, Value], options: dict[str, Any]) -> None:
    from bridge.controls.user_file import UserFile
    from bridge.live.jam import open_jam
    from bridge.live.page import open_page

    if options["output"] is not None or options["bars"] is not None:
        raise click.UsageError("--output and --bars are for --demo; add it, or leave them out.")
    if not options["midi"] and options["osc"] is False:
        raise click.UsageError("--no-midi and --no-osc leave nothing to hear; leave one of them out.")
    user_file = UserFile.load()
    if options["record"] is not None:
        given.setdefault("recording", True)
    settings = settings_of(given, user_file.jam)
    choice = _ports(options, osc=options["osc"] is not False)
    with (
        open_page(_page(options), settings, click.echo) as page,
        _show(options["plain"], page) as show,
        open_jam(settings, choice, lambda: worker_of(settings), show, user_file, options["record"], page) as opened,
    ):
        session, ports = opened
        for way, names in (("Hears", ports.heard), ("Plays", ports.played)):
            show.say(f"{way} {', '.join(names)}.")
        session.run(lambda: show.say("Ready. Ctrl-C ends."))
    click.echo(show.tally.summary(session.counters))
    for sentence in show.last_words:
        click.echo(sentence)


def _ports(options: dict[str, Any], osc: bool) -> PortChoice:
    """What the options say of ports.

    Raises:
        BridgeError: an address is none.
        UsageError: an option was given that nothing comes of.
    """
    _refuse_idle("MIDI", options["midi"], MIDI_OPTIONS)
    _refuse_idle("OSC", osc, [name for name in options if name.startswith("osc_")])
    from bridge.ports.choice import VIRTUAL, PortChoice
    from bridge.ports.osc.choice import OscChoice, endpoint

    reply = options["osc_reply"]
    speaks = OscChoice(
        listen=options["osc_listen"],
        port_in=options["osc_in"],
        out=endpoint(options["osc_out"], "--osc-out"),
        reply=None if reply is None else endpoint(reply, "--osc-reply"),
        allow=options["osc_allow"],
        query_port=options["osc_in"] if options["osc_query"] else None,
        announce=options["osc_announce"],
    )
    return PortChoice(
        midi_in=(options["midi_in"] or (VIRTUAL,)) if options["midi"] else (),
        midi_out=(options["midi_out"] or VIRTUAL) if options["midi"] else None,
        same_port=options["same_port"],
        osc=speaks if osc else None,
    )


def _refuse_idle(language: str, spoken: bool, names: Iterable[str]) -> None:
    context = click.get_current_context()
    given = [name for name in names if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE]
    for option in context.command.params:
        if not spoken and option.name in given and context.params[option.name] is not False:
            way = language.split()[-1].lower()
            raise click.UsageError(f"{option.opts[0]} means nothing without {language}; leave it out, or add --{way}.")


def _demo(tune: str, settings: Settings, options: dict[str, Any]) -> None:
    from dataclasses import replace

    from bridge.demo.performer import first_bars
    from bridge.live.jam import open_demo
    from bridge.live.page import open_page
    from bridge.live.record import Record

    if options["midi_in"]:
        raise click.UsageError("--demo plays the melody itself; leave out --in.")
    if options["record"] is not None:
        raise click.UsageError("--demo writes both parts anyway; name the file with -o in place of --record.")
    source = Path(__file__).parents[1] / "demo" / DEMO_TUNE if tune == DEMO_TUNE else Path(tune)
    target = target_of(source, options["output"] or Path(DEMO_DUET))
    song = song_of(source)
    if options["bars"]:
        song = first_bars(song, options["bars"])
    choice = _ports(options, osc=bool(options["osc"]))
    choice = replace(choice, midi_in=(), midi_out=options["midi_out"] if options["midi"] else None)
    click.echo(f"“{song.title}”, {counted(len(song.bars), 'bar')}; the policy gets ready.")
    record = Record()
    with (
        open_page(_page(options), settings, click.echo) as page,
        _show(plain=True, page=page) as show,
        open_demo(settings, song, choice, lambda: worker_of(settings), show, record, page) as session,
    ):
        session.run()
        # Before pages get their time for a farewell: whoever cannot wait that long is not to lose what was played.
        written = _write(target if options["output"] else unused(target), song, record, session.beats)
    click.echo(show.tally.summary(session.counters))
    click.echo(written)


def _page(options: dict[str, Any]) -> PageChoice | None:
    """What the options say of the page.

    Raises:
        UsageError: an option was given that nothing comes of.
    """
    _refuse_idle("a page", options["page"], [name for name in options if name.startswith("page_")])
    if not options["page"]:
        return None
    from bridge.page.gate import dotted
    from bridge.page.tap import PageChoice

    host = options["page_host"].strip()
    if not host:
        raise click.UsageError("--page-host needs an address of this computer; 0.0.0.0 means all it has.")
    return PageChoice(dotted(host), options["page_port"], options["page_open"])


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
def _show(plain: bool, page: PageTap | None) -> Iterator[Show]:
    """What people see meanwhile: the live view on a terminal, else a line for each chord; and the page beside it."""
    from bridge.live.page import beside
    from bridge.live.show import open_show
    from bridge.live.view import is_watched

    with open_show(plain or not is_watched(), click.echo) as show:
        yield beside(page, show)
