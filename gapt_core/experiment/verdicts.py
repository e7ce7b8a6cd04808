"""The questions the experiment was made for, each with what was measured and whether it is enough."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from gapt_core.evaluate.measure import TRUTH
from gapt_core.evaluate.rollout import MODES
from gapt_core.experiment.beats import cold_level, regained
from gapt_core.experiment.comparison import WHOLE, Comparison
from gapt_core.experiment.grid import GAPT, MLE, RL
from gapt_core.experiment.results import OVER_LUCK, VENDI, Key, Results
from gapt_core.experiment.statistics import t_interval
from gapt_core.metrics import mean

SEEDS = 3
OOD_SETS = 3
ANTICIPATE, REACT = MODES
COLD_BEAT = 4

RECOVERY_BEATS = 8

ENOUGH_VENDI = 1.15
ENOUGH_OF_DATA = 0.9
POINT = 0.01
START_GAIN = 0.08
TEXTURE = 0.15


@dataclass(frozen=True)
class Verdict:
    """A claim, what was measured for it, and whether that is enough; None where runs are missing."""

    claim: str
    measured: str
    passed: bool | None


MISSING = "runs are missing"


def verdicts(
    results: Results, whole: Sequence[Comparison], by_set: Sequence[Comparison], arm: str = GAPT.name
) -> list[Verdict]:
    """All verdicts on `arm`, a condition that was post-trained with the adversary.

    Args:
        results: everything measured.
        whole: comparisons over splits, of `arm` with `rl` and with `mle`.
        by_set: comparisons of `arm` with `rl` set by set.
    """
    against_rl = [one for one in [*whole, *by_set] if one.second == RL.name]
    found = [_coverage(results, arm)]
    for mode in MODES:
        found += [
            _collapse(results, mode),
            *_against_rl(results, [one for one in against_rl if one.mode == mode], arm, mode),
        ]
        found += [_against_start(results, arm, mode)]
    found += [_react_harmony(results, arm), *_react_texture(results, arm), _anticipate_harmony(results, arm)]
    for mode in MODES:
        found += [
            _recovery(results, arm, mode),
            _cold_start(results, arm, mode),
            _silence(results, arm, mode),
            _thickness(results, arm, mode),
        ]
    return [*found, _latency(results, arm)]


def _coverage(results: Results, arm: str) -> Verdict:
    seeds = min(len(results.seeds(one)) for one in (MLE.name, RL.name, arm))
    sets = len(results.keys("ood"))
    claim = f"At least {SEEDS} seeds in each arm, the test split and at least {OOD_SETS} ood sets"
    enough = seeds >= SEEDS and bool(results.keys("test")) and sets >= OOD_SETS
    return Verdict(claim, f"seeds in the arm with the fewest: {seeds}; ood sets: {sets}", enough)


def _collapse(results: Results, mode: str) -> Verdict:
    claim = f"{mode}: without the adversary the collapse is seen: Vendi under 90 % of the data's, or onsets over 150 %"
    vendi, onsets = (_share_of_truth(results, RL.name, mode, figure, "test") for figure in (VENDI, "onsets_per_bar"))
    if math.isnan(vendi):
        return Verdict(claim, MISSING, None)
    told = f"test: Vendi {percent(vendi)} of the data's, onsets a bar {percent(onsets)}"
    return Verdict(claim, told, vendi < ENOUGH_OF_DATA or onsets > 1.5)


def _against_rl(results: Results, comparisons: Sequence[Comparison], arm: str, mode: str) -> list[Verdict]:
    arms = f"{mode}: {arm} against rl"

    def ratio(one: Comparison) -> str:
        return f"{one.ratio.value:.2f} [{one.ratio.low:.2f}, {one.ratio.high:.2f}]"

    def higher(figure: str) -> Verdict:
        def told(one: Comparison) -> str:
            return f"{one.tests[figure].test.difference.value:+.2f} (p {_p(one.tests[figure].p_holm)})"

        claim = f"{arms}, {figure.replace('_', ' ')} per piece higher, Wilcoxon p < .05 after Holm"
        return _everywhere(claim, comparisons, told, lambda one: one.tests[figure].is_higher)

    def lower_by(one: Comparison) -> float:
        first, second = (_over_seeds(results, name, mode, one.keys) for name in (one.first, one.second))
        return first - second

    return [
        _everywhere(
            f"{arms}, Vendi at least 15 % higher, bootstrap interval over pieces above 1",
            comparisons,
            ratio,
            lambda one: one.ratio.value >= ENOUGH_VENDI and one.ratio.low > 1,
        ),
        higher("entropy"),
        higher("unique_chords"),
        _everywhere(
            f"{mode}: {arm}'s Vendi at least 90 % of the data's",
            comparisons,
            lambda one: percent(one.vendi[0] / one.vendi[2]),
            lambda one: one.vendi[0] >= ENOUGH_OF_DATA * one.vendi[2],
        ),
        _everywhere(
            f"{arms}, note in chord not lower by more than a point",
            comparisons,
            lambda one: f"{100 * lower_by(one):+.1f} points",
            lambda one: lower_by(one) >= -POINT,
        ),
    ]


def _against_start(results: Results, arm: str, mode: str) -> Verdict:
    def gain(keys: Sequence[Key]) -> float:
        return _over_seeds(results, arm, mode, keys) - _over_seeds(results, MLE.name, mode, keys)

    claim = f"{mode}: {arm}'s note in chord at least 8 points over its maximum-likelihood start's"
    if not results.has(arm, MLE.name):
        return Verdict(claim, MISSING, None)
    sets = [gain([key]) for key in results.keys("ood")]
    parts = [f"{split} {100 * gain(results.keys(split)):+.1f} points" for split in results.splits]
    good = sum(one >= START_GAIN for one in sets)
    measured = "; ".join([*parts, f"{good} of {len(sets)} ood sets"])
    return Verdict(claim, measured, gain(results.keys("test")) >= START_GAIN and good >= OOD_SETS)


def _react_harmony(results: Results, arm: str) -> Verdict:
    claim = f"react: {arm}'s note in chord at or above its own start's"
    if not results.has(arm, MLE.name):
        return Verdict(claim, MISSING, None)
    pairs = {
        split: [_over_seeds(results, name, REACT, results.keys(split)) for name in (arm, MLE.name)]
        for split in results.splits
    }
    measured = "; ".join(f"{split} {own:.3f}, start {start:.3f}" for split, (own, start) in pairs.items())
    return Verdict(claim, measured, all(own >= start for own, start in pairs.values()))


def _react_texture(results: Results, arm: str) -> list[Verdict]:
    found = []
    for figure in ("onsets_per_bar", "longest_repetition"):
        claim = f"react: {arm}'s {figure.replace('_', ' ')} within 15 % of the data's"
        found.append(_by_split(results, claim, arm, REACT, figure, lambda share: abs(share - 1) <= TEXTURE))
    return found


def _anticipate_harmony(results: Results, arm: str) -> Verdict:
    claim = f"anticipate: {arm}'s note in chord at least .50, mean over the test sets"
    own = _over_seeds(results, arm, ANTICIPATE, results.keys("test"))
    if math.isnan(own):
        return Verdict(claim, MISSING, None)
    return Verdict(claim, f"{own:.3f}, the data's {_truth(results, 'note_in_chord', 'test'):.3f}", own >= 0.5)


def _recovery(results: Results, arm: str, mode: str) -> Verdict:
    claim = (
        f"{mode}: after a jump of a tritone {arm} is back at 90 % of its earlier level within {RECOVERY_BEATS} beats"
    )
    found = {split: regained(results, arm, mode, split) for split in results.splits}
    known = {split: one for split, one in found.items() if one is not None and not math.isnan(one.found.before)}
    if not known:
        return Verdict(claim, MISSING, None)
    told = [
        f"{split} {one.beats} (from {one.found.before:.2f} to {one.found.drop:.2f}; by chance {one.chance:.2f})"
        for split, one in known.items()
    ]
    return Verdict(claim, "; ".join(told), all(one.within(RECOVERY_BEATS) for one in known.values()))


def _cold_start(results: Results, arm: str, mode: str) -> Verdict:
    claim = f"{mode}: from a cold start {arm}'s note in chord is at least .40 in beat {COLD_BEAT}"
    levels = {split: cold_level(results, arm, mode, split, COLD_BEAT) for split in results.splits}
    if not levels or any(map(math.isnan, levels.values())):
        return Verdict(claim, MISSING, None)
    measured = "; ".join(f"{split} {level:.2f}" for split, level in levels.items())
    return Verdict(claim, measured, all(level >= 0.4 for level in levels.values()))


def _silence(results: Results, arm: str, mode: str) -> Verdict:
    claim = f"{mode}: {arm} is silent in at most 5 % of the frames that have a note"
    values = {split: _over_seeds(results, arm, mode, results.keys(split), "silence") for split in results.splits}
    if not values or any(map(math.isnan, values.values())):
        return Verdict(claim, MISSING, None)
    measured = "; ".join(f"{split} {percent(value, 1)}" for split, value in values.items())
    return Verdict(claim, measured, all(value <= 0.05 for value in values.values()))


def _thickness(results: Results, arm: str, mode: str) -> Verdict:
    claim = f"{mode}: {arm}'s mean pitch classes a chord within 3 % of the data's"
    verdict = _by_split(results, claim, arm, mode, "pitch_classes", lambda share: abs(share - 1) <= 0.03)
    if verdict.passed is None or not results.has(RL.name):
        return verdict
    over = [
        f"{split} {_over_seeds(results, arm, mode, results.keys(split), OVER_LUCK):.3f}, rl's "
        f"{_over_seeds(results, RL.name, mode, results.keys(split), OVER_LUCK):.3f}"
        for split in results.splits
    ]
    return replace(verdict, measured=f"{verdict.measured}; note in chord over luck: {'; '.join(over)}")


def _latency(results: Results, arm: str) -> Verdict:
    claim = f"A step of a policy of {arm} takes as long as one of its start (medians within 10 %)"
    ratios = {name: mean_latency(results, name, "ratio") for name in (arm, MLE.name)}
    if any(map(math.isnan, ratios.values())):
        return Verdict(claim, MISSING, None)
    share = ratios[arm] / ratios[MLE.name]
    median = mean_latency(results, arm, "p50")
    return Verdict(claim, f"{share:.2f} times as long; median {median:.2f} ms", abs(share - 1) <= 0.1)


def mean_latency(results: Results, condition: str, name: str) -> float:
    """Mean over the runs of a condition of what was timed; NaN if nothing was."""
    timed = [run.latency for run in results.runs if run.settings.condition == condition and run.latency]
    return mean(latency[name] for latency in timed)


def _by_split(
    results: Results, claim: str, arm: str, mode: str, figure: str, holds: Callable[[float], bool]
) -> Verdict:
    """A claim on the share of the data's figure that has to hold over all splits."""
    shares = {split: _share_of_truth(results, arm, mode, figure, split) for split in results.splits}
    if not shares or any(map(math.isnan, shares.values())):
        return Verdict(claim, MISSING, None)
    told = [f"{split} {percent(share)} of {_truth(results, figure, split):.2f}" for split, share in shares.items()]
    return Verdict(claim, "; ".join(told), all(map(holds, shares.values())))


