"""What to tell people about the tempo's source: one sentence each."""

from __future__ import annotations

from bridge.sync.host import NAMES
from bridge.sync.source import View

OWN_TEMPO = "Our own tempo"
"""How the sentence begins while nobody else's tempo rules."""

FIRST_NOTE = "your first note starts."
"""How it ends while a note sets the music going."""

FINDING_TEMPO = "finding its tempo."
"""How it ends while a source is there, and its tempo is not known yet."""


def own_tempo(bpm: float, rolling: bool, armed: bool) -> str:
    """Nobody rules but we."""
    if rolling:
        return f"{OWN_TEMPO}, {bpm:.1f} bpm."
    return f"{OWN_TEMPO}, {bpm:.1f} bpm: " + (FIRST_NOTE if armed else "stopped; start sets it going.")


def nothing_heard(source: str) -> str:
    """A source was chosen and has not said a word."""
    if source == "midi":
        return "No MIDI clock yet: let your device or program send it to one of our ports."
    if source == "link":
        return "No Link session yet: switch Link on in your program."
    return f"Nothing from {NAMES[source]} yet: press play there, and see that it sends to us."


def of_view(view: View, bpm: float, rolling: bool) -> str:
    """A source rules; `bpm` is the tempo in force and `rolling` whether we do."""
    name = view.name[0].upper() + view.name[1:]
    if view.state == "lost":
        goes_on = "the music goes on" if rolling else "start sets the music going"
        return f"{name} has fallen silent: {goes_on} at its last tempo, {bpm:.1f} bpm."
    if view.rolling is False:
        return f"{name} stands still: press play there."
    if view.state == "locking":
        return f"{name} is heard: {FINDING_TEMPO}"
    if view.rolling is None and not rolling:
        return f"{name} gives the tempo, {bpm:.1f} bpm: {FIRST_NOTE}"
    return f"{name} rules: {bpm:.1f} bpm."
