"""The parts of a run as they really are: train, measure, time a step.

Inputs: `songs`, the corpus; `kit`, the anchor and reward nets, and `start`, the policy before post-training, each a
preset's folder or what a run left; where duets are wanted `agent`, who plays the melody. Everything is imported when a
stage runs: torch reads how many threads it may take when it is imported.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from gapt_core.errors import TrainingError
from gapt_core.experiment.folder import RECIPE, WEIGHTS, measured_folder
from gapt_core.experiment.grid import RunSettings
from gapt_core.experiment.state import Inputs, Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from gapt_core.evaluate.measured import Measured
    from gapt_core.experiment.runner import Task
    from gapt_core.model.policy import PolicyNet
    from gapt_core.rl.recipe import GaptConfig

KINDS = ("play", "adaptation single", "adaptation multiple", "sessions")
"""Which measurements a run gets unless `measuring` says so under `kinds`."""

ALL_KINDS = (*KINDS, "ahead", "against")

LATENCY_FRAMES = 512

Config = TypeVar("Config")


def train(folder: Path, settings: RunSettings, inputs: Inputs) -> None:
    """Post-train the start under the run's λ and schedule; the arm `mle` is the start itself.

    Raises:
        TrainingError: the folder holds a training by another recipe, of another version perhaps.
    """
    from gapt_core.experiment.agreement import require_same_recipe
    from gapt_core.export.start import find_kit, load_start
    from gapt_core.rl.gapt import Gapt, train_gapt
    from gapt_core.train.corpus import load_corpus
    from gapt_core.train.run import save_atomically

    start = load_start(str(inputs["start"]))
    if settings.is_start:
        config = {"net": start.net.config.to_dict()}
        state = {"net": start.net.state_dict(), "config": config, "stages": list(start.stages)}
        save_atomically(folder / WEIGHTS, state)
        return
    recipe = gapt_config(settings)
    require_same_recipe(folder, recipe)
    corpus = load_corpus(inputs["songs"], "train", recipe.selection)
    train_gapt(Gapt(corpus, find_kit(str(inputs["kit"])), start, folder, recipe), lambda record: None)


def measure(folder: Path, settings: RunSettings, inputs: Inputs) -> None:
    """Let the run's policy play over the test songs, with the run's seed, in every kind of measurement asked for.

    Raises:
        TrainingError: the grid asks for a kind that there is not.
    """
    measure_kinds(folder, settings, inputs, settings.measuring.get("kinds", KINDS))


def measure_kinds(folder: Path, settings: RunSettings, inputs: Inputs, kinds: Sequence[str]) -> None:
    """Make the measurements of these kinds that the run in `folder` does not have yet.

    Raises:
        TrainingError: there is no such kind, or no agent for duets.
    """
    from gapt_core.evaluate.listener import Listener
    from gapt_core.evaluate.sessions import SESSION_FRAMES
    from gapt_core.evaluate.sets import EvaluateConfig, load_test_sets
    from gapt_core.train.policy import load_best

    if unknown := sorted(set(kinds) - set(ALL_KINDS)):
        raise TrainingError(f"There is no kind of measurement “{unknown[0]}”; name {', '.join(ALL_KINDS)}.")
    wanted = {name: value for name, value in settings.measuring.items() if name != "kinds"}
    config = override(EvaluateConfig(seed=settings.seed), wanted, "measuring")
    net, embedder = load_best(folder / WEIGHTS).net, Listener()
    for kind in kinds:
        place = measured_folder(folder, kind)
        frames = max(config.frames, SESSION_FRAMES) if kind == "sessions" else config.frames
        if not (place / "figures.json").exists():
            sets = load_test_sets(inputs["songs"], replace(config, frames=frames))
            _ways(inputs)[kind](net, sets, config, embedder).save(place)


def time_steps(folder: Path, settings: RunSettings, inputs: Inputs) -> None:
    """Time the run's policy."""
    from gapt_core.experiment.latency import measure_latency, write_latency
    from gapt_core.train.policy import load_best

    write_latency(folder, measure_latency(load_best(folder / WEIGHTS).net, LATENCY_FRAMES))


STAGES = (Stage("train", train), Stage("measure", measure), Stage("latency", time_steps))


def gapt_config(settings: RunSettings) -> GaptConfig:
    """The recipe of a run: what the grid says of training, and the run's own λ, schedule and seed.

    `"paper": true` in the grid takes the constants of the paper's own code for what it does not say.

    Raises:
        TrainingError: the grid names something that no recipe has.
    """
    from gapt_core.rl.recipe import GaptConfig, as_published

    wanted = dict(settings.training)
    base = as_published(GaptConfig()) if wanted.pop("paper", False) else GaptConfig()
    recipe = override(base, wanted, "training")
    adversary = replace(recipe.adversary, weight=settings.weight)
    if settings.weight:
        adversary = replace(adversary, schedule=settings.schedule)
    return replace(recipe, adversary=adversary, seed=settings.seed)


def refuse_other_recipes(out: Path, tasks: Iterable[Task]) -> None:
    """Find out before anything is changed whether `out` holds runs that were trained by another recipe.

    Raises:
        TrainingError: it does.
    """
    if any(out.glob(f"*/{RECIPE}")):
        from gapt_core.experiment.agreement import require_one_recipe

        require_one_recipe(out, [gapt_config(task.settings) for task in tasks if not task.settings.is_start])


def override(base: Config, values: dict[str, Any], place: str) -> Config:
    """`base`, a configuration, with some of its fields, or fields of its parts, changed to `values`.

    Raises:
        TrainingError: a field that is not there.
    """
    known = {field.name for field in fields(base)}  # type: ignore[arg-type]
    if unknown := sorted(set(values) - known):
        raise TrainingError(f"The grid's {place} has no “{unknown[0]}”; it knows {', '.join(sorted(known))}.")
    changed = {}
    for name, value in values.items():
        old = getattr(base, name)
        changed[name] = override(old, value, f"{place}.{name}") if is_dataclass(old) else value
    return replace(base, **changed)  # type: ignore[type-var]


def _ways(inputs: Inputs) -> dict[str, Callable[..., Measured]]:
    """By kind what measures it."""
    from gapt_core.evaluate.adaptation import MULTIPLE, SINGLE, measure_adaptation
    from gapt_core.evaluate.ahead import measure_ahead
    from gapt_core.evaluate.measure import measure as measure_play
    from gapt_core.evaluate.sessions import measure_sessions

    return {
        "play": measure_play,
        "adaptation single": partial(measure_adaptation, perturbation=SINGLE),
        "adaptation multiple": partial(measure_adaptation, perturbation=MULTIPLE),
        "sessions": measure_sessions,
        "ahead": measure_ahead,
        "against": partial(_measure_against, inputs),
    }


def _measure_against(inputs: Inputs, net: PolicyNet, *rest: Any) -> Measured:
    from gapt_core.evaluate.duet import measure_against
    from gapt_core.export.start import load_start

    if "agent" not in inputs:
        raise TrainingError(
            "Duets need a melody agent; take “against” out of the grid, `gapt experiment measure` does it later."
        )
    return measure_against(net, load_start(str(inputs["agent"])).net, *rest)
