"""From a preset to the net it describes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor, nn

from gapt_core.model.policy import PolicyConfig, PolicyNet
from gapt_core.vocabulary import fingerprint
from presets.errors import PresetError
from presets.manifest import WEIGHTS
from presets.preset import Preset

LIMITS = {"width": 1024, "layers": 16, "heads": 64, "feedforward": 4096, "window": 4096}
"""What a net may measure at most, so that a preset of unknown origin cannot ask for all memory."""

Net = TypeVar("Net", bound=nn.Module)


def load_policy(preset: Preset) -> PolicyNet:
    """The preset's net in single precision, ready to play.

    Raises:
        PresetError: damaged weights, another vocabulary, or a net that this version cannot build.
    """
    preset.require_vocabulary(fingerprint())
    try:
        config = PolicyConfig(**sane_dimensions(preset.manifest.network))
        with torch.random.fork_rng(devices=[]):
            net = PolicyNet(config)
        return with_weights(net, preset.read(WEIGHTS))
    except ValueError as error:
        raise PresetError(
            f"Preset “{preset.name}” cannot be played: {error}; update gapt-bridge or install it again."
        ) from error


def sane_dimensions(described: Mapping[str, Any], names: Collection[str] = tuple(LIMITS)) -> dict[str, int]:
    """What is said of a net, where such a net may be built; `names` are all of its dimensions.

    Raises:
        ValueError: it may not; the reason, as part of a sentence.
    """
    if set(described) != set(names) or any(type(value) is not int or value < 1 for value in described.values()):
        raise ValueError("it describes a net of another kind")
    if any(described[name] > LIMITS[name] for name in names):
        raise ValueError("its net is too large")
    if described["width"] % (2 * described["heads"]):
        raise ValueError("its net's width is not divisible by twice its heads")
    return dict(described)


def with_weights(net: Net, content: bytes) -> Net:
    """`net` with the weights in `content`, safetensors; no gradients, no dropout.

    Raises:
        ValueError: they are not its weights; the reason, as part of a sentence.
    """
    try:
        tensors = load(content)
    except SafetensorError as error:
        raise ValueError(f"its weights are not safetensors ({error})") from error
    if not all(_is_finite(tensor) for tensor in tensors.values()):
        raise ValueError("its weights are not all finite numbers")
    if _shapes(net.state_dict()) != _shapes(tensors):
        raise ValueError("its weights are not those of the net it describes")
    net.load_state_dict(tensors)
    return net.requires_grad_(False).eval()


def _shapes(tensors: Mapping[str, Tensor]) -> dict[str, torch.Size]:
    return {name: tensor.shape for name, tensor in tensors.items()}


def _is_finite(tensor: Tensor) -> bool:
    return tensor.is_floating_point() and bool(tensor.isfinite().all())
