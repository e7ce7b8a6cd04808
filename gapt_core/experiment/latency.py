"""How long a step of a policy takes, beside a fresh net of the same dimensions, on the machine that asks."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import torch

from gapt_core.experiment.folder import LATENCY
from gapt_core.model.policy import HIDDEN, PolicyNet
from gapt_core.model.step import Stepper
from presets.files import write_atomically

WARM_UP = 32


def measure_latency(net: PolicyNet, frames: int) -> dict[str, float]:
    """Milliseconds of a step of one song: median `p50`, `p95`, and the median over that of a fresh net, `ratio`.

    The two take turns, so that whatever else the machine does slows both alike.
    """
    with torch.random.fork_rng(devices=[]):
        fresh = PolicyNet(net.config).eval()
    clocks = [_Clock(net), _Clock(fresh)]
    for _ in range(WARM_UP + frames):
        for clock in clocks:
            clock.step()
    own, other = (np.array(clock.milliseconds[WARM_UP:]) for clock in clocks)
    p50, p95 = np.percentile(own, (50, 95))
    return {"p50": float(p50), "p95": float(p95), "ratio": float(p50 / np.median(other))}


def write_latency(folder: Path, figures: dict[str, float]) -> None:
    """Write them into a run's folder."""
    write_atomically(folder / LATENCY, (json.dumps(figures) + "\n").encode())


class _Clock:
    """A net that is stepped on and on over silence, and how long each step took."""

    def __init__(self, net: PolicyNet) -> None:
        self._stepper = Stepper(net.cpu(), batch=1, spare=1).eval()
        self._token = torch.zeros(1, dtype=torch.long)
        self._metre = torch.tensor([[0, 4, 0]])
        self.milliseconds: list[float] = []

    @torch.inference_mode()
    def step(self) -> None:
        started = time.perf_counter()
        token = self._token
        self._stepper.step(token, token, torch.full_like(token, HIDDEN), self._metre, token)
        self.milliseconds.append(1000 * (time.perf_counter() - started))
