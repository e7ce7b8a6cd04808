"""From a trained net to a preset on disk."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import nn

from gapt_core.errors import ExportError
from gapt_core.model.policy import PolicyNet
from gapt_core.vocabulary import fingerprint
from presets.manifest import CARD, WEIGHTS
from presets.preset import Preset, write_preset


def export_preset(
    net: PolicyNet,
    folder: Path,
    fields: Mapping[str, Any],
    card: str,
    *,
    kit: Mapping[str, bytes] | None = None,
    replace: bool = False,
) -> Preset:
    """Write `net` in half precision as the preset `folder`, whole or not at all.

    Args:
        fields: what `presets.preset.write_preset` takes, but for the vocabulary's fingerprint and the net's
            dimensions, which are worked out here.
        card: the model card, Markdown.
        kit: the members of a training kit, if one rides along.
        replace: whether a preset that is there already gives way.

    Raises:
        ExportError: a weight is not finite in half precision.
        PresetError: the preset cannot be written.
    """
    described = {**fields, "vocabulary": fingerprint(), "network": net.config.to_dict()}
    members = {WEIGHTS: weights_bytes(net), CARD: card.encode(), **(kit or {})}
    return write_preset(folder, described, members, replace=replace)


def weights_bytes(net: nn.Module) -> bytes:
    """The weights as safetensors in half precision; equal weights give equal bytes.

    Raises:
        ExportError: a weight is not finite in half precision.
    """
    halves = {name: tensor.detach().cpu().half().contiguous() for name, tensor in net.state_dict().items()}
    bad = [name for name, tensor in halves.items() if not torch.isfinite(tensor).all()]
    if bad:
        raise ExportError(f"The weights {', '.join(bad)} are not finite in half precision: train on, or train anew.")
    return save(halves)
