"""Fine-tuning as a whole, with small nets: it learns, goes on exactly, can be stopped, and ships nothing worse."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_tunes import RECIPE, tiny_material, tiny_start

from gapt_core.errors import TrainingError
from gapt_core.evaluate.measured import HISTOGRAM
from gapt_core.export.load import load_policy
from gapt_core.finetune.comparison import comparisons
from gapt_core.finetune.copied import copied
from gapt_core.finetune.finished import Target, finish
from gapt_core.finetune.material import Material, melodies, owned
from gapt_core.finetune.pace import FEWEST, Steps
from gapt_core.finetune.recipe import Options, Recipe, likelihood_config
from gapt_core.finetune.report import Told, report, summary
from gapt_core.finetune.results import Run, claims, results_page
from gapt_core.finetune.stages import learn_likelihood
from gapt_core.finetune.tuning import ASKED, TIME, Result, Start, fine_tune
from gapt_core.finetune.verdict import Candidate, Check, levels
from gapt_core.finetune.watch import Silent
from gapt_core.finetune.workshop import Workshop
from gapt_core.rl.kit import kit_members, preset_kit

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
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a fine-tuning worked that nothing disturbed."""
    return tmp_path_factory.mktemp("whole")


@pytest.fixture(scope="module")
def whole(runs: Path) -> Result:
    """What came of it."""
    return tuned(runs)


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


def test_asked_to_stop_it_measures_what_was_learned_and_can_still_go_on(whole: Result, tmp_path: Path) -> None:
    watch = Watched()

    def stop(name: str, step: int) -> None:
        watch.stopping = watch.stopping or (name == "learning your chords" and step == 3)

    watch._at = stop
    result = tuned(tmp_path / "run", watch)
    assert result.stopped == ASKED and result.steps.likelihood == 3 and result.steps.gapt == 0
    assert result.judged.likelihood and not result.judged.post_training
    assert "playing and being judged" not in {name for name, _, _ in watch.phases}
    assert equal(tuned(tmp_path / "run"), whole)


def test_asked_to_stop_while_the_preset_is_measured_it_does_so_at_once(tmp_path: Path) -> None:
    watch = Watched(stop=True)
    with pytest.raises(TrainingError, match="before it learned anything"):
        tuned(tmp_path / "run", watch)
    assert [name for name, _, _ in watch.phases] == ["listening to the preset as it is"]


def test_without_chords_it_plays_and_is_judged_only(tmp_path: Path) -> None:
    result = tuned(tmp_path / "run", material=tiny_material(chords=False), options=replace(OPTIONS, steps=2))
    assert result.steps.likelihood == 0 and result.steps.gapt == 2
    assert {candidate.likelihood for candidate, _ in result.tried} == {0}
    assert result.own is None and np.isnan(result.before["react"].mean("nats"))
    assert len(result.checks) == 3


def test_what_is_worse_is_not_kept(tmp_path: Path) -> None:
    """The start knows the chords already, and rates far too high are sure to ruin it."""
    material, start = tiny_material(), tiny_start()
    songs = {"mine": owned(material.train)}, {"mine": owned(material.valid)}
    config = likelihood_config(RECIPE, OPTIONS, 30, start.trained.net.config)
    taught = learn_likelihood(start.trained, songs, config, tmp_path / "taught", Silent()).trained
    ruin = replace(
        RECIPE,
        likelihood=replace(RECIPE.likelihood, rate=1.0, matrix_rate=1.0),
        gapt=replace(RECIPE.gapt, ppo=replace(RECIPE.gapt.ppo, rate=1.0, guide=0.0, kl=0.0)),
    )
    options = replace(OPTIONS, steps=2)
    result = tuned(tmp_path / "ruined", start=replace(start, trained=taught), recipe=ruin, options=options)
    assert not result.kept
    assert result.trained is taught
    assert any(not check.holds for check in result.checks) or result.judged == Candidate(0.5, 1.0)


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


def test_when_time_is_up_training_ends_and_is_measured(tmp_path: Path) -> None:
    """A stage has its first steps, however late it is."""
    watch = Watched()
    result = tuned(tmp_path / "run", watch, options=replace(OPTIONS, steps=None, minutes=1e-4))
    assert result.plan.steps == Steps(FEWEST, FEWEST) and result.steps == Steps(FEWEST, 0)
    assert result.stopped == TIME and not result.judged.post_training
    said = summary(told(result))
    assert f"Its time was up after {FEWEST} of {FEWEST} steps of maximum likelihood and 0 of {FEWEST}" in said
    assert watch.phases[-1][0] == "listening to what was learned"


def told(result: Result, chords: bool = True, **changes: object) -> Told:
    return replace(Told("mine", "default", tiny_material(chords=chords), OPTIONS, result), **changes)


