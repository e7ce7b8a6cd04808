"""Maximum-likelihood training of an anchor (GAPT, eq. 5), for the chords or for the melody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from gapt_core.errors import TrainingError
from gapt_core.model.anchor import AnchorNet
from gapt_core.model.encoder import EncoderConfig
from gapt_core.model.policy import HIDDEN, PolicyConfig, PolicyInput
from gapt_core.parts import CHORD, PARTS, Part
from gapt_core.train.batches import (
    NOT_ASKED,
    BatchConfig,
    doubt_history,
    doubted_target,
    pad_example,
    part_actions,
    previous,
    told_metre,
)
from gapt_core.train.corpus import Corpus, Piece, describe_data
from gapt_core.train.crops import CropSource, Tokens
from gapt_core.train.losses import forbid_holds
from gapt_core.train.optimise import descend, make_optimisers
from gapt_core.train.policy import VALIDATED, Trained
from gapt_core.train.run import DAMAGE, Origin, Recipe, Run, read_state


@dataclass(frozen=True, kw_only=True)
class AnchorConfig(Recipe):
    """The recipe.

    Attributes:
        part: name of the part that the anchor answers with.
        batch: how crops are drawn; `shown` and `hidden_onsets` say nothing here, for the other part is always seen.
        selection: name of the selection of sets, for the record.
    """

    part: str = CHORD.name
    net: PolicyConfig = field(default_factory=PolicyConfig)
    encoder: EncoderConfig = field(default_factory=lambda: EncoderConfig(layers=2))
    batch: BatchConfig = field(default_factory=BatchConfig)
    steps: int = 1500
    rate: float = 5e-4
    matrix_rate: float = 5e-3
    warmup: int = 20
    cooldown: float = 0.8
    selection: str = "all"


@dataclass(frozen=True)
class AnchorBatch:
    """What an anchor sees and what it should say; `target` `[batch, time]`, -100 where nothing is asked."""

    seen: PolicyInput
    other: Tensor
    valid: Tensor
    target: Tensor

    def to(self, device: torch.device) -> AnchorBatch:
        """The same batch on `device`."""
        seen = PolicyInput(*(part.to(device) for part in self.seen))
        return AnchorBatch(seen, self.other.to(device), self.valid.to(device), self.target.to(device))


class AnchorSource:
    """Draws batches of crops with all of the other part and, at times, a partly wrong past of the own."""

    def __init__(self, corpus: Corpus, config: BatchConfig, part: Part, random: np.random.Generator) -> None:
        self.config = config
        self.part = part
        self.random = random
        self._crops = CropSource(corpus, random, config.from_start)

    def draw(self) -> AnchorBatch:
        """The next batch."""
        return _stack([self._drawn() for _ in range(self.config.size)])

    def _drawn(self) -> dict[str, Tokens]:
        config, random, part = self.config, self.random, self.part
        crop = self._crops.draw(config.frames)
        style = crop.style if random.random() < config.style_known else 0
        metre = told_metre(crop.metre, config, random)
        share = config.doubted if random.random() < config.doubt else 0.0
        own = crop.chord if part is CHORD else crop.melody
        past, changed = doubt_history(own, share, random, part)
        melody, chord = (crop.melody, past) if part is CHORD else (past, crop.chord)
        target = doubted_target(own, changed, part)
        return _example(part, _Tracks(melody, chord, metre, target), config.frames) | {"style": np.array(style)}


class AnchorLearner:
    """An anchor and what it learns from; begins as the policy of `init` where there is one.

    Raises:
        TrainingError: `init` is a net of another size than `config.net`.
    """

    def __init__(self, corpus: Corpus, valid: Corpus, config: AnchorConfig, init: Trained | None = None) -> None:
        torch.manual_seed(config.seed)
        self.config = config
        self.part = PARTS[config.part]
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        net = AnchorNet(config.net, config.encoder, self.part)
        if init is not None:
            if init.net.config != config.net:
                raise TrainingError("The weights of --init are of a net of another size; train the anchor at theirs.")
            net.decoder.load_state_dict(init.net.state_dict())
        self.net = net.to(self.device)
        self.nets = {"net": self.net}
        self.optimisers = make_optimisers(self.net, config)
        self.random = np.random.default_rng(config.seed)
        self._source = AnchorSource(corpus, config.batch, self.part, self.random)
        self._valid = {name: _whole(self.part, pieces, config.batch.frames) for name, pieces in valid.items()}

    def learn(self, step: int) -> dict[str, float]:
        """Take one gradient step; the loss in nats a frame."""
        self.net.train()
        loss = self._loss(self._source.draw())
        descend(loss, self.net, self.optimisers, self.config.clip)
        return {"loss": loss.item()}

    @torch.inference_mode()
    def validate(self) -> dict[str, Any]:
        """Nats a frame on whole songs, by set; their mean weighted by the square root of a set's songs."""
        self.net.eval()
        losses = {name: self._loss(batch).item() for name, batch in self._valid.items()}
        weights = [len(batch.target) ** 0.5 for batch in self._valid.values()]
        return {"sets": losses, "validation": float(np.average(list(losses.values()), weights=weights))}

    def _loss(self, batch: AnchorBatch) -> Tensor:
        batch = batch.to(self.device)
        with torch.autocast(self.device.type, torch.bfloat16):
            logits = self.net(batch.seen, batch.other, batch.valid)
        past = batch.seen.chord if self.part is CHORD else batch.seen.melody
        logits = forbid_holds(logits.float(), past, self.part.hold_action, self.part.silent)
        return functional.cross_entropy(logits.flatten(0, 1), batch.target.flatten(), ignore_index=NOT_ASKED)


