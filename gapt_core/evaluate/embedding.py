"""The seam of what says how alike two chord tracks are, and its plain form, which needs no training."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from gapt_core.metrics import chord_embedding

Embedder = Callable[[Sequence[NDArray[np.int64]]], NDArray[np.float64]]
"""Chord tracks, tokens `[frames]` each, to rows of length 1, `[tracks, features]`."""


def histogram_rows(chords: Sequence[NDArray[np.int64]]) -> NDArray[np.float64]:
    """The `Embedder` of `gapt_core.metrics.chord_embedding`."""
    return np.stack([chord_embedding(chord) for chord in chords])
