"""Statistics over seeds and over pieces; arrays in, numbers out.

Seeds are few and stand for the luck of a training: intervals over them are Student's t. Pieces are many and the same
in all arms: tests and bootstraps over them are paired, the seeds of an arm being averaged piece by piece first.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

LEVEL = 0.95
RESAMPLES = 1000


@dataclass(frozen=True)
class Interval:
    """An estimate between its bounds at `LEVEL`; the bounds are NaN where there is nothing to tell them from."""

    value: float
    low: float
    high: float

    def excludes(self, value: float) -> bool:
        """Whether `value` is outside, which it is not where there are no bounds."""
        return value < self.low or value > self.high


@dataclass(frozen=True)
class PairedTest:
    """Two arms over the same pieces.

    Attributes:
        pairs: pieces that have a figure in both.
        difference: mean of first minus second, with its bootstrap interval over pieces.
        p: of Wilcoxon's signed-rank test, two-sided.
        rank_biserial: matched-pairs rank-biserial correlation, -1 to 1.
        cohen_dz: mean over standard deviation of the differences.
    """

    pairs: int
    difference: Interval
    p: float
    rank_biserial: float
    cohen_dz: float


def t_interval(values: Sequence[float]) -> Interval:
    """Mean with its t-interval; NaN are left out, and fewer than two values have no bounds."""
    known = np.array([value for value in values if not math.isnan(value)])
    if len(known) == 0:
        return Interval(math.nan, math.nan, math.nan)
    mean = float(known.mean())
    if len(known) == 1:
        return Interval(mean, math.nan, math.nan)
    half = float(stats.sem(known) * stats.t.ppf((1 + LEVEL) / 2, len(known) - 1))
    return Interval(mean, mean - half, mean + half)


def bootstrap_mean(differences: Floats, random: np.random.Generator) -> Interval:
    """Mean of paired differences with its percentile interval over resampled pieces."""
    mean = float(differences.mean())
    if len(differences) < 2:
        return Interval(mean, math.nan, math.nan)
    draws = random.integers(len(differences), size=(RESAMPLES, len(differences)))
    return percentile_interval(mean, differences[draws].mean(1))


def percentile_interval(value: float, resampled: Floats) -> Interval:
    """`value` between the percentiles of what resampling made of it."""
    low, high = np.percentile(resampled, (50 * (1 - LEVEL), 50 * (1 + LEVEL)))
    return Interval(value, float(low), float(high))


def ratio_interval(value: float, resampled: Floats) -> Interval:
    """`value`, a ratio, times how resampled ratios lie around their own geometric mean.

    Resamples repeat songs and so score lower in Vendi, the more varied arm most. Only their spread tells how sure a
    ratio is; their level is biased, as it is of all measures of diversity (Chao and Jost 2015 centre alike).
    """
    logs = np.log(resampled)
    low, high = np.exp(np.percentile(logs - logs.mean(), (50 * (1 - LEVEL), 50 * (1 + LEVEL))))
    return Interval(value, float(value * low), float(value * high))


def paired_test(first: Floats, second: Floats, random: np.random.Generator) -> PairedTest:
    """Compare two arms piece by piece; `[pieces]` each, and pieces that are NaN in either are left out."""
    differences = first - second
    differences = differences[~np.isnan(differences)]
    if len(differences) == 0:
        return PairedTest(0, Interval(math.nan, math.nan, math.nan), math.nan, math.nan, math.nan)
    return PairedTest(
        len(differences),
        bootstrap_mean(differences, random),
        wilcoxon_p(differences),
        rank_biserial(differences),
        cohen_dz(differences),
    )


def wilcoxon_p(differences: Floats) -> float:
    """Two-sided p of the signed-rank test; 1 where nothing differs. Differences of zero are left out (Wilcoxon)."""
    moved = differences[differences != 0]
    return float(stats.wilcoxon(moved).pvalue) if len(moved) else 1.0


def rank_biserial(differences: Floats) -> float:
    """Matched-pairs rank-biserial correlation (Kerby 2014): favourable share of the rank sum minus unfavourable."""
    moved = differences[differences != 0]
    if len(moved) == 0:
        return 0.0
    ranks = stats.rankdata(np.abs(moved))
    return float((ranks[moved > 0].sum() - ranks[moved < 0].sum()) / ranks.sum())


def cohen_dz(differences: Floats) -> float:
    """Mean of paired differences over their standard deviation; NaN where that is undefined or zero."""
    spread = float(differences.std(ddof=1)) if len(differences) > 1 else 0.0
    return float(differences.mean()) / spread if spread else math.nan


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's (1979) step-down correction over the family of `p_values`; NaN stay, and are not of the family."""
    known = [place for place, p in enumerate(p_values) if not math.isnan(p)]
    corrected, highest = [math.nan] * len(p_values), 0.0
    for rank, place in enumerate(sorted(known, key=lambda place: p_values[place])):
        highest = max(highest, min(1.0, (len(known) - rank) * p_values[place]))
        corrected[place] = highest
    return corrected


def resamples(songs: int, random: np.random.Generator, count: int) -> Counts:
    """How often each of `songs` songs is in each of `count` resamples; `[count, songs]`."""
    return random.multinomial(songs, np.full(songs, 1 / songs), size=count)


def vendi_resampled(embeddings: Floats, counts: Counts) -> Floats:
    """Vendi score of each resample; `embeddings` unit rows `[songs, features]`, `counts` `[resamples, songs]`.

    A song that is drawn twice weighs twice, which is the score of the resample with the song in it twice.
    """
    rows = np.asarray(embeddings, dtype=np.float64)
    roots = np.sqrt(counts / counts.sum(1, keepdims=True))
    values = np.linalg.eigvalsh(roots[:, :, None] * (rows @ rows.T) * roots[:, None, :]).clip(1e-12)
    shares = values / values.sum(1, keepdims=True)
    return np.exp(-(shares * np.log(shares)).sum(1))