def _everywhere(
    claim: str,
    comparisons: Sequence[Comparison],
    told: Callable[[Comparison], str],
    holds: Callable[[Comparison], bool],
) -> Verdict:
    """A claim that has to hold over the whole test split and on at least `OOD_SETS` ood sets."""
    whole = {one.split: one for one in comparisons if one.name == WHOLE}
    sets = [one for one in comparisons if one.split == "ood" and one is not whole.get("ood")]
    if "test" not in whole:
        return Verdict(claim, MISSING, None)
    good = sum(holds(one) for one in sets)
    parts = [f"{split} {told(one)}" for split, one in whole.items()]
    measured = "; ".join([*parts, f"{good} of {len(sets)} ood sets"])
    return Verdict(claim, measured, holds(whole["test"]) and good >= OOD_SETS)


def _over_seeds(
    results: Results, condition: str, mode: str, keys: Sequence[Key], figure: str = "note_in_chord"
) -> float:
    return t_interval(results.per_seed(condition, mode, figure, keys)).value


def _truth(results: Results, figure: str, split: str) -> float:
    return results.reference(TRUTH, figure, results.keys(split))


def _share_of_truth(results: Results, condition: str, mode: str, figure: str, split: str) -> float:
    own, truth = _over_seeds(results, condition, mode, results.keys(split), figure), _truth(results, figure, split)
    return own / truth if truth else math.nan


def _p(value: float) -> str:
    return "< .001" if value < 0.001 else "= " + f"{value:.3f}".removeprefix("0")


def percent(share: float, places: int = 0) -> str:
    """A share in percent, with `places` decimal places."""
    return f"{100 * share:.{places}f} %"
