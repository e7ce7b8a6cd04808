"""Live with the remote script AbletonOSC, which tells a property from the moment we ask to hear it.

It listens on UDP port 11000, works off what came about ten times a second, and always answers to port 11001 of whoever
spoke last. When it starts it says `/live/startup` and remembers no one.
"""

from __future__ import annotations

from collections.abc import Sequence

from bridge.events import HostReport
from bridge.ports.osc.codec import Message
from bridge.ports.osc.dialects.dialect import Line, beats, merged, metre, number, tempo, text

PROPERTIES = (
    "tempo",
    "is_playing",
    "signature_numerator",
    "signature_denominator",
    "current_song_time",
    "loop",
    "loop_start",
    "loop_length",
    "root_note",
    "scale_name",
)
"""What to listen to. An older script lacks the last two and says so by `/live/error`, which does no harm.

Its own `beat` is left out: the whole part of `current_song_time`, it would be taken for the place itself.
"""

_GET = "/live/song/get/"


class AbletonOsc:
    """Beats are quarter notes from the song's start, so no bars are needed."""

    name = "AbletonOSC"
    port_in = 11001
    port_out: int | None = 11000
    # Asking again is how a silent Live is found out; each time it tells all values.
    silence_seconds = 3.0

    def __init__(self) -> None:
        self._known: dict[str, float | str] = {}

    def read(self, seconds: float, messages: Sequence[Message]) -> HostReport | None:
        """What the messages say together."""
        return merged([self._read(seconds, message) for message in messages])

    def is_new(self, message: Message) -> bool:
        """Whether Live has loaded the script just now."""
        return message.address == "/live/startup"

    def greeting(self, port: int) -> list[Line]:
        """Ask for every property."""
        return [(f"/live/song/start_listen/{name}", []) for name in PROPERTIES]

    def farewell(self, port: int) -> list[Line]:
        """Ask for none."""
        return [(f"/live/song/stop_listen/{name}", []) for name in PROPERTIES]

    def _read(self, seconds: float, message: Message) -> HostReport | None:
        if not message.address.startswith(_GET):
            return None
        name, arguments = message.address[len(_GET) :], message.arguments
        value = text(arguments) if name == "scale_name" else number(arguments)
        if value is None or name not in PROPERTIES:
            return None
        self._known[name] = value
        match name:
            case "tempo":
                return HostReport(seconds, "ableton", bpm=tempo(arguments))
            case "is_playing":
                return HostReport(seconds, "ableton", playing=bool(value))
            case "current_song_time":
                return HostReport(seconds, "ableton", beats=beats(arguments))
            case "signature_numerator" | "signature_denominator":
                return HostReport(seconds, "ableton", metre=self._metre())
            case "root_note" | "scale_name":
                return HostReport(seconds, "ableton", scale=self._scale())
        return HostReport(seconds, "ableton", loop=self._loop())

    def _numbers(self, *names: str) -> list[float]:
        """The values of these properties; fewer where one is not known yet."""
        return [float(self._known[name]) for name in names if name in self._known]

    def _metre(self) -> tuple[int, int] | None:
        parts = self._numbers("signature_numerator", "signature_denominator")
        return metre(*parts) if len(parts) == 2 else None

    def _scale(self) -> tuple[int, str] | None:
        root, name = self._known.get("root_note"), self._known.get("scale_name")
        return (round(root) % 12, name) if isinstance(root, float) and isinstance(name, str) and name else None

    def _loop(self) -> tuple[float, float] | None:
        if self._known.get("loop") == 0.0:
            return (0.0, 0.0)
        place = self._numbers("loop", "loop_start", "loop_length")
        return (place[1], place[2]) if len(place) == 3 else None
