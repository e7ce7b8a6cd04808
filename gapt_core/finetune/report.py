"""The report of a fine-tuning, one page of Markdown: in plain words first, then every figure with its interval."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from gapt_core.evaluate.measured import LISTENER
from gapt_core.experiment.statistics import Interval, paired_test
from gapt_core.finetune import prose
from gapt_core.finetune.comparison import BOTH, DIVERSITY, FIGURES, SEED, Comparison, compared, comparisons, level
from gapt_core.finetune.copied import Copied
from gapt_core.finetune.material import Material, owned
from gapt_core.finetune.recipe import Options
from gapt_core.finetune.stages import POST_TRAINING
from gapt_core.finetune.tuning import Result
from gapt_core.finetune.verdict import Candidate

MOST_NOTES = 40

LEVEL = 0.05
"""The p from which on a gain may be luck."""


@dataclass(frozen=True)
class Told:
    """What a report is written from.

    Attributes:
        name, start: names of the preset and of the one that it began as.
        copied: None where there were no chords that could be copied.
        pictures: members that the report shows, by their titles; `duets` those to listen to, by the songs' titles.
    """

    name: str
    start: str
    material: Material
    options: Options
    result: Result
    copied: Copied | None = None
    pictures: Mapping[str, str] = field(default_factory=dict)
    duets: Mapping[str, str] = field(default_factory=dict)

    @property
    def heard(self) -> int:
        """How many songs held out were measured."""
        return min(len(self.material.held_out), self.result.recipe.songs)


def report(told: Told) -> str:
    """The Markdown text."""
    parts = [f"# Fine-tuning report: `{told.name}`", _verdict(told), *_pictures(told, 0)]
    parts += [_table(told, comparisons(told.result)), _asked(told.result)]
    parts += [f"## Is anything copied?\n\n{_copied(told.copied)}", _listening(told)]
    parts += [f"## How it was trained\n\n{_training(told)}", *_pictures(told, 1), _songs(told.material)]
    return "\n\n".join(part for part in parts if part) + "\n"


def summary(told: Told) -> str:
    """The verdict in one paragraph of plain words, and whether training ended early."""
    return " ".join([_judgement(told), *_ended_early(told.result)])


def _judgement(told: Told) -> str:
    result, songs = told.result, told.heard
    if result.kept:
        *first, last = _gained(result)
        return prose.HELPED.format(songs=songs, gained=f"{', '.join(first)} and {last}") + _luck(result)
    failed = [f"{check.claim} ({check.measured})" for check in result.checks if not check.holds]
    why = "; ".join(failed) or prose.NOTHING_CHOSEN
    return prose.DID_NOT.format(name=told.name, start=told.start, songs=songs, why=why)


def _ended_early(result: Result) -> Iterator[str]:
    if result.stopped:
        both = prose.STEPS_OF_BOTH if result.plan.steps.likelihood else prose.STEPS_OF_ONE
        yield prose.STOPPED[result.stopped].format(steps=both.format(**_steps(result)))


def _steps(result: Result) -> dict[str, int]:
    taken, most = result.steps, result.plan.steps
    names = {"likelihood": taken.likelihood, "most_likelihood": most.likelihood}
    return names | {"gapt": taken.gapt, "most_gapt": most.gapt}


def described(candidate: Candidate) -> str:
    """What a candidate's weights are, in words."""
    ways = (("learning your chords", candidate.likelihood), (POST_TRAINING, candidate.post_training))
    told = [f"{100 * share:.0f} % of the way that {way} went" for way, share in ways if share]
    return "the preset's weights, moved " + " and ".join(told)


def p_value(p: float) -> str:
    """A probability as a table shows it, with its sign."""
    if math.isnan(p):
        return "-"
    return "< .001" if p < 0.001 else f"= {p:.3f}"


def interval_text(interval: Interval, digits: int, sign: str = "") -> str:
    """A value between its bounds, where it has any."""
    value, low, high = (f"{bound:{sign}.{digits}f}" for bound in (interval.value, interval.low, interval.high))
    return value if math.isnan(interval.low) else f"{value} [{low}, {high}]"


def _gained(result: Result) -> Iterator[str]:
    surprise, harmony, kept = (_change(result, figure) for figure in ("nats", "note_in_chord", LISTENER))
    if math.isfinite(surprise[1]):
        yield f"your own chords surprise it {100 * (1 - surprise[1]):.0f} % less"
    more = "more" if harmony[0] >= 0 else "fewer"
    yield f"{abs(100 * harmony[0]):.1f} {more} notes in a hundred lie in its chords"
    yield f"its chords are {100 * kept[1]:.0f} % as varied as before"


