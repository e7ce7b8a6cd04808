"""Opens the ports that the player chose."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field

from bridge.ports.midi import MidiInPort, MidiOutPort, refuse_same_port
from bridge.ports.midi_drivers import load_driver
from bridge.ports.osc import DEFAULT_IN_PORT, DEFAULT_OUT_PORT, OscInPort, OscOutPort
from bridge.seams import Clock, InPort, OutPort


@dataclass(frozen=True, slots=True)
class PortChoice:
    """Which ports to open.

    Attributes:
        midi: whether MIDI is wanted at all.
        midi_in: a part of the name of the port to listen to; None offers a virtual one.
        midi_out: likewise for the port to play to.
        same_port: whether both may be the same port.
        osc: whether OSC is wanted at all.
        osc_in: UDP port to listen on.
        osc_out: UDP port to send to.
    """

    midi: bool = True
    midi_in: str | None = None
    midi_out: str | None = None
    same_port: bool = False
    osc: bool = True
    osc_in: int = DEFAULT_IN_PORT
    osc_out: int = DEFAULT_OUT_PORT


@dataclass
class Ports:
    """Open ports; `watched` are those that can be lost while we play."""

    ways_in: list[InPort] = field(default_factory=list)
    ways_out: list[OutPort] = field(default_factory=list)
    watched: list[MidiInPort | MidiOutPort] = field(default_factory=list)


def open_ports(choice: PortChoice, clock: Clock, stack: contextlib.ExitStack) -> Ports:
    """The ports of `choice`, which `stack` closes.

    Raises:
        BridgeError: one cannot be had.
    """
    ports = Ports()
    if choice.osc:
        ports.ways_in.append(stack.enter_context(contextlib.closing(OscInPort(clock, choice.osc_in))))
        ports.ways_out.append(stack.enter_context(contextlib.closing(OscOutPort(choice.osc_out))))
    if choice.midi:
        driver = load_driver()
        way_in = stack.enter_context(contextlib.closing(MidiInPort(driver, clock, choice.midi_in)))
        way_out = stack.enter_context(contextlib.closing(MidiOutPort(driver, choice.midi_out)))
        if not choice.same_port:
            refuse_same_port(way_in, way_out)
        ports.ways_in.append(way_in)
        ports.ways_out.append(way_out)
        ports.watched += [way_in, way_out]
    return ports
