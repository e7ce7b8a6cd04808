"""One gradient step, and what takes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor, nn, optim

from gapt_core.train.run import Recipe


def make_optimisers(net: nn.Module, config: Recipe) -> list[optim.Optimizer]:
    """AdamW for vectors and tables, Muon for the matrices of the blocks; only these decay."""
    matrices: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for name, parameter in net.named_parameters():
        (matrices if "blocks" in name.split(".") and parameter.ndim == 2 else others).append(parameter)
    adam = optim.AdamW(others, config.rate, betas=(0.9, 0.98), weight_decay=0.0, fused=True)
    return [adam, optim.Muon(matrices, config.matrix_rate, weight_decay=config.weight_decay)]


def alone(net: nn.Module) -> None:
    """What a process with no others does to its gradients: nothing."""


def descend(
    loss: Tensor,
    net: nn.Module,
    optimisers: Sequence[optim.Optimizer],
    clip: float,
    average: Callable[[nn.Module], None] = alone,
) -> Tensor:
    """One gradient step of `net`, its gradient cut to the norm `clip`; the norm before.

    Several processes at one net give `average`, which replaces its gradients by their mean over all of them.
    """
    for optimiser in optimisers:
        optimiser.zero_grad(set_to_none=True)
    loss.backward()
    average(net)
    norm = nn.utils.clip_grad_norm_(net.parameters(), clip)
    for optimiser in optimisers:
        optimiser.step()
    return norm
