"""Several processes at one run, by torch's own launcher: each rolls out rows of its own, gradients are averaged."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, distributed, nn


class Ranks:
    """What the processes of a run do together; alone, each of these does nothing.

    `torchrun --nproc-per-node N -m bridge.cli train gapt ...` sets what `joined` reads from the environment.
    """

    def __init__(self, rank: int = 0, size: int = 1) -> None:
        self.rank = rank
        self.size = size

    @classmethod
    @contextmanager
    def joined(cls) -> Iterator[Ranks]:
        """Meet the other processes, if a launcher started some: over NCCL with a GPU each, else over gloo."""
        size = int(os.environ.get("WORLD_SIZE", "1"))
        if size == 1:
            yield cls()
            return
        if torch.cuda.is_available():
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
        try:
            yield cls(distributed.get_rank(), size)
        finally:
            distributed.destroy_process_group()

    def average(self, net: nn.Module) -> None:
        """Replace the gradients by their mean over the processes."""
        if self.size > 1:
            for parameter in net.parameters():
                if parameter.grad is not None:
                    distributed.all_reduce(parameter.grad)
                    parameter.grad /= self.size

    def sums(self, values: Tensor) -> Tensor:
        """The sum of `values` over the processes."""
        if self.size > 1:
            values = values.clone()
            distributed.all_reduce(values)
        return values

    def mean(self, value: float) -> float:
        """The mean of one figure over the processes, so that all of them decide alike."""
        return float(self.sums(torch.tensor(value, dtype=torch.float64))) / self.size
