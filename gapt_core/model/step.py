"""One frame at a time: the net of `gapt_core.model.policy` with a ring-buffer cache, scriptable.

A step costs the same however long the session. Looking ahead is step, step, ..., rewind: what was
imagined past the cursor lies in spare slots, to which no step taken back at the cursor attends.

The arithmetic is that of the whole pass with everything constant worked out beforehand: norm weights
are multiplied into the matrices behind them, all embeddings are rows of one table, both heads are one
matrix, and the mask is a view into a fixed pattern. Matrices lie transposed, `[in, out]`, which streams
faster for a single row.
"""

from typing import List, Tuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from gapt_core.model.policy import Block, PolicyNet

EPSILON = 1e-6


class Unit(nn.Module):
    """Scales the last dimension to length 1: root mean square norm but for a factor that is in the weights."""

    floor: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("floor", torch.full((1,), (EPSILON * width) ** 0.5))

    def forward(self, x: Tensor) -> Tensor:
        return x / torch.hypot(torch.linalg.vector_norm(x, dim=-1, keepdim=True), self.floor)


class StepBlock(nn.Module):
    """One `Block` with its keys and values of the last frames, in slots; `[batch, heads, slots, head_width]`."""

    keys: Tensor
    values: Tensor
    enter: Tensor
    leave: Tensor

    def __init__(self, block: Block, batch: int, slots: int, cache: torch.dtype) -> None:
        super().__init__()
        self.heads = block.heads
        self.head_width = block.head_width
        self.width = block.heads * block.head_width
        self.feedforward = block.splits[-1]
        self.unit = Unit(self.width)
        self.head_unit = Unit(self.head_width)
        shape = (batch, block.heads, slots, block.head_width)
        self.register_buffer("keys", torch.zeros(shape, dtype=cache), persistent=False)
        self.register_buffer("values", torch.zeros(shape, dtype=cache), persistent=False)
        self.register_buffer("enter", _inwards(block.enter.weight, block.norm))
        self.register_buffer("leave", block.leave.weight.detach().t().contiguous())

    def forward(self, x: Tensor, near: Tensor, far: Tensor, slot: Tensor, bias: Tensor) -> Tensor:
        """`bias` is as long as the slots that are attended to: all, or those in use so far."""
        batch, heads, width = x.shape[0], self.heads, self.width
        parts = torch.mm(self.unit(x), self.enter)
        turned = self.turn(parts.narrow(1, 0, 2 * width), near, far).to(self.keys.dtype)
        self.keys.index_copy_(2, slot, turned.narrow(1, heads, heads))
        value = parts.narrow(1, 2 * width, width).view(batch, heads, 1, self.head_width)
        self.values.index_copy_(2, slot, value.to(self.values.dtype))
        query = turned.narrow(1, 0, heads)
        used = bias.shape[-1]
        keys, values = self.keys.narrow(2, 0, used), self.values.narrow(2, 0, used)
        mixed = functional.scaled_dot_product_attention(query, keys, values, attn_mask=bias).to(x.dtype)
        gate = functional.silu(parts.narrow(1, 3 * width, self.feedforward))
        gated = gate * parts.narrow(1, 3 * width + self.feedforward, self.feedforward)
        return torch.addmm(x, torch.cat((mixed.reshape(batch, width), gated), dim=1), self.leave)

    def turn(self, pair: Tensor, near: Tensor, far: Tensor) -> Tensor:
        """Query and key heads, normed and rotated; `[batch, 2 * heads, 1, head_width]`."""
        shape = (pair.shape[0], 2 * self.heads, self.head_width)
        unit = self.head_unit(pair.view(shape))
        crossed = unit.view(shape[0], shape[1], 2, self.head_width // 2).flip(2).view(shape)
        return torch.addcmul(unit * near, crossed, far).unsqueeze(2)


class Stepper(nn.Module):
    """The policy as the live way uses it; compile with `torch.jit.script` or use as it is.

    Args:
        net: the trained net; its weights are copied, so after more training a new one is needed.
        batch: how many songs are stepped at once.
        spare: how many frames may be imagined before a `rewind`.
        cache: what keys and values are kept in; for many songs at once, half precision is twice as quick.
    """

    table: Tensor
    offsets: Tensor
    lowest: Tensor
    highest: Tensor
    out: Tensor
    rates: Tensor
    near: Tensor
    far: Tensor
    pattern: Tensor

    def __init__(self, net: PolicyNet, batch: int = 1, spare: int = 64, cache: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.window = net.config.window
        self.spare = spare
        self.capacity = net.config.window + spare
        self.position = 0
        self.furthest = 0
        self.chord_actions = net.chord_out.rows.shape[0]
        self.note_actions = net.melody_out.rows.shape[0]
        self.unit = Unit(net.config.width)
        self.blocks = nn.ModuleList(StepBlock(block, batch, self.capacity, cache) for block in _blocks(net))
        with torch.no_grad():
            self._stack_tables(net)
            self._stack_turns(net)
            self.register_buffer("out", _inwards(torch.cat((net.chord_out(), net.melody_out())), net.norm))
        self.register_buffer("pattern", _mask_pattern(self.window, self.capacity).to(cache))

    def _stack_tables(self, net: PolicyNet) -> None:
        tokens = [net.melody_in(), net.chord_in(), net.now_in(), net.style_in.weight]
        places = [net.place_in.weight, net.bar_in.weight, net.beat_in.weight, net.place_in_beat.weight]
        sizes = torch.tensor([len(rows) for rows in tokens + places])
        self.register_buffer("table", torch.cat(tokens + places))
        self.register_buffer("offsets", sizes.cumsum(0) - sizes)
        self.register_buffer("lowest", torch.tensor([0, 0, 1]))
        self.register_buffer("highest", sizes[4:7] - 1)

    def _stack_turns(self, net: PolicyNet) -> None:
        """What cosine and sine are multiplied with, `[layers, 2 * heads, head_width]`, and how fast they turn."""
        heads = net.config.heads
        width = net.config.width // heads
        norms = [block.query_norm.expand(heads, -1) for block in _blocks(net)]
        norms += [block.key_norm.expand(heads, -1) for block in _blocks(net)]
        near = torch.stack(norms).view(2, len(net.blocks), heads, width).transpose(0, 1).flatten(1, 2) * width**0.5
        first, second = near.chunk(2, dim=-1)
        steps = torch.arange(0, width, 2, dtype=torch.float64)
        rates = torch.pow(torch.tensor(10000.0, dtype=torch.float64), -steps / width)
        self.register_buffer("near", near.contiguous())
        self.register_buffer("far", torch.cat((-second, first), dim=-1))
        self.register_buffer("rates", torch.cat((rates, rates)))

    @torch.jit.export
    def reset(self) -> None:
        """Forget everything: the next step is frame 0."""
        self.position = 0
        self.furthest = 0

    @torch.jit.export
    def rewind(self, position: int) -> None:
        """Set the cursor back to `position`; steps taken past it are as if never taken.

        Raises:
            ValueError: `position` lies ahead, or more than `spare` frames behind the furthest step taken.
        """
        if position < 0 or position > self.position or self.furthest - position > self.spare:
            raise ValueError("rewind goes back, and at most `spare` frames behind the furthest step")
        self.position = position

    @torch.jit.export
    def step(self, melody: Tensor, chord: Tensor, now: Tensor, metre: Tensor, style: Tensor) -> Tuple[Tensor, Tensor]:
        """Logits of the next frame.

        Args:
            melody: melody token of the frame before, `[batch]`; 0 at the start.
            chord: chord token of the frame before, `[batch]`; 0 at the start.
            now: melody token of this frame, or `HIDDEN`, `[batch]`.
            metre: place in the bar, full bar, beat, in frames, `[batch, 3]`.
            style: index in `STYLES`, `[batch]`.

        Returns:
            Chord logits `[batch, ACTIONS]` and melody logits `[batch, NOTE_ACTIONS]`.
        """
        x = self.embed(melody, chord, now, metre, style)
        slot = self.position % self.capacity
        where = torch.full((1,), slot, dtype=torch.long, device=x.device)
        wrapped = int(self.position >= self.window)
        used = self.capacity
        if not torch.jit.is_scripting():  # type: ignore[attr-defined]
            # Many songs at once are slowed by their caches alone. Compiled, one shape for all steps is what is quick.
            used = min(max(self.furthest, self.position + 1), self.capacity)
        bias = self.pattern[wrapped].narrow(0, self.capacity - slot, used).unsqueeze(0)
        angles = self.rates * float(self.position)
        near = self.near * angles.cos().to(torch.float32)
        far = self.far * angles.sin().to(torch.float32)
        for layer, block in enumerate(self.blocks):
            x = block(x, near[layer], far[layer], where, bias)
        self.position += 1
        self.furthest = max(self.furthest, self.position)
        logits = torch.mm(self.unit(x), self.out)
        return logits.narrow(1, 0, self.chord_actions), logits.narrow(1, self.chord_actions, self.note_actions)

    @torch.jit.export
    def embed(self, melody: Tensor, chord: Tensor, now: Tensor, metre: Tensor, style: Tensor) -> Tensor:
        """What `PolicyNet.embed` is for one frame; `[batch, width]`."""
        metre_rows = torch.clamp(metre, self.lowest, self.highest)
        in_beat = metre.narrow(1, 0, 1) % metre_rows.narrow(1, 2, 1)
        tokens = torch.stack((melody, chord, now, style), dim=1)
        rows = torch.cat((tokens, metre_rows, in_beat), dim=1) + self.offsets
        return functional.embedding(rows, self.table).sum(1)

    def forward(
        self, melody: Tensor, chord: Tensor, now: Tensor, metre: Tensor, style: Tensor
    ) -> Tuple[Tensor, Tensor]:
        return self.step(melody, chord, now, metre, style)


def _blocks(net: PolicyNet) -> List[Block]:
    return [cast(Block, block) for block in net.blocks]


def _inwards(weight: Tensor, norm: Tensor) -> Tensor:
    """A matrix `[out, in]` behind a root mean square norm, transposed, with the norm's weights in it."""
    with torch.no_grad():
        return (weight * norm * weight.shape[1] ** 0.5).t().contiguous()


def _mask_pattern(window: int, capacity: int) -> Tensor:
    """Added to scores by slot less the cursor's slot, from `-capacity` on; `[2, 2 * capacity]`.

    Row 0 serves until the ring has gone round, when slots ahead of the cursor hold nothing; row 1 after.
    """
    distance = torch.arange(-capacity, capacity)
    behind = (distance <= 0) & (distance > -window)
    wrapped = behind | (distance > capacity - window)
    return torch.zeros(2, 2 * capacity).masked_fill_(~torch.stack((behind, wrapped)), float("-inf"))
