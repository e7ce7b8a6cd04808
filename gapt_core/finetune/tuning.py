"""The fine-tuning itself, from songs and a preset to weights that are kept or not: read once from top to bottom."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from gapt_core.errors import TrainingError
from gapt_core.evaluate.listener import Listener
from gapt_core.evaluate.measured import LISTENER
from gapt_core.evaluate.rollout import MODES, PlayConfig
from gapt_core.evaluate.sets import cut
from gapt_core.finetune.candidates import candidates, number_of_candidates, weights_of, whole
from gapt_core.finetune.hearing import Heard, Hearing, embedders, hear, heard_of
from gapt_core.finetune.hindsight import answers
from gapt_core.finetune.material import MINE, Material, Tune, answered, melodies, mixed, owned, parts
from gapt_core.finetune.pace import FEWEST, Cost, Steps, affordable, time_likelihood, time_post_training
from gapt_core.finetune.recipe import Options, Recipe, gapt_config, gentle, likelihood_config
from gapt_core.finetune.rows import goes, nobody
from gapt_core.finetune.stages import LIKELIHOOD, POST_TRAINING, Learned, learn_likelihood, post_train
from gapt_core.finetune.verdict import Candidate, Check, Levels, checks, choose, levels
from gapt_core.finetune.watch import Until, Watch, counted
from gapt_core.finetune.workshop import Plan, Workshop
from gapt_core.metrics import figures, mean
from gapt_core.parts import CHORD
from gapt_core.rl.kit import Kit
from gapt_core.train.corpus import Corpus, Piece
from gapt_core.train.policy import Trained, use_threads

MOST_THREADS = 4

REPORT_SECONDS = 15.0
"""What writing the report takes, at most."""

LATE = 1.1
"""Training ends early where it takes so many times longer than was foreseen; the first steps tell it no better."""

NOTHING_LEARNED = "Stopped before it learned anything in this call; the same command goes on where it stood."

ASKED = "asked"
TIME = "time"
"""Why training ended early."""

By = dict[str, Heard]
"""What was heard, by mode."""


@dataclass(frozen=True)
class Start:
    """What is fine-tuned: a policy, the kit that judges it, and how it is played."""

    trained: Trained
    kit: Kit
    temperature: float
    density: float


@dataclass(frozen=True)
class Result:
    """What came of it.

    Attributes:
        trained: the weights to play with: those of `chosen`, or those it began with.
        judged: the candidate that was looked at in the end.
        kept: whether it passed.
        checks: what was asked of it on songs never heard, and what was measured.
        tried: every candidate with its levels on the songs that choose.
        before, after: the songs never heard, under the policy as it was and as it was judged.
        own: their own chords; None unless all of them have some.
        steps: of either stage that were taken; `plan` has how many there was time for.
        seconds: of each part of the work, in this call.
        stopped: why training ended early: `ASKED` where somebody asked, `TIME` where time was up; None if it did not.
    """

    trained: Trained
    judged: Candidate
    kept: bool
    checks: Sequence[Check]
    tried: Sequence[tuple[Candidate, Levels]]
    before: By
    after: By
    own: Heard | None
    steps: Steps
    plan: Plan
    recipe: Recipe
    seconds: Mapping[str, float]
    stopped: str | None


def fine_tune(
    start: Start, material: Material, options: Options, workshop: Workshop, watch: Watch, recipe: Recipe | None = None
) -> Result:
    """Adapt `start` to the player's songs, in an opened `workshop`.

    Raises:
        TrainingError: it was asked to stop before anything was learned, or the kit has no anchor for the chords.
    """
    recipe = recipe or Recipe()
    work = FineTuning(start, material, options, workshop, watch, gentle(recipe) if material.gentle else recipe)
    return work.done()


class FineTuning:
    """One fine-tuning, step by step; see `fine_tune`."""

    def __init__(
        self, start: Start, material: Material, options: Options, workshop: Workshop, watch: Watch, recipe: Recipe
    ) -> None:
        self.start, self.material, self.options = start, material, options
        self.workshop, self.watch, self.recipe = workshop, watch, recipe
        self.clock = Clock(material.seconds)
        plan = workshop.plan()
        self.threads = plan.threads if plan else options.threads or min(MOST_THREADS, torch.get_num_threads())
        use_threads(self.threads)
        play = PlayConfig(temperature=start.temperature, density=start.density, seed=options.seed)
        self.hearing = Hearing(play, recipe.heard, embedders(Listener()))

    def done(self) -> Result:
        """All of it."""
        start, valid, held_out = self.start.trained, self.material.valid, self.material.held_out
        choosing = [*valid, *self._besides()]
        with self.clock.of("measuring before"):
            told = self._until_asked("listening to the preset as it is", self._goes(choosing) + self._goes(held_out))
            before_valid = self._reached(start, told)
            before = self._heard(start, held_out, told)
        hindsight = self._hindsight()
        plan = self.workshop.plan() or self._fixed(hindsight)
        until = Until(self.watch, self._time_is_up, FEWEST)
        stages, taken = self._trained(hindsight, plan.steps, until)
        stopped = self._why(until) if taken.gapt < plan.steps.gapt else None
        with self.clock.of("choosing weights"):
            tried = self._tried(stages)
        chosen = choose(tried, before_valid, self._own_onsets(valid))
        judged = chosen or whole(stages)
        trained = weights_of(judged, start, stages)
        with self.clock.of("measuring after"):
            told = counted(self.watch, "listening to what was learned", self._goes(held_out))
            after = self._heard(trained, held_out, told)
        asked = checks(levels(before, LISTENER), levels(after, LISTENER), self._own_onsets(held_out))
        kept = chosen is not None and all(check.holds for check in asked)
        return Result(
            trained=trained if kept else start,
            judged=judged,
            kept=kept,
            checks=asked,
            tried=tried,
            before=before,
            after=after,
            own=self._own(held_out),
            steps=taken,
            plan=plan,
            recipe=self.recipe,
            seconds=self.clock.seconds,
            stopped=stopped,
        )

    def _until_asked(self, phase: str, steps: int) -> Callable[[], None]:
        """Begin a phase in which nothing is learned; what is called after each of its steps ends it when asked to."""
        told = counted(self.watch, phase, steps)

        def step() -> None:
            told()
            if self.watch.asked_to_stop():
                raise TrainingError(NOTHING_LEARNED)

        return step

    def _heard(self, trained: Trained, tunes: Sequence[Tune], told: Callable[[], None] = nobody) -> By:
        tunes = tunes[: self.recipe.songs]
        return hear(trained.net, self._cut(melodies(tunes)), self._cut(self._owned(tunes)), self.hearing, told)

    def _reached(self, trained: Trained, told: Callable[[], None] = nobody) -> Levels:
        """The levels on the songs that choose."""
        valid, besides = self.material.valid[: self.recipe.songs], self._besides()
        heard = hear(
            trained.net, self._cut(melodies([*valid, *besides])), self._cut(self._owned(valid)), self.hearing, told
        )
        return levels(heard, LISTENER, songs=len(valid))

    def _besides(self) -> list[Tune]:
        """Melodies of training, by which only the diversity is heard: that of a few songs says little."""
        train, fewer = self.material.train, self.recipe.diverse - len(self.material.valid)
        places = range(min(len(train), max(0, fewer)))
        return [train[place * len(train) // len(places)] for place in places]

    def _goes(self, tunes: Sequence[Tune]) -> int:
        return len(MODES) * goes(min(len(tunes), self.recipe.songs), self.recipe.heard)

    def _hindsight(self) -> list[Piece]:
        """The melodies to learn from, under the anchor's chords."""
        pieces = parts(melodies(self.material.train), self.recipe.answers)
        kept = self.workshop.answers()
        if kept is not None:
            return answered(pieces, kept)
        with self.clock.of("asking the anchor"):
            anchor, seed = self.start.kit.anchor(CHORD), self.options.seed
            times = max(1, min(self.recipe.draws, self.recipe.answers // len(pieces)))
            told = self._until_asked("asking the anchor, which hears the whole of a melody", goes(len(pieces), times))
            draws = answers(anchor, pieces, times, self.start.temperature, seed, told)
            self.workshop.keep_answers(draws)
        return answered(pieces, draws)

    def _fixed(self, hindsight: Sequence[Piece]) -> Plan:
        """As many steps as were asked for, or as there is time for, fixed for this and all calls to come."""
        with self.clock.of("timing the first steps"):
            steps = self._most() if self.options.steps is None else self._asked(self.options.steps)
            if self.options.steps is None:
                self.watch.phase("timing the first steps", 1)
                steps = affordable(60 * self.options.minutes - self.clock.elapsed(), self._cost(hindsight), steps)
                self.watch.step(1)
        plan = Plan(steps, self.threads)
        self.workshop.fix(plan)
        return plan

    def _asked(self, steps: int) -> Steps:
        return Steps(steps if self.material.with_chords else 0, steps)

    def _most(self) -> Steps:
        """Steps past which little is gained."""
        if not self.material.with_chords:
            return Steps(0, self.recipe.gapt.steps)
        batch = self.recipe.likelihood.batch
        frames = sum(map(len, owned(self.material.train)))
        known_by_heart = math.ceil(self.recipe.passes * frames / (batch.size * batch.frames))
        return Steps(min(self.recipe.likelihood.steps, known_by_heart), self.recipe.gapt.steps)

    def _cost(self, hindsight: Sequence[Piece]) -> Cost:
        start, likelihood = self.start.trained, 0.0
        if self.material.with_chords:
            tried = likelihood_config(self.recipe, self.options, 1, start.net.config)
            likelihood = time_likelihood(start, *self._songs(hindsight), tried)
        config = gapt_config(self.recipe, self.options, self.recipe.gapt.steps)
        gapt, warming = time_post_training(start, self._environment(hindsight), self.start.kit, config)
        return Cost(likelihood, gapt, warming, self._after())

    def _after(self) -> float:
        """Seconds from the last step to the end, about."""
        # Either set of songs was measured once; each candidate asks for the songs that choose again.
        tried = number_of_candidates(self.material.with_chords)
        choosing = min(len(self.material.valid), self.recipe.songs) + len(self._besides())
        held_out = min(len(self.material.held_out), self.recipe.songs)
        a_song = self.clock.seconds["measuring before"] / (choosing + held_out)
        return a_song * (tried * choosing + held_out) + REPORT_SECONDS

    def _time_is_up(self) -> bool:
        """Whether training goes on for much longer than was asked for; a call that goes on has the whole time again."""
        left = LATE * 60 * self.options.minutes - self._after()
        return self.options.steps is None and self.clock.elapsed() > left

    def _why(self, until: Until) -> str | None:
        """Why training ended; None where it came apart."""
        if self.watch.asked_to_stop():
            return ASKED
        return TIME if until.asked_to_stop() else None

    def _trained(self, hindsight: Sequence[Piece], steps: Steps, watch: Watch) -> tuple[dict[str, Learned], Steps]:
        """What came of both stages, or of the one that there is, by name and in their order, and the steps taken; what
        was asked to stop goes no further."""
        stages: dict[str, Learned] = {}
        taken = dict.fromkeys((LIKELIHOOD, POST_TRAINING), 0)
        now, folder = self.start.trained, self.workshop.folder
        if steps.likelihood:
            recipe = likelihood_config(self.recipe, self.options, steps.likelihood, now.net.config)
            with self.clock.of(LIKELIHOOD):
                learned = learn_likelihood(now, self._songs(hindsight), recipe, folder / LIKELIHOOD, watch)
            taken[LIKELIHOOD] = learned.steps
            if learned.trained is not now:
                stages[LIKELIHOOD] = learned
                now = weights_of(Candidate(likelihood=self.recipe.onward), now, stages)
        if not watch.asked_to_stop():
            config = gapt_config(self.recipe, self.options, steps.gapt)
            corpus = self._environment(hindsight)
            with self.clock.of(POST_TRAINING):
                learned = post_train(now, corpus, self.start.kit, config, folder / POST_TRAINING, watch)
            taken[POST_TRAINING] = learned.steps
            if learned.steps:
                stages[POST_TRAINING] = learned
        if not stages:
            raise TrainingError(NOTHING_LEARNED)
        return stages, Steps(*taken.values())

    def _tried(self, stages: Mapping[str, Learned]) -> list[tuple[Candidate, Levels]]:
        """The levels of every candidate on the songs that choose."""
        found = list(candidates(stages))
        self.watch.phase("choosing weights", len(found))
        tried = []
        for number, candidate in enumerate(found, start=1):
            trained = weights_of(candidate, self.start.trained, stages)
            tried.append((candidate, self._reached(trained)))
            self.watch.step(number)
        return tried

    def _songs(self, hindsight: Sequence[Piece]) -> tuple[Corpus, Corpus]:
        """What maximum likelihood learns from, and what chooses its weights."""
        return self._environment(hindsight), {MINE: owned(self.material.valid)}

    def _environment(self, hindsight: Sequence[Piece]) -> Corpus:
        """The player's melodies under his own chords, if they are known, and under the anchor's."""
        return mixed(self._owned(self.material.train), hindsight, self.recipe.own_share)

    def _owned(self, tunes: Sequence[Tune]) -> list[Piece]:
        return owned(tunes) if self.material.with_chords else []

    def _own_onsets(self, tunes: Sequence[Tune]) -> float:
        """Chord onsets a bar in the player's own chords; NaN without."""
        pieces = self._cut(self._owned(tunes))
        return mean(figures(piece.melody, piece.chord, piece.metre).onsets_per_bar for piece in pieces)

    def _own(self, tunes: Sequence[Tune]) -> Heard | None:
        tunes = tunes[: self.recipe.songs]
        if not self.material.with_chords or not all(tune.own for tune in tunes):
            return None
        pieces = self._cut(melodies(tunes))
        return heard_of(pieces, [[piece.chord for piece in pieces]], self.hearing)

    def _cut(self, pieces: Sequence[Piece]) -> list[Piece]:
        return [cut(piece, self.recipe.frames) for piece in pieces]


class Clock:
    """Adds up where the time goes, in seconds; `reading` is what had gone before, for the files."""

    def __init__(self, reading: float = 0.0) -> None:
        self.seconds: dict[str, float] = {"reading files": reading} if reading else {}
        self._began = time.perf_counter() - reading

    def elapsed(self) -> float:
        """Since the beginning."""
        return time.perf_counter() - self._began

    @contextmanager
    def of(self, part: str) -> Iterator[None]:
        """Time what is inside as `part`, however it ends."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[part] = self.seconds.get(part, 0.0) + time.perf_counter() - started
