"""The table of everything a player can set, one line each, for option, OSC, MIDI controller, page and settings file.

A parameter called `offset_ms` is the field `Settings.offset_ms`, the option `--offset-ms`, the OSC address
`/gapt/offset_ms` and the key `offset_ms` in the settings file. Whatever sets one goes through `Parameter.checked`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Union

from bridge.controls.scales import ANY, CHORD_SETS, KEYS, SCALES
from bridge.errors import BridgeError
from gapt_core.vocabulary import STYLES

Value = Union[bool, int, float, str]

Kind = Literal["number", "whole", "switch", "choice", "text", "trigger"]

SLOWEST_BPM, FASTEST_BPM = 10.0, 999.0

VOICINGS = ("block", "pad", "strum", "arpeggio", "bass-chord", "shell")

SYNCS = ("auto", "internal", "midi", "link", "ableton", "reaper", "ardour", "bitwig", "osc")

_METRE = re.compile(r"([1-9]|[12]\d|3[0-2])/(1|2|4|8|16)")
_CHANNEL = re.compile(r"[1-9]|1[0-6]")


def metre_of(text: str) -> tuple[int, int]:
    """Numerator and denominator of a metre written like 6/8.

    Raises:
        ValueError: it is none.
    """
    match = _METRE.fullmatch(text)
    if match is None:
        raise ValueError(text)
    return int(match[1]), int(match[2])


def channels_of(text: str) -> frozenset[int]:
    """MIDI channels written like `any` or `1,3-5`, as MIDI counts them, 0 to 15.

    Raises:
        ValueError: it is no such list.
    """
    if text == "any":
        return frozenset(range(16))
    spans = [part.split("-") for part in text.split(",")]
    if not all(len(span) <= 2 and all(map(_CHANNEL.fullmatch, span)) for span in spans):
        raise ValueError(text)
    channels = [range(int(span[0]) - 1, int(span[-1])) for span in spans]
    if not all(channels):
        raise ValueError(text)
    return frozenset(channel for span in channels for channel in span)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One line of the table.

    Attributes:
        kind: `number` and `whole` lie within `low` and `high`, `switch` is on or off, `choice` one of `choices`, `text`
            can be read by `read` where it has one and is as `like` says, `trigger` has no value: setting it does
            something once.
        default: None where the preset says (`Manifest.sampling`).
        unit: `beats`, `ms`, `bpm`, …; empty for a plain number.
        help: one sentence for all who show it.
    """

    name: str
    kind: Kind
    default: Value | None
    help: str
    low: float = 0.0
    high: float = 1.0
    unit: str = ""
    choices: tuple[str, ...] = ()
    read: Callable[[str], object] | None = None
    like: str = ""

    @property
    def option(self) -> str:
        """The command line's spelling."""
        return "--" + self.name.replace("_", "-")

    @property
    def address(self) -> str:
        """The OSC address."""
        return f"/gapt/{self.name}"

    def checked(self, value: object) -> Value:
        """`value` as this parameter has it: a float does for a whole number, a switch, or the number of a choice.

        Raises:
            BridgeError: it is not one that this parameter can have.
        """
        try:
            return self._read(value)
        except (ValueError, TypeError, OverflowError, LookupError, StopIteration):
            shown = f"“{value}”" if isinstance(value, str) else repr(value)
            raise BridgeError(f"{self.name} cannot be {shown}: it is {self.range}.") from None

    @property
    def range(self) -> str:
        """What values there are, in words."""
        if self.kind in ("number", "whole"):
            return f"{self.low:g} to {self.high:g} {self.unit}".rstrip()
        if self.kind == "choice":
            return "one of " + ", ".join(self.choices)
        if self.kind == "text":
            return self.like or "a text"
        return "0 or 1" if self.kind == "switch" else "set by anything but 0"

    def from_share(self, share: float) -> Value:
        """The value at `share` (0 to 1) of the range, for a controller; a text has no range.

        Raises:
            BridgeError: this parameter is a text.
        """
        if self.kind == "choice":
            return self.choices[min(int(share * len(self.choices)), len(self.choices) - 1)]
        if self.kind in ("switch", "trigger"):
            return share >= 0.5
        return self.checked(self.low + share * (self.high - self.low) if self.kind != "text" else share)

    def _read(self, value: object) -> Value:
        if self.kind == "text":
            return self._text(value)
        if self.kind == "choice" and isinstance(value, str):
            return self._choice(value)
        number = _number(value)
        if self.kind in ("switch", "trigger"):
            return number != 0.0
        if self.kind == "choice":
            return self.choices[round(number)] if round(number) >= 0 else self._choice("")
        number = float(round(number)) if self.kind == "whole" else number
        if not self.low <= number <= self.high:
            raise ValueError(number)
        return int(number) if self.kind == "whole" else number

    def _choice(self, value: str) -> str:
        return next(choice for choice in self.choices if choice.lower() == value.strip().lower())

    def _text(self, value: object) -> str:
        text = str(value).strip() if isinstance(value, (str, int)) else ""
        if not text:
            raise ValueError(value)
        if self.read is not None:
            self.read(text)
        return text


