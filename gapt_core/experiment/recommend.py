"""Which points of a sweep are to be recommended, and why, from what was measured alone.

The rule, in each mode, over the test sets: no run diverged, Vendi is at least `ENOUGH_OF_DATA` of the data's, and note
in chord is at most `MOST_LOST` below the best point's. The same again for note in chord over luck.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gapt_core.evaluate.measure import TRUTH
from gapt_core.evaluate.rollout import MODES
from gapt_core.experiment.results import OVER_LUCK, VENDI, Results
from gapt_core.experiment.sweeps import Point

ENOUGH_OF_DATA = 0.9
MOST_LOST = 0.02
SEEN = 0.0005
"""What is less is no loss in a figure of one decimal place of a point."""

HARMONY = {"note_in_chord": "note in chord", OVER_LUCK: "note in chord over luck"}
"""What the rule takes harmony to be: as it is, and with what fat chords buy taken off."""


@dataclass(frozen=True)
class Judged:
    """A point in one mode.

    Attributes:
        vendi: share of the data's.
        lost: harmony below the best point's.
        against: what speaks against it; nothing if it is recommended.
    """

    point: Point
    vendi: float
    lost: float
    against: tuple[str, ...]


def judged(results: Results, points: Sequence[Point], mode: str, harmony: str = "note_in_chord") -> list[Judged]:
    """The points that are measured, in their order."""
    measured = [point for point in points if point.is_measured]
    best = max((point.figures[mode, harmony].value for point in measured), default=0.0)
    truth = results.reference(TRUTH, VENDI, results.keys("test"))
    found = []
    for point in measured:
        share, lost = point.figures[mode, VENDI].value / truth, best - point.figures[mode, harmony].value
        reasons = {
            f"{point.diverged} of {point.trained} runs diverged": point.diverged > 0,
            f"Vendi {100 * share:.0f} % of the data's": share < ENOUGH_OF_DATA,
            f"{HARMONY[harmony]} {100 * lost:.1f} points below the best": lost > MOST_LOST,
        }
        found.append(Judged(point, share, lost, tuple(reason for reason, holds in reasons.items() if holds)))
    return found


def recommendations(results: Results, points: Sequence[Point]) -> list[str]:
    """Sentences: what to take in each mode and in both, why, and on how little that rests."""
    measured = [point for point in points if point.is_measured]
    if len(measured) < 2:
        return ["There are not enough runs to recommend anything: fewer than two points are measured."]
    plain, over = ({mode: judged(results, points, mode, harmony) for mode in MODES} for harmony in HARMONY)
    sentences = [_of_mode(mode, plain[mode]) for mode in MODES]
    sentences.append(f"**In both modes: {_in_both(plain, points)}.**")
    told = [f"{mode}: {spread([one.point.label for one in over[mode] if not one.against], points)}" for mode in MODES]
    sentences.append(
        f"By note in chord over luck it would be: {'; '.join(told)}; in both modes: {_in_both(over, points)}."
    )
    return sentences + _reservations(points)


def spread(labels: Sequence[str], points: Sequence[Point]) -> str:
    """Labels in words: as a range where all that was measured between the first and the last is among them."""
    if not labels:
        return "none"
    order = [point.label for point in points if point.is_measured]
    first, last = order.index(labels[0]), order.index(labels[-1])
    if len(labels) > 1 and len(order) > 2 and order[first : last + 1] == list(labels) and "=" in labels[0]:
        return f"{labels[0]} to {labels[-1].split('= ')[-1]}"
    return ", ".join(labels)


def _in_both(found: Mapping[str, Sequence[Judged]], points: Sequence[Point]) -> str:
    pairs = zip(*found.values(), strict=True)
    return spread([pair[0].point.label for pair in pairs if not any(one.against for one in pair)], points)


def _of_mode(mode: str, found: Sequence[Judged]) -> str:
    good, bad = [one for one in found if not one.against], [one for one in found if one.against]
    best = min(found, key=lambda one: one.lost).point
    out = "; ".join(f"{one.point.label} ({', '.join(one.against)})" for one in bad)
    highest = f"{best.label} has the best note in chord ({best.figures[mode, 'note_in_chord'].value:.3f})"
    if not good:
        least = min(bad, key=lambda one: (len(one.against), one.lost)).point.label
        return f"**{mode}: nothing fulfils the rule.** {highest}; {out}. The least speaks against {least}."
    shares = [f"{100 * share:.0f} %" for share in sorted({min(o.vendi for o in good), max(o.vendi for o in good)})]
    taken = spread([one.point.label for one in good], [one.point for one in found])
    lost = max(one.lost for one in good)
    below = f"at most {100 * lost:.1f} points below the best" if lost >= SEEN else "as high as the best"
    why = f"No run diverged there, Vendi is {' to '.join(shares)} of the data's, and note in chord is {below}"
    rest = f"Not recommended: {out}." if out else "Nothing that was measured falls out."
    return f"**{mode}: {taken}.** {why}; {highest}. {rest}"


def _reservations(points: Sequence[Point]) -> list[str]:
    said = []
    missing = [point.label for point in points if not point.is_measured]
    alone = [point.label for point in points if point.measured == 1]
    if missing:
        said.append(f"Not measured yet: {', '.join(missing)}.")
    if alone:
        everything = len(alone) == sum(point.is_measured for point in points)
        which = "All of this" if everything else f"What is said of {', '.join(alone)}"
        said.append(f"{which} rests on one seed a point: luck and effect cannot be told apart.")
    return said
