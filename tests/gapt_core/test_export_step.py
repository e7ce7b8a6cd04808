"""The step against the whole pass, the compiled step against the eager one, and what `rewind` promises."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_policy import TINY, random_input, tiny_net
from torch import Tensor

from gapt_core.export.script import compile_stepper
from gapt_core.model.policy import PolicyInput
from gapt_core.model.step import Stepper

CLOSE = {"rtol": 1e-4, "atol": 1e-4}
SPARE = 6


def step(stepper: Any, seen: PolicyInput, frame: int) -> Tensor:
    """Both heads' logits of one frame, side by side; `[batch, ACTIONS + NOTE_ACTIONS]`."""
    inputs = (seen.melody[:, frame], seen.chord[:, frame], seen.now[:, frame], seen.metre[:, frame], seen.style)
    return torch.cat(stepper.step(*inputs), dim=-1)


def steps(stepper: Any, seen: PolicyInput) -> Tensor:
    """The same of all frames, one after the other; `[batch, time, ...]`."""
    return torch.stack([step(stepper, seen, frame) for frame in range(seen.melody.shape[1])], dim=1)


def cut(seen: PolicyInput, first: int) -> PolicyInput:
    """The frames from `first` on."""
    return PolicyInput(*(part[:, first:] for part in seen[:4]), seen.style)


def whole_pass(seen: PolicyInput) -> Tensor:
    return torch.cat(tiny_net()(seen), dim=-1)


@pytest.fixture(params=["eager", "compiled"])
def stepper(request: pytest.FixtureRequest) -> Any:
    eager = Stepper(tiny_net(), spare=SPARE).eval()
    return eager if request.param == "eager" else compile_stepper(eager)


@torch.no_grad()
@settings(max_examples=25)
@given(frames=st.integers(1, 4 * TINY.window), seed=st.integers(0, 99), batch=st.integers(1, 3))
def test_steps_are_one_pass(frames: int, seed: int, batch: int) -> None:
    seen = random_input(frames, seed, batch)
    torch.testing.assert_close(steps(Stepper(tiny_net(), batch, SPARE), seen), whole_pass(seen), **CLOSE)


@torch.no_grad()
def test_the_compiled_step_is_the_eager_one() -> None:
    eager = Stepper(tiny_net(), spare=SPARE)
    seen = random_input(3 * TINY.window)
    torch.testing.assert_close(steps(compile_stepper(eager), seen), steps(eager, seen), **CLOSE)


@torch.no_grad()
def test_what_lies_beyond_the_window_of_every_layer_is_not_heard(stepper: Any) -> None:
    seen = random_input(4 * TINY.window)
    heard = TINY.layers * (TINY.window - 1) + 1
    last = steps(stepper, seen)[:, -1]
    torch.testing.assert_close(last, whole_pass(cut(seen, 4 * TINY.window - heard))[:, -1], **CLOSE)
    assert not torch.allclose(last, whole_pass(cut(seen, 4 * TINY.window - TINY.window // 2))[:, -1], **CLOSE)


@torch.no_grad()
def test_a_session_has_no_end(stepper: Any) -> None:
    seen = random_input(4 * TINY.window)
    stepper.position = stepper.furthest = stepper.capacity * 1_000_000
    last = steps(stepper, seen)[:, -1]
    torch.testing.assert_close(last, whole_pass(seen)[:, -1], rtol=1e-3, atol=1e-3)


@torch.no_grad()
@settings(max_examples=25)
@given(looks=st.lists(st.integers(0, SPARE), min_size=1, max_size=3 * TINY.window), seed=st.integers(0, 99))
def test_what_was_rewound_was_never_imagined(looks: list[int], seed: int) -> None:
    seen = random_input(len(looks), seed)
    imagined = random_input(SPARE, seed + 1)
    stepper = Stepper(tiny_net(), spare=SPARE)
    heard = []
    for frame, look in enumerate(looks):
        heard.append(step(stepper, seen, frame))
        for ahead in range(look):
            step(stepper, imagined, ahead)
        stepper.rewind(frame + 1)
    torch.testing.assert_close(torch.stack(heard, dim=1), whole_pass(seen), **CLOSE)


@torch.no_grad()
def test_a_compiled_step_rewinds_too() -> None:
    stepper = compile_stepper(Stepper(tiny_net(), spare=SPARE))
    seen = random_input(2 * TINY.window)
    steps(stepper, seen)
    stepper.rewind(2 * TINY.window - SPARE)
    torch.testing.assert_close(step(stepper, seen, -SPARE), whole_pass(seen)[:, -SPARE], **CLOSE)


@torch.no_grad()
def test_reset_forgets_everything(stepper: Any) -> None:
    steps(stepper, random_input(2 * TINY.window, seed=1))
    stepper.reset()
    seen = random_input(5)
    assert stepper.position == 0
    torch.testing.assert_close(steps(stepper, seen), whole_pass(seen), **CLOSE)


@torch.no_grad()
def test_rewind_refuses_what_the_ring_no_longer_holds(stepper: Any) -> None:
    steps(stepper, random_input(10))
    stepper.rewind(10 - SPARE)
    for position in (-1, 10 - SPARE - 1, 11):
        with pytest.raises((ValueError, torch.jit.Error)):
            stepper.rewind(position)
    assert stepper.position == 10 - SPARE
