"""How long one chord may go on before a change is asked for, in play and in evaluation alike.

A policy that conditions on its own long hold believes in it more and more. Past `FREE_FRAMES` every further
`FRAMES_PER_NAT` frames take one nat off the logit of holding on.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FREE_FRAMES = 64
"""Four bars of 4/4."""

FRAMES_PER_NAT = 16
"""One bar of 4/4."""


def hold_penalty(held_frames: int | NDArray[np.int64]) -> NDArray[np.float64]:
    """What comes off the logit of holding on to a chord that has sounded for `held_frames`, in nats; of one or many."""
    return np.maximum(0, held_frames - FREE_FRAMES) / FRAMES_PER_NAT
