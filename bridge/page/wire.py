"""The lines of JSON between the jam and the page's process.

To the page, `[name, seconds, beats, fields…]` is a message that has left (`encode`, `decode`); everything else is
`[name, what]` with a name of this module. From the page come objects with one of the keys that this module names.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields
from operator import attrgetter
from typing import Any

from bridge.events import (
    ChordStarts,
    EndNote,
    MelodyHeard,
    OutMessage,
    ParameterChanged,
    PlannedChord,
    PlanShown,
    PlayNote,
    Silence,
    Status,
    TransportChanged,
)

SETUP, SAID, RECORDING, PLAN, READY, END = "setup", "said", "recording", "plan", "ready", "end"
"""To the page: how to serve, a sentence, the file recorded to, the plan, that all before was told, that it is over."""

LISTENING, FAILED, SET, INVITE, SPENT, ALIVE, DONE = "listening", "failed", "set", "invite", "spent", "alive", "done"
"""From the page: its port, why there is none, a setting, a link for another device, how many links were used, a sign of
life, that the end was shown to everybody."""

MOST_LINE_BYTES = 1 << 20

KINDS: dict[str, Any] = {
    kind.__name__: kind
    for kind in (
        PlayNote,
        EndNote,
        ChordStarts,
        PlanShown,
        MelodyHeard,
        Silence,
        ParameterChanged,
        TransportChanged,
        Status,
    )
}
"""The messages that the page is told, by name."""


def _getter(kind: Any) -> Callable[[OutMessage], tuple[Any, ...]]:
    return attrgetter(*(field.name for field in fields(kind)))


_VALUES = {kind: _getter(kind) for kind in KINDS.values()}
_CHORD_VALUES = attrgetter(*(field.name for field in fields(PlannedChord)))


def line(content: object) -> bytes:
    """One line.

    Raises:
        ValueError: a number in it is none.
    """
    return json.dumps(content, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def encode(message: OutMessage, seconds: float, beats: float) -> bytes:
    """The line of a message, sent at `seconds` of the session's clock when the music stood at `beats`.

    Raises:
        ValueError: it has a number that is none.
    """
    values = _VALUES[type(message)](message)
    if isinstance(message, PlanShown):
        values = (message.due_beats, [_CHORD_VALUES(chord) for chord in message.chords])
    return line([type(message).__name__, seconds, beats, *values])


def decode(content: list[Any]) -> tuple[OutMessage, float, float]:
    """What `encode` has made a line of, once read: message, seconds, beats."""
    name, seconds, beats, *values = content
    if name == PlanShown.__name__:
        values[1] = [PlannedChord(*map(_frozen, chord)) for chord in values[1]]
    values = [_frozen(value) for value in values]
    return KINDS[name](*values), seconds, beats


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
