"""Training of the coherence rewards from real pairs and wrong ones (GAPT §3.4, C.2), and their test scores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from gapt_core.chords import CHORD_COUNT, chord_at
from gapt_core.errors import TrainingError
from gapt_core.model.encoder import EncoderConfig
from gapt_core.model.rewards import ContrastiveNet, DiscriminativeNet, JudgeConfig, build_judge
from gapt_core.parts import CHORD, MELODY, Part
from gapt_core.train.corpus import Corpus, Piece, describe_data
from gapt_core.train.crops import Crop, CropSource, Tokens, side_by_side, start_with_onset
from gapt_core.train.optimise import descend, make_optimisers
from gapt_core.train.run import DAMAGE, Origin, Recipe, Run, read_state
from gapt_core.vocabulary import CHORD_HOLD, CHORD_ONSET, FRAMES_PER_BEAT, NOTE_HOLD, NOTE_ONSET

SHORTEST = 16
"""Frames below which a crop is not worth judging."""


@dataclass(frozen=True, kw_only=True)
class JudgeTraining(Recipe):
    """The recipe of one reward net.

    Attributes:
        batch: crops of 192 frames a step; longer crops come in smaller batches, shorter ones in larger.
        lengths: frames of a crop, one of these a step: a reward must judge the lengths it is asked about.
        shifted: discriminative nets only: share of the wrong pairs that are the right ones out of step, chords by whole
            beats. For rhythm-only nets it is half of those not chased, either part late by one to three frames, as
            published. The rest are parts of different songs.
        chased: discriminative nets only: share of the wrong pairs whose chords run after the notes. Nets that never
            heard this are easily hacked by it: a new chord for every note, and a fat one, is in harmony with anything.
            The paper has none: 0.
    """

    judge: JudgeConfig
    batch: int = 96
    lengths: tuple[int, ...] = (256, 192, 128, 64, 32, 16)
    shifted: float = 0.25
    chased: float = 0.25
    steps: int = 360
    warmup: int = 30
    cooldown: float = 0.7
    validate_every: int = 100
    selection: str = "all"


class Pairs(NamedTuple):
    """Duets cut to one length; `[batch, time]`."""

    melody: Tensor
    chord: Tensor
    valid: Tensor

    def to(self, device: torch.device) -> Pairs:
        """The same pairs on `device`."""
        return Pairs(*(part.to(device) for part in self))


class JudgeLearner:
    """One reward net and what it learns from."""

    def __init__(self, corpus: Corpus, valid: Corpus, config: JudgeTraining) -> None:
        torch.manual_seed(config.seed)
        self.config = config
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.net = build_judge(config.judge).to(self.device)
        self.nets = {"net": self.net}
        self.random = np.random.default_rng(config.seed)
        self.optimisers = make_optimisers(self.net, config)
        self._source = CropSource(corpus, self.random)
        self._gallery = gallery(valid)

    def learn(self, step: int) -> dict[str, float]:
        """Take one gradient step; the loss."""
        frames = int(self.random.choice(self.config.lengths))
        pairs = stack_pairs(draw_pairs(self._source, frames, self.config.batch * 192 // frames))
        self.net.train()
        loss = self._loss(pairs)
        descend(loss, self.net, self.optimisers, self.config.clip)
        return {"loss": loss.item()}

    def _loss(self, pairs: Pairs) -> Tensor:
        with torch.autocast(self.device.type, torch.bfloat16):
            if isinstance(self.net, ContrastiveNet):
                return contrastive_loss(self.net, pairs.to(self.device))
            real, wrong = with_wrong(pairs, self.config, self.random)
            return discriminative_loss(self.net, real.to(self.device), wrong.to(self.device))

    def validate(self) -> dict[str, Any]:
        """Scores on the validation songs; `validation` is what decides: mAP@10 or F1, less is better."""
        scores = judge_scores(self.net, self._gallery, self.config)
        key = "mean_average_precision_10" if isinstance(self.net, ContrastiveNet) else "f1"
        return {**scores, "validation": -scores[key]}


def judge_run(corpus: Corpus, valid: Corpus, config: JudgeTraining, folder: Path) -> Run:
    """The run in `folder`, new or resumed; see `Run` for what is raised."""
    return Run(JudgeLearner(corpus, valid, config), folder, Origin(describe_data(corpus)))


def load_judge(path: Path) -> ContrastiveNet | DiscriminativeNet:
    """The reward net of a run's `best.pt`, ready to judge: no gradients.

    Raises:
        TrainingError: the file is not one.
    """
    try:
        state = read_state(path)
        described = state["config"]["judge"]
        net = build_judge(JudgeConfig(described["kind"], described["rhythm"], EncoderConfig(**described["encoder"])))
        net.load_state_dict(state["net"])
    except DAMAGE as error:
        raise TrainingError(f"{path} holds no reward net; give the best.pt of `gapt train rewards`.") from error
    return net.requires_grad_(False).eval()


def draw_pairs(source: CropSource, frames: int, count: int) -> list[Crop]:
    """`count` crops that are not too short to be judged."""
    drawn: list[Crop] = []
    while len(drawn) < count:
        crop = source.draw(frames)
        if len(crop.melody) >= SHORTEST and crop.chord.any() and crop.melody.any():
            drawn.append(crop)
    return drawn


def stack_pairs(crops: Sequence[Crop | Piece]) -> Pairs:
    """Crops side by side, the shorter ones padded."""
    length = max(len(crop.melody) for crop in crops)
    melody, chord = (side_by_side([getattr(crop, part) for crop in crops], length) for part in ("melody", "chord"))
    lengths = torch.tensor([len(crop.melody) for crop in crops])
    return Pairs(melody, chord, torch.arange(length) < lengths[:, None])


def contrastive_loss(net: ContrastiveNet, pairs: Pairs) -> Tensor:
    """Symmetric InfoNCE over the batch (GAPT C.2). All rows are cut to the shortest: lengths tell tales."""
    shortest = int(pairs.valid.sum(1).min())
    cut = Pairs(*(part[:, :shortest] for part in pairs)) if shortest >= SHORTEST else pairs
    melody, chord = net(*cut)
    logits = net.log_scale.exp().clamp(max=100.0) * melody @ chord.T
    target = torch.arange(len(logits), device=logits.device)
    return (functional.cross_entropy(logits, target) + functional.cross_entropy(logits.T, target)) / 2


def discriminative_loss(net: DiscriminativeNet, real: Pairs, wrong: Pairs) -> Tensor:
    """Cross-entropy of real pairs against wrong ones, of equal lengths lest these tell them apart."""
    logits = net(*(torch.cat((one, other)) for one, other in zip(real, wrong, strict=True)))
    target = (torch.arange(len(logits), device=logits.device) < len(real.melody)).to(logits.dtype)
    return functional.binary_cross_entropy_with_logits(logits, target)


def with_wrong(pairs: Pairs, config: JudgeTraining, random: np.random.Generator) -> tuple[Pairs, Pairs]:
    """Real pairs, and as many wrong ones of the very same lengths.

    A row's chords are replaced by those of another row, put out of step, or made to run after the notes; both rows, the
    real and the wrong one, end where the shorter of the two songs ends, lest the length tell them apart.
    """
    count = len(pairs.melody)
    order = (torch.arange(count) + int(random.integers(1, count))) % count
    melody, chord, valid = pairs.melody.clone(), pairs.chord[order].clone(), pairs.valid & pairs.valid[order]
    rhythm = config.judge.rhythm
    shifted = (1 - config.chased) / 2 if rhythm else config.shifted
    luck = random.random(count)
    for row in np.flatnonzero(luck < shifted + config.chased):
        valid[row] = pairs.valid[row]
        frames = int(valid[row].sum())
        own = (pairs.melody[row, :frames].numpy(), pairs.chord[row, :frames].numpy())
        bent = _out_of_step(*own, rhythm, random) if luck[row] < shifted else (own[0], _chasing(*own, random))
        melody[row, :frames], chord[row, :frames] = map(torch.from_numpy, bent)
    return pairs._replace(valid=valid), Pairs(melody, chord, valid)


def _out_of_step(melody: Tokens, chord: Tokens, rhythm: bool, random: np.random.Generator) -> tuple[Tokens, Tokens]:
    """The same pair, the chords rolled round by beats, or for the rhythm either part late by one to three frames."""
    if not rhythm:
        beats = max(2, len(chord) // FRAMES_PER_BEAT)
        rolled = np.roll(chord, FRAMES_PER_BEAT * int(random.integers(1, beats)))
        return melody, start_with_onset(rolled, CHORD_ONSET, CHORD_HOLD)
    frames = int(random.integers(1, 4))
    return (_late(melody, MELODY, frames), chord) if random.random() < 0.5 else (melody, _late(chord, CHORD, frames))


def _late(tokens: Tokens, part: Part, frames: int) -> Tokens:
    """A part `frames` frames late, its first note, chord or rest held from the start."""
    first = tokens[0] + part.count if part.onset <= tokens[0] < part.hold else tokens[0]
    moved = np.concatenate([np.full(frames, first), tokens])[: len(tokens)]
    moved[frames:][:1] = first
    return start_with_onset(moved, part.onset, part.hold)


def _chasing(notes: Tokens, tokens: Tokens, random: np.random.Generator) -> Tokens:
    """The same chords, but at many of the notes some chord that has the note, held until the next onset of either."""
    struck = (notes >= NOTE_ONSET) & (notes < NOTE_HOLD) & (random.random(len(notes)) < random.uniform(0.2, 1.0))
    chosen = np.zeros_like(tokens)
    for frame in np.flatnonzero(struck):
        chosen[frame] = random.choice(_chords_with()[(notes[frame] - NOTE_ONSET) % 12])
    onset = struck | (tokens < CHORD_HOLD)
    start = np.maximum.accumulate(np.where(onset, np.arange(len(tokens)), 0))
    held = CHORD_HOLD + chosen[start]
    bent = np.where(struck[start], np.where(struck, CHORD_ONSET + chosen, held), tokens)
    return start_with_onset(bent, CHORD_ONSET, CHORD_HOLD)


@cache
def _chords_with() -> tuple[tuple[int, ...], ...]:
    """Indices of the chords with each pitch class."""
    classes = [chord_at(index).pitch_classes for index in range(CHORD_COUNT)]
    return tuple(tuple(index for index, has in enumerate(classes) if pitch in has) for pitch in range(12))


def gallery(corpus: Corpus, frames: int = 256, songs: int = 48) -> list[Piece]:
    """The first `frames` frames of at most `songs` songs of each set, long enough to be judged.

    Raises:
        TrainingError: there are fewer than two.
    """
    cut = (piece.part(slice(frames)) for pieces in corpus.values() for piece in pieces[:songs])
    found = [piece for piece in cut if len(piece) >= SHORTEST and piece.chord.any() and piece.melody.any()]
    if len(found) < 2:
        raise TrainingError("Fewer than two songs are long enough to score rewards on; give a corpus that has more.")
    return found


@torch.inference_mode()
def judge_scores(
    net: ContrastiveNet | DiscriminativeNet, pieces: Sequence[Piece], config: JudgeTraining
) -> dict[str, Any]:
    """Retrieval scores with the gallery's size, or precision, recall and F1, on real songs (GAPT, tables 3 and 4)."""
    net.eval()
    device = next(net.parameters()).device
    portions = [stack_pairs(part) for part in _portions(pieces)]
    if isinstance(net, ContrastiveNet):
        vectors = [net(*pairs.to(device)) for pairs in portions]
        melody, chord = (torch.cat(side) for side in zip(*vectors, strict=True))
        return retrieval_scores((melody @ chord.T).cpu().numpy())
    random = np.random.default_rng(0)
    judged = [[net(*side.to(device)) > 0 for side in with_wrong(pairs, config, random)] for pairs in portions]
    real, wrong = (torch.cat(side).cpu().numpy() for side in zip(*judged, strict=True))
    return detection_scores(np.concatenate((real, wrong)), np.arange(2 * len(real)) < len(real))


