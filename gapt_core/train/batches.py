"""Crops of songs as batches: all keys, octaves, shown and hidden melodies, and doubt about past chords."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gapt_core.model.policy import HIDDEN, PolicyInput
from gapt_core.parts import CHORD, MELODY, Part
from gapt_core.train.corpus import Corpus, Piece
from gapt_core.train.crops import CropSource, Tokens, pad, transpose_chords, transpose_melody
from gapt_core.vocabulary import FRAMES_PER_BEAT, NOTE_HOLD, NOTE_ONSET

NOT_ASKED = -100
"""The target of a frame that is not to be learned from."""


@dataclass(frozen=True)
class BatchConfig:
    """How training batches are drawn.

    Attributes:
        size: crops a batch.
        frames: frames a crop.
        shown: share of crops that see the melody of the frame itself (`react`).
        hidden_onsets: share of the onsets that a shown crop hides all the same, as if played late.
        from_start: share of crops that begin with their song.
        style_known: share of crops that are told their style.
        doubt: share of crops whose chord history is partly wrong, and `doubted` the share of their chords.
        halved: share of the crops in 4/4 that are told 2/4, as many MIDI files say.
        moved: share of crops whose bar lines are moved by beats, as where a pickup is not written.
    """

    size: int = 16
    frames: int = 256
    shown: float = 0.5
    hidden_onsets: float = 0.125
    from_start: float = 0.2
    style_known: float = 0.5
    doubt: float = 0.5
    doubted: float = 0.2
    halved: float = 0.15
    moved: float = 0.1


@dataclass(frozen=True)
class Batch:
    """What the net sees and what it should say; targets `[batch, time]`, -100 where nothing is asked."""

    seen: PolicyInput
    chord_target: Tensor
    melody_target: Tensor

    def to(self, device: torch.device) -> Batch:
        """The same batch on `device`."""
        seen = PolicyInput(*(part.to(device) for part in self.seen))
        return Batch(seen, self.chord_target.to(device), self.melody_target.to(device))


def part_actions(tokens: Tokens, part: Part) -> Tokens:
    """The action for each token of a part: all holds are one."""
    return np.where(tokens >= part.hold, part.hold_action, tokens)


def chord_actions(tokens: Tokens) -> Tokens:
    """The policy's action for each chord token."""
    return part_actions(tokens, CHORD)


def melody_actions(tokens: Tokens) -> Tokens:
    """The melody head's action for each melody token."""
    return part_actions(tokens, MELODY)


def previous(tokens: Tokens) -> Tokens:
    """Tokens one frame late: what position t knows of the frame before; 0 at the first."""
    return np.concatenate([np.zeros_like(tokens[..., :1]), tokens[..., :-1]], axis=-1)


def doubt_history(
    tokens: Tokens, share: float, random: np.random.Generator, part: Part = CHORD
) -> tuple[Tokens, NDArray[np.bool_]]:
    """Replace a share of the chords or notes, whole from onset to end, by others.

    A policy that plays on its own meets its own mistakes; one that has only seen true histories
    trusts them too much. Returns the tokens and where they were changed; `[frames]` each.
    """
    segment = np.cumsum((tokens >= part.onset) & (tokens < part.hold))
    wrong = random.random(segment[-1] + 1) < share
    shift = random.integers(1, 12, segment[-1] + 1)
    changed = wrong[segment] & (tokens != part.silent)
    transpose = transpose_chords if part is CHORD else transpose_melody
    return np.where(changed, transpose(tokens, shift[segment]), tokens), changed


def doubted_target(tokens: Tokens, changed: NDArray[np.bool_], part: Part) -> Tokens:
    """The actions to learn where the history was `changed`; -100 where nothing is asked."""
    actions = part_actions(tokens, part)
    # Nothing is to be learned from holding on to what was put there to be wrong.
    return np.where(changed & (actions == part.hold_action), NOT_ASKED, actions)


def told_metre(metre: Tokens, config: BatchConfig, random: np.random.Generator) -> Tokens:
    """What a crop is told of its bars: not always the truth, as files and players do not always tell it."""
    if random.random() < config.moved:
        metre = move_bars(metre, int(random.integers(1, 4)))
    if random.random() < config.halved:
        metre = halve_bars(metre)
    return metre


