"""The seam between the bridge and the policy: melody frames in, plans out.

An `Accompanist` lives wherever the policy does: in a worker process (`plugin_host.proxy`), or in this
process for tests (`plugin_host.scripted`). Frames count from 0 at the last `reset`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class MelodyFrame:
    """A frame of melody that can no longer change. `metre` is (place in the bar, full bar, beat), in frames."""

    index: int
    melody: int
    metre: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """Ask for the chords of the frames from `frame` on.

    Frames between the last one committed and `frame` were held: no answer came in time, what sounded went on.

    Attributes:
        frame: the first frame wanted; every frame before it has been fed.
        now: melody token of `frame` where it is known (`react`), None where it is not (`anticipate`).
        metres: (place in the bar, full bar, beat), in frames, of `frame` and of each frame after it
            that is to be planned; its length is the length of the plan.
        commit: how many frames of the plan become final, at least 1. A frame once committed keeps its chord.
        play: False while only listening: the frames are filled with no chord and still heard.
        enters: the first chord of all comes in at `frame`, and is drawn among those that fit what was heard.
    """

    frame: int
    now: int | None
    metres: tuple[tuple[int, int, int], ...]
    commit: int = 1
    play: bool = True
    enters: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """Chord tokens (`gapt_core.vocabulary`) for the frames from `frame` on; the first `committed` are final."""

    frame: int
    tokens: tuple[int, ...]
    committed: int
    compute_seconds: float


@dataclass(frozen=True, slots=True)
class Sampling:
    """How chords are drawn: `temperature` divides the logits, `density` is added to every onset's logit.

    `allowed` are the chords (indices of `gapt_core.chords`) that may be played, None for all; silence always may.
    """

    temperature: float = 1.0
    density: float = 0.0
    seed: int = 0
    allowed: frozenset[int] | None = None


class Accompanist(Protocol):
    """Answers a melody with chords. No verb blocks on the network's arithmetic unless it says so.

    Attributes:
        trouble: what is wrong with it, one sentence; None while it is well.
        preset: the preset that plays.
        style: the style it plays in.
    """

    trouble: str | None
    preset: str
    style: str

    @property
    def changing(self) -> bool:
        """Whether another preset or style is on its way in."""

    def feed(self, frame: MelodyFrame) -> None:
        """Take the next closed melody frame."""

    def plan(self, request: PlanRequest, deliver: Callable[[Plan], None]) -> None:
        """Answer `request` through `deliver`: at once, or later from another thread, or never.

        A plan longer than what it commits may be delivered twice: first the committed part alone, as soon as it is
        known, then the whole.
        """

    def reset(self, sampling: Sampling) -> None:
        """Forget the music: the next frame fed is frame 0."""

    def sample(self, sampling: Sampling) -> None:
        """Draw chords so from the next plan on; the music is remembered."""

    def cut(self, frame: int) -> None:
        """Take back what was committed from `frame` on, for it will not be played: the transport jumped."""

    def swap(self, preset: str, style: str) -> None:
        """Play on with another preset or style (one of `STYLES`), from what has been heard so far."""

    def close(self) -> None:
        """Release the process and its memory. Safe to call twice."""
