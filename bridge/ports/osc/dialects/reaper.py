"""REAPER by its pattern file: place in bars and in seconds many times a second, the tempo only when it changes.

Our own `GAPT.ReaperOSC` makes it send just this; the default file floods, and does no harm. Nothing need be said to it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from bridge.events import HostReport
from bridge.ports.osc.codec import Message
from bridge.ports.osc.dialects.dialect import Line, merged, number, tempo, text

_BEAT = re.compile(r"(-?\d{1,6})\.(\d{1,2})\.(\d{2})")
"""Bar from 1 (or wherever the project begins to count), beat from 1, hundredths of a beat."""


class Reaper:
    """Beats are those of the metre's denominator, as its ruler counts them."""

    name = "REAPER"
    port_in = 9000
    port_out: int | None = None
    silence_seconds = 3.0

    def read(self, seconds: float, messages: Sequence[Message]) -> HostReport | None:
        """What the messages say together."""
        return merged([_report(seconds, message) for message in messages])

    def is_new(self, message: Message) -> bool:
        """It never says."""
        return False

    def greeting(self, port: int) -> list[Line]:
        """It speaks by itself."""
        return []

    def farewell(self, port: int) -> list[Line]:
        """It goes on speaking."""
        return []


def _report(seconds: float, message: Message) -> HostReport | None:
    value = number(message.arguments)
    match message.address:
        case "/beat/str" if (match := _BEAT.fullmatch(text(message.arguments))) is not None:
            bar, beat, hundredths = (int(part) for part in match.groups())
            return HostReport(seconds, "reaper", bar=(bar - 1, beat - 1 + hundredths / 100.0))
        case "/time" if value is not None:
            return HostReport(seconds, "reaper", song_seconds=value)
        case "/tempo/raw" if tempo(message.arguments) is not None:
            return HostReport(seconds, "reaper", bpm=value)
        case "/play" if value is not None:
            return HostReport(seconds, "reaper", playing=value != 0.0)
        case "/stop" | "/pause" if value:
            return HostReport(seconds, "reaper", playing=False)
    return None
