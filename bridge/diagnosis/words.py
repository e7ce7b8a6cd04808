"""Bytes of MIDI and OSC in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields

from bridge.events import HostReport, NoteOff, NoteOn, Set
from bridge.live.letters import pitch_name
from bridge.ports.osc.codec import Message, parse
from bridge.ports.osc.dialects.ableton import AbletonOsc
from bridge.ports.osc.dialects.ardour import Ardour
from bridge.ports.osc.dialects.dialect import Dialect
from bridge.ports.osc.dialects.either import ReaperOrBitwig
from bridge.ports.osc.reading import Ask, Hello, Subscribe, Unsubscribe, read

TICKS_PER_BEAT = 24
CLOCK_BEATS = 4
"""How many beats of a clock pass between two lines about it."""

PAUSE_SECONDS = 1.0
"""A clock that was silent for so long begins anew."""

CONTROLLERS = {
    0: "bank",
    1: "modulation wheel",
    2: "breath",
    7: "volume",
    10: "pan",
    11: "expression",
    64: "sustain pedal",
    120: "all sound off",
    121: "reset all controllers",
    123: "all notes off",
}

_SYSTEM = {
    0xF6: "tune request",
    0xFA: "start",
    0xFB: "continue",
    0xFC: "stop",
    0xFE: "active sensing",
    0xFF: "reset",
}
_LENGTHS = {0x80: 3, 0x90: 3, 0xA0: 3, 0xB0: 3, 0xC0: 2, 0xD0: 2, 0xE0: 3, 0xF1: 2, 0xF2: 3, 0xF3: 2}
_TICK, _SENSING = 0xF8, 0xFE
_MOST_SHOWN = 200


def midi_words(data: Sequence[int]) -> str:
    """One MIDI message in words; channels count from 1."""
    status = data[0] if data else 0
    kind = status & 0xF0 if status < 0xF0 else status
    whole = len(data) == _LENGTHS.get(kind, len(data)) and all(0 <= byte < 0x80 for byte in data[1:])
    if status == 0xF0:
        return f"system exclusive, {len(data)} bytes"
    if status < 0x80 or not whole:
        return f"no MIDI: {' '.join(f'{byte:02x}' for byte in data[:16]) or 'nothing'}"
    if status >= 0xF0:
        return _system_words(status, data)
    return f"{_voice_words(kind, data)}, channel {(status & 0x0F) + 1}"


def _voice_words(kind: int, data: Sequence[int]) -> str:
    first, last = data[1], data[-1]
    if kind in (0x80, 0x90):
        return f"note {pitch_name(first)} " + (f"on, velocity {last}" if kind == 0x90 and last else "off")
    if kind == 0xB0:
        name = CONTROLLERS.get(first)
        return f"controller {first}{f' ({name})' if name else ''} at {last}"
    if kind == 0xE0:
        return f"pitch bend {first + 128 * last - 8192:+d}"
    if kind == 0xA0:
        return f"pressure {last} on note {pitch_name(first)}"
    return f"program {first}" if kind == 0xC0 else f"pressure {first}"


def _system_words(status: int, data: Sequence[int]) -> str:
    if status == 0xF2:
        return f"song position: beat {(data[1] + 128 * data[2]) / 4:g}"
    if status == 0xF1:
        return "time code, a quarter frame"
    if status == 0xF3:
        return f"song {data[1]}"
    return _SYSTEM.get(status, f"system message {status:02x}")


class Listener:
    """Tells what one MIDI port hears; of clock ticks and active sensing it tells only what is new."""

    def __init__(self) -> None:
        self._sensed = False
        self._last: float | None = None  # the newest tick, in seconds
        self._since = 0.0  # the tick from which the tempo is taken next
        self._ticks = 0  # since then
        self._beats = 1  # to be waited for

    def lines(self, data: Sequence[int], seconds: float) -> list[str]:
        """What to say of a message that came at `seconds`; mostly one line."""
        status = data[0] if data else 0
        if status == _TICK:
            return self._tick(seconds)
        if status == _SENSING:
            before, self._sensed = self._sensed, True
            return [] if before else ["active sensing (said once)"]
        return [midi_words(data)]

    def _tick(self, seconds: float) -> list[str]:
        before, self._last = self._last, seconds
        if before is None or seconds - before > PAUSE_SECONDS:
            self._since, self._ticks, self._beats = seconds, 0, 1
            return ["a clock begins"]
        self._ticks += 1
        if self._ticks < self._beats * TICKS_PER_BEAT or seconds <= self._since:
            return []
        bpm = 60.0 * self._ticks / TICKS_PER_BEAT / (seconds - self._since)
        self._since, self._ticks, self._beats = seconds, 0, CLOCK_BEATS
        return [f"clock, {TICKS_PER_BEAT} a beat: {bpm:.1f} bpm"]


def osc_words(datagram: bytes, seconds: float, dialects: Sequence[Dialect]) -> list[str]:
    """A line for each message of a datagram, or one that says why it is none."""
    try:
        messages = parse(datagram)
    except ValueError as error:
        return [f"no OSC ({error}): {len(datagram)} bytes"]
    return [_message_words(message, seconds, dialects) for message in messages] or ["an empty bundle"]


def known_dialects() -> list[Dialect]:
    """What hosts speak, to be kept for one port."""
    return [AbletonOsc(), Ardour(), ReaperOrBitwig()]


def _message_words(message: Message, seconds: float, dialects: Sequence[Dialect]) -> str:
    shown = f"{message.address} {' '.join(map(_shown, message.arguments))}".strip()[:_MOST_SHOWN]
    if message.address.startswith("/gapt"):
        return f"{shown}: {_our_words(message, seconds)}"
    for dialect in dialects:
        report = dialect.read(seconds, [message])
        if report is not None:
            return f"{shown}: {dialect.name} says {host_words(report)}"
    return f"{shown}: unknown address"


def _our_words(message: Message, seconds: float) -> str:
    try:
        asked = read(message, seconds)
    except ValueError as error:
        return f"refused, {error}"
    return "; ".join(map(_asked_words, asked)) or "nothing to do"


def _asked_words(asked: object) -> str:
    for kind, words in _ASKED.items():
        if isinstance(asked, kind):
            return words(asked)
    return type(asked).__name__


def host_words(report: HostReport) -> str:
    """What a host said, without what it did not say."""
    said = {field.name: getattr(report, field.name) for field in fields(report)[2:]}
    parts = [_HOST[name](value) for name, value in said.items() if value is not None and name in _HOST]
    return ", ".join(parts) or "nothing"


_HOST: dict[str, Callable[..., str]] = {
    "beats": lambda beats: f"beat {beats:.2f}",
    "bar": lambda bar: f"bar {bar[0] + 1}, beat {bar[1] + 1.0:.2f}",
    "song_seconds": lambda seconds: f"{seconds:.2f} seconds into the song",
    "bpm": lambda bpm: f"{bpm:.2f} bpm",
    "metre": lambda metre: f"{metre[0]}/{metre[1]}",
    "playing": lambda playing: "playing" if playing else "standing",
    "scale": lambda scale: f"{scale[1]} on {scale[0]}",
    "loop": lambda loop: f"loop of {loop[1]:g} beats from {loop[0]:g}" if loop[1] else "no loop",
}

_ASKED: dict[type, Callable[..., str]] = {
    NoteOn: lambda note: f"note {pitch_name(note.pitch)} on, velocity {note.velocity}",
    NoteOff: lambda note: f"note {pitch_name(note.pitch)} off",
    Set: lambda order: f"set {order.name} to {order.value}",
    HostReport: host_words,
    Ask: lambda ask: f"asks for {', '.join(ask.names) if len(ask.names) < 5 else f'{len(ask.names)} values'}",
    Hello: lambda hello: f"hello from “{hello.name}”, version {hello.version}",
    Subscribe: lambda wish: f"subscribes at {wish.port or 'its own port'}",
    Unsubscribe: lambda wish: f"unsubscribes at {wish.port or 'its own port'}",
}


def _shown(argument: object) -> str:
    if isinstance(argument, float):
        return f"{argument:g}"
    return repr(argument) if isinstance(argument, (str, bytes)) else str(argument)
