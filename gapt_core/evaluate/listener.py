"""The one fixed net that hears how different chord tracks are; it judges diversity and has no part in training.

It is the chord half of a contrastive net (`gapt_core.model.rewards`) of a seed that no reward has. Its weights lie
beside this file, so that Vendi scores of all presets, of this and later versions, are of the same embedding. The file's
metadata say how it was trained (`recipe`, JSON) and what its weights are (`sha256`, of all tensors by name).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from torch import Tensor
from torch.nn import functional

from gapt_core.errors import EvaluationError
from gapt_core.model.encoder import EncoderConfig
from gapt_core.model.rewards import JudgeConfig, PartEncoder
from gapt_core.parts import CHORD

WEIGHTS = Path(__file__).with_name("listener.safetensors")

WINDOW = 256
"""Frames heard at once, as in its training; the vector of a longer track is the mean over its windows."""


class Listener:
    """Chord tracks to unit rows: an `Embedder`.

    Attributes:
        recipe: how it was trained, as the file says: the recipe of the run, the step whose weights these are, and what
            they scored on the validation songs.

    Raises:
        EvaluationError: the file is none, or its weights are not those that it tells of.
    """

    def __init__(self, weights: Path = WEIGHTS) -> None:
        try:
            tensors, self.recipe = _read(weights)
            encoder = EncoderConfig(**self.recipe["judge"]["encoder"])
            with torch.random.fork_rng(devices=[]):
                self.net = PartEncoder(CHORD, JudgeConfig("contrastive", encoder=encoder))
            self.net.load_state_dict(tensors)
        except (OSError, SafetensorError, LookupError, TypeError, ValueError, RuntimeError) as error:
            raise EvaluationError(f"{weights} is not the listener ({error}); install gapt-bridge again.") from error
        self.net.requires_grad_(False).eval()

    @property
    def told(self) -> str:
        """How it was trained, as part of a sentence."""
        recipe = self.recipe
        return (
            f"seed {recipe['seed']}, step {recipe['step']} of {recipe['steps']}, {recipe['batch']} crops a step, "
            f"selection {recipe['selection']}"
        )

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


def digest(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 of all tensors in the order of their names: name, type, shape and content of each."""
    content = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        content.update(f"{name} {tensor.dtype} {list(tensor.shape)}\n".encode() + tensor.numpy().tobytes())
    return content.hexdigest()


def _read(weights: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    with safe_open(weights, "pt") as file:
        told = file.metadata() or {}
        tensors = {name: file.get_tensor(name) for name in sorted(file.keys())}
    if digest(tensors) != told["sha256"]:
        raise ValueError("its weights are not those that it tells of")
    return tensors, json.loads(told["recipe"])
