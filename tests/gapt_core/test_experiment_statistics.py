"""Statistics against worked-out examples, and under the null against what they promise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from gapt_core.experiment.statistics import (
    Interval,
    bootstrap_mean,
    cohen_dz,
    holm,
    paired_test,
    percentile_interval,
    rank_biserial,
    ratio_interval,
    resamples,
    t_interval,
    vendi_resampled,
    wilcoxon_p,
)
from gapt_core.metrics import vendi


def unit_rows(songs: int, features: int, seed: int = 0) -> np.ndarray:
    rows = np.abs(np.random.default_rng(seed).normal(size=(songs, features)))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_t_interval_by_hand() -> None:
    # Mean 2, standard error 1 / sqrt 3, and t of two degrees of freedom at .975 is 4.3027.
    interval = t_interval([1.0, 2.0, 3.0])
    assert interval.value == 2.0
    assert (interval.low, interval.high) == pytest.approx((2 - 4.3027 / 3**0.5, 2 + 4.3027 / 3**0.5), abs=1e-3)
    assert interval == t_interval([1.0, math.nan, 2.0, 3.0])


def test_one_seed_has_no_bounds() -> None:
    interval = t_interval([0.5])
    assert interval.value == 0.5 and math.isnan(interval.low) and math.isnan(interval.high)
    assert not interval.excludes(9.0)
    assert math.isnan(t_interval([math.nan]).value)


def test_wilcoxon_by_hand() -> None:
    # All of five differences positive: W = 0, and 2 of the 32 signs are as extreme.
    assert wilcoxon_p(np.array([1.0, 2.0, 3.0, 4.0, 5.0])) == pytest.approx(2 / 32)
    assert wilcoxon_p(np.zeros(7)) == 1.0
    assert wilcoxon_p(np.array([0.0, 1.0, 2.0, 3.0, 4.0, 0.0, 5.0])) == pytest.approx(2 / 32)
    assert wilcoxon_p(np.array([1.0])) == 1.0
    assert 0 < wilcoxon_p(np.array([1.0, 1.0, 2.0, -1.0])) <= 1


def test_effect_sizes_by_hand() -> None:
    # Ranks 1, 2, 3, 4; those of the positive ones are 2 + 3 + 4: (9 - 1) / 10.
    differences = np.array([-1.0, 2.0, 3.0, 4.0])
    assert rank_biserial(differences) == pytest.approx(0.8)
    assert rank_biserial(np.append(differences, 0.0)) == pytest.approx(0.8)
    assert rank_biserial(np.array([-2.0, 2.0])) == rank_biserial(np.zeros(3)) == 0.0
    # Mean 2, squared deviations 9, 0, 1, 4 over 3.
    assert cohen_dz(differences) == pytest.approx(2 / (14 / 3) ** 0.5)
    assert math.isnan(cohen_dz(np.ones(4)))


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, math.nan, 0.7])[::2] == pytest.approx([1.0, 1.0])
    assert math.isnan(holm([0.6, math.nan, 0.7])[1])


def test_the_bootstrap_is_that_of_scipy() -> None:
    differences = np.random.default_rng(3).exponential(size=40)
    ours = bootstrap_mean(differences, np.random.default_rng(0))
    theirs = stats.bootstrap((differences,), np.mean, method="percentile", rng=np.random.default_rng(1))
    assert ours.value == pytest.approx(differences.mean())
    assert ours.low == pytest.approx(theirs.confidence_interval.low, abs=0.03)
    assert ours.high == pytest.approx(theirs.confidence_interval.high, abs=0.03)


def test_pairs_are_pieces_that_both_arms_have() -> None:
    first, second = np.array([1.0, 3.0, math.nan, 5.0]), np.array([0.0, 1.0, 1.0, math.nan])
    test = paired_test(first, second, np.random.default_rng(0))
    assert (test.pairs, test.difference.value, test.rank_biserial) == (2, 1.5, 1.0)
    assert paired_test(first, np.full(4, math.nan), np.random.default_rng(0)).pairs == 0


def test_a_resample_scores_as_the_set_with_its_songs_repeated() -> None:
    rows = unit_rows(7, 5)
    counts = resamples(7, np.random.default_rng(1), count=20)
    assert (counts.sum(1) == 7).all()
    expected = [vendi(np.repeat(rows, count, axis=0)) for count in counts]
    assert vendi_resampled(rows, counts) == pytest.approx(np.array(expected), rel=1e-6)
    assert vendi_resampled(rows, np.ones((1, 7), dtype=np.int64))[0] == pytest.approx(vendi(rows), rel=1e-6)


def test_under_the_null_p_is_uniform() -> None:
    random = np.random.default_rng(7)
    p_values = [wilcoxon_p(row) for row in random.normal(size=(400, 25))]
    assert stats.kstest(p_values, "uniform").pvalue > 0.01
    assert np.mean(np.array(p_values) < 0.05) == pytest.approx(0.05, abs=0.03)


def test_holm_keeps_a_family_of_nulls_quiet_and_finds_what_is_there() -> None:
    random = np.random.default_rng(11)
    nulls = stats.wilcoxon(random.normal(size=(300, 8, 20)), axis=-1).pvalue
    shifted = stats.wilcoxon(random.normal(2.0, size=(300, 20)), axis=-1).pvalue
    wrong = sum(min(holm(family)) < 0.05 for family in nulls)
    found = sum(holm([*family, true])[-1] < 0.05 for family, true in zip(nulls, shifted, strict=True))
    assert wrong / 300 < 0.09
    assert found / 300 > 0.95


def test_the_interval_of_a_mean_covers_it() -> None:
    random = np.random.default_rng(5)
    hits = sum(not bootstrap_mean(random.normal(size=40), random).excludes(0.0) for _ in range(200))
    assert hits / 200 > 0.88
    assert Interval(1.0, 0.5, 1.5).excludes(0.4) and not Interval(1.0, 0.5, 1.5).excludes(0.6)


def test_the_interval_of_a_vendi_ratio_covers_it() -> None:
    """Two arms over common songs, one of them far more varied: the bias of resamples must not move the interval."""
    random, songs, features = np.random.default_rng(2), 36, 24
    centre = random.normal(size=features)

    def arms() -> list[np.ndarray]:
        common = random.normal(size=(songs, features))
        own = [common + random.normal(size=(songs, features)) for _ in range(2)]
        rows = [(1 - spread) * centre + 0.7 * spread * one for spread, one in zip((0.6, 0.4), own, strict=True)]
        return [row / np.linalg.norm(row, axis=1, keepdims=True) for row in rows]

    def ratio(pair: list[np.ndarray]) -> float:
        return vendi(pair[0]) / vendi(pair[1])

    truth = float(np.exp(np.mean([np.log(ratio(arms())) for _ in range(150)])))
    hits, raw_hits = 0, 0
    for _ in range(60):
        pair, counts = arms(), resamples(songs, random, 100)
        resampled = vendi_resampled(pair[0], counts) / vendi_resampled(pair[1], counts)
        hits += not ratio_interval(ratio(pair), resampled).excludes(truth)
        raw_hits += not percentile_interval(ratio(pair), resampled).excludes(truth)
    assert hits / 60 > 0.8 and raw_hits / 60 < 0.7
