"""The two parts of a duet, by the same names: what a token, an action and a hold of each is."""

from __future__ import annotations

from dataclasses import dataclass

from gapt_core.vocabulary import (
    ACTIONS,
    CHORD_HOLD,
    CHORD_ONSET,
    CHORD_TOKENS,
    HOLD_ACTION,
    MELODY_TOKENS,
    NO_CHORD,
    NOTE_ACTIONS,
    NOTE_HOLD,
    NOTE_HOLD_ACTION,
    NOTE_ONSET,
    SILENCE,
)


@dataclass(frozen=True)
class Part:
    """One part: `tokens` and `actions` count; `onset`, `hold` are the first tokens of their kind, `silent` is none."""

    name: str
    tokens: int
    onset: int
    hold: int
    silent: int
    actions: int
    hold_action: int

    @property
    def count(self) -> int:
        """How many chords or pitches there are."""
        return self.hold - self.onset


CHORD = Part("chord", CHORD_TOKENS, CHORD_ONSET, CHORD_HOLD, NO_CHORD, ACTIONS, HOLD_ACTION)
MELODY = Part("melody", MELODY_TOKENS, NOTE_ONSET, NOTE_HOLD, SILENCE, NOTE_ACTIONS, NOTE_HOLD_ACTION)
PARTS = {part.name: part for part in (CHORD, MELODY)}