def retrieval_scores(similarity: np.ndarray) -> dict[str, float]:
    """R@1, 5, 10 and mAP@10 of finding chords by melody; `similarity` `[melodies, chords]`, the diagonal is right."""
    right = np.diag(similarity)[:, None]
    # Of what ties, half comes before: a net that knows nothing must not find everything.
    rank = (similarity > right).sum(1) + ((similarity == right).sum(1) - 1) / 2
    found = {f"recall_{k}": float((rank < k).mean()) for k in (1, 5, 10)}
    precision = np.where(rank < 10, 1.0 / (rank + 1), 0.0)
    return {**found, "mean_average_precision_10": float(precision.mean()), "gallery": float(len(similarity))}


def detection_scores(said: np.ndarray, true: np.ndarray) -> dict[str, float]:
    """Precision, recall and F1 of "real"; booleans."""
    hits = float((said & true).sum())
    precision, recall = hits / max(1, said.sum()), hits / max(1, true.sum())
    f1 = 2 * precision * recall / (precision + recall) if hits else 0.0
    return {"precision": float(precision), "recall": float(recall), "f1": float(f1), "pairs": float(len(true))}


def _portions(pieces: Sequence[Piece], most: int = 64) -> Iterator[Sequence[Piece]]:
    """Parts of nearly equal size: a song left over on its own would have none to be re-paired with."""
    count = -(-len(pieces) // most)
    for number in range(count):
        yield pieces[number * len(pieces) // count : (number + 1) * len(pieces) // count]