def target(folder: Path, start: Start, **changes: object) -> Target:
    sampling = {"mode": "react", "temperature": 1.0, "density": 0.0}
    made = Target(folder, start.trained, start.kit, kit_members(start.kit), sampling)
    return replace(made, **changes)


def test_the_preset_is_whole_and_can_be_fine_tuned_again(whole: Result, runs: Path, tmp_path: Path) -> None:
    preset = finish(told(whole), runs, target(tmp_path / "mine", tiny_start()))
    preset.verify()
    assert {"report.md", "report.json", "report-songs.png", "report-training.png"} < set(preset.manifest.members)
    assert {"duet-1.mid", "duet-2.mid"} < set(preset.manifest.members)
    assert preset.manifest.licence == "LicenseRef-private"
    assert {"name": "own-songs", "style": "unknown", "songs": 8, "licence": "private"} in preset.manifest.training[
        "data"
    ]
    stages = preset.manifest.training["recipe"]["stages"]
    assert stages[-1]["kind"] in ("gapt", "blend") or "validation" in stages[-1]
    assert set(preset.manifest.figures["test/held-out"]) == {"ground truth", "anticipate", "react"}
    assert preset_kit(preset).anchors
    for name, tensor in load_policy(preset).state_dict().items():
        assert torch.allclose(tensor, weights(whole)[name], atol=1e-2)
    text = preset.read("report.md").decode()
    assert all(f"]({member})" in text for member in preset.manifest.members if member.endswith((".png", ".mid")))
    small = finish(told(whole), tmp_path, target(tmp_path / "small", tiny_start(), members={}))
    assert not [name for name in small.manifest.members if name.startswith("kit")]
    assert "report-training.png" not in small.manifest.members


def test_the_report_says_first_whether_it_helped(whole: Result) -> None:
    material = tiny_material()
    runs = copied(owned(material.train), melodies(material.held_out), whole.before, whole.after)
    text = report(told(whole, copied=runs))
    assert text.startswith(
        "# Fine-tuning report: `mine`\n\n**It helped.** On 2 songs of yours that it did not learn from,"
    )
    assert "gapt jam --preset mine" in text and "By so few songs that may be luck (p = 0.500)." in text
    for row in ("note in chord", "surprise at your own chords", "chord onsets a bar", "diversity (Vendi)", "silent"):
        assert f"\n| {row}" in text
    assert "songs share among themselves. The longest run" in text
    assert "* song 1: used" in text
    refused = replace(whole, kept=False, checks=[Check("it is better", "1 → 2", False)])
    text = report(told(refused))
    assert "**It did not help, so nothing was changed:** `mine` plays as `default` does." in text
    assert "it is better (1 → 2)" in text and "Looked at, and not kept" in text
    assert "There were no chords of yours to copy" in text


def test_figures_are_compared_song_by_song(whole: Result) -> None:
    found = {(one.figure, one.mode): one for one in comparisons(whole)}
    one = found["nats", "both"]
    by_song = np.mean([whole.after[mode].nats - whole.before[mode].nats for mode in whole.before], axis=0)
    assert one.test is not None
    assert one.test.pairs == 2 and one.test.difference.value == pytest.approx(by_song.mean())
    diversity = found["listener", "react"]
    assert diversity.ratio is not None
    assert diversity.ratio.value == pytest.approx(whole.after["react"].vendi() / whole.before["react"].vendi())
    assert found["note_in_chord", "react"].own == pytest.approx(1.0)


def test_the_page_of_results_passes_what_holds(whole: Result, tmp_path: Path) -> None:
    preset = finish(told(whole), tmp_path, target(tmp_path / "mine", tiny_start()))
    figures = json.loads(preset.read("report.json"))
    run = Run("folk", figures, minutes=3.0, mebibytes=700.0)
    made = {claim.claim: claim.holds for claim in claims(run)}
    # Two songs cannot give a p below .05.
    assert made["the player's own chords are foretold better, p < .05"] is False
    assert made["15 minutes and 2 GiB at most"] is True
    assert claims(run._replace(minutes=16.0))[-1].holds is False
    melodies_only = {**figures, "songs": {**figures["songs"], "with_chords": False}}
    assert claims(run._replace(report=melodies_only))[0].claim == "note in chord at least 3 points higher"
    page = results_page([run], "one machine")
    assert "| folk | the player's own chords" in page and "## folk" in page and "one machine" in page


def test_diversity_is_heard_by_more_songs_than_harmony(whole: Result) -> None:
    one, both = (levels(whole.before, HISTOGRAM, songs=songs) for songs in (1, None))
    assert one.vendi == both.vendi
    harmony = [heard.of_songs("note_in_chord") for heard in whole.before.values()]
    assert one.note_in_chord == pytest.approx(np.mean([songs[0] for songs in harmony]))
    assert both.note_in_chord == pytest.approx(np.mean([songs.mean() for songs in harmony]))
