"""Opens the ports that the player chose."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field

from bridge.ports.midi import MidiInPort, MidiOutPort, refuse_same_port
from bridge.ports.midi_drivers import load_driver
from bridge.ports.osc.choice import DEFAULT_IN_PORT, DEFAULT_OUT_PORT, LOOPBACK, OscChoice
from bridge.ports.osc.server import OscServer
from bridge.seams import Clock, InPort, OutPort

VIRTUAL = ""
"""In place of the name of a MIDI port: offer one of our own."""


@dataclass(frozen=True, slots=True)
class PortChoice:
    """Which ports to open; None opens none.

    Attributes:
        midi_in: a part of the name of the MIDI port to listen to, or `VIRTUAL`.
        midi_out: likewise of the port to play to.
        same_port: whether both may be the same port.
        osc_in: UDP port to listen on.
        osc_out: UDP port to send to.
    """

    midi_in: str | None = VIRTUAL
    midi_out: str | None = VIRTUAL
    same_port: bool = False
    osc_in: int | None = DEFAULT_IN_PORT
    osc_out: int | None = DEFAULT_OUT_PORT


@dataclass
class Ports:
    """Open ports; `watched` are those that can be lost while we play, `heard` and `played` name them for people."""

    ways_in: list[InPort] = field(default_factory=list)
    ways_out: list[OutPort] = field(default_factory=list)
    watched: list[MidiInPort | MidiOutPort] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    played: list[str] = field(default_factory=list)


def open_ports(choice: PortChoice, clock: Clock, stack: contextlib.ExitStack) -> Ports:
    """The ports of `choice`, which `stack` closes.

    Raises:
        BridgeError: one cannot be had.
    """
    ports = Ports()
    _open_osc(choice, clock, stack, ports)
    if (choice.midi_in, choice.midi_out) != (None, None):
        _open_midi(choice, clock, stack, ports)
    return ports


def _open_osc(choice: PortChoice, clock: Clock, stack: contextlib.ExitStack, ports: Ports) -> None:
    if choice.osc_in is None and choice.osc_out is None:
        return
    out = None if choice.osc_out is None else (LOOPBACK, choice.osc_out)
    osc = OscChoice(port_in=choice.osc_in or 0, out=out, query_port=choice.osc_in)
    server = stack.enter_context(contextlib.closing(OscServer(clock, osc)))
    ports.ways_in.append(server)
    ports.ways_out.append(server)
    ports.heard.append(server.name)
    if choice.osc_out is not None:
        ports.played.append(f"OSC to UDP port {choice.osc_out}")


def _open_midi(choice: PortChoice, clock: Clock, stack: contextlib.ExitStack, ports: Ports) -> None:
    driver = load_driver()
    if choice.midi_in is not None:
        way_in = stack.enter_context(contextlib.closing(MidiInPort(driver, clock, choice.midi_in or None)))
        ports.ways_in.append(way_in)
        ports.watched.append(way_in)
        ports.heard.append(f"MIDI “{way_in.name}”")
    if choice.midi_out is not None:
        way_out = stack.enter_context(contextlib.closing(MidiOutPort(driver, choice.midi_out or None)))
        ports.ways_out.append(way_out)
        ports.watched.append(way_out)
        ports.played.append(f"MIDI “{way_out.name}”")
    if not choice.same_port:
        refuse_same_port([port.name for port in ports.watched])
