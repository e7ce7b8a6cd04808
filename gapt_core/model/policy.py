"""The policy: one causal transformer position per frame (docs/method.md, "The net").

Position t is the sum of the embeddings of melody x[t-1], chord y[t-1], the metrical place of t, the
style, and the melody x[t] of the frame itself, shown (`react`) or hidden (`anticipate`). Two heads give
the chord policy pi(y[t] | ...) and, where x[t] is hidden, the melody prediction p(x[t] | ...).
"""

from dataclasses import asdict, dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from gapt_core.model.features import action_rows, chord_identity, pitch_identity, token_rows
from gapt_core.vocabulary import MELODY_TOKENS, STYLES

HIDDEN = MELODY_TOKENS
"""The `now` token of a frame whose melody is not known yet."""

PLACES = 64
BEATS = 16


@dataclass(frozen=True)
class PolicyConfig:
    """Dimensions of the net. `window` is how many frames back a position attends, itself included."""

    width: int = 256
    layers: int = 4
    heads: int = 4
    feedforward: int = 512
    window: int = 256

    def to_dict(self) -> dict[str, int]:
        """Plain numbers, for a manifest."""
        return asdict(self)


class PolicyInput(NamedTuple):
    """What a position sees; long tensors `[batch, time]`, `metre` `[batch, time, 3]`, `style` `[batch]`."""

    melody: Tensor
    chord: Tensor
    now: Tensor
    metre: Tensor
    style: Tensor


class PolicyOutput(NamedTuple):
    """Logits: `chord` `[batch, time, ACTIONS]`, `melody` `[batch, time, NOTE_ACTIONS]`."""

    chord: Tensor
    melody: Tensor


class FactorTable(nn.Module):
    """Vectors of a closed set of tokens, each the sum of what the token is made of; `[tokens, width]`."""

    rows: Tensor

    def __init__(self, rows: np.ndarray, width: int, scale: float) -> None:
        super().__init__()
        self.register_buffer("rows", torch.from_numpy(rows), persistent=False)
        self.weight = nn.Parameter(torch.randn(rows.shape[1], width) * scale)

    def forward(self) -> Tensor:
        return self.rows @ self.weight