def _number(value: object) -> float:
    words = {"on": 1.0, "true": 1.0, "yes": 1.0, "off": 0.0, "false": 0.0, "no": 0.0}
    number = words.get(value.strip().lower(), value) if isinstance(value, str) else value
    number = float(number)  # type: ignore[arg-type]  # what is no number raises, which is the check
    if not math.isfinite(number):
        raise ValueError(value)
    return number


_LINES = (
    Parameter("preset", "text", "default", "The preset that plays: its name, or its folder."),
    Parameter("style", "choice", "unknown", "What to play like, such as folk.", choices=STYLES),
    Parameter(
        "mode",
        "choice",
        None,
        "Answer with the note, at the end of the window at the latest (react), or ahead of it (anticipate).",
        choices=("react", "anticipate"),
    ),
    Parameter("temperature", "number", None, "0 plays the likeliest chord; the higher, the bolder.", 0.0, 4.0),
    Parameter("density", "number", None, "Above 0 chords change more often, below 0 less often.", -10.0, 10.0),
    Parameter("seed", "whole", 1, "The same seed and melody give the same chords.", 0, (1 << 31) - 1),
    Parameter(
        "window_ms", "number", 20.0, "How long react waits for the note of a sixteenth that is late.", 0, 40, "ms"
    ),
    Parameter("commit", "number", 0.25, "How much of each plan is final.", 0.0, 8.0, "beats"),
    Parameter("lookahead", "number", 2.0, "How far to plan, for those who want to see it.", 0.0, 8.0, "beats"),
    Parameter("listen", "number", 0.0, "How long to listen before the first chord.", 0.0, 64.0, "beats"),
    Parameter(
        "entry",
        "choice",
        "bar",
        "The first chord: on a bar line once a note was heard (bar), or at once (free).",
        choices=("bar", "free"),
    ),
    Parameter("voicing", "choice", "block", "How chords are laid out in pitch and time.", choices=VOICINGS),
    Parameter("register", "whole", 60, "Where the middle of the chords lies.", 48, 84, "MIDI pitch"),
    Parameter("velocity", "whole", 64, "How hard chords are struck.", 1, 127),
    Parameter("velocity_follow", "number", 0.0, "How much of the player's own force goes into the chords."),
    Parameter("channel", "whole", 1, "The MIDI channel of the chords.", 1, 16),
    Parameter("offset_ms", "number", 0.0, "Send chords earlier (below 0) or later.", -500.0, 500.0, "ms"),
    Parameter("key", "choice", ANY, "Keep to chords of this key.", choices=KEYS),
    Parameter("scale", "choice", "major", "The scale of the key.", choices=tuple(SCALES)),
    Parameter("chord_set", "choice", "all", "Keep to chords of these kinds.", choices=("all", *CHORD_SETS)),
    Parameter("follow_scale", "switch", False, "Take key and scale from the host, where it tells them."),
    Parameter("bypass", "switch", False, "Listen only: decide and show the chords, and play none."),
    Parameter("hold", "switch", False, "Keep the chord that sounds."),
    Parameter("thru", "switch", False, "Pass the melody on to the chords' port."),
    Parameter("split", "whole", 0, "Notes below this one are no melody; 0 takes all.", 0, 127, "MIDI pitch"),
    Parameter(
        "in_channels",
        "text",
        "any",
        "The MIDI channels of the melody: any, or such as 1,3-5.",
        read=channels_of,
        like="any, or numbers such as 1,3-5",
    ),
    Parameter("tempo", "number", 120.0, "Our own tempo.", SLOWEST_BPM, FASTEST_BPM, "bpm"),
    Parameter("metre", "text", "4/4", "Our own metre, such as 3/4.", read=metre_of, like="like 3/4 or 6/8"),
    Parameter("sync", "choice", "auto", "Whose tempo and bars to follow.", choices=SYNCS),
    Parameter("link_start_stop", "switch", False, "Start and stop with the Link session."),
    Parameter("clock_out", "switch", False, "Send MIDI clock."),
    Parameter("recording", "switch", False, "Record what is played as a MIDI file, as long as this is on."),
    Parameter("start", "trigger", None, "Roll from beat 0 at our own tempo."),
    Parameter("stop", "trigger", None, "Stand still."),
    Parameter("panic", "trigger", None, "End every note, here and in what we play to."),
)

PARAMETERS = {line.name: line for line in _LINES}
"""By name, in the order in which to show them."""
