"""From a preset to the net it describes."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor

from gapt_core.model.policy import PolicyConfig, PolicyNet
from gapt_core.vocabulary import fingerprint
from presets.errors import PresetError
from presets.manifest import WEIGHTS
from presets.preset import Preset

LIMITS = {"width": 1024, "layers": 16, "heads": 64, "feedforward": 4096, "window": 4096}
"""What a net may measure at most, so that a preset of unknown origin cannot ask for all memory."""


def load_policy(preset: Preset) -> PolicyNet:
    """The preset's net in single precision, ready to play.

    Raises:
        PresetError: damaged weights, another vocabulary, or a net that this version cannot build.
    """
    preset.require_vocabulary(fingerprint())
    config = _config(preset)
    try:
        tensors = load(preset.read(WEIGHTS))
    except SafetensorError as error:
        raise PresetError(f"{preset.weights} is not safetensors ({error}): install the preset again.") from error
    if not all(_is_finite(tensor) for tensor in tensors.values()):
        raise _unfit(preset, "its weights are not all finite numbers")
    with torch.random.fork_rng(devices=[]):
        net = PolicyNet(config)
    if _shapes(net.state_dict()) != _shapes(tensors):
        raise _unfit(preset, "its weights are not those of the net it describes")
    net.load_state_dict(tensors)
    return net.requires_grad_(False).eval()


def _config(preset: Preset) -> PolicyConfig:
    network = dict(preset.manifest.network)
    if set(network) != set(LIMITS):
        raise _unfit(preset, "it describes a net of another kind")
    if any(network[name] > limit for name, limit in LIMITS.items()):
        raise _unfit(preset, "its net is too large to play live")
    if network["width"] % (2 * network["heads"]):
        raise _unfit(preset, "its net's width is not divisible by twice its heads")
    return PolicyConfig(**network)


def _shapes(tensors: Mapping[str, Tensor]) -> dict[str, torch.Size]:
    return {name: tensor.shape for name, tensor in tensors.items()}


def _is_finite(tensor: Tensor) -> bool:
    return tensor.is_floating_point() and bool(tensor.isfinite().all())


def _unfit(preset: Preset, reason: str) -> PresetError:
    return PresetError(f"Preset “{preset.name}” cannot be played: {reason}; update gapt-bridge or install it again.")
