"""Which ports there are, MIDI and OSC, and who holds what is busy."""

from __future__ import annotations

import socket
import sys
from dataclasses import dataclass

from bridge.errors import BridgeError
from bridge.ports.midi_drivers import load_driver
from bridge.ports.osc.choice import DEFAULT_IN_PORT, DEFAULT_OUT_PORT
from bridge.ports.osc.dialects.ableton import AbletonOsc
from bridge.ports.osc.dialects.either import ReaperOrBitwig
from bridge.ports.osc.holder import holder

OSC_PORTS: dict[int, str] = {
    DEFAULT_IN_PORT: "we listen here",
    DEFAULT_OUT_PORT: "we send here; your patch or plug-in listens",
    AbletonOsc.port_in: f"{AbletonOsc.name} answers here; we listen when we follow Live",
    ReaperOrBitwig.port_in: "we listen here when we follow REAPER or Bitwig",
}
"""UDP ports that matter to us, and for what."""

ANYWHERE = ""


@dataclass(frozen=True, slots=True)
class MidiPorts:
    """What the MIDI back end shows; `problem` is why it shows nothing, one sentence, else empty."""

    backend: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class UdpPort:
    """A UDP port: what for, whether it is free, and who holds it where that can be told."""

    port: int
    purpose: str
    free: bool
    holder: str = ""


def midi_ports() -> MidiPorts:
    """The MIDI ports of this machine."""
    try:
        driver = load_driver()
        return MidiPorts(type(driver).__name__, tuple(driver.inputs()), tuple(driver.outputs()))
    except BridgeError as error:
        return MidiPorts("", (), (), str(error))


def can_offer_ports() -> bool:
    """Whether a program may offer MIDI ports of its own on this system."""
    return sys.platform != "win32"


def udp_port(port: int) -> UdpPort:
    """How the UDP port `port` is just now."""
    free = is_free(port)
    return UdpPort(port, OSC_PORTS.get(port, ""), free, "" if free else holder(port))


def is_free(port: int) -> bool:
    """Whether we could listen on the UDP port `port`, on this computer's own address and on all of them."""
    for address in ("127.0.0.1", ANYWHERE):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind((address, port))
            except OSError:
                return False
    return True
