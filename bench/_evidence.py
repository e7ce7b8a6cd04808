"""What the session left behind, and the form of what is said about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from _ear import Told
from _heard import Protocol
from _tempomap import TempoMap

SIXTEENTH = 0.25
"""In beats: a chord's frame."""
PERCENTILES = (("p1", 0.01), ("p50", 0.50), ("p99", 0.99))


@dataclass(frozen=True)
class Row:
    """One line; `good` is None where it is only told."""

    name: str
    found: str
    good: bool | None = None


@dataclass
class Evidence:
    """All that the session left behind.

    Attributes:
        told: what the bridge said by OSC.
        marks: what the script did, and at which of JACK's frames.
        memory: MiB of each process of the bridge, by name, at the beginning and the end.
        others: chords that other OSC clients heard, by name.
    """

    protocol: Protocol
    tempos: TempoMap
    period: int
    told: Sequence[Told]
    marks: Sequence[tuple[str, int]] = ()
    take: Path = Path("take.mid")
    said: str = ""
    exit_code: int = 0
    memory: dict[str, tuple[float, float]] = field(default_factory=dict)
    others: dict[str, int] = field(default_factory=dict)
    restarts: int = 0
    mode: str = "anticipate"

    def heard(self, address: str) -> list[Told]:
        """What came to one address."""
        return [told for told in self.told if told.address == address]

    def when(self, name: str) -> list[int]:
        """Frames at which the script did it."""
        return [frame for mark, frame in self.marks if mark == name]

    def seconds(self, frames: float) -> float:
        """A length in seconds."""
        return frames / self.protocol.rate

    def frames(self, seconds: float) -> float:
        """A length in JACK's frames."""
        return seconds * self.protocol.rate


def figures(values: Iterable[float]) -> str:
    """How milliseconds are spread."""
    ordered = sorted(values)
    if not ordered:
        return "none"
    share = {name: ordered[min(len(ordered) - 1, int(part * len(ordered)))] for name, part in PERCENTILES}
    spread = "  ".join(f"{name} {value:+.2f}" for name, value in share.items())
    return f"n {len(ordered)}  min {ordered[0]:+.2f}  {spread}  max {ordered[-1]:+.2f} ms"
