"""Presets small enough for a test: real manifests, real safetensors, no music in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

from presets.preset import Preset, write_preset

CARD = "# A tiny preset\n\nIt was trained on nothing.\n"


def tiny_fields(**changes: Any) -> dict[str, Any]:
    """Manifest fields as `write_preset` takes them."""
    fields: dict[str, Any] = {
        "version": "1.0.0",
        "description": "A preset for tests.",
        "licence": "CC0-1.0",
        "training": {
            "selection": "all",
            "data": [{"name": "hymns", "style": "hymn", "songs": 3, "licence": "public domain"}],
            "recipe": {"steps": 2, "seed": 7},
        },
        "vocabulary": "0" * 64,
        "network": {"width": 2, "layers": 1},
        "figures": {"hymns": {"react": {"note_in_chord": 0.5, "silence": None}}},
        "sampling": {"mode": "react", "temperature": 1.0, "density": 0.0},
    }
    return {**fields, **changes}


def tiny_weights(seed: int = 0) -> bytes:
    """Ten numbers in two tensors, as safetensors."""
    random = np.random.default_rng(seed)
    return save({"a.weight": random.random((2, 3), np.float32).astype(np.float16), "b": np.arange(4, dtype=np.float32)})


def write_tiny(folder: Path, **changes: Any) -> Preset:
    """A whole preset at `folder`."""
    members = {"policy.safetensors": tiny_weights(), "card.md": CARD.encode()}
    return write_preset(folder, tiny_fields(**changes), members)