def move_bars(metre: Tokens, beats: int) -> Tokens:
    """Bar lines `beats` beats earlier; `[frames, 3]`."""
    place, bar, beat = metre.T
    return np.stack([(place + beats * beat) % np.maximum(bar, 1), bar, beat], axis=1)


def halve_bars(metre: Tokens) -> Tokens:
    """Bars of 4/4 as two of 2/4 each, others as they are; `[frames, 3]`."""
    place, bar, beat = metre.T
    whole = (bar == 4 * FRAMES_PER_BEAT) & (beat == FRAMES_PER_BEAT)
    half = 2 * FRAMES_PER_BEAT
    return np.stack([np.where(whole, place % half, place), np.where(whole, half, bar), beat], axis=1)


class BatchSource:
    """Draws batches of random crops from a corpus; the same seed draws the same batches."""

    def __init__(self, corpus: Corpus, config: BatchConfig, random: np.random.Generator) -> None:
        self.config = config
        self.random = random
        self._crops = CropSource(corpus, random, config.from_start)

    def draw(self) -> Batch:
        """The next batch."""
        return stack([self._drawn() for _ in range(self.config.size)])

    def _drawn(self) -> dict[str, Tokens]:
        crop = self._crops.draw(self.config.frames)
        style = crop.style if self.random.random() < self.config.style_known else 0
        metre = told_metre(crop.metre, self.config, self.random)
        return self._example(crop.melody, crop.chord, metre, style)

    def _example(self, melody: Tokens, chord: Tokens, metre: Tokens, style: int) -> dict[str, Tokens]:
        history, changed = chord, np.zeros(len(chord), dtype=np.bool_)
        if self.random.random() < self.config.doubt:
            history, changed = doubt_history(chord, self.config.doubted, self.random)
        now = self._now(melody)
        melody_target = np.where(now == HIDDEN, melody_actions(melody), NOT_ASKED)
        example = {
            "melody": previous(melody),
            "chord": previous(history),
            "now": now,
            "metre": metre,
            "chord_target": doubted_target(chord, changed, CHORD),
            "melody_target": melody_target,
        }
        return pad_example(example, self.config.frames) | {"style": np.array(style)}

    def _now(self, melody: Tokens) -> Tokens:
        if self.random.random() >= self.config.shown:
            return np.full_like(melody, HIDDEN)
        onset = (melody >= NOTE_ONSET) & (melody < NOTE_HOLD)
        late = onset & (self.random.random(len(melody)) < self.config.hidden_onsets)
        return np.where(late, HIDDEN, melody)


def whole_pieces(pieces: list[Piece], frames: int, shown: bool) -> Batch:
    """The first `frames` frames of each piece as they are, for validation; no augmentation, style unknown."""
    examples = []
    for piece in pieces:
        melody, chord = piece.melody[:frames], piece.chord[:frames]
        now = melody if shown else np.full_like(melody, HIDDEN)
        example = {
            "melody": previous(melody),
            "chord": previous(chord),
            "now": now,
            "metre": piece.metre[:frames],
            "chord_target": chord_actions(chord),
            "melody_target": np.where(now == HIDDEN, melody_actions(melody), NOT_ASKED),
        }
        examples.append(pad_example(example, frames) | {"style": np.array(0)})
    return stack(examples)


def pad_example(example: dict[str, Tokens], frames: int) -> dict[str, Tokens]:
    """Every track filled up to `frames` frames; of what is a target, nothing is asked there."""
    fills = {name: NOT_ASKED if name.endswith("target") else 0 for name in example}
    return {name: pad(part, frames, fills[name]) for name, part in example.items()}


def stack(examples: list[dict[str, Tokens]]) -> Batch:
    """One batch of examples of equal length."""
    parts = {name: torch.from_numpy(np.stack([example[name] for example in examples])) for name in examples[0]}
    seen = PolicyInput(parts["melody"], parts["chord"], parts["now"], parts["metre"], parts["style"])
    return Batch(seen, parts["chord_target"], parts["melody_target"])