def anchor_run(corpus: Corpus, valid: Corpus, config: AnchorConfig, folder: Path, init: Trained | None = None) -> Run:
    """The run in `folder`, new or resumed; see `Run` and `AnchorLearner` for what is raised."""
    learner = AnchorLearner(corpus, valid, config, init)
    return Run(learner, folder, Origin(describe_data(corpus), init.stages if init else ()))


def load_anchor(path: Path) -> AnchorNet:
    """The anchor of a run's `best.pt`, ready to judge: no gradients.

    Raises:
        TrainingError: the file is not one.
    """
    try:
        state = read_state(path)
        config = state["config"]
        net = AnchorNet(PolicyConfig(**config["net"]), EncoderConfig(**config["encoder"]), PARTS[config["part"]])
        net.load_state_dict(state["net"])
    except DAMAGE as error:
        raise TrainingError(f"{path} holds no trained anchor; give the best.pt of `gapt train anchor`.") from error
    return net.requires_grad_(False).eval()


class _Tracks(NamedTuple):
    """A crop as it is told, and what the part should do in it."""

    melody: Tokens
    chord: Tokens
    metre: Tokens
    target: Tokens


def _whole(part: Part, pieces: Sequence[Piece], frames: int) -> AnchorBatch:
    """The first `frames` frames of songs as they are; no augmentation, style unknown."""
    examples = []
    for piece in pieces[:VALIDATED]:
        melody, chord = piece.melody[:frames], piece.chord[:frames]
        target = part_actions(chord if part is CHORD else melody, part)
        example = _example(part, _Tracks(melody, chord, piece.metre[:frames], target), frames)
        examples.append(example | {"style": np.array(0)})
    return _stack(examples)


def _example(part: Part, tracks: _Tracks, frames: int) -> dict[str, Tokens]:
    example = {
        "melody": previous(tracks.melody),
        "chord": previous(tracks.chord),
        "metre": tracks.metre,
        "other": tracks.melody if part is CHORD else tracks.chord,
        "valid": np.ones_like(tracks.target),
        "target": tracks.target,
    }
    return pad_example(example, frames)


def _stack(examples: Sequence[dict[str, Tokens]]) -> AnchorBatch:
    parts = {name: torch.from_numpy(np.stack([example[name] for example in examples])) for name in examples[0]}
    now = torch.full_like(parts["melody"], HIDDEN)
    seen = PolicyInput(parts["melody"], parts["chord"], now, parts["metre"], parts["style"])
    return AnchorBatch(seen, parts["other"], parts["valid"].bool(), parts["target"])
