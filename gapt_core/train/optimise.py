"""One gradient step, and what takes it."""

from __future__ import annotations

from collections.abc import Sequence

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


def descend(loss: Tensor, net: nn.Module, optimisers: Sequence[optim.Optimizer], clip: float) -> None:
    """One gradient step of `net`, its gradient cut to the norm `clip`."""
    for optimiser in optimisers:
        optimiser.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(net.parameters(), clip)
    for optimiser in optimisers:
        optimiser.step()
