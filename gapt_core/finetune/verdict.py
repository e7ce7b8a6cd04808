"""What must hold on songs never heard before an adapted policy takes the place of the one it began as."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from gapt_core.finetune.hearing import Heard

SURPRISE_GONE = 0.02
"""The share of the surprise at the player's own chords that has to be gone."""

DENSITY_OFF = 0.25
"""How far chord onsets a bar may be from what they should be, as a share of it, where they were not further before."""

DENSITY_FURTHER = 1.1
"""Where they were further, they may be so much further still: times as far."""


class Limits(NamedTuple):
    """How much lower note in chord may be where the player's own chords are foretold better, and how much of the
    diversity has to stay."""

    harmony_lost: float
    diversity_kept: float


ASKED = Limits(harmony_lost=0.01, diversity_kept=0.9)
STRICTER = (Limits(harmony_lost=-0.02, diversity_kept=0.93), Limits(harmony_lost=0.0, diversity_kept=0.93))
"""On the songs that choose between weights, the first that something passes: they are few, and the best of many
candidates is in part the luckiest."""

HARMONY_WEIGHT = 4.0
"""What a share of note in chord weighs beside a share of the surprise at the player's own chords."""


@dataclass(frozen=True)
class Levels:
    """Means over songs and then over both modes; `nats` a frame, NaN without own chords; `onsets` a bar."""

    nats: float
    note_in_chord: float
    vendi: float
    onsets: float


class Check(NamedTuple):
    """Something asked for, what was measured of it, and whether it holds."""

    claim: str
    measured: str
    holds: bool


class Candidate(NamedTuple):
    """Weights that may be shipped: so much of the way that either stage went."""

    likelihood: float = 0.0
    post_training: float = 0.0


def levels(heard: Mapping[str, Heard], embedder: str, songs: int | None = None) -> Levels:
    """What is decided by, of what was heard in both modes: diversity of all, the rest of the first `songs`."""
    decided = ("nats", "note_in_chord", embedder, "onsets_per_bar")
    return Levels(*(_over_modes(heard, figure, songs) for figure in decided))


def checks(before: Levels, after: Levels, own_onsets: float, limits: Limits = ASKED) -> list[Check]:
    """What is asked of `after`; `own_onsets` a bar are those of the player's own chords, NaN where there are none."""
    return [*_harmony(before, after, limits), _diversity(before, after, limits), _density(before, after, own_onsets)]


def choose(candidates: Sequence[tuple[Candidate, Levels]], before: Levels, own_onsets: float) -> Candidate | None:
    """The candidate that gained most, of those that keep to the first of the `STRICTER` limits that any keeps to.

    Where none keeps to any of them, it is chosen among all that pass. Its gain is the share of the surprise at the
    player's own chords that is gone, where there are such, and note in chord, times `HARMONY_WEIGHT`. None where no
    candidate passes.
    """
    for limits in (*STRICTER, ASKED):
        passing = [
            (gain(before, after), candidate)
            for candidate, after in candidates
            if all(check.holds for check in checks(before, after, own_onsets, limits))
        ]
        if passing:
            return max(passing, key=lambda pair: pair[0])[1]
    return None


def gain(before: Levels, after: Levels) -> float:
    """How much better `after` is, as `choose` counts it."""
    harmony = HARMONY_WEIGHT * (after.note_in_chord - before.note_in_chord)
    return harmony if math.isnan(before.nats) else harmony + 1 - after.nats / before.nats


def _harmony(before: Levels, after: Levels, limits: Limits) -> Iterable[Check]:
    gained = after.note_in_chord - before.note_in_chord
    told = f"{before.note_in_chord:.3f} → {after.note_in_chord:.3f}"
    if math.isnan(before.nats):
        yield Check("note in chord is higher", told, gained > 0)
        return
    surprise = f"{before.nats:.4f} → {after.nats:.4f} nats a frame"
    claim = f"your own chords surprise it at least {100 * SURPRISE_GONE:.0f} % less"
    yield Check(claim, surprise, after.nats <= (1 - SURPRISE_GONE) * before.nats)
    lost = f"note in chord is not lower by more than {100 * limits.harmony_lost:g} points"
    yield Check(lost, told, gained >= -limits.harmony_lost)


def _diversity(before: Levels, after: Levels, limits: Limits) -> Check:
    claim = f"diversity (Vendi) is at least {100 * limits.diversity_kept:.0f} % of before"
    told = f"{before.vendi:.2f} → {after.vendi:.2f}, {100 * after.vendi / before.vendi:.0f} %"
    return Check(claim, told, after.vendi >= limits.diversity_kept * before.vendi)


def _density(before: Levels, after: Levels, own_onsets: float) -> Check:
    wanted, whose = (before.onsets, "before") if math.isnan(own_onsets) else (own_onsets, "your own chords")
    near, further = f"{100 * DENSITY_OFF:.0f} %", f"{100 * (DENSITY_FURTHER - 1):.0f} %"
    claim = f"chord onsets a bar are within {near} of {whose}, or at most {further} further from it than before"
    told = f"{before.onsets:.2f} → {after.onsets:.2f}, {whose} {wanted:.2f}"
    allowed = max(DENSITY_FURTHER * abs(before.onsets - wanted), DENSITY_OFF * wanted)
    return Check(claim, told, abs(after.onsets - wanted) <= allowed)


def _over_modes(heard: Mapping[str, Heard], figure: str, songs: int | None) -> float:
    values = [one.mean(figure, songs) for one in heard.values()]
    return math.fsum(values) / len(values)
