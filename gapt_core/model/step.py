"""One frame at a time: the net of `gapt_core.model.policy` with a ring-buffer cache, scriptable.

A step costs the same however long the session. Looking ahead is step, step, ..., rewind: what was
imagined past the cursor is written into spare slots and never seen again once the cursor is set back.
"""

from typing import Tuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from gapt_core.model.policy import Block, PolicyNet, rms_norm, rotary_angles, rotate

NEVER = -(1 << 40)
"""Position of a slot that holds nothing."""


class StepBlock(nn.Module):
    """One `Block` with its keys and values of the last frames, in slots; `[batch, heads, slots, head_width]`."""

    keys: Tensor
    values: Tensor

    def __init__(self, block: Block, batch: int, slots: int) -> None:
        super().__init__()
        self.heads = block.heads
        self.head_width = block.head_width
        self.splits = block.splits
        self.norm = block.norm
        self.query_norm = block.query_norm
        self.key_norm = block.key_norm
        self.enter = block.enter
        self.leave = block.leave
        shape = (batch, block.heads, slots, block.head_width)
        self.register_buffer("keys", torch.zeros(shape), persistent=False)
        self.register_buffer("values", torch.zeros(shape), persistent=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, slot: int, bias: Tensor) -> Tensor:
        batch, width = x.shape
        parts = self.enter(rms_norm(x, self.norm)).split(self.splits, dim=-1)
        query = parts[0].view(batch, self.heads, 1, self.head_width)
        key = parts[1].view(batch, self.heads, 1, self.head_width)
        query = rotate(rms_norm(query, self.query_norm), cos, sin)
        key = rotate(rms_norm(key, self.key_norm), cos, sin)
        self.keys[:, :, slot] = key[:, :, 0]
        self.values[:, :, slot] = parts[2].view(batch, self.heads, self.head_width)
        mixed = functional.scaled_dot_product_attention(query, self.keys, self.values, attn_mask=bias)
        mixed = mixed.view(batch, width)
        return x + self.leave(torch.cat((mixed, functional.silu(parts[3]) * parts[4]), dim=-1))


class Stepper(nn.Module):
    """The policy as the live way uses it; compile with `torch.jit.script` or use as it is.

    Args:
        net: the trained net; its weights are shared, not copied.
        batch: how many songs are stepped at once.
        spare: how many frames may be imagined before a `rewind`.
    """

    slots: Tensor

    def __init__(self, net: PolicyNet, batch: int = 1, spare: int = 64) -> None:
        super().__init__()
        self.window = net.config.window
        self.capacity = net.config.window + spare
        self.head_width = net.config.width // net.config.heads
        self.position = 0
        self.never = NEVER
        with torch.no_grad():
            self.melody_in = nn.Parameter(net.melody_in().clone(), requires_grad=False)
            self.chord_in = nn.Parameter(net.chord_in().clone(), requires_grad=False)
            self.now_in = nn.Parameter(net.now_in().clone(), requires_grad=False)
            self.chord_out = nn.Parameter(net.chord_out().clone(), requires_grad=False)
            self.melody_out = nn.Parameter(net.melody_out().clone(), requires_grad=False)
        self.place_in = net.place_in
        self.bar_in = net.bar_in
        self.beat_in = net.beat_in
        self.place_in_beat = net.place_in_beat
        self.style_in = net.style_in
        self.blocks = nn.ModuleList(StepBlock(block, batch, self.capacity) for block in net.blocks)
        self.norm = net.norm
        self.register_buffer("slots", torch.full((self.capacity,), NEVER), persistent=False)

    @torch.jit.export
    def reset(self) -> None:
        """Forget everything: the next step is frame 0."""
        self.position = 0
        self.slots.fill_(self.never)

    @torch.jit.export
    def rewind(self, position: int) -> None:
        """Set the cursor back to `position`; steps taken past it are as if never taken."""
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
        self.slots[slot] = self.position
        distance = self.position - self.slots
        seen = (distance >= 0) & (distance < self.window)
        bias = torch.zeros(1, self.capacity, device=x.device).masked_fill_(~seen, float("-inf"))
        where = torch.full((1,), self.position, device=x.device)
        cos, sin = rotary_angles(where, self.head_width)
        for block in self.blocks:
            x = block(x, cos, sin, slot, bias)
        self.position += 1
        x = rms_norm(x, self.norm)
        return functional.linear(x, self.chord_out), functional.linear(x, self.melody_out)

    @torch.jit.export
    def embed(self, melody: Tensor, chord: Tensor, now: Tensor, metre: Tensor, style: Tensor) -> Tensor:
        """What `PolicyNet.embed` is for one frame; `[batch, width]`."""
        place, bar = metre[:, 0], metre[:, 1]
        beat = metre[:, 2].clamp(1, self.beat_in.num_embeddings - 1)
        x = functional.embedding(melody, self.melody_in) + functional.embedding(chord, self.chord_in)
        x = x + functional.embedding(now, self.now_in) + self.style_in(style)
        x = x + self.place_in(place.clamp(0, self.place_in.num_embeddings - 1))
        x = x + self.bar_in(bar.clamp(0, self.bar_in.num_embeddings - 1))
        return x + self.beat_in(beat) + self.place_in_beat(place % beat)

    def forward(
        self, melody: Tensor, chord: Tensor, now: Tensor, metre: Tensor, style: Tensor
    ) -> Tuple[Tensor, Tensor]:
        return self.step(melody, chord, now, metre, style)
