"""One run of training in one folder: exact resume, the best weights, early stop on validation, a JSON-lines log.

What is learned, and how, is the learner's business; everything that all training has in common is here.
"""

from __future__ import annotations

import io
import json
import math
import pickle
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import nn

from gapt_core.errors import TrainingError
from presets.files import write_atomically

CHECKPOINT = "checkpoint.pt"
BEST = "best.pt"
LOG = "log.jsonl"

CHANGEABLE = frozenset({"steps", "patience", "cooldown"})
"""What of a recipe a resumed run may change: how long it goes on."""

DAMAGE = (
    *(OSError, EOFError, pickle.UnpicklingError, RuntimeError),
    *(LookupError, TypeError, ValueError, AttributeError, ArithmeticError),
)
"""What reading a file of weights, and building the net that it describes, raises where it is not one."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What every kind of training has to be told; each kind adds its own.

    Attributes:
        steps: gradient steps in all.
        rate: peak learning rate of AdamW; `matrix_rate` that of Muon, which trains the blocks' matrices.
        weight_decay: of those matrices.
        warmup: steps of linear warm-up.
        cooldown: share of the steps, at the end, over which the rates fall to zero.
        clip: largest norm of a gradient.
        validate_every: steps between validations; `patience` of them without a gain end the run.
    """

    steps: int = 8000
    rate: float = 2e-3
    matrix_rate: float = 0.02
    weight_decay: float = 0.05
    warmup: int = 100
    cooldown: float = 0.4
    clip: float = 1.0
    validate_every: int = 250
    patience: int = 12
    seed: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for the log and the checkpoint."""
        return asdict(self)


class Learner(Protocol):
    """What a run trains."""

    @property
    def config(self) -> Recipe: ...

    @property
    def nets(self) -> Mapping[str, nn.Module]:
        """Every net with weights that change, by the name it has in the files."""

    @property
    def optimisers(self) -> Sequence[torch.optim.Optimizer]: ...

    @property
    def random(self) -> np.random.Generator:
        """What draws the batches."""

    def learn(self, step: int) -> dict[str, float]:
        """Take one gradient step; the losses by name."""

    def validate(self) -> dict[str, Any]:
        """Figures for the log; `validation`, the lower the better, decides which weights are the best."""


@dataclass(frozen=True)
class Origin:
    """What weights come from besides the recipe: data as `describe_data` has it, and earlier stages of training."""

    data: Sequence[dict[str, Any]]
    earlier: Sequence[dict[str, Any]] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for the checkpoint."""
        return {"data": list(self.data), "earlier": list(self.earlier)}


class Run:
    """Trains `learner` in `folder`, which gets the checkpoint, the best weights and the log.

    Raises:
        TrainingError: the folder holds a run of another recipe or origin, or a damaged one.
    """

    def __init__(self, learner: Learner, folder: Path, origin: Origin) -> None:
        self.learner = learner
        self.folder = folder
        self.origin = origin
        self.step = 0
        self.best = math.inf
        self.stale = 0
        for group in self._groups():
            group.setdefault("peak", group["lr"])
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / CHECKPOINT).exists():
            self._load()

    def run(self) -> Iterator[dict[str, Any]]:
        """Train to the end, yielding a record a step and a record a validation."""
        config = self.learner.config
        while self.step < config.steps and self.stale < config.patience:
            started = time.perf_counter()
            share = rate_share(self.step, config)
            for group in self._groups():
                group["lr"] = group["peak"] * share
            losses = self.learner.learn(self.step)
            self.step += 1
            rate = self.learner.optimisers[0].param_groups[0]["lr"]
            yield {"step": self.step, **losses, "rate": rate, "seconds": time.perf_counter() - started}
            if self.step % config.validate_every == 0 or self.step == config.steps:
                yield self._validate()

    def to_end(self, show: Callable[[dict[str, Any]], None]) -> Path:
        """Train to the end, logging every record and showing it; the path of the best weights."""
        with (self.folder / LOG).open("a", encoding="utf-8") as log:
            for record in self.run():
                log.write(json.dumps(record) + "\n")
                if "validation" in record:
                    log.flush()
                show(record)
        return self.folder / BEST

    def _groups(self) -> Iterator[dict[str, Any]]:
        for optimiser in self.learner.optimisers:
            yield from optimiser.param_groups

    def _validate(self) -> dict[str, Any]:
        record = {"step": self.step, **self.learner.validate()}
        better = record["validation"] < self.best
        self.stale = 0 if better else self.stale + 1
        if better:
            self.best = record["validation"]
            self._save_best()
        self._save()
        return record

    def _weights(self) -> dict[str, Any]:
        return {name: net.state_dict() for name, net in self.learner.nets.items()}

    def _save_best(self) -> None:
        config = self.learner.config.to_dict()
        stage = config | {"step": self.step, "validation": self.best, "data": list(self.origin.data)}
        state = {"config": config, "stages": [*self.origin.earlier, stage]}
        save_atomically(self.folder / BEST, self._weights() | state)

    def _save(self) -> None:
        state = {
            "optimisers": [optimiser.state_dict() for optimiser in self.learner.optimisers],
            "step": self.step,
            "best": self.best,
            "stale": self.stale,
            "torch_random": torch.get_rng_state(),
            "batch_random": json.dumps(self.learner.random.bit_generator.state),
            "config": self.learner.config.to_dict(),
            "origin": self.origin.to_dict(),
        }
        save_atomically(self.folder / CHECKPOINT, self._weights() | state)

    def _load(self) -> None:
        path = self.folder / CHECKPOINT
        try:
            state = read_state(path)
            recipe, origin = _fixed(state["config"]), state["origin"]
        except DAMAGE as error:
            raise TrainingError(f"{path} is damaged; remove the folder to begin anew.") from error
        if recipe != _fixed(self.learner.config.to_dict()) or origin != self.origin.to_dict():
            raise TrainingError(
                f"{self.folder} holds a run of another recipe, data or --init; choose another --out or remove it."
            )
        for name, net in self.learner.nets.items():
            net.load_state_dict(state[name])
        for optimiser, saved in zip(self.learner.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(saved)
        self.step, self.best, self.stale = state["step"], state["best"], state["stale"]
        torch.set_rng_state(state["torch_random"])
        self.learner.random.bit_generator.state = json.loads(state["batch_random"])


def rate_share(step: int, config: Recipe) -> float:
    """Share of the peak rate: linear warm-up, plateau, linear fall."""
    rise = min(1.0, (step + 1) / max(1, config.warmup))
    fall = (config.steps - step) / max(1.0, config.steps * config.cooldown)
    return min(rise, fall, 1.0)


def save_atomically(path: Path, state: dict[str, Any]) -> None:
    """Save whole or not at all: a kill leaves the old file or the new one."""
    content = io.BytesIO()
    torch.save(state, content)
    write_atomically(path, content.getvalue())


def read_state(path: Path) -> Any:
    """What was saved, on the CPU; what may be raised is `DAMAGE`."""
    # Of what is not even an archive, torch's reader says so in many kinds of error.
    if path.is_file() and not zipfile.is_zipfile(path):
        raise pickle.UnpicklingError(f"{path} is no archive")
    return torch.load(path, map_location="cpu", weights_only=True)


def read_stages(state: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    """The stages of training that what was saved tells of, oldest first; what may be raised is `DAMAGE`."""
    stages = state["stages"]
    if not isinstance(stages, list) or not all(isinstance(stage, dict) for stage in stages):
        raise TypeError("stages of training are a list of records")
    return tuple(stages)


def _fixed(config: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in config.items() if name not in CHANGEABLE}
