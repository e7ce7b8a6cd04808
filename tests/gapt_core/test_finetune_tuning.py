"""Fine-tuning as a whole, with small nets: it learns, goes on exactly, can be stopped, and ships nothing worse."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_tunes import RECIPE, tiny_material, tiny_start

from gapt_core.errors import TrainingError
from gapt_core.finetune.material import Material
from gapt_core.finetune.recipe import Options, Recipe
from gapt_core.finetune.stages import LIKELIHOOD, POST_TRAINING
from gapt_core.finetune.tuning import Result, Start, fine_tune
from gapt_core.finetune.verdict import Candidate
from gapt_core.finetune.watch import Silent
from gapt_core.finetune.workshop import Workshop

OPTIONS = Options(steps=4, threads=1)
FOUR = replace(OPTIONS, steps=4)


class Watched(Silent):
    """Notes the phases and calls `at` with each step of one."""

    def __init__(self, at: Callable[[str, int], None] = lambda phase, step: None, stop: bool = False) -> None:
        super().__init__(lambda: self.stopping)
        self.stopping = stop
        self.phases: list[tuple[str, int, int]] = []
        self._at = at

    def phase(self, name: str, steps: int, done: int = 0) -> None:
        self.phases.append((name, steps, done))

    def step(self, done: int, said: str = "") -> None:
        self._at(self.phases[-1][0], done)


def tuned(
    folder: Path,
    watch: Silent | None = None,
    material: Material | None = None,
    options: Options = OPTIONS,
    start: Start | None = None,
    recipe: Recipe = RECIPE,
) -> Result:
    workshop = Workshop(folder)
    with workshop.opened({}):
        return fine_tune(
            start or tiny_start(), material or tiny_material(), options, workshop, watch or Silent(), recipe
        )


def weights(result: Result) -> dict[str, torch.Tensor]:
    return result.trained.net.state_dict()


def equal(one: Result, other: Result) -> bool:
    return all(torch.equal(tensor, weights(other)[name]) for name, tensor in weights(one).items())


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """A fine-tuning that nothing disturbed."""
    return tuned(tmp_path_factory.mktemp("whole"))


def test_it_learns_the_chords_that_were_planted(whole: Result) -> None:
    assert whole.kept
    for mode, heard in whole.after.items():
        assert heard.mean("nats") < whole.before[mode].mean("nats") - 0.5
    assert whole.steps == whole.plan.steps
    assert [stage.get("selection") for stage in whole.trained.stages][:2] == ["all", "own songs"]


@pytest.mark.parametrize("phase", ["learning your chords", "playing and being judged", "choosing weights"])
def test_killed_anywhere_it_goes_on_exactly(whole: Result, tmp_path: Path, phase: str) -> None:
    def killed(name: str, step: int) -> None:
        if name == phase and step == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tuned(tmp_path / "run", Watched(killed))
    watch = Watched()
    assert equal(tuned(tmp_path / "run", watch), whole)
    done = {name: done for name, _, done in watch.phases}
    assert done["learning your chords"] == (2 if phase == "learning your chords" else 4)


def test_asked_to_stop_it_measures_what_was_learnt_and_can_still_go_on(whole: Result, tmp_path: Path) -> None:
    watch = Watched()

    def stop(name: str, step: int) -> None:
        watch.stopping = watch.stopping or (name == "learning your chords" and step == 3)

    watch._at = stop
    result = tuned(tmp_path / "run", watch)
    assert result.stopped and result.steps.likelihood == 3 and result.steps.gapt == 0
    assert result.judged.source == LIKELIHOOD
    assert "playing and being judged" not in {name for name, _, _ in watch.phases}
    assert equal(tuned(tmp_path / "run"), whole)


def test_stopped_before_anything_was_learnt_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="before anything was learnt"):
        tuned(tmp_path / "run", Watched(stop=True))


def test_without_chords_it_plays_and_is_judged_only(tmp_path: Path) -> None:
    result = tuned(tmp_path / "run", material=tiny_material(chords=False), options=replace(OPTIONS, steps=2))
    assert result.steps.likelihood == 0 and result.steps.gapt == 2
    assert {candidate.source for candidate, _ in result.tried} == {POST_TRAINING}
    assert result.own is None and np.isnan(result.before["react"].mean("nats"))
    assert len(result.checks) == 3


def test_what_is_worse_is_not_kept(tmp_path: Path) -> None:
    """The start knows the chords already, and rates far too high are sure to ruin it."""
    taught = tuned(tmp_path / "taught", options=replace(OPTIONS, steps=24))
    start = replace(tiny_start(), trained=taught.trained)
    ruin = replace(
        RECIPE,
        likelihood=replace(RECIPE.likelihood, rate=1.0, matrix_rate=1.0),
        gapt=replace(RECIPE.gapt, ppo=replace(RECIPE.gapt.ppo, rate=1.0, guide=0.0, kl=0.0)),
    )
    result = tuned(tmp_path / "ruined", start=start, recipe=ruin, options=replace(OPTIONS, steps=2))
    assert not result.kept
    assert equal(result, taught)
    assert result.trained.stages == taught.trained.stages
    assert any(not check.holds for check in result.checks) or result.judged == Candidate(POST_TRAINING, 1.0)


def test_the_number_of_steps_follows_from_the_time_and_is_fixed(tmp_path: Path) -> None:
    recipe = replace(
        RECIPE, likelihood=replace(RECIPE.likelihood, steps=6), gapt=replace(RECIPE.gapt, steps=2), passes=1.0
    )
    options = replace(OPTIONS, steps=None, minutes=30.0)

    def killed(name: str, step: int) -> None:
        if name == "learning your chords":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tuned(tmp_path / "run", Watched(killed), recipe=recipe, options=options)
    watch = Watched()
    result = tuned(tmp_path / "run", watch, recipe=recipe, options=replace(options, minutes=0.01))
    assert "timing the first steps" not in {name for name, _, _ in watch.phases}
    assert result.plan.steps.gapt == 2 and 1 <= result.plan.steps.likelihood <= 6
