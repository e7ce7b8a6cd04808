"""What a token is made of, as multi-hot rows: the nets learn parts (root, quality, pitch class) and sums of parts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gapt_core.chords import CHORD_COUNT, QUALITY_NAMES, chord_at
from gapt_core.vocabulary import PITCH_COUNT

Rows = NDArray[np.float32]


def chord_identity() -> Rows:
    """Root, quality, pitch classes and identity of every chord; `[CHORD_COUNT, features]`."""
    rows = np.zeros((CHORD_COUNT, 12 + len(QUALITY_NAMES) + 12 + CHORD_COUNT), dtype=np.float32)
    for index in range(CHORD_COUNT):
        chord = chord_at(index)
        pitch_classes = 12 + len(QUALITY_NAMES)
        rows[index, chord.root] = 1
        rows[index, 12 + QUALITY_NAMES.index(chord.quality)] = 1
        rows[index, [pitch_classes + pitch_class for pitch_class in chord.pitch_classes]] = 1
        rows[index, pitch_classes + 12 + index] = 1
    return rows


def pitch_identity() -> Rows:
    """Pitch class, octave and pitch of every pitch; `[PITCH_COUNT, features]`."""
    pitches = np.arange(PITCH_COUNT)
    return np.concatenate(
        [np.eye(12)[pitches % 12], np.eye(11)[pitches // 12], np.eye(PITCH_COUNT)], axis=1, dtype=np.float32
    )


def token_rows(identity: Rows) -> Rows:
    """Rows for tokens none, onsets, holds: a kind, then the identity; `[1 + 2 * n, 3 + features]`."""
    count = len(identity)
    kinds = np.eye(3, dtype=np.float32)[[0] + [1] * count + [2] * count]
    identities = np.concatenate([np.zeros((1, identity.shape[1]), np.float32), identity, identity])
    return np.concatenate([kinds, identities], axis=1)


def action_rows(identity: Rows) -> Rows:
    """Rows for actions none, onsets, hold; `[n + 2, 3 + features]`."""
    count = len(identity)
    kinds = np.eye(3, dtype=np.float32)[[0] + [1] * count + [2]]
    empty = np.zeros((1, identity.shape[1]), np.float32)
    return np.concatenate([kinds, np.concatenate([empty, identity, empty])], axis=1)
