"""Two arms set against each other, over the sets of a split together and set by set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from gapt_core.evaluate.measure import TRUTH
from gapt_core.evaluate.rollout import MODES
from gapt_core.experiment.results import VENDI, Floats, Key, Results
from gapt_core.experiment.statistics import (
    Interval,
    PairedTest,
    holm,
    paired_test,
    ratio_interval,
)

WHOLE = "all sets"
"""Stands for the sets of a split together."""

TESTED = ("note_in_chord", "note_in_chord_strict", "unique_chords", "entropy", "onsets_per_bar", "longest_repetition")
TESTED_BY_SET = ("note_in_chord", "unique_chords", "entropy")

SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Tested:
    """A paired test and its p after Holm over the family it is of."""

    test: PairedTest
    p_holm: float = float("nan")

    @property
    def is_higher(self) -> bool:
        """Whether the first arm is significantly higher."""
        return self.p_holm < SIGNIFICANT and self.test.difference.value > 0


@dataclass(frozen=True)
class Comparison:
    """The arms `first` and `second` in one mode over `keys`, which `name` is the name of.

    Attributes:
        vendi: of first, second and ground truth; mean over seeds and sets.
        ratio: of first to second in Vendi, with the bootstrap interval over the songs of each set.
        tests: by figure.
    """

    first: str
    second: str
    split: str
    name: str
    mode: str
    keys: tuple[Key, ...]
    vendi: tuple[float, float, float]
    ratio: Interval
    tests: dict[str, Tested]


def compare_splits(results: Results, pairs: Sequence[tuple[str, str]]) -> list[Comparison]:
    """Each pair of arms that there is, over each split, in each mode; all tests are one family of Holm's."""
    return _as_family(
        [
            compare(results, pair, tuple(results.keys(split)), mode, WHOLE)
            for pair in pairs
            if results.has(*pair)
            for split in results.splits
            for mode in MODES
        ]
    )


def compare_sets(results: Results, pair: tuple[str, str]) -> list[Comparison]:
    """A pair of arms over each set alone, in each mode; all tests are one family of Holm's."""
    keys = [key for split in results.splits for key in results.keys(split)] if results.has(*pair) else []
    return _as_family([compare(results, pair, (key,), mode, key[1]) for key in keys for mode in MODES])


def compare(results: Results, pair: tuple[str, str], keys: tuple[Key, ...], mode: str, name: str) -> Comparison:
    """One comparison, not yet corrected. The random numbers are the same in every call: so is the report."""
    random = np.random.default_rng(0)
    means = [float(np.mean(results.per_seed(condition, mode, VENDI, keys))) for condition in pair]
    tests = {}
    for figure in TESTED if name == WHOLE else TESTED_BY_SET:
        one, other = (results.pieces(arm, mode, figure, keys) for arm in pair)
        tests[figure] = Tested(paired_test(one, other, random))
    return Comparison(
        *pair,
        split=keys[0][0],
        name=name,
        mode=mode,
        keys=keys,
        vendi=(means[0], means[1], results.reference(TRUTH, VENDI, keys)),
        ratio=ratio_interval(means[0] / means[1], _resampled_ratios(results, pair, keys, mode)),
        tests=tests,
    )


def _resampled_ratios(results: Results, pair: tuple[str, str], keys: Sequence[Key], mode: str) -> Floats:
    """Ratio of the means over sets, the same songs being drawn in both arms; `[draws]`."""
    first, second = (np.sum([results.vendi_over(arm, mode, key) for key in keys], axis=0) for arm in pair)
    return np.asarray(first / second)


def _as_family(comparisons: list[Comparison]) -> list[Comparison]:
    corrected = iter(holm([tested.test.p for one in comparisons for tested in one.tests.values()]))
    return [
        replace(one, tests={figure: replace(tested, p_holm=next(corrected)) for figure, tested in one.tests.items()})
        for one in comparisons
    ]
