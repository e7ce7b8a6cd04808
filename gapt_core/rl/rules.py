"""Rules that keep a policy from degenerate answers, as penalties (GAPT, code: method §6).

The published fifth rule, invalid output, is not here: the grammar is a mask, so there is none. Where the paper's words
and its code differ, the code's meaning is taken.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from gapt_core.parts import CHORD, PARTS, Part
from gapt_core.patience import FREE_FRAMES
from gapt_core.rl import kernels
from gapt_core.rl.episodes import Episodes, Scores


@dataclass(frozen=True)
class RulesConfig:
    """What the rules allow and what they take; all but `hold_frames` as published.

    Attributes:
        free_frames: frames at the start in which silence is free.
        silent_share: share of silent frames, among all frames after the free ones, that is free.
        silent_frame: what each silent frame costs where they are more.
        repetitions: onsets of one and the same chord in a row that are free.
        hold_frames: frames that one chord may be held for free. The paper counts holds over 31 with weight 0.
        scale: what each frame or onset costs in the rules that count a whole episode.
        silence: weight of this rule, as of the three below; 0 switches a rule off.
    """

    free_frames: int = 8
    silent_share: float = 0.04
    silent_frame: float = 0.1
    repetitions: int = 4
    hold_frames: int = FREE_FRAMES
    scale: float = 0.1
    silence: float = 1.0
    early_stop: float = 1.0
    repetition: float = 1.0
    hold: float = 1.0


class Rules:
    """Penalties "silence", "early_stop", "repetition", "hold", each where it is incurred; none is positive.

    The published code charges all but silence to the last choice of an episode. The sums here are the same, but a
    choice is charged for what it does: at the end of a long crop nothing would be learned from it.

    - silence: frames where the melody sounds and the chord part does not. Their share is taken of all valid frames
      after the free ones, the melody's rests included, as the published code does.
    - early stop: our grammar has no end, so the chord part ends with its last frame that sounds. Counts the frames
      after it in which the melody still sounds; all of them where no chord ever sounded.
    - repetition: counts the onsets of each run that is too long, the free ones included. Rests and holds do not break
      a run.
    - hold: counts the frames of each chord, from its onset to its end, past the free ones. One frame too many costs no
      more than that: a fine on the whole hold would be a cliff, and chance would throw episodes over it.
    """

    def __init__(self, config: RulesConfig, part: Part = CHORD) -> None:
        """`part` is the one that is judged, against the other."""
        self._config = config
        self._part = part
        (self._lead,) = (other for other in PARTS.values() if other is not part)

    def __call__(self, episodes: Episodes) -> Scores:
        config = self._config
        lead, answer = _host(getattr(episodes, self._lead.name)), _host(getattr(episodes, self._part.name))
        lengths = _host(episodes.valid.sum(1))
        hold = self._part.hold
        counted = {
            "early_stop": (config.early_stop, kernels.frames_alone_at_end(lead, answer, lengths)),
            "repetition": (config.repetition, kernels.onsets_repeated(answer, lengths, hold, config.repetitions)),
            "hold": (config.hold, kernels.frames_overheld(answer, lengths, hold, config.hold_frames)),
        }
        silent = kernels.silent_frames(lead, answer, lengths, config.free_frames, config.silent_share)
        device = episodes.chord.device
        scores = {"silence": torch.from_numpy(silent).to(device).float() * (-config.silence * config.silent_frame)}
        for name, (weight, counts) in counted.items():
            scores[name] = torch.from_numpy(counts).to(device).float() * (-weight * config.scale)
        return scores


def _host(tensor: torch.Tensor) -> NDArray[np.int64]:
    return np.ascontiguousarray(tensor.cpu().numpy())