def rotary_angles(positions: Tensor, head_width: int) -> tuple[Tensor, Tensor]:
    """Cosine and sine of every position, worked out in double precision so that a session has no end.

    Args:
        positions: long `[time]`.

    Returns:
        Two float tensors `[time, head_width / 2]`.
    """
    steps = torch.arange(0, head_width, 2, dtype=torch.float64, device=positions.device)
    rates = torch.pow(torch.tensor(10000.0, dtype=torch.float64, device=positions.device), -steps / head_width)
    angles = positions.to(torch.float64)[:, None] * rates
    return angles.cos().to(torch.float32), angles.sin().to(torch.float32)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary position embedding (Su et al. 2021, eq. 34); `x` `[..., time, head_width]`."""
    first, second = x.chunk(2, dim=-1)
    return torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1)


def rms_norm(x: Tensor, weight: Tensor) -> Tensor:
    """Root mean square norm over the last dimension."""
    return functional.rms_norm(x, (x.shape[-1],), weight.to(x.dtype), 1e-6)


class Block(nn.Module):
    """Attention and a gated feed-forward side by side: one matrix in, one matrix out."""

    def __init__(self, config: PolicyConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.head_width = config.width // config.heads
        self.splits = [config.width] * 3 + [config.feedforward] * 2
        self.norm = nn.Parameter(torch.ones(config.width))
        self.query_norm = nn.Parameter(torch.ones(self.head_width))
        self.key_norm = nn.Parameter(torch.ones(self.head_width))
        self.enter = nn.Linear(config.width, sum(self.splits), bias=False)
        self.leave = nn.Linear(config.width + config.feedforward, config.width, bias=False)
        nn.init.normal_(self.enter.weight, std=config.width**-0.5)
        nn.init.normal_(self.leave.weight, std=(2 * config.layers * (config.width + config.feedforward)) ** -0.5)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, mask: Tensor | None) -> Tensor:
        batch, time, width = x.shape
        parts = self.enter(rms_norm(x, self.norm)).split(self.splits, dim=-1)
        query, key, value = (p.view(batch, time, self.heads, self.head_width).transpose(1, 2) for p in parts[:3])
        query = rotate(rms_norm(query, self.query_norm), cos.to(query.dtype), sin.to(query.dtype))
        key = rotate(rms_norm(key, self.key_norm), cos.to(key.dtype), sin.to(key.dtype))
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask, is_causal=mask is None)
        mixed = mixed.transpose(1, 2).reshape(batch, time, width)
        return x + self.leave(torch.cat((mixed, functional.silu(parts[3]) * parts[4]), dim=-1))


class PolicyNet(nn.Module):
    """The whole net for training and for checking the step; see the module's docstring."""

    def __init__(self, config: PolicyConfig) -> None:
        super().__init__()
        self.config = config
        chords, pitches, width = chord_identity(), pitch_identity(), config.width
        hidden = np.eye(MELODY_TOKENS + 1, dtype=np.float32)[:, MELODY_TOKENS:]
        now_rows = np.concatenate([np.pad(token_rows(pitches), ((0, 1), (0, 0))), hidden], axis=1)
        self.melody_in = FactorTable(token_rows(pitches), width, 0.1)
        self.chord_in = FactorTable(token_rows(chords), width, 0.1)
        self.now_in = FactorTable(now_rows, width, 0.1)
        self.place_in = nn.Embedding(PLACES, width)
        self.bar_in = nn.Embedding(PLACES, width)
        self.beat_in = nn.Embedding(BEATS, width)
        self.place_in_beat = nn.Embedding(BEATS, width)
        self.style_in = nn.Embedding(len(STYLES), width)
        for table in (self.place_in, self.bar_in, self.beat_in, self.place_in_beat, self.style_in):
            nn.init.normal_(table.weight, std=0.1)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm = nn.Parameter(torch.ones(width))
        self.chord_out = FactorTable(action_rows(chords), width, 0.02)
        self.melody_out = FactorTable(action_rows(pitches), width, 0.02)

    def embed(self, seen: PolicyInput) -> Tensor:
        """Sum of everything a position is told; `[batch, time, width]`."""
        place, bar, beat = seen.metre.unbind(-1)
        beat = beat.clamp(1, BEATS - 1)
        x = functional.embedding(seen.melody, self.melody_in()) + functional.embedding(seen.chord, self.chord_in())
        x = x + functional.embedding(seen.now, self.now_in()) + self.style_in(seen.style)[:, None]
        x = x + self.place_in(place.clamp(0, PLACES - 1)) + self.bar_in(bar.clamp(0, PLACES - 1))
        return x + self.beat_in(beat) + self.place_in_beat(place % beat)

    def forward(self, seen: PolicyInput) -> PolicyOutput:
        """Logits of every position at once."""
        hidden = self.states(seen)
        return PolicyOutput(hidden @ self.chord_out().T, hidden @ self.melody_out().T)

    def states(self, seen: PolicyInput) -> Tensor:
        """Normed last states; `[batch, time, width]`."""
        return self.attend(self.embed(seen))

    def attend(self, x: Tensor) -> Tensor:
        """Normed last states of embedded positions; `[batch, time, width]`. Attends `config.window` frames back."""
        time = x.shape[1]
        positions = torch.arange(time, device=x.device)
        cos, sin = rotary_angles(positions, self.config.width // self.config.heads)
        mask = None
        if time > self.config.window:
            distance = positions[:, None] - positions
            mask = (distance >= 0) & (distance < self.config.window)
        for block in self.blocks:
            x = block(x, cos, sin, mask)
        return rms_norm(x, self.norm)
