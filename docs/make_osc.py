"""Writes `osc.md`: the namespace, from the tables that the code itself reads messages by.

Run `python docs/make_osc.py` after a change of the parameters or of the namespace; a test holds the page.
"""

from __future__ import annotations

from pathlib import Path

from bridge.controls.parameters import PARAMETERS, Parameter
from bridge.ports.osc.choice import DEFAULT_IN_PORT, DEFAULT_OUT_PORT, PRIVATE
from bridge.ports.osc.codec import DEEPEST_BUNDLE, MOST_BYTES_IN, MOST_BYTES_OUT, MOST_TEXT_BYTES
from bridge.ports.osc.dialects.ableton import AbletonOsc
from bridge.ports.osc.dialects.ardour import Ardour
from bridge.ports.osc.dialects.bitwig import DrivenByMoss
from bridge.ports.osc.dialects.dialect import Dialect
from bridge.ports.osc.dialects.reaper import Reaper
from bridge.ports.osc.namespace import NAMESPACE, VERSION, Address, outgoing, type_of
from bridge.ports.osc.query import ATTRIBUTES
from bridge.ports.osc.subscribers import LEASE_SECONDS, MOST_REFUSALS, MOST_SUBSCRIBERS

HEAD = f"""\
# OSC

*Written by `docs/make_osc.py`; do not edit.*

The bridge listens on UDP port {DEFAULT_IN_PORT} of this computer and sends to port {DEFAULT_OUT_PORT}
(`--osc-in`, `--osc-out`; `--no-osc` for neither). To try it with liblo's tools: `oscdump -L {DEFAULT_OUT_PORT}` in one
terminal, `oscsend localhost {DEFAULT_IN_PORT} /gapt/note ii 60 100` in another.

**Types.** Out go `i`, `f` and `s` only, which every host understands. Coming in, any number does for any number (`i`,
`f`, `h`, `d`, `T`, `F`); whole ones are rounded. Letters in the tables are what goes out, or what fits best coming in;
what stands in brackets may be left out.

**Beats** are quarter notes. **Channels** count from 1, bars and the beats in them too.

## What comes in

| address | arguments | types | meaning |
|---|---|---|---|
"""

OUT_HEAD = """
## What goes out

| address | arguments | types | meaning |
|---|---|---|---|
"""

PARAMETERS_HEAD = """
## Parameters

Every parameter has an address. With a value it is set; without one it is asked for, and the answer goes to whoever
asked; whenever it changes, by whomever, its value goes out by the same address to all. A choice may also come as its
number, counted from 0, and a switch as 0 or 1. A value that cannot be changes nothing, and whoever sent it is answered
with the one that stays. A trigger goes off without a value or with any but 0, so that a button may send 1 when it is
pressed and 0 when it is let go.

| address | type | values | at first | meaning |
|---|---|---|---|---|
"""

