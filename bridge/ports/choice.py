"""Opens the ports that the player chose."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bridge.controls.settings import Settings
from bridge.guardian.guardian import Guardian
from bridge.guardian.last_words import LastWords
from bridge.ports.midi import open_midi
from bridge.ports.osc.choice import OscChoice, is_loopback
from bridge.ports.osc.server import OscServer
from bridge.seams import Clock, InPort, OutPort, Tended

logger = logging.getLogger(__name__)

VIRTUAL = ""
"""In place of the name of a MIDI port: offer one of our own."""


@dataclass(frozen=True, slots=True)
class PortChoice:
    """Which ports to open; None opens none.

    Attributes:
        midi_in: a part of the name of the MIDI port to listen to, or `VIRTUAL`; or several of these.
        midi_out: likewise of the port to play to.
        same_port: whether one may be both.
        osc: how to speak OSC.
    """

    midi_in: str | Sequence[str] | None = VIRTUAL
    midi_out: str | Sequence[str] | None = VIRTUAL
    same_port: bool = False
    osc: OscChoice | None = field(default_factory=OscChoice)


@dataclass
class Ports:
    """Open ports. `heard` and `played` name them for people."""

    ways_in: list[InPort] = field(default_factory=list)
    ways_out: list[OutPort] = field(default_factory=list)
    tended: list[Tended] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    played: list[str] = field(default_factory=list)


def open_ports(
    choice: PortChoice,
    clock: Clock,
    stack: contextlib.ExitStack,
    settings: Settings | None = None,
    tell: Callable[[str], None] = logger.warning,
) -> Ports:
    """The ports of `choice`, which `stack` closes.

    Args:
        settings: what the session starts with, for those who ask by OSC.
        tell: told in a sentence what goes wrong with a port meanwhile.

    Raises:
        BridgeError: one cannot be had.
    """
    ports = Ports()
    guardian = Guardian()
    stack.callback(guardian.close)
    _open_midi(choice, clock, stack, ports, guardian, tell)
    _open_osc(choice, clock, stack, ports, guardian, settings, tell)
    return ports


def _open_osc(
    choice: PortChoice,
    clock: Clock,
    stack: contextlib.ExitStack,
    ports: Ports,
    guardian: Guardian,
    settings: Settings | None,
    tell: Callable[[str], None],
) -> None:
    if choice.osc is None:
        return
    server = stack.enter_context(contextlib.closing(OscServer(clock, choice.osc, settings, tell)))
    ports.ways_in.append(server)
    guardian.start()
    last_words = stack.enter_context(contextlib.closing(LastWords(guardian, server.last_words)))
    ports.ways_out += [server, last_words]
    ports.tended.append(last_words)
    ports.heard.append(server.name)
    if choice.osc.out is not None:
        host, port = choice.osc.out
        ports.played.append(f"OSC to UDP port {port}" + ("" if is_loopback(host) else f" of {host}"))


def _open_midi(
    choice: PortChoice,
    clock: Clock,
    stack: contextlib.ExitStack,
    ports: Ports,
    guardian: Guardian,
    tell: Callable[[str], None],
) -> None:
    heard, played = _names(choice.midi_in), _names(choice.midi_out)
    if not (heard or played):
        return
    opened = open_midi(heard, played, clock, guardian, choice.same_port, tell)
    midi = stack.enter_context(contextlib.closing(opened))
    ports.ways_in.append(midi)
    ports.ways_out += midi.ways_out
    ports.tended.append(midi)
    ports.heard += [f"MIDI “{port.name}”" for port in midi.ways_in]
    ports.played += [f"MIDI “{port.name}”" for port in midi.ways_out]


def _names(chosen: str | Sequence[str] | None) -> list[str | None]:
    """As `open_midi` has it: None is a port of our own."""
    names = [chosen] if isinstance(chosen, str) else chosen or ()
    return [name or None for name in names]
