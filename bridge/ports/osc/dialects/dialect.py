"""What every dialect has: a reading of messages without sockets, and what to say to the host so that it speaks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Protocol

from bridge.controls.parameters import FASTEST_BPM, PARAMETERS, SLOWEST_BPM
from bridge.errors import BridgeError
from bridge.events import HostReport
from bridge.ports.osc.codec import Argument, Message
from bridge.ports.osc.namespace import FARTHEST_BEAT

Line = tuple[str, list[Argument]]
"""An address and its arguments."""


class Dialect(Protocol):
    """One host's way of speaking; kept by one thread.

    Attributes:
        name: for people.
        port_in: where the host sends to unless told otherwise; 0 where we tell it.
        port_out: where it listens; None where there is nothing to say to it.
        silence_seconds: silent for so long, it is greeted again.
    """

    name: str
    port_in: int
    port_out: int | None
    silence_seconds: float

    def read(self, seconds: float, messages: Sequence[Message]) -> HostReport | None:
        """What the messages of one datagram, in order, say together; None for nothing of ours."""

    def is_new(self, message: Message) -> bool:
        """Whether by this message the host says that it has just begun, and knows nothing of us."""

    def greeting(self, port: int) -> list[Line]:
        """What to say so that it tells its transport to our UDP port `port`; harmless to say again."""

    def farewell(self, port: int) -> list[Line]:
        """What to say so that it stops."""


def merged(reports: Sequence[HostReport | None]) -> HostReport | None:
    """What several reports of one moment, that of the first, say together; the later wins."""
    together: HostReport | None = None
    for report in reports:
        if together is None or report is None:
            together = report or together
            continue
        said = {field.name: getattr(report, field.name) for field in fields(report)[1:]}
        together = replace(together, **{name: value for name, value in said.items() if value is not None})
    return together


def number(arguments: Sequence[object]) -> float | None:
    """The first argument where it is a finite number, else None."""
    if not arguments or not isinstance(arguments[0], (int, float)) or not math.isfinite(arguments[0]):
        return None
    return float(arguments[0])


def beats(arguments: Sequence[object]) -> float | None:
    """The first argument where it is a place in a song."""
    value = number(arguments)
    return value if value is not None and abs(value) <= FARTHEST_BEAT else None


def tempo(arguments: Sequence[object]) -> float | None:
    """The first argument where it is a tempo."""
    value = number(arguments)
    return value if value is not None and SLOWEST_BPM <= value <= FASTEST_BPM else None


def metre(numerator: float, denominator: float) -> tuple[int, int] | None:
    """The metre, where it is one."""
    try:
        PARAMETERS["metre"].checked(f"{numerator:.0f}/{denominator:.0f}")
    except BridgeError:
        return None
    return round(numerator), round(denominator)


def text(arguments: Sequence[object]) -> str:
    """The first argument where it is a text, else an empty one."""
    return arguments[0] if arguments and isinstance(arguments[0], str) else ""
