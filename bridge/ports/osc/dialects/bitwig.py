"""Bitwig Studio with the extension DrivenByMoss, which sends bundles of whatever has changed.

It listens on UDP port 8000 and sends to 9000, and tells all when it is asked to refresh.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from bridge.events import HostReport
from bridge.ports.osc.codec import Message
from bridge.ports.osc.dialects.dialect import Line, merged, metre, number, tempo, text

_BEAT = re.compile(r"(-?\d{1,6})\.(\d{1,3})\.(\d):(\d{1,3})")
"""Bar, quarter and sixteenth, each from 1, and hundredths of a sixteenth."""

_SIGNATURE = re.compile(r"(\d{1,2}) / (\d{1,2})")


class DrivenByMoss:
    """Its bars are whole quarters long (3 of them in 7/8), so places are given in beats, by the same arithmetic."""

    name = "DrivenByMoss"
    port_in = 9000
    port_out: int | None = 8000
    # Where it stands still it has nothing to say, and what it says then is long.
    silence_seconds = 10.0

    def __init__(self) -> None:
        self._metre = (4, 4)

    def read(self, seconds: float, messages: Sequence[Message]) -> HostReport | None:
        """What the messages say together."""
        return merged([self._read(seconds, message) for message in messages])

    def is_new(self, message: Message) -> bool:
        """It never says."""
        return False

    def greeting(self, port: int) -> list[Line]:
        """Ask for everything once."""
        return [("/refresh", [1])]

    def farewell(self, port: int) -> list[Line]:
        """It goes on speaking."""
        return []

    def _read(self, seconds: float, message: Message) -> HostReport | None:
        value = number(message.arguments)
        match message.address:
            case "/play" if value is not None:
                return HostReport(seconds, "bitwig", playing=value != 0.0)
            case "/tempo/raw" if tempo(message.arguments) is not None:
                return HostReport(seconds, "bitwig", bpm=value)
            case "/time/signature" if (match := _SIGNATURE.fullmatch(text(message.arguments))) is not None:
                self._metre = metre(int(match[1]), int(match[2])) or self._metre
                return HostReport(seconds, "bitwig", metre=self._metre)
            case "/beat/str" if (match := _BEAT.fullmatch(text(message.arguments))) is not None:
                return HostReport(seconds, "bitwig", beats=self._beats(*(int(part) for part in match.groups())))
        return None

    def _beats(self, bar: int, quarter: int, sixteenth: int, hundredths: int) -> float:
        quarters = 4 * self._metre[0] // self._metre[1]
        return (bar - 1) * quarters + (quarter - 1) + (sixteenth - 1) / 4.0 + hundredths / 400.0
