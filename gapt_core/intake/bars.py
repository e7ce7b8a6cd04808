"""Metre and first bar line of a melody in frames, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gapt_core.intake.accents import Line, evidence, shifts
from gapt_core.intake.beats import log_felt
from gapt_core.intake.patterns import Pattern

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Told(NamedTuple):
    """What a file says: its metre, how many frames into a bar its zero lies, and what each is worth in nats."""

    signature: tuple[int, int]
    shift: int
    metre: float
    lines: float


@dataclass(frozen=True)
class Bars:
    """A metre, and how many frames into a bar the zero of a melody's frames lies; `sure` is from 0 to 1."""

    pattern: Pattern
    shift: int
    sure: float


def find_bars(
    line: Line, chords: Ints, patterns: Sequence[Pattern], period: float | None = None, told: Told | None = None
) -> Bars:
    """The likeliest metre and bar lines.

    Args:
        chords: frames of chord changes.
        period: seconds a frame, where the tempo is to say something of the metre.
        told: what is known already.
    """
    scores = evidence(line, chords, patterns)
    for pattern, score in zip(patterns, scores, strict=True):
        if period is not None:
            score += log_felt(period, pattern)
        if told is not None and pattern.signature == told.signature:
            score += told.metre + told.lines * (np.array(shifts(pattern)) == told.shift)
    shares = _softmax(scores)
    best = max(range(len(patterns)), key=lambda i: float(shares[i].max()))
    at = int(shares[best].argmax())
    return Bars(patterns[best], shifts(patterns[best])[at], float(shares[best][at]))


def _softmax(scores: Sequence[Floats]) -> list[Floats]:
    """Probabilities over all hypotheses together."""
    top = max(float(score.max()) for score in scores)
    total = sum(float(np.exp(score - top).sum()) for score in scores)
    return [np.exp(score - top) / total for score in scores]
