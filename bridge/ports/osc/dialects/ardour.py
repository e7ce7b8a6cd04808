"""Ardour's own OSC surface: place in bars and in minutes ten times a second, no tempo at all.

It listens on UDP port 3819 and speaks to whoever sets up a surface, until it is closed; a heartbeat says it is there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from bridge.events import HostReport
from bridge.ports.osc.codec import Message
from bridge.ports.osc.dialects.dialect import Line, merged, number, text

TICKS_PER_BEAT = 1920

HEARTBEAT, TRANSPORT, BARS, MINUTES = 8, 16, 32, 2048
FEEDBACK = HEARTBEAT | TRANSPORT | BARS | MINUTES
STRIP_TYPES = 159

TOGETHER_SECONDS = 0.01
"""The two forms of one place come as two datagrams, one at once after the other."""

_BARS = re.compile(r"(-?\d{1,6})\|(\d{1,3})\|(\d{1,4})")
_MINUTES = re.compile(r"(-?\d{1,4}):(\d{2}):(\d{2})\.(\d{3})")


class Ardour:
    """Gives the place in bars together with that in seconds, whose ratio is the tempo."""

    name = "Ardour"
    port_in = 0
    port_out: int | None = 3819
    silence_seconds = 4.0

    def __init__(self) -> None:
        self._half: HostReport | None = None

    def read(self, seconds: float, messages: Sequence[Message]) -> HostReport | None:
        """What the messages say together."""
        return merged([self._read(seconds, message) for message in messages])

    def is_new(self, message: Message) -> bool:
        """It never says."""
        return False

    def greeting(self, port: int) -> list[Line]:
        """Set up a surface that wants the transport alone."""
        return [("/set_surface", [0, STRIP_TYPES, FEEDBACK, 0, 0, 0, port])]

    def farewell(self, port: int) -> list[Line]:
        """Want nothing any more."""
        return [("/set_surface", [0, STRIP_TYPES, 0, 0, 0, 0, port])]

    def _read(self, seconds: float, message: Message) -> HostReport | None:
        place = _place(seconds, message)
        if place is None:
            return _state(seconds, message)
        half, self._half = self._half, place
        if half is None or seconds - half.seconds > TOGETHER_SECONDS or (half.bar is None) == (place.bar is None):
            return None if half is None or half.bar is None else half
        self._half = None
        return merged([half, place])


def _place(seconds: float, message: Message) -> HostReport | None:
    if message.address == "/position/bbt" and (match := _BARS.fullmatch(text(message.arguments))) is not None:
        bar, beat, ticks = (int(part) for part in match.groups())
        return HostReport(seconds, "ardour", bar=(bar - 1, beat - 1 + ticks / TICKS_PER_BEAT))
    if message.address == "/position/time" and (match := _MINUTES.fullmatch(text(message.arguments))) is not None:
        hours, minutes, whole, thousandths = (int(part) for part in match.groups())
        return HostReport(seconds, "ardour", song_seconds=hours * 3600 + minutes * 60 + whole + thousandths / 1000.0)
    return None


def _state(seconds: float, message: Message) -> HostReport | None:
    value = number(message.arguments)
    if message.address == "/transport_play" and value is not None:
        return HostReport(seconds, "ardour", playing=value != 0.0)
    if message.address == "/transport_stop" and value:
        return HostReport(seconds, "ardour", playing=False)
    return None
