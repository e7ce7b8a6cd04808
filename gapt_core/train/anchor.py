"""Maximum-likelihood training of an anchor (GAPT, eq. 5), for the chords or for the melody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from gapt_core.errors import TrainingError
from gapt_core.model.anchor import AnchorNet
from gapt_core.model.encoder import EncoderConfig
from gapt_core.model.policy import HIDDEN, PolicyConfig, PolicyInput
from gapt_core.parts import CHORD, PARTS, Part
from gapt_core.train.batches import BatchConfig, chord_actions, halve_bars, melody_actions, move_bars, previous
from gapt_core.train.corpus import Corpus, Piece, describe_data
from gapt_core.train.crops import CropSource, Tokens, transpose_chords, transpose_melody
from gapt_core.train.losses import forbid_holds
from gapt_core.train.policy import Trained
from gapt_core.train.run import DAMAGE, Origin, Recipe, Run, descend, make_optimisers, read_state

NOT_ASKED = -100
VALIDATED = 32
"""Songs of a set that are looked at in a validation, at most."""


@dataclass(frozen=True, kw_only=True)
class AnchorConfig(Recipe):
    """The recipe; `part` is the name of the part the anchor answers with. Of `batch`, `shown` and what hangs on it
    have no meaning here: the other part is always seen."""

    part: str = CHORD.name
    net: PolicyConfig = field(default_factory=PolicyConfig)
    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    batch: BatchConfig = field(default_factory=BatchConfig)
    steps: int = 4000
    rate: float = 1e-3
    matrix_rate: float = 0.01
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
        config, random = self.config, self.random
        crop = self._crops.draw(config.frames)
        style = crop.style if random.random() < config.style_known else 0
        metre = crop.metre
        if random.random() < config.moved:
            metre = move_bars(metre, int(random.integers(1, 4)))
        if random.random() < config.halved:
            metre = halve_bars(metre)
        share = config.doubted if random.random() < config.doubt else 0.0
        own = crop.chord if self.part is CHORD else crop.melody
        past, changed = doubt_part(own, self.part, share, random)
        tracks = (past, crop.melody) if self.part is CHORD else (crop.chord, past)
        example = _example(self.part, tracks[1], tracks[0], metre, config.frames)
        example["target"] = _padded(_target(self.part, own, changed), config.frames, NOT_ASKED)
        return example | {"style": np.array(style)}


def doubt_part(tokens: Tokens, part: Part, share: float, random: np.random.Generator) -> tuple[Tokens, Tokens]:
    """Move a share of the chords or notes, whole from onset to end, by other intervals.

    Returns the tokens and where they were changed; `[frames]` each.
    """
    segment = np.cumsum((tokens >= part.onset) & (tokens < part.hold))
    wrong = random.random(segment[-1] + 1) < share
    shift = random.integers(1, 12, segment[-1] + 1)
    transpose = transpose_chords if part is CHORD else transpose_melody
    changed = wrong[segment] & (tokens != part.silent)
    return np.where(changed, transpose(tokens, shift[segment]), tokens), changed


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


def _whole(part: Part, pieces: Sequence[Piece], frames: int) -> AnchorBatch:
    """The first `frames` frames of songs as they are; no augmentation, style unknown."""
    examples = []
    for piece in pieces[:VALIDATED]:
        melody, chord = piece.melody[:frames], piece.chord[:frames]
        own = chord if part is CHORD else melody
        example = _example(part, melody, chord, piece.metre[:frames], frames)
        example["target"] = _padded(_target(part, own, np.zeros_like(own)), frames, NOT_ASKED)
        examples.append(example | {"style": np.array(0)})
    return _stack(examples)


def _example(part: Part, melody: Tokens, chord: Tokens, metre: Tokens, frames: int) -> dict[str, Tokens]:
    """What is seen of one crop, filled up to `frames`."""
    tracks = {
        "melody": previous(melody),
        "chord": previous(chord),
        "metre": metre,
        "other": melody if part is CHORD else chord,
        "valid": np.ones_like(melody),
    }
    return {name: _padded(track, frames, 0) for name, track in tracks.items()}


def _target(part: Part, own: Tokens, changed: Tokens) -> Tokens:
    actions = chord_actions(own) if part is CHORD else melody_actions(own)
    # Nothing is to be learned from holding on to what was put there to be wrong.
    return np.where((changed != 0) & (actions == part.hold_action), NOT_ASKED, actions)


def _padded(track: Tokens, frames: int, value: int) -> Tokens:
    width = [(0, frames - len(track))] + [(0, 0)] * (track.ndim - 1)
    return np.pad(track, width, constant_values=value)


def _stack(examples: Sequence[dict[str, Tokens]]) -> AnchorBatch:
    parts = {name: torch.from_numpy(np.stack([example[name] for example in examples])) for name in examples[0]}
    now = torch.full_like(parts["melody"], HIDDEN)
    seen = PolicyInput(parts["melody"], parts["chord"], now, parts["metre"], parts["style"])
    return AnchorBatch(seen, parts["other"], parts["valid"].bool(), parts["target"])