RULES = f"""
## Rules

* Address patterns are those of OSC 1.0: `/gapt/{{velocity,register}} 64` sets both. Of what a pattern matches, that
  which cannot have the arguments is left out, and a trigger needs a value.
* Bundles are taken apart and acted on at once, in order, whatever their time tag: most hosts cannot be trusted with
  time tags. They may nest {DEEPEST_BUNDLE} deep.
* A datagram that is no OSC, or longer than {MOST_BYTES_IN} bytes, is dropped as a whole; of a good one, each message
  that is not in the tables, or whose arguments are out of range, is dropped alone. They are counted, and never
  answered.
* A message without a type tag string has no arguments.
* What goes out is one message a datagram and fits {MOST_BYTES_OUT} bytes; a text is cut at {MOST_TEXT_BYTES}.
* Notes are named by pitch and channel: `/gapt/play` with velocity 0 ends what the same two began. When the bridge is
  killed, a process beside it sends the ends of all notes, `/gapt/chord N` and `/gapt/silence` to every subscriber.
* Beats are 32-bit floats: beyond beat 16384 (over two hours at 120 bpm) they are exact to 1/512 beat.

## Who gets it, and who is heard

What goes out goes to `--osc-out`, always, and to those that have said `/gapt/subscribe` or `/gapt/hello`;
{MOST_SUBSCRIBERS} in all. On this computer, one that listens no more is dropped after {MOST_REFUSALS} refused
datagrams. On another computer it must send something, no matter what, at least every {LEASE_SECONDS:g} seconds:
subscribing again will do.

Answers go to the host and port that the question came from, or all to `--osc-reply HOST:PORT`, which is also whom
`/gapt/hello` and `/gapt/subscribe` without a port are for. Patches that send and receive by different ports need it.

Only this computer is heard unless `--osc-listen 0.0.0.0`, or the address of one interface, opens the port. Then private
networks are heard too ({", ".join(f"`{network}`" for network in PRIVATE)}),
or in their place those of `--osc-allow`. Datagrams of others are dropped unread. There is no password: open it only
where you trust the network. IPv4 only.

## A plug-in, or any host that knows its own beat

1. `/gapt/hello {VERSION} NAME`; the answer names version and session. Another session number later on means that the
   bridge was started anew: say hello again.
2. `/gapt/host` when something changes and at every beat at least. It is taken as exact at the moment of its arrival.
3. `/gapt/note` with the host's beat; a note that arrives late still counts for the frame that it belongs to.
4. `/gapt/plan` and `/gapt/chord` bring chords with their beats, durations and pitches; `/gapt/play` the notes.

Addresses and arguments are only ever added, at the end; what is not known is to be passed over. Whatever else would
change makes the version grow.

## OSCQuery

The same namespace with ranges and current values is served as JSON over HTTP, on the TCP port of the same number
(`--no-osc-query` for none): `http://localhost:{DEFAULT_IN_PORT}/gapt/tempo`,
`http://localhost:{DEFAULT_IN_PORT}/?HOST_INFO`. It has the attributes {", ".join(f"`{name}`" for name in ATTRIBUTES)},
and no WebSockets. Where the port is open to others and the extra `osc-query` is installed, it is announced by zeroconf
as `_osc._udp` and `_oscjson._tcp` (`--osc-announce` to have it always, `--no-osc-announce` never).

## Hosts with a language of their own

What these say of their transport is understood on ports of its own, beside the namespace (`--sync`).

| host | it listens on | it sends to | what must be there |
|---|---|---|---|
"""

HOSTS: dict[str, tuple[Dialect, str]] = {
    "Ableton Live": (AbletonOsc(), "the remote script AbletonOSC, chosen as a control surface"),
    "REAPER": (Reaper(), "a control surface «OSC» with our pattern file, sending to this port"),
    "Ardour": (Ardour(), "the control surface «Open Sound Control», switched on"),
    "Bitwig Studio": (DrivenByMoss(), "the extension DrivenByMoss with its controller «OSC»"),
}

TAIL = """
AbletonOSC always answers to the same port, and only to one program: where another holds it, the bridge says which, and
takes it as soon as it is free. A host that falls silent is greeted again until it answers.
"""


def page() -> str:
    """The whole page, as it should stand in `osc.md`."""
    ways = {way: "".join(_line(line) for line in NAMESPACE if line.way == way) for way in ("in", "out")}
    parameters = "".join(_parameter(parameter) for parameter in PARAMETERS.values())
    hosts = "".join(_host(name, dialect, need) for name, (dialect, need) in HOSTS.items())
    return "".join([HEAD, ways["in"], OUT_HEAD, ways["out"], PARAMETERS_HEAD, parameters, RULES, hosts, TAIL])


def _line(line: Address) -> str:
    return _row(f"`{line.address}`", line.arguments or "—", f"`{line.types}`" if line.types else "—", line.meaning)


def _parameter(parameter: Parameter) -> str:
    values = ", ".join(f"`{choice}`" for choice in parameter.choices) or parameter.range
    if parameter.kind == "whole":
        values = f"{parameter.low:.0f} to {parameter.high:.0f} {parameter.unit}".rstrip()
    return _row(f"`{parameter.address}`", f"`{type_of(parameter)}`", values, _default(parameter), parameter.help)


def _default(parameter: Parameter) -> str:
    if parameter.kind == "trigger":
        return "—"
    if parameter.default is None:
        return "as the preset says"
    value = outgoing(parameter, parameter.default)
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def _host(name: str, dialect: Dialect, need: str) -> str:
    sends = f"UDP {dialect.port_in}" if dialect.port_in else "wherever we ask it to"
    return _row(name, "—" if dialect.port_out is None else f"UDP {dialect.port_out}", sends, need)


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |\n"


if __name__ == "__main__":
    Path(__file__).with_name("osc.md").write_text(page(), encoding="utf-8")
