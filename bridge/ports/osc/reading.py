"""What a message of ours asks for: events for the engine, or an answer to its sender. No sockets here."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Union

from bridge.controls.parameters import FASTEST_BPM, PARAMETERS, SLOWEST_BPM, Parameter
from bridge.errors import BridgeError
from bridge.events import HostReport, InEvent, NoteOff, NoteOn, Set
from bridge.ports.osc.codec import Message
from bridge.ports.osc.namespace import ADDRESSES_IN, FARTHEST_BEAT
from bridge.ports.osc.patterns import is_pattern, matching


@dataclass(frozen=True, slots=True)
class Ask:
    """The sender wants the value of these parameters."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Hello:
    """The sender speaks this version of the namespace and calls itself `name`."""

    version: int
    name: str


@dataclass(frozen=True, slots=True)
class Subscribe:
    """The sender wants all that goes out, at `port`; None is where it sends from."""

    port: int | None


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """The sender wants no more of it at `port`."""

    port: int | None


Request = Union[Ask, Hello, Subscribe, Unsubscribe]
Arguments = Sequence[object]
_Reader = Callable[[float, Arguments], Union[InEvent, Request, None]]


def read(message: Message, seconds: float) -> list[InEvent | Request]:
    """What `message`, received at `seconds`, asks for; a pattern can ask for much, a button let go for nothing.

    Raises:
        ValueError: its address or arguments are not in the namespace.
    """
    if is_pattern(message.address):
        return _read_pattern(message, seconds)
    reader = _READERS.get(message.address)
    if reader is None:
        raise ValueError(f"{message.address} is not in the namespace")
    try:
        asked = reader(seconds, message.arguments)
    except BridgeError as error:
        raise ValueError(str(error)) from error
    return [] if asked is None else [asked]


def instead(message: Message) -> list[InEvent | Request]:
    """What a message that `read` refuses asks for after all: one with a wrong value, to be told the one that stays."""
    return [Ask((_VALUES[message.address],))] if message.address in _VALUES else []


def _read_pattern(message: Message, seconds: float) -> list[InEvent | Request]:
    """What the matching addresses make of the arguments; those that cannot have them are left out.

    A trigger is never set off by a pattern without arguments, which is how to ask for many values.
    """
    asked: list[InEvent | Request] = []
    fitting = 0
    for address in matching(message.address, ADDRESSES_IN):
        if not message.arguments and address in _TRIGGERS:
            continue
        try:
            asked += read(Message(address, message.arguments), seconds)
            fitting += 1
        except ValueError:
            continue
    if not fitting:
        raise ValueError(f"{message.address} {message.arguments} matches nothing of the namespace")
    return asked


def _note(seconds: float, arguments: Arguments) -> InEvent:
    pitch, velocity, *rest = _numbers(arguments, 2, 3)
    key, strength = _whole(pitch, 0, 127), _whole(velocity, 0, 127)
    beats = _beat(rest[0]) if rest else None
    return NoteOn(seconds, key, strength, beats=beats) if strength else NoteOff(seconds, key, beats=beats)


def _host(seconds: float, arguments: Arguments) -> InEvent:
    beat, bpm, playing, *metre = _numbers(arguments, 3, 5)
    if len(metre) == 1 or not SLOWEST_BPM <= bpm <= FASTEST_BPM:
        raise ValueError("half a metre, or no tempo")
    return HostReport(
        seconds,
        "osc",
        beats=_beat(beat),
        bpm=bpm,
        metre=_metre(*metre) if metre else None,
        playing=playing != 0.0,
        exact=True,
    )


def _transport(seconds: float, arguments: Arguments) -> InEvent:
    rolling, *rest = _numbers(arguments, 1, 2)
    return HostReport(seconds, "osc", beats=_beat(rest[0]) if rest else None, playing=rolling != 0.0)


def _hello(seconds: float, arguments: Arguments) -> Request:
    version, *name = arguments
    if len(name) > 1 or not all(isinstance(text, str) for text in name):
        raise ValueError("a hello is a version and a name")
    return Hello(_whole(_number(version), 1, 1 << 30), str(name[0]) if name else "")


def _subscribe(seconds: float, arguments: Arguments) -> Request:
    return Subscribe(_port(arguments))


def _unsubscribe(seconds: float, arguments: Arguments) -> Request:
    return Unsubscribe(_port(arguments))


def _dump(seconds: float, arguments: Arguments) -> Request:
    _numbers(arguments, 0, 1)  # a button sends its state along
    return Ask(tuple(name for name, line in PARAMETERS.items() if line.kind != "trigger"))


def _learning(order: str) -> _Reader:
    def reader(seconds: float, arguments: Arguments) -> InEvent:
        (name,) = arguments
        if not isinstance(name, str) or name not in PARAMETERS:
            raise ValueError(f"{name!r} is no parameter")
        return Set(seconds, order, name)

    return reader


def _setting(parameter: Parameter) -> _Reader:
    def reader(seconds: float, arguments: Arguments) -> InEvent | Request:
        if not arguments:
            return Ask((parameter.name,))
        (value,) = arguments
        if isinstance(value, bytes):
            raise ValueError("a blob is no value")
        if parameter.kind == "text" and isinstance(value, float) and value.is_integer():
            value = int(value)  # a surface that knows only floats
        return Set(seconds, parameter.name, parameter.checked(value))

    return reader


def _pressing(parameter: Parameter) -> _Reader:
    def reader(seconds: float, arguments: Arguments) -> InEvent | None:
        (value,) = arguments or (True,)
        if isinstance(value, bytes):
            raise ValueError("a blob is no value")
        # A button sends 0 when it is let go, which asks for nothing.
        return Set(seconds, parameter.name, True) if parameter.checked(value) else None

    return reader


def _numbers(arguments: Arguments, least: int, most: int) -> list[float]:
    if not least <= len(arguments) <= most:
        raise ValueError(f"{len(arguments)} arguments")
    return [_number(argument) for argument in arguments]


def _number(argument: object) -> float:
    if not isinstance(argument, (int, float)) or not math.isfinite(argument):
        raise ValueError(f"{argument!r} is no number")
    return float(argument)


def _whole(number: float, low: int, high: int) -> int:
    value = round(number)
    if not low <= value <= high:
        raise ValueError(f"{number} is not within {low} to {high}")
    return value


def _beat(number: float) -> float:
    if abs(number) > FARTHEST_BEAT:
        raise ValueError(f"{number} is no beat")
    return number


def _metre(numerator: float, denominator: float) -> tuple[int, int]:
    metre = round(numerator), round(denominator)
    PARAMETERS["metre"].checked(f"{metre[0]}/{metre[1]}")
    return metre


def _port(arguments: Arguments) -> int | None:
    numbers = _numbers(arguments, 0, 1)
    return _whole(numbers[0], 1, 65535) if numbers else None


_TRIGGERS = frozenset(parameter.address for parameter in PARAMETERS.values() if parameter.kind == "trigger")

_VALUES = {parameter.address: name for name, parameter in PARAMETERS.items() if parameter.kind != "trigger"}

_READERS: dict[str, _Reader] = {
    "/gapt/note": _note,
    "/gapt/host": _host,
    "/gapt/transport": _transport,
    "/gapt/hello": _hello,
    "/gapt/subscribe": _subscribe,
    "/gapt/unsubscribe": _unsubscribe,
    "/gapt/dump": _dump,
    "/gapt/learn": _learning("learn"),
    "/gapt/unlearn": _learning("unlearn"),
    **{
        parameter.address: _pressing(parameter) if parameter.kind == "trigger" else _setting(parameter)
        for parameter in PARAMETERS.values()
    },
}
