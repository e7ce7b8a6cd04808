"""Rollouts: a policy plays its part against the other one, many crops side by side, one cached step a frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from gapt_core.model.policy import HIDDEN, PolicyNet
from gapt_core.model.step import Stepper
from gapt_core.parts import CHORD, Part
from gapt_core.rl.episodes import Episodes, late
from gapt_core.train.crops import Crop, side_by_side
from gapt_core.train.losses import forbid_holds
from gapt_core.vocabulary import NOTE_HOLD, NOTE_ONSET


@dataclass(frozen=True)
class Shown:
    """What the policy is shown: `share` of the rows see the note of the frame itself, but for `hidden_onsets`."""

    share: float = 0.5
    hidden_onsets: float = 0.125
    style_known: float = 0.5


def environment(crops: Sequence[Crop], frames: int, shown: Shown, random: np.random.Generator) -> Episodes:
    """The data's own duets as episodes of `frames` frames; rows that see the present note come first."""
    melody, chord, metre = (side_by_side([getattr(crop, part) for crop in crops], frames) for part in Crop._fields[:3])
    lengths = torch.tensor([min(len(crop.melody), frames) for crop in crops])
    genre = torch.tensor([crop.style for crop in crops])
    told = torch.from_numpy(random.random(len(crops)) < shown.style_known)
    onset = (melody >= NOTE_ONSET) & (melody < NOTE_HOLD)
    hidden = onset & torch.from_numpy(random.random(melody.shape) < shown.hidden_onsets)
    hidden[round(shown.share * len(crops)) :] = True
    return Episodes(
        melody=melody,
        chord=chord,
        metre=metre,
        style=torch.where(told, genre, 0),
        now=torch.where(hidden, HIDDEN, melody),
        valid=torch.arange(frames) < lengths[:, None],
        ended=torch.tensor([crop.ended for crop in crops]),
        genre=genre,
    )


@torch.inference_mode()
def roll_out(
    net: PolicyNet,
    truth: Episodes,
    random: torch.Generator,
    part: Part = CHORD,
    cache: torch.dtype = torch.bfloat16,
) -> tuple[Episodes, Tensor]:
    """The same episodes with `part` played by `net` at temperature 1 under the grammar, and the log-probability
    of each choice, float `[batch, time]`, 0 outside the piece (GAPT §3.1). All that is given is on one device."""
    batch, time = truth.melody.shape
    stepper = Stepper(net, batch=batch, spare=1, cache=cache).to(truth.valid.device).eval()
    before = {"melody": late(truth.melody), "chord": late(truth.chord)}
    played = torch.zeros_like(truth.chord)
    chosen = torch.zeros(batch, time, device=truth.valid.device)
    token = torch.zeros_like(played[:, 0])
    for frame in range(time):
        before[part.name][:, frame] = token
        logits = stepper.step(
            before["melody"][:, frame],
            before["chord"][:, frame],
            truth.now[:, frame],
            truth.metre[:, frame],
            truth.style,
        )[part is not CHORD]
        odds = forbid_holds(logits, token, part.hold_action, part.silent).log_softmax(-1)
        action = torch.multinomial(odds.exp(), 1, generator=random)
        chosen[:, frame] = odds.gather(1, action)[:, 0]
        token = tokens_of(action[:, 0], token, part)
        played[:, frame] = token
    played = torch.where(truth.valid, played, part.silent)
    return replace(truth, **{part.name: played}), chosen * truth.valid


def tokens_of(actions: Tensor, previous: Tensor, part: Part = CHORD) -> Tensor:
    """Tokens of actions: a hold becomes the hold of what sounds; `[batch]`."""
    held = torch.where(previous >= part.hold, previous, previous + part.count)
    return torch.where(actions == part.hold_action, held, actions)


def actions_of(tokens: Tensor, part: Part = CHORD) -> Tensor:
    """The action behind each token."""
    return torch.where(tokens >= part.hold, part.hold_action, tokens)