def _luck(result: Result) -> str:
    """What to say where the gain that decided may be luck."""
    figure = "note_in_chord" if math.isnan(level(result.before, "nats", BOTH)) else "nats"
    test = compared(result, figure, BOTH).test
    return prose.LUCK.format(p=p_value(test.p)) if test and not test.p < LEVEL else ""


def _change(result: Result, figure: str) -> tuple[float, float]:
    """Difference and ratio of a figure in both modes, after and before."""
    before, after = level(result.before, figure, BOTH), level(result.after, figure, BOTH)
    return after - before, after / before


def _verdict(told: Told) -> str:
    text = summary(told)
    first = text.partition("." if told.result.kept else ":")[0] + ("." if told.result.kept else ":")
    ways = [f"**{first}**{text.removeprefix(first)}"]
    return " ".join([*ways, prose.WAY_ON.format(name=told.name)])


def _table(told: Told, found: Sequence[Comparison]) -> str:
    recipe, modes = told.result.recipe, list(told.result.before)
    lines = [
        f"## Before and after, on {told.heard} songs held out",
        "",
        prose.FIGURES.format(draws=recipe.heard, frames=recipe.frames),
        "",
        "| | " + " | ".join(f"{mode} | difference" for mode in modes) + " | your own chords |",
        "|---" * (2 + 2 * len(modes)) + "|",
    ]
    by_place = {(one.figure, one.mode): one for one in found}
    figures = dict.fromkeys(one.figure for one in found)
    return "\n".join([*lines, *(_row([by_place[figure, mode] for mode in modes]) for figure in figures)])


def _row(both: Sequence[Comparison]) -> str:
    figure, own = both[0].figure, both[0].own
    name, digits = (DIVERSITY[figure], 2) if figure in DIVERSITY else FIGURES[figure]
    cells = [name]
    for one in both:
        cells += [f"{one.before:.{digits}f} → {one.after:.{digits}f}", _difference(one, digits)]
    return "| " + " | ".join([*cells, "-" if math.isnan(own) else f"{own:.{digits}f}"]) + " |"


def _difference(one: Comparison, digits: int) -> str:
    if one.test:
        return f"{interval_text(one.test.difference, digits, sign='+')}, p {p_value(one.test.p)}"
    return f"ratio {interval_text(one.ratio, 2)}" if one.ratio else ""


def _asked(result: Result) -> str:
    lines = ["## What was asked for", "", "| means of both modes | measured | |", "|---|---|---|"]
    lines += [f"| {check.claim} | {check.measured} | {'yes' if check.holds else '**no**'} |" for check in result.checks]
    whose = "Kept" if result.kept else "Looked at, and not kept"
    chosen = prose.CHOSEN.format(whose=whose, what=described(result.judged), tried=len(result.tried))
    return "\n".join([*lines, "", chosen])


def _copied(copied: Copied | None) -> str:
    if copied is None:
        return prose.NO_CHORDS
    test = paired_test(copied.after, copied.own, np.random.default_rng(SEED))
    runs = {"before": copied.before, "after": copied.after, "own": copied.own}
    told = {name: f"{np.nanmean(each):.1f} (at most {np.nanmax(each):.1f})" for name, each in runs.items()}
    more = "More than" if test.difference.low > 0 else "No more than"
    return prose.COPIED.format(more=more, difference=interval_text(test.difference, 1, sign="+"), **told)


def _listening(told: Told) -> str:
    duets = ", ".join(f"[{title}]({member})" for title, member in told.duets.items())
    return prose.LISTEN.format(duets=duets) if duets else ""


def _training(told: Told) -> str:
    options, result, material = told.options, told.result, told.material
    songs = {"train": len(material.train), "valid": len(material.valid), "held_out": len(material.held_out)}
    steps = prose.STEPS.format(
        **_steps(result),
        strength=options.strength,
        seed=options.seed,
        threads=result.plan.threads,
        recipe=prose.GENTLE if material.gentle else "",
    )
    data = prose.WITH_CHORDS if material.with_chords else prose.WITHOUT_CHORDS
    lines = [
        prose.SONGS.format(start=told.start, own=len(owned(material.train)), **songs),
        steps,
        data.format(percent=100 * result.recipe.own_share, draws=result.recipe.draws),
        "Seconds: " + ", ".join(f"{part} {seconds:.0f}" for part, seconds in result.seconds.items()) + ".",
    ]
    return "\n".join(f"* {line}" for line in lines)


def _songs(material: Material) -> str:
    notes = [f"* {note}" for note in material.notes[:MOST_NOTES]]
    more = len(material.notes) - len(notes)
    notes += [f"* and {more} more"] if more > 0 else []
    return "\n".join(["## Your files", "", *notes]) if notes else ""


def _pictures(told: Told, place: int) -> Iterator[str]:
    for title, member in list(told.pictures.items())[place : place + 1]:
        yield f"![{title}]({member})"
