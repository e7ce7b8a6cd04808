"""The parts of a run as they really are: train, measure, time a step.

Inputs: `songs`, the corpus; `kit`, the anchor and reward nets, and `start`, the policy before post-training, each a
preset's folder or what a run left. Everything is imported when a stage runs: torch reads how many threads it may
take when it is imported.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from gapt_core.errors import TrainingError
from gapt_core.experiment.folder import measured_folder
from gapt_core.experiment.grid import RunSettings
from gapt_core.experiment.state import Inputs, Stage

if TYPE_CHECKING:
    from collections.abc import Callable

    from gapt_core.evaluate.measured import Measured
    from gapt_core.rl.recipe import GaptConfig

WEIGHTS = "policy.pt"
KINDS = ("play", "adaptation single", "adaptation multiple", "sessions")
"""Which measurements a run gets unless `measuring` says so under `kinds`; there is `ahead` besides."""

LATENCY_FRAMES = 512

Config = TypeVar("Config")


def train(folder: Path, settings: RunSettings, inputs: Inputs) -> None:
    """Post-train the start under the run's λ and schedule; the arm `mle` is the start itself."""
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
    corpus = load_corpus(inputs["songs"], "train", recipe.selection)
    train_gapt(Gapt(corpus, find_kit(str(inputs["kit"])), start, folder, recipe), lambda record: None)


def measure(folder: Path, settings: RunSettings, inputs: Inputs) -> None:
    """Let the run's policy play over the test songs, with the run's seed, in every kind of measurement asked for.

    Raises:
        TrainingError: the grid asks for a kind that there is not.
    """
    from gapt_core.evaluate.adaptation import MULTIPLE, SINGLE, measure_adaptation
    from gapt_core.evaluate.ahead import measure_ahead
    from gapt_core.evaluate.listener import Listener
    from gapt_core.evaluate.measure import measure as measure_play
    from gapt_core.evaluate.sessions import SESSION_FRAMES, measure_sessions
    from gapt_core.evaluate.sets import EvaluateConfig, load_test_sets
    from gapt_core.train.policy import load_best

    ways: dict[str, Callable[..., Measured]] = {
        "play": measure_play,
        "adaptation single": partial(measure_adaptation, perturbation=SINGLE),
        "adaptation multiple": partial(measure_adaptation, perturbation=MULTIPLE),
        "sessions": measure_sessions,
        "ahead": measure_ahead,
    }
    wanted = dict(settings.measuring)
    kinds = wanted.pop("kinds", KINDS)
    if unknown := sorted(set(kinds) - set(ways)):
        raise TrainingError(f"The grid's measuring has no kind “{unknown[0]}”; it knows {', '.join(ways)}.")
    config = override(EvaluateConfig(seed=settings.seed), wanted, "measuring")
    net, embedder = load_best(folder / WEIGHTS).net, Listener()
    for kind in kinds:
        place = measured_folder(folder, kind)
        frames = max(config.frames, SESSION_FRAMES) if kind == "sessions" else config.frames
        if not (place / "figures.json").exists():
            sets = load_test_sets(inputs["songs"], replace(config, frames=frames))
            ways[kind](net, sets, config, embedder).save(place)


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
