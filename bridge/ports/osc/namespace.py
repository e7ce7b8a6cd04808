"""Every address we understand and send; `docs/osc.md`, OSCQuery and the reading of messages are made from it.

The addresses of parameters are made from `PARAMETERS`: `/gapt/<name>` sets one, asks for it, and tells its value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bridge.controls.parameters import FASTEST_BPM, PARAMETERS, SLOWEST_BPM, Parameter, Value
from bridge.ports.osc.codec import Argument

VERSION = 1
"""Of the namespace; it grows when an address changes its meaning, not when one is added."""

NAME = "GAPT Bridge"

FARTHEST_BEAT = 1e7
"""Beats beyond are no music: weeks at any tempo."""


@dataclass(frozen=True, slots=True)
class Address:
    """One line of the namespace.

    Attributes:
        way: `in` or `out`.
        arguments: their names in order, those in brackets may be left out, `…` repeats the last.
        types: the OSC types of the arguments that are always there, then in brackets the others.
    """

    way: Literal["in", "out"]
    address: str
    arguments: str
    types: str
    meaning: str


def _in(address: str, arguments: str, types: str, meaning: str) -> Address:
    return Address("in", address, arguments, types, meaning)


def _out(address: str, arguments: str, types: str, meaning: str) -> Address:
    return Address("out", address, arguments, types, meaning)


NAMESPACE = (
    _in(
        "/gapt/note",
        "pitch velocity [beat]",
        "ii[f]",
        "A melody note: MIDI pitch 0 to 127, velocity 0 to 127 (0 ends it), and the host's beat where it is known.",
    ),
    _in(
        "/gapt/host",
        "beat bpm playing [numerator denominator]",
        "ffi[ii]",
        "The host's transport, exact at the moment of sending: song position and tempo in quarter notes "
        f"({SLOWEST_BPM:g} to {FASTEST_BPM:g} a minute), whether it rolls, its metre. A plug-in sends it with every "
        "block, or at least at every change and every beat.",
    ),
    _in(
        "/gapt/transport",
        "rolling [beat]",
        "i[f]",
        "1 rolls, 0 stands still; from `beat` on where it is given.",
    ),
    _in(
        "/gapt/hello",
        "version [name]",
        "i[s]",
        "Who is there: subscribes the sender, and is answered to it by `/gapt/hello`.",
    ),
    _in(
        "/gapt/subscribe",
        "[port]",
        "[i]",
        "Send all that goes out to this UDP port of the sender's computer too; without it to the port it sends from.",
    ),
    _in("/gapt/unsubscribe", "[port]", "[i]", "No longer; what sounds there is ended first."),
    _in("/gapt/dump", "", "", "Answered with the value of every parameter."),
    _in("/gapt/learn", "parameter", "s", "The next MIDI controller that moves is bound to this parameter."),
    _in("/gapt/unlearn", "parameter", "s", "No MIDI controller is bound to this parameter any more."),
    _out(
        "/gapt/play",
        "pitch velocity channel",
        "iii",
        "A note of a chord begins, or with velocity 0 ends, now; channel 1 to 16.",
    ),
    _out(
        "/gapt/chord",
        "name beat pitch…",
        "sf[i…]",
        "A chord begins: its name as Harte writes it, the beat it is due at, its pitches. `N` without pitches is none.",
    ),
    _out("/gapt/silence", "channel", "i", "End all that sounds on this channel; the last word on every way out."),
    _out(
        "/gapt/plan",
        "index count name beat duration togo final pitch…",
        "iisfffi[i…]",
        "A chord to come: which of how many (from 0), its name, the beat it begins at, how long it lasts, how many "
        "beats from now, and 1 where it will not change any more. Index 0 begins a new plan; count 0 says there is "
        "none. To show, never to play.",
    ),
    _out("/gapt/melody", "pitch velocity", "ii", "A note that counts as melody began, or with velocity 0 ended."),
    _out(
        "/gapt/transport",
        "rolling beat bpm numerator denominator",
        "iffii",
        "Our own transport rolls (1) or stands (0) from this beat on, at this tempo and metre.",
    ),
    _out(
        "/gapt/status",
        "state bpm bar beat chords late step_ms preset worker sync",
        "sfifiifsss",
        "About twice a second: `playing` or `waiting`, tempo, bar and beat in it from 1, chords so far, frames whose "
        "chord was late, what the policy needed for the last one, the preset, what is wrong with its process (empty "
        "where nothing is), and whose tempo rules.",
    ),
    _out(
        "/gapt/hello",
        "version session name",
        "iis",
        f"The answer to `/gapt/hello`: {VERSION}, a number drawn when the bridge started, and `{NAME}`.",
    ),
)

ADDRESSES_IN = tuple(
    [line.address for line in NAMESPACE if line.way == "in"] + [parameter.address for parameter in PARAMETERS.values()]
)
"""What a pattern is held against."""


def type_of(parameter: Parameter) -> str:
    """The OSC type by which the value of `parameter` goes out: i, f or s."""
    return {"number": "f", "choice": "s", "text": "s"}.get(parameter.kind, "i")


def outgoing(parameter: Parameter, value: Value) -> Argument:
    """`value` in the type of `type_of`."""
    if isinstance(value, str):
        return value
    return float(value) if type_of(parameter) == "f" else int(value)
