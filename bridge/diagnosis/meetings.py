"""How each host and the bridge meet: what it tells, by which way, and what to look at where it does not arrive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from bridge.ports.osc.dialects.reaper import Reaper

Thing = Literal["client", "transport", "notes", "chords", "control"]
"""What can arrive: a patch that says hello, a transport, notes, chords on their way back, a moved control."""

NO_CHORDS = "play some more: the first chord waits for a bar line; then see what `gapt doctor` says."

_CLOCK = "*Sync* or *Clock* is to be on for the port that goes out to the bridge"
_TRACK = "the melody's track is to be sent to “GAPT Bridge in”, and to be armed or playing a clip"
_PATCH = "open the patch while the bridge runs; its port out is to be the bridge's, 9100"


@dataclass(frozen=True, slots=True)
class Meeting:
    """One host.

    Attributes:
        midi: whether its notes come by MIDI ports; else by OSC.
        expects: what it has to tell, in the order in which people make it.
        ask: what to do there now.
        checks: what to look at where something of `expects` did not arrive.
        reply: the port that answers go to, where it is not the one that asked.
        needs: a UDP port that the bridge has to have to hear its transport.
    """

    midi: bool
    expects: tuple[Thing, ...]
    ask: str
    checks: Mapping[Thing, str] = field(default_factory=dict)
    reply: int | None = None
    needs: int | None = None


MEETINGS: Mapping[str, Meeting] = {
    "max": Meeting(
        midi=False,
        expects=("client", "notes", "chords"),
        ask="Open the help patch gapt.maxhelp in Max and click its keys.",
        checks={
            "client": f"{_PATCH}, and nobody else is to hold its port in: Max's console would complain of udpreceive.",
            "notes": "notes go into the first inlet, as pitch and velocity.",
        },
        reply=9101,
    ),
    "live": Meeting(
        midi=False,
        expects=("client", "transport", "notes", "chords"),
        ask="Press play in Live, and play on the track that has the device GAPT.",
        checks={
            "client": "the device GAPT is to be on a MIDI track and switched on, and to be the only one in the Set.",
            "transport": "Live is to play; with ports in place of the device, test with --midi.",
            "notes": "the track is to be armed or to play a clip, and the device to stand before the instrument.",
        },
        reply=9101,
    ),
    "pd": Meeting(
        midi=False,
        expects=("client", "notes", "chords"),
        ask="Open gapt-help.pd in Pd and click its keys.",
        checks={
            "client": f"{_PATCH}; write 127.0.0.1, not localhost.",
            "notes": "notes go into the first inlet, as pitch and velocity.",
        },
    ),
    "reaper": Meeting(
        midi=True,
        expects=("transport", "notes", "chords"),
        ask="Press play in REAPER, and play on the melody's track.",
        checks={
            "transport": "Preferences > Control/OSC/web is to list OSC with the pattern config GAPT and device port "
            "9000; or Preferences > Audio > MIDI Outputs is to have Clock on for “GAPT Bridge in”.",
            "notes": "the melody's track is to have “GAPT Bridge in” as its MIDI hardware output, "
            "and to be armed and monitored, or to play an item.",
        },
        needs=Reaper.port_in,
    ),
    "ardour": Meeting(
        midi=True,
        expects=("transport", "notes", "chords"),
        ask="Press play in Ardour, and play on the melody's track.",
        checks={
            "transport": "“GAPT transport” is to be among the Action Hooks of Edit > Lua Scripts > Script Manager; or "
            "Preferences > Control Surfaces is to have Open Sound Control (OSC) enabled, on port 3819.",
            "notes": "Window > MIDI Connections is to join the melody's track and “GAPT Bridge in”.",
        },
    ),
    "bitwig": Meeting(
        midi=True,
        expects=("transport", "notes", "chords"),
        ask="Press play in Bitwig Studio, and play on the melody's track.",
        checks={
            "transport": "Settings > Controllers is to have the controller GAPT Bridge, switched on.",
            "notes": "the melody's track is to have a HW Instrument whose MIDI output is “GAPT Bridge in”.",
        },
    ),
    "touchosc": Meeting(
        midi=False,
        expects=("control",),
        ask="Move a fader in TouchOSC.",
        checks={
            "control": "its connection is to be UDP, to this computer's address and port 9100; for a tablet the "
            "bridge is to be open: --osc-listen 0.0.0.0.",
        },
    ),
    "open-stage-control": Meeting(
        midi=False,
        expects=("control",),
        ask="Move a fader in Open Stage Control.",
        checks={"control": "“send” in its launcher is to be 127.0.0.1:9100, and “load” our session."},
    ),
}
"""By the host's name in `plugin_host.daw.hosts`."""

ASK_BY_PORTS = "Press play there, and play on the melody's track."

BY_PORTS: Mapping[Thing, str] = {"transport": f"{_CLOCK}.", "notes": f"{_TRACK}."}
"""What to look at instead where notes come by MIDI ports though the host's part speaks OSC."""
