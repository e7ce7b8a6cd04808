"""Generalised advantage estimation (Schulman et al. 2016) over the frames of a batch of duets (GAPT, method §8)."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gapt_core.rl import kernels


def advantages(
    rewards: Tensor,
    values: Tensor,
    valid: Tensor,
    ended: Tensor,
    bootstrap: Tensor,
    discount: float = 1.0,
    trace: float = 0.95,
) -> tuple[Tensor, Tensor]:
    """Advantages and the returns that the values should have been; float32 `[batch, time]`, 0 past the end of a piece.

    Args:
        rewards: of the chord at each frame; `[batch, time]`.
        values: of the state before the chord at each frame; `[batch, time]`.
        valid: bool `[batch, time]`, a prefix of each row. One frame is one chord, so each valid frame is a step.
        ended: bool `[batch]`; past the end of a piece nothing is to be had.
        bootstrap: value of the state after the last valid frame, for pieces that were cut; `[batch]`.
        discount: of what comes one frame later.
        trace: λ of the estimate: 0 trusts the values alone, 1 the rewards alone.
    """
    after = torch.where(ended, torch.zeros_like(bootstrap), bootstrap)
    lengths = np.ascontiguousarray(valid.sum(1).cpu().numpy())
    estimates = kernels.advantages(_host(rewards), _host(values), lengths, _host(after), discount, trace)
    advantage = torch.from_numpy(estimates).float().to(rewards.device)
    return advantage, torch.where(valid, advantage + values.detach().float(), torch.zeros_like(advantage))


def _host(tensor: Tensor) -> NDArray[np.float64]:
    return np.ascontiguousarray(tensor.detach().double().cpu().numpy())
