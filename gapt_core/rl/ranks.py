"""Several processes at one run, by torch's own launcher: each rolls out rows of its own, gradients are averaged."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch
from torch import Tensor, distributed, nn

T = TypeVar("T")


class Ranks:
    """What the processes of a run do together; alone, each of these does nothing.

    `torchrun --nproc-per-node N --no-python gapt train gapt ...` sets what `joined` reads from the environment.
    """

    def __init__(self, rank: int = 0, size: int = 1) -> None:
        self.rank = rank
        self.size = size

    @classmethod
    @contextmanager
    def joined(cls) -> Iterator[Ranks]:
        """Meet the other processes, if a launcher started some.

        What is on GPUs, one a process, goes over NCCL, what is not over gloo.
        """
        size = int(os.environ.get("WORLD_SIZE", "1"))
        if size == 1:
            yield cls()
            return
        if torch.cuda.is_available():
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        distributed.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")
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
        return self.means({"": value})[""]

    def means(self, figures: dict[str, float]) -> dict[str, float]:
        """The mean of each figure over the processes, which have the same ones."""
        total = self.sums(torch.tensor(list(figures.values()), dtype=torch.float64)) / self.size
        return dict(zip(figures, total.tolist(), strict=True))

    def gathered(self, own: T) -> list[T]:
        """What each process has, in the order of their ranks."""
        everyone = [own] * self.size
        if self.size > 1:
            distributed.all_gather_object(everyone, own)
        return everyone
