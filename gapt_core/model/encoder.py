"""A bidirectional encoder over frames: the policy's blocks, but every frame attends to every frame that is there."""

from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn

from gapt_core.model.policy import Block, PolicyConfig, rms_norm, rotary_angles


@dataclass(frozen=True)
class EncoderConfig:
    """Dimensions of an encoder."""

    width: int = 128
    layers: int = 3
    heads: int = 2
    feedforward: int = 256

    def to_dict(self) -> dict[str, int]:
        """Plain numbers, for a manifest."""
        return asdict(self)


class Encoder(nn.Module):
    """Embedded frames to states that know the whole piece."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = config
        block = PolicyConfig(config.width, config.layers, config.heads, config.feedforward)
        self.blocks = nn.ModuleList(Block(block) for _ in range(config.layers))
        self.norm = nn.Parameter(torch.ones(config.width))

    def forward(self, x: Tensor, valid: Tensor) -> Tensor:
        """Normed states `[batch, time, width]`; `valid` `[batch, time]`, and no row without a valid frame."""
        positions = torch.arange(x.shape[1], device=x.device)
        cos, sin = rotary_angles(positions, self.config.width // self.config.heads)
        mask = valid[:, None, None, :]
        for block in self.blocks:
            x = block(x, cos, sin, mask)
        return rms_norm(x, self.norm)


def mean_over(x: Tensor, valid: Tensor) -> Tensor:
    """Mean over the valid frames; `[batch, width]`."""
    weight = valid.to(x.dtype)[..., None]
    return (x * weight).sum(1) / weight.sum(1)
