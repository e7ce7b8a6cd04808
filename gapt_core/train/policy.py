"""Maximum-likelihood training of the policy: exact resume, early stop on validation, a JSON-lines log."""

from __future__ import annotations

import io
import json
import math
import pickle
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from gapt_core.errors import TrainingError
from gapt_core.model.policy import PolicyConfig, PolicyNet
from gapt_core.train.batches import Batch, BatchConfig, BatchSource, whole_pieces
from gapt_core.train.corpus import Corpus, describe_data
from gapt_core.train.losses import Losses, likelihood_losses
from presets.files import write_atomically

CHECKPOINT = "checkpoint.pt"
BEST = "best.pt"
LOG = "log.jsonl"


@dataclass(frozen=True)
class TrainConfig:
    """The recipe.

    Attributes:
        steps: gradient steps in all.
        rate: peak learning rate of AdamW; `matrix_rate` that of Muon, which trains the blocks' matrices.
        warmup: steps of linear warm-up.
        cooldown: share of the steps, at the end, over which the rates fall to zero.
        melody_weight: weight of the melody head's loss.
        validate_every: steps between validations; `patience` of them without a gain end the run.
        selection: name of the selection of sets, for the record.
    """

    net: PolicyConfig = field(default_factory=PolicyConfig)
    batch: BatchConfig = field(default_factory=BatchConfig)
    steps: int = 8000
    rate: float = 2e-3
    matrix_rate: float = 0.02
    weight_decay: float = 0.05
    warmup: int = 100
    cooldown: float = 0.4
    melody_weight: float = 0.25
    clip: float = 1.0
    validate_every: int = 250
    patience: int = 12
    seed: int = 0
    selection: str = "all"

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for the log and the checkpoint."""
        return asdict(self)


@dataclass(frozen=True)
class Trained:
    """Weights ready to play, and where they come from: a record for each stage of training, oldest first."""

    net: PolicyNet
    stages: tuple[dict[str, Any], ...]


class Trainer:
    """One run in one folder.

    Args:
        corpus: what to learn from.
        valid: what decides when to stop.
        folder: gets the checkpoint, the best weights and the log; a run found there is resumed.
        init: weights to start from instead of random ones.
    """

    def __init__(
        self, corpus: Corpus, valid: Corpus, config: TrainConfig, folder: Path, init: Trained | None = None
    ) -> None:
        torch.manual_seed(config.seed)
        self.config = config
        self.folder = folder
        self.data = describe_data(corpus)
        self.earlier = init.stages if init is not None else ()
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        net = PolicyNet(config.net)
        if init is not None:
            if init.net.config != config.net:
                raise TrainingError(
                    "The weights of --init are of a net of another size; give the same --width and --layers."
                )
            net.load_state_dict(init.net.state_dict())
        self.net = net.to(self.device)
        self.source = BatchSource(corpus, config.batch, np.random.default_rng(config.seed))
        self.valid = {shown: _validation_batches(valid, config, shown) for shown in (False, True)}
        self.optimisers = _optimisers(self.net, config)
        self.step = 0
        self.best = math.inf
        self.stale = 0
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / CHECKPOINT).exists():
            self._load()

    def run(self) -> Iterator[dict[str, Any]]:
        """Train to the end, yielding a record a step and a record a validation."""
        while self.step < self.config.steps and self.stale < self.config.patience:
            started = time.perf_counter()
            losses = self._learn(self.source.draw())
            self.step += 1
            yield {
                "step": self.step,
                "chord_loss": losses.chord.item(),
                "melody_loss": losses.melody.item(),
                "rate": self.optimisers[0].param_groups[0]["lr"],
                "seconds": time.perf_counter() - started,
            }
            if self.step % self.config.validate_every == 0 or self.step == self.config.steps:
                yield self._validate()

    def _learn(self, batch: Batch) -> Losses:
        share = _schedule(self.step, self.config)
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = group["peak"] * share
            optimiser.zero_grad(set_to_none=True)
        batch = batch.to(self.device)
        self.net.train()
        with torch.autocast(self.device.type, torch.bfloat16):
            output = self.net(batch.seen)
        losses = likelihood_losses(output, batch)
        (losses.chord + self.config.melody_weight * losses.melody).backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), self.config.clip)
        for optimiser in self.optimisers:
            optimiser.step()
        return losses

    def _validate(self) -> dict[str, Any]:
        record: dict[str, Any] = {"step": self.step}
        for shown, batches in self.valid.items():
            by_set = {name: self._mean_losses(batch) for name, batch in batches.items()}
            mode = "react" if shown else "anticipate"
            record[mode] = {name: losses[0] for name, losses in by_set.items()}
            record[f"{mode}_mean"] = self._over_sets({name: losses[0] for name, losses in by_set.items()})
            if not shown:
                record["melody_mean"] = self._over_sets({name: losses[1] for name, losses in by_set.items()})
        score = record["anticipate_mean"] + record["react_mean"]
        self.stale = 0 if score < self.best else self.stale + 1
        record["validation"] = score
        if score < self.best:
            self.best = score
            self._save_best()
        self._save()
        return record

    def _over_sets(self, losses: dict[str, float]) -> float:
        """Mean weighted by the square root of a set's songs: two songs alone should not decide when to stop."""
        weights = [len(self.valid[False][name].chord_target) ** 0.5 for name in losses]
        return float(np.average(list(losses.values()), weights=weights))

    @torch.inference_mode()
    def _mean_losses(self, batch: Batch) -> tuple[float, float]:
        self.net.eval()
        with torch.autocast(self.device.type, torch.bfloat16):
            losses = likelihood_losses(self.net(batch.seen), batch)
        return losses.chord.item(), losses.melody.item()

    def _save_best(self) -> None:
        stage = self.config.to_dict() | {"step": self.step, "validation": self.best, "data": self.data}
        state = {"net": self.net.state_dict(), "config": self.config.to_dict(), "stages": [*self.earlier, stage]}
        save_atomically(self.folder / BEST, state)

    def _save(self) -> None:
        state = {
            "net": self.net.state_dict(),
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
            "step": self.step,
            "best": self.best,
            "stale": self.stale,
            "torch_random": torch.get_rng_state(),
            "batch_random": json.dumps(self.source.random.bit_generator.state),
            "config": self.config.to_dict(),
            "origin": self._origin(),
        }
        save_atomically(self.folder / CHECKPOINT, state)

    def _origin(self) -> dict[str, Any]:
        """What the weights come from besides the recipe: a run is resumed only with the same."""
        return {"data": self.data, "earlier": list(self.earlier)}

    def _load(self) -> None:
        try:
            state = _read(self.folder / CHECKPOINT, self.device)
            recipe, origin = replace_steps(state["config"]), state["origin"]
        except (OSError, RuntimeError, pickle.UnpicklingError, EOFError, KeyError, TypeError) as error:
            raise TrainingError(f"{self.folder / CHECKPOINT} is damaged; remove the folder to begin anew.") from error
        if recipe != replace_steps(self.config.to_dict()) or origin != self._origin():
            raise TrainingError(
                f"{self.folder} holds a run of another recipe, data or --init; choose another --out or remove it."
            )
        self.net.load_state_dict(state["net"])
        for optimiser, saved in zip(self.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(saved)
        self.step, self.best, self.stale = state["step"], state["best"], state["stale"]
        torch.set_rng_state(state["torch_random"].cpu())
        self.source.random.bit_generator.state = json.loads(state["batch_random"])


def use_threads(count: int) -> None:
    """Let torch take `count` CPU threads; 0 leaves the choice to torch."""
    if count:
        torch.set_num_threads(count)


def train_policy(trainer: Trainer, show: Callable[[dict[str, Any]], None]) -> Path:
    """Run `trainer` to its end, logging every record; the path of the best weights."""
    with (trainer.folder / LOG).open("a", encoding="utf-8") as log:
        for record in trainer.run():
            log.write(json.dumps(record) + "\n")
            if "validation" in record:
                log.flush()
            show(record)
    return trainer.folder / BEST


def load_best(path: Path) -> Trained:
    """The weights of a `best.pt`.

    Raises:
        TrainingError: the file is not one.
    """
    try:
        state = _read(path, torch.device("cpu"))
        net = PolicyNet(PolicyConfig(**state["config"]["net"]))
        net.load_state_dict(state["net"])
    except (OSError, RuntimeError, pickle.UnpicklingError, KeyError, TypeError) as error:
        raise TrainingError(f"{path} holds no trained policy; give the best.pt of a run.") from error
    return Trained(net.eval(), tuple(state["stages"]))


def save_atomically(path: Path, state: dict[str, Any]) -> None:
    """Save whole or not at all: a kill leaves the old file or the new one."""
    content = io.BytesIO()
    torch.save(state, content)
    write_atomically(path, content.getvalue())


def _read(path: Path, device: torch.device) -> Any:
    # Of what is not even an archive, torch's reader says so in many kinds of error.
    if path.is_file() and not zipfile.is_zipfile(path):
        raise pickle.UnpicklingError(f"{path} is no archive")
    return torch.load(path, map_location=device, weights_only=True)


def replace_steps(config: dict[str, Any]) -> dict[str, Any]:
    """The recipe without what a resumed run may change: how long it goes on."""
    return {name: value for name, value in config.items() if name not in {"steps", "patience", "cooldown"}}


def _schedule(step: int, config: TrainConfig) -> float:
    """Share of the peak rate: linear warm-up, plateau, linear fall."""
    rise = min(1.0, (step + 1) / max(1, config.warmup))
    fall = (config.steps - step) / max(1.0, config.steps * config.cooldown)
    return min(rise, fall, 1.0)


def _optimisers(net: PolicyNet, config: TrainConfig) -> list[torch.optim.Optimizer]:
    matrices = [p for name, p in net.named_parameters() if name.startswith("blocks.") and p.ndim == 2]
    others = [p for name, p in net.named_parameters() if not (name.startswith("blocks.") and p.ndim == 2)]
    adam = torch.optim.AdamW(others, config.rate, betas=(0.9, 0.98), weight_decay=0.0, fused=True)
    muon = torch.optim.Muon(matrices, config.matrix_rate, weight_decay=config.weight_decay)
    for optimiser, peak in ((adam, config.rate), (muon, config.matrix_rate)):
        for group in optimiser.param_groups:
            group["peak"] = peak
    return [adam, muon]


def _validation_batches(valid: Corpus, config: TrainConfig, shown: bool) -> dict[str, Batch]:
    frames = config.batch.frames
    return {name: whole_pieces(pieces[:32], frames, shown) for name, pieces in valid.items()}
