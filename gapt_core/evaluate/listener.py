"""The one fixed net that hears how different chord tracks are; it judges diversity and has no part in training.

It is the chord half of a contrastive net (`gapt_core.model.rewards`) of a seed that no reward has. Its weights lie
beside this file, so that Vendi scores of all presets, of this and later versions, are of the same embedding.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch.nn import functional

from gapt_core.model.rewards import JudgeConfig, PartEncoder
from gapt_core.parts import CHORD

WEIGHTS = Path(__file__).with_name("listener.safetensors")

WINDOW = 256
"""Frames heard at once, as in its training; the vector of a longer track is the mean over its windows."""


class Listener:
    """Chord tracks to unit rows: an `Embedder`."""

    def __init__(self, weights: Path = WEIGHTS) -> None:
        with torch.random.fork_rng(devices=[]):
            self.net = PartEncoder(CHORD, JudgeConfig("contrastive"))
        self.net.load_state_dict(load_file(weights))
        self.net.requires_grad_(False).eval()

    @torch.inference_mode()
    def __call__(self, tracks: Sequence[NDArray[np.int64]]) -> NDArray[np.float64]:
        """Unit vectors `[tracks, features]` of chord tokens `[frames]` each."""
        return np.stack([self._heard(track) for track in tracks])

    def _heard(self, track: NDArray[np.int64]) -> NDArray[np.float64]:
        count = -(-len(track) // WINDOW)
        tokens = torch.from_numpy(np.pad(track, (0, count * WINDOW - len(track)))).view(count, WINDOW)
        valid = (torch.arange(count * WINDOW) < len(track)).view(count, WINDOW)
        weight = valid.sum(1, keepdim=True) / len(track)
        vector = functional.normalize((self.net(tokens, valid) * weight).sum(0), dim=0)
        return vector.double().numpy()
