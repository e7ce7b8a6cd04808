"""The parts of a run as they really are: train, measure, time a step.

Inputs: `songs`, the corpus; `kit`, the folder of anchor and reward nets; `start`, the policy before post-training,
a run's `best.pt` or a preset's folder. Everything is imported when a stage runs: torch reads how many threads it may
take when it is imported.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from gapt_core.errors import TrainingError
from gapt_core.experiment.grid import RunSettings
from gapt_core.experiment.state import Inputs, Stage

if TYPE_CHECKING:
    from gapt_core.rl.gapt import GaptConfig
    from gapt_core.train.policy import Trained

WEIGHTS = "policy.pt"
MEASURED = "measured"
LATENCY_FRAMES = 512

Config = TypeVar("Config")


def train(folder: Path, settings: RunSettings, inputs: Inputs) -> None:
    """Post-train the start under the run's λ and schedule; the arm `mle` is the start itself."""
    from gapt_core.rl.gapt import Gapt, train_gapt
    from gapt_core.rl.kit import load_kit
    from gapt_core.train.corpus import load_corpus
    from gapt_core.train.run import save_atomically

    start = load_start(inputs["start"])
    if settings.is_start:
        config = {"net": start.net.config.to_dict()}
        state = {"net": start.net.state_dict(), "config": config, "stages": list(start.stages)}
        save_atomically(folder / WEIGHTS, state)
        return
    recipe = gapt_config(settings)
    corpus = load_corpus(inputs["songs"], "train", recipe.selection)
    train_gapt(Gapt(corpus, load_kit(inputs["kit"]), start, folder, recipe), lambda record: None)


def measure(folder: Path, settings: RunSettings, inputs: Inputs) -> None:
    """Let the run's policy play over the test songs, with the run's seed."""
    from gapt_core.evaluate.measure import measure as measure_play
    from gapt_core.evaluate.sets import EvaluateConfig, load_test_sets
    from gapt_core.train.policy import load_best

    config = override(EvaluateConfig(seed=settings.seed), settings.measuring, "measuring")
    net = load_best(folder / WEIGHTS).net
    measured = measure_play(net, load_test_sets(inputs["songs"], config), config, None)
    measured.save(folder / MEASURED / measured.kind.replace(" ", "-"))


def time_steps(folder: Path, settings: RunSettings, inputs: Inputs) -> None:
    """Time the run's policy."""
    from gapt_core.experiment.latency import measure_latency, write_latency
    from gapt_core.train.policy import load_best

    write_latency(folder, measure_latency(load_best(folder / WEIGHTS).net, LATENCY_FRAMES))


STAGES = (Stage("train", train), Stage("measure", measure), Stage("latency", time_steps))


def load_start(path: Path) -> Trained:
    """The policy of a run's `best.pt`, or of a preset's folder."""
    from gapt_core.export.load import load_policy
    from gapt_core.train.policy import Trained, load_best
    from presets.preset import load_preset

    if path.is_file():
        return load_best(path)
    preset = load_preset(path)
    return Trained(load_policy(preset), ({"preset": preset.name, "version": preset.manifest.version},))


def gapt_config(settings: RunSettings) -> GaptConfig:
    """The recipe of a run: what the grid says of training, and the run's own λ, schedule and seed.

    Raises:
        TrainingError: the grid names something that no recipe has.
    """
    from gapt_core.rl.gapt import GaptConfig

    recipe = override(GaptConfig(), settings.training, "training")
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
