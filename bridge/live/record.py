"""What was played: how late every chord was and, for the demo, every message that left."""

from __future__ import annotations

import math
from array import array

from bridge.controls.settings import Counters
from bridge.live.sender import Sent
from bridge.ports.memory import MemoryOutPort


class Tally:
    """How late each chord was: eight bytes a chord, so that a session may last."""

    def __init__(self) -> None:
        self._late = array("d")

    def add(self, sent: Sent) -> None:
        """Count one more chord; the rests between them are no answer to be late."""
        if sent.chord.pitches:
            self._late.append(1000.0 * sent.late_seconds)

    def summary(self, counters: Counters) -> str:
        """One line: chords, lateness at the median, the 99th percentile and the worst, and frames that went wrong."""
        late = sorted(self._late)
        if not late:
            return "No chord was played."
        return (
            f"{len(late)} chords; after their frame p50 {percentile(late, 0.50):.2f} ms, "
            f"p99 {percentile(late, 0.99):.2f} ms, worst {late[-1]:.2f} ms; "
            f"{counters.late + counters.skipped + counters.held} late frames"
        )


class Record(MemoryOutPort):
    """A port that keeps what is sent, and the list of chords; one thread writes, any may read."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[Sent] = []

    def add(self, sent: Sent) -> None:
        """Keep one more chord."""
        self.sent.append(sent)


def percentile(ordered: list[float], share: float) -> float:
    """The value that `share` of the `ordered` values do not exceed (nearest rank)."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def line_of(sent: Sent) -> str:
    """One printed line: beat, chord, lateness."""
    chord = sent.chord
    return f"beat {chord.due_beats:7.2f}   {chord.name:<12} {1000.0 * sent.late_seconds:+7.2f} ms"
