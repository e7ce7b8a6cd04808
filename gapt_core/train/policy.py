"""Maximum-likelihood training of the policy (GAPT, eq. 3) in both modes, and its weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gapt_core.errors import TrainingError
from gapt_core.model.policy import PolicyConfig, PolicyNet
from gapt_core.train.batches import Batch, BatchConfig, BatchSource, whole_pieces
from gapt_core.train.corpus import Corpus, describe_data
from gapt_core.train.losses import Losses, likelihood_losses
from gapt_core.train.optimise import descend, make_optimisers
from gapt_core.train.run import DAMAGE, Origin, Recipe, Run, read_stages, read_state

VALIDATED = 32
"""Songs of a set that are looked at in a validation, at most."""


@dataclass(frozen=True)
class TrainConfig(Recipe):
    """The recipe.

    Attributes:
        melody_weight: weight of the melody head's loss.
        selection: name of the selection of sets, for the record.
    """

    net: PolicyConfig = field(default_factory=PolicyConfig)
    batch: BatchConfig = field(default_factory=BatchConfig)
    melody_weight: float = 0.25
    selection: str = "all"


@dataclass(frozen=True)
class Trained:
    """Weights ready to play, and where they come from: a record for each stage of training, oldest first."""

    net: PolicyNet
    stages: tuple[dict[str, Any], ...]


class PolicyLearner:
    """A policy and what it learns from; begins with the weights of `init` where there are some.

    Raises:
        TrainingError: `init` is a net of another size.
    """

    def __init__(self, corpus: Corpus, valid: Corpus, config: TrainConfig, init: Trained | None = None) -> None:
        torch.manual_seed(config.seed)
        self.config = config
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        net = PolicyNet(config.net)
        if init is not None:
            if init.net.config != config.net:
                raise TrainingError(
                    "The weights of --init are of a net of another size; give the same --width and --layers."
                )
            net.load_state_dict(init.net.state_dict())
        self.net = net.to(self.device)
        self.nets = {"net": self.net}
        self.optimisers = make_optimisers(self.net, config)
        self.random = np.random.default_rng(config.seed)
        self._source = BatchSource(corpus, config.batch, self.random)
        self._valid = {shown: _validation_batches(valid, config, shown) for shown in (False, True)}

    def learn(self, step: int) -> dict[str, float]:
        """Take one gradient step; the losses in nats a frame."""
        self.net.train()
        losses = self._losses(self._source.draw())
        loss = losses.chord + self.config.melody_weight * losses.melody
        descend(loss, self.net, self.optimisers, self.config.clip)
        return {"chord_loss": losses.chord.item(), "melody_loss": losses.melody.item()}

    @torch.inference_mode()
    def validate(self) -> dict[str, Any]:
        """Nats a frame on whole songs in both modes, by set and their mean; the sum of the modes decides."""
        self.net.eval()
        record: dict[str, Any] = {}
        for shown, batches in self._valid.items():
            by_set = {name: self._losses(batch) for name, batch in batches.items()}
            chord = {name: losses.chord.item() for name, losses in by_set.items()}
            mode = "react" if shown else "anticipate"
            record |= {mode: chord, f"{mode}_mean": self._over_sets(chord)}
            if not shown:
                melody = {name: losses.melody.item() for name, losses in by_set.items()}
                record["melody_mean"] = self._over_sets(melody)
        return record | {"validation": record["anticipate_mean"] + record["react_mean"]}

    def _losses(self, batch: Batch) -> Losses:
        batch = batch.to(self.device)
        with torch.autocast(self.device.type, torch.bfloat16):
            output = self.net(batch.seen)
        return likelihood_losses(output, batch)

    def _over_sets(self, losses: dict[str, float]) -> float:
        """Mean weighted by the square root of a set's songs: two songs alone should not decide when to stop."""
        weights = [len(self._valid[False][name].chord_target) ** 0.5 for name in losses]
        return float(np.average(list(losses.values()), weights=weights))


class Trainer(Run):
    """The run of a policy in one folder, new or resumed; see `Run` and `PolicyLearner` for what is raised.

    Args:
        corpus: what to learn from.
        valid: what decides when to stop.
        folder: gets the checkpoint, the best weights and the log; a run found there is resumed.
        init: weights to start from instead of random ones.
    """

    def __init__(
        self, corpus: Corpus, valid: Corpus, config: TrainConfig, folder: Path, init: Trained | None = None
    ) -> None:
        learner = PolicyLearner(corpus, valid, config, init)
        self.net = learner.net
        super().__init__(learner, folder, Origin(describe_data(corpus), init.stages if init else ()))


def use_threads(count: int) -> None:
    """Let torch take `count` CPU threads; 0 leaves the choice to torch."""
    if count:
        torch.set_num_threads(count)


def train_policy(trainer: Trainer, show: Callable[[dict[str, Any]], None]) -> Path:
    """Run `trainer` to its end, logging every record; the path of the best weights."""
    return trainer.to_end(show)


def load_best(path: Path) -> Trained:
    """The weights of a `best.pt`.

    Raises:
        TrainingError: the file is not one.
    """
    try:
        state = read_state(path)
        net = PolicyNet(PolicyConfig(**state["config"]["net"]))
        net.load_state_dict(state["net"])
        return Trained(net.eval(), read_stages(state))
    except DAMAGE as error:
        raise TrainingError(f"{path} holds no trained policy; give the best.pt of a run.") from error


def _validation_batches(valid: Corpus, config: TrainConfig, shown: bool) -> dict[str, Batch]:
    frames = config.batch.frames
    return {name: whole_pieces(pieces[:VALIDATED], frames, shown) for name, pieces in valid.items()}
