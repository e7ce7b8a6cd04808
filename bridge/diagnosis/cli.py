"""`gapt ports`, `monitor`, `doctor`, `bench` and `daw test`. What they need is imported when they run."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from bridge.errors import BridgeError
from gapt_core.cli import FiniteRange
from plugin_host.daw.cli import host_argument
from plugin_host.daw.hosts import host_of
from presets.cli import preset_option

if TYPE_CHECKING:
    from bridge.diagnosis.findings import Finding
    from bridge.diagnosis.ports import MidiPorts, UdpPort

FAILED = 2
DEFAULT_UDP = (9100,)

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")


@click.command()
@json_option
def ports(as_json: bool) -> None:
    """List MIDI ports by name, and the UDP ports of OSC with who holds them."""
    from bridge.diagnosis.ports import OSC_PORTS, can_offer_ports, midi_ports, udp_port

    midi, udp = midi_ports(), [udp_port(port) for port in OSC_PORTS]
    if as_json:
        found = {"midi": {**asdict(midi), "virtual": can_offer_ports()}, "udp": [asdict(port) for port in udp]}
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    _show_midi(midi, can_offer_ports())
    _show_udp(udp)


@click.command()
@click.option(
    "--in", "names", metavar="NAME", multiple=True, help="Only MIDI ports with this in their name; may be given again."
)
@click.option("--virtual/--no-virtual", default=True, help="Offer a MIDI port of our own to play to.")
@click.option("--midi/--no-midi", default=True, help="With MIDI or without.")
@click.option("--osc/--no-osc", default=True, help="With OSC or without.")
@click.option(
    "--osc-in",
    "udp",
    type=click.IntRange(0, 65535),
    multiple=True,
    default=DEFAULT_UDP,
    show_default=True,
    help="UDP port to hear; may be given again. 0 takes any that is free.",
)
@click.option("--seconds", type=FiniteRange(0), help="End after so long. Default: when you press Ctrl-C.")
def monitor(names: tuple[str, ...], virtual: bool, midi: bool, osc: bool, udp: tuple[int, ...], seconds: float) -> None:
    """Tell in words what comes in by MIDI and OSC, a line each.

    All MIDI ports are heard, those too that are plugged in later. A MIDI clock is told by its tempo now and then.
    """
    from bridge.diagnosis.monitor import Monitor

    hears_midi, udp_ports = _only_what_is_there(midi), udp if osc else ()
    if not (hears_midi or udp_ports):
        raise BridgeError("There is nothing to hear: leave out --no-midi or --no-osc, or see what `gapt ports` says.")
    watch = Monitor(_write_line)
    with contextlib.ExitStack() as stack, contextlib.suppress(KeyboardInterrupt):
        for port in udp_ports:
            try:
                stack.enter_context(watch.hears_udp(port))
            except BridgeError as error:
                # A jam that holds its port is no reason not to see what MIDI it gets.
                if not hears_midi:
                    raise
                click.echo(str(error), err=True)
        if hears_midi:
            from bridge.diagnosis.ports import can_offer_ports
            from bridge.ports.midi_drivers import load_driver

            stack.enter_context(watch.hears_midi(load_driver(), names, virtual and can_offer_ports()))
        watch.run(seconds)
    if watch.dropped:
        click.echo(f"{watch.dropped} messages came too fast to be shown.", err=True)


@click.command()
@preset_option("The preset whose step is timed.")
@click.option(
    "--tempo", type=FiniteRange(10, 999), default=120.0, show_default=True, help="The tempo it has to keep up with."
)
@json_option
def doctor(preset: str, tempo: float, as_json: bool) -> None:
    """Check what a session needs and say what to do where something is wrong.

    Takes some ten seconds. The exit code is 2 where something cannot work, else 0.
    """
    from bridge.diagnosis.doctor import examine

    _end_with(examine(preset, tempo), as_json)


@click.command("test")
@host_argument
@preset_option("The preset that plays where no bridge is running.")
@click.option("--midi", is_flag=True, help="Notes by MIDI ports, where our part in HOST speaks OSC.")
@click.option("--in", "midi_in", metavar="NAME", default="", help="MIDI port that the bridge hears. Default: its own.")
@click.option("--out", "midi_out", metavar="NAME", default="", help="MIDI port that it plays to. Default: its own.")
@click.option("--osc-in", type=click.IntRange(1, 65535), default=9100, show_default=True, help="The bridge's UDP port.")
@click.option(
    "--osc-listen",
    "listen",
    metavar="HOST",
    default="127.0.0.1",
    show_default=True,
    help="Where no bridge is running: 0.0.0.0 opens ours to the network, for a tablet.",
)
@click.option(
    "--seconds", type=FiniteRange(0), default=30.0, show_default=True, help="How long to listen to HOST; 0 not at all."
)
@json_option
def test_host(host: str, preset: str, midi: bool, as_json: bool, **places: Any) -> None:
    """Send a phrase to the bridge the way that HOST does, then listen to HOST itself, and say what arrived.

    Asks the bridge that is running, or else one of its own. Takes some ten seconds, and as long as it listens. The exit
    code is 2 where something did not arrive, else 0.
    """
    from bridge.commands.options import settings_of, worker_of
    from bridge.diagnosis.meetings import MEETINGS
    from bridge.diagnosis.rehearsal import Plan, by_ports, rehearse

    chosen = host_of(host)
    meeting = by_ports(MEETINGS[chosen.name]) if midi else MEETINGS[chosen.name]
    settings = settings_of({"preset": preset})
    plan = Plan(chosen.title, meeting, places.pop("osc_in"), **places)
    found = rehearse(plan, settings, lambda: worker_of(settings), _write_aside if as_json else _write_line)
    _end_with(found, as_json, ("to look at", "did not arrive"))


@click.group()
def bench() -> None:
    """Measure this machine."""


@bench.command("live")
@preset_option("The preset that plays.")
@click.option("--tempo", type=FiniteRange(10, 999), default=120.0, show_default=True, help="Quarter notes a minute.")
@click.option("--bars", type=click.IntRange(1), default=8, show_default=True, help="How long each measurement lasts.")
@click.option(
    "--window-ms",
    type=FiniteRange(0, 40),
    default=0.5,
    show_default=True,
    help="How long react listens to a sixteenth.",
)
@click.option("--busy", is_flag=True, help="Keep every core busy with other programs meanwhile.")
def bench_live(preset: str, tempo: float, bars: int, window_ms: float, busy: bool) -> None:
    """Measure how late chords are on the wire, beside a bare loop that sleeps and spins.

    A player in a process of its own sends notes by UDP to a whole jam and stamps the chords that come back, against
    its own first note.
    """
    from bridge.diagnosis import live_bench

    cores = os.cpu_count() or 1
    click.echo(f"{cores} cores, {'all kept busy' if busy else 'otherwise as they are'}; {bars} bars at {tempo:g} bpm.")
    click.echo(live_bench.HEADER)
    with live_bench.busy(cores if busy else 0):
        for lateness in live_bench.bench(preset, tempo, bars, window_ms):
            click.echo(lateness.row())


def _only_what_is_there(midi: bool) -> bool:
    """Whether to hear MIDI; where this machine has none, says so and goes on without."""
    from bridge.diagnosis.ports import midi_ports

    problem = midi_ports().problem if midi else ""
    if problem:
        click.echo(problem, err=True)
    return midi and not problem


def _show_midi(midi: MidiPorts, virtual: bool) -> None:
    if midi.problem:
        click.echo(f"MIDI: {midi.problem}")
        return
    for way, option, names in (("to hear", "--in", midi.inputs), ("to play to", "--out", midi.outputs)):
        click.echo(f"MIDI ports {way} ({option}), by {midi.backend}:")
        for name in names:
            click.echo(f"  {name}")
        if not names:
            click.echo("  none")
    click.echo(
        "Without --in and --out, `gapt jam` offers ports of its own: “GAPT Bridge in” and “GAPT Bridge out”."
        if virtual
        else "This system lets no program offer ports: make two with loopMIDI."
    )


def _show_udp(udp: Iterable[UdpPort]) -> None:
    click.echo("UDP ports of OSC:")
    for port in udp:
        state = "free" if port.free else f"held by {port.holder or 'another program'}"
        click.echo(f"  {port.port:<6} {state:<28} {port.purpose}")


def _end_with(
    found: Iterable[Finding], as_json: bool, words: tuple[str, str] = ("could be better", "cannot work")
) -> None:
    """Show what is found, counted in the end with `words` for warnings and failures; exit code 2 where there is one."""
    if as_json:
        findings = list(found)
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=2, ensure_ascii=False))
    else:
        findings = _show_findings(found, words)
    if any(finding.level == "fail" for finding in findings):
        sys.exit(FAILED)


def _show_findings(found: Iterable[Finding], words: tuple[str, str]) -> list[Finding]:
    """Show each as it comes; all of them come back."""
    colours = {"ok": "green", "warn": "yellow", "fail": "red"}
    findings = []
    for finding in found:
        level = click.style(f"{finding.level:<5}", fg=colours[finding.level])
        click.echo(f"{level} {finding.name:<15} {finding.text}")
        if finding.advice:
            click.echo(f"{'':<22}→ {finding.advice}")
        findings.append(finding)
    counts = {level: sum(finding.level == level for finding in findings) for level in colours}
    click.echo(f"{counts['ok']} ok, {counts['warn']} {words[0]}, {counts['fail']} {words[1]}.")
    return findings


def _write_line(line: str) -> None:
    click.echo(line)


def _write_aside(line: str) -> None:
    click.echo(line, err=True)
