"""Where the bar lines of a melody are, once its frames are known: what speaks for each metre and each place to begin.

A log-linear model over all hypotheses. Its features are the rules of preference for metre of Lerdahl and Jackendoff
(A Generative Theory of Tonal Music, 1983, chapter 4): long notes, ends of leaps, turning points, notes of the key's
chord and beginnings of what was heard before are likely to be strong; and that what comes back does so by whole bars
(parallelism: Temperley and Bartlette, Music Perception 20, 2002). Added to it are the rhythm's own probability and that
of the places of chord changes. The key is found by the profiles of Krumhansl and Kessler (Krumhansl, Cognitive
Foundations of Musical Pitch, 1990, chapter 4). `bench/intake_tables.py` fits the weights by maximum likelihood.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gapt_core.intake.patterns import Pattern

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

STEP = 2
"""Bar lines are looked for at every eighth."""

LAGS = (6, 8, 12, 16, 18, 24, 32, 36, 48)
"""Frames after which pitches may come back."""

AFTER_THE_LAST = 8
BEFORE_THE_FIRST = 4
"""Frames that are said to lie there, where there is no other note."""

MOTIF = 4
"""So many intervals and lengths are a motif that can come back."""

DEGREES = ((0,), (7,), (3, 4), (2,), (5,), (8, 9), (10, 11))
"""Semitones above the tonic that count as one degree."""

MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)


class Line(NamedTuple):
    """A melody in frames: places, rising, from any zero; pitches; lengths. `[notes]` each."""

    place: Ints
    pitch: Ints
    length: Floats


def features(line: Line) -> Floats:
    """What each note has that speaks for a strong place or a weak one; `[notes, features]`."""
    gaps = np.diff(line.place).astype(np.float64)
    before, after = np.append(BEFORE_THE_FIRST, gaps), np.append(gaps, AFTER_THE_LAST)
    intervals = np.diff(line.pitch)
    into, out = np.append(0, intervals), np.append(intervals, 0)
    degree = (line.pitch - tonic(line)) % 12
    ends = np.arange(len(line.place))
    columns = [
        np.clip(np.log2(after / before), -2, 2), after >= 4, after >= 8, before >= 4,
        np.abs(into) >= 5, (np.abs(into) <= 2) & (into != 0), into == 0, into > 0,
        (into > 0) & (out < 0), (into < 0) & (out > 0), np.abs(out) >= 5, out == 0,
        *(np.isin(degree, semitones) for semitones in DEGREES),
        motif_begins(out, after), ends == 0, ends == len(ends) - 1,
    ]  # fmt: skip
    return np.stack([np.asarray(column, np.float64) for column in columns], axis=1)


def tonic(line: Line) -> int:
    """Pitch class of the likeliest key's tonic."""
    heard = np.bincount(line.pitch % 12, weights=np.minimum(line.length, 8.0), minlength=12)
    profiles = np.array([np.roll(profile, key) for profile in (MAJOR, MINOR) for key in range(12)])
    profiles -= profiles.mean(axis=1, keepdims=True)
    likeness = profiles @ (heard - heard.mean()) / np.linalg.norm(profiles, axis=1)
    return int(likeness.argmax()) % 12


def motif_begins(out: Ints, after: Floats) -> NDArray[np.bool_]:
    """Whether a motif that was heard before begins at each note, and not one note earlier already."""
    steps = list(zip(out.tolist(), after.tolist(), strict=True))[:-1]
    begins = np.zeros(len(out), np.bool_)
    heard: dict[tuple[tuple[int, float], ...], list[int]] = {}
    for note in range(len(steps) - MOTIF):
        places = heard.setdefault(tuple(steps[note : note + MOTIF]), [])
        begins[note] = any(not (first and steps[first - 1] == steps[note - 1]) for first in places[-MOTIF:])
        places.append(note)
    return begins


def comings_back(line: Line) -> Floats:
    """The share of notes that were heard at the same pitch so many frames earlier; `[lags]`."""
    at = dict(zip(line.place.tolist(), line.pitch.tolist(), strict=True))
    shares = []
    for lag in LAGS:
        same = [at.get(place - lag) == pitch for place, pitch in at.items() if place >= line.place[0] + lag]
        shares.append(sum(same) / len(same) if len(same) > MOTIF else 0.0)
    return np.array(shares)


def shifts(pattern: Pattern) -> range:
    """Hypotheses: how many frames into its bar a melody's zero lies."""
    return range(0, pattern.bar, STEP)


def tallies(told: Floats, place: Ints, pattern: Pattern) -> Floats:
    """Features summed over the notes at each kind of place, by hypothesis; `[shifts, kinds, features]`."""
    summed = np.zeros((len(shifts(pattern)), len(pattern.accents), told.shape[1]))
    for i, shift in enumerate(shifts(pattern)):
        np.add.at(summed[i], pattern.kinds[(place + shift) % pattern.bar], told)
    return summed / len(place) ** 0.5


def flows(place: Ints, pattern: Pattern) -> Floats:
    """The rhythm's own log-probability in the style that fits it best, by hypothesis; `[shifts]`."""
    gaps = np.minimum(np.diff(place), pattern.rhythm.shape[2] - 1)
    at = [(place[:-1] + shift) % pattern.bar for shift in shifts(pattern)]
    styles = np.array([pattern.rhythm[:, row, gaps].sum(axis=1) for row in at])
    return styles.max(axis=1) / len(place) ** 0.5


def changes(chords: Ints, pattern: Pattern) -> Floats:
    """The log-probability of the places of chord changes, by hypothesis; `[shifts]`."""
    if not len(chords):
        return np.zeros(len(shifts(pattern)))
    summed = [pattern.chord[(chords + shift) % pattern.bar].sum() for shift in shifts(pattern)]
    return np.array(summed) / len(chords) ** 0.5


def evidence(line: Line, chords: Ints, patterns: Sequence[Pattern]) -> list[Floats]:
    """Unnormalised log-probability of every hypothesis of each metre, a list of `[shifts]`.

    `chords` are the frames at which chords change, from the same zero as `line`.
    """
    told, back = features(line), comings_back(line)
    return [
        (tallies(told, line.place, pattern) * pattern.accents).sum(axis=(1, 2))
        + pattern.flow * flows(line.place, pattern)
        + pattern.harmony * changes(chords, pattern)
        + back @ pattern.repeats
        + pattern.bias
        for pattern in patterns
    ]
