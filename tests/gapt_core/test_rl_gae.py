"""Advantages against the sum that defines them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from gapt_core.rl import kernels
from gapt_core.rl.gae import advantages

TIME = 9


def episode_batch(seed: int, lengths: list[int]) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Rewards, values, valid, ended and bootstrap; noise past the end too, which must not matter."""
    torch.manual_seed(seed)
    count = len(lengths)
    valid = torch.arange(TIME) < torch.tensor(lengths)[:, None]
    ended = torch.arange(count) % 2 == 0
    return torch.randn(count, TIME), torch.randn(count, TIME), valid, ended, torch.randn(count)


def double_sum(batch: tuple[Tensor, ...], discount: float, trace: float) -> np.ndarray:
    """A_t = sum over l of (discount * trace)^l (r_{t+l} + discount V_{t+l+1} - V_{t+l}), in float64."""
    rewards, values, valid, ended, bootstrap = (part.numpy() for part in batch)
    result = np.zeros(rewards.shape)
    for row, length in enumerate(valid.sum(1)):
        known = [*values[row, :length].astype(float), 0.0 if ended[row] else float(bootstrap[row])]
        for start in range(length):
            result[row, start] = sum(
                (discount * trace) ** (frame - start)
                * (float(rewards[row, frame]) + discount * known[frame + 1] - known[frame])
                for frame in range(start, length)
            )
    return result


@given(st.integers(0, 99), st.lists(st.integers(0, TIME), min_size=1, max_size=4), st.floats(0, 1), st.floats(0, 1))
def test_advantages_are_their_double_sum(seed: int, lengths: list[int], discount: float, trace: float) -> None:
    batch = episode_batch(seed, lengths)
    advantage, returns = advantages(*batch, discount=discount, trace=trace)
    assert advantage.dtype == returns.dtype == torch.float32
    np.testing.assert_allclose(advantage, double_sum(batch, discount, trace), atol=1e-5)
    np.testing.assert_allclose(returns, torch.where(batch[2], advantage + batch[1], 0.0), atol=1e-6)


@given(st.integers(0, 99), st.lists(st.integers(0, TIME), min_size=1, max_size=4))
def test_the_kernel_is_its_twin(seed: int, lengths: list[int]) -> None:
    rewards, values, _, _, after = (part.numpy().astype(float) for part in episode_batch(seed, lengths))
    call = (rewards, values, np.array(lengths), after, 0.9, 0.8)
    np.testing.assert_allclose(kernels.advantages(*call), kernels.advantages.py_func(*call), rtol=1e-12)


def test_a_trace_of_1_leaves_the_discounted_return() -> None:
    rewards, values, valid, ended, bootstrap = episode_batch(0, [3, 4])
    _, returns = advantages(rewards, values, valid, ended, bootstrap, discount=0.5, trace=1.0)
    first, second = rewards.tolist()
    assert returns[0, 0].item() == pytest.approx(first[0] + first[1] / 2 + first[2] / 4, rel=1e-5)
    assert returns[1, 2].item() == pytest.approx(second[2] + second[3] / 2 + bootstrap[1].item() / 4, rel=1e-5)


def test_a_trace_of_0_looks_one_step_ahead() -> None:
    rewards, values, valid, ended, bootstrap = episode_batch(1, [3, 3])
    advantage, _ = advantages(rewards, values, valid, ended, bootstrap, discount=0.5, trace=0.0)
    torch.testing.assert_close(advantage[:, :2], (rewards + values.roll(-1, 1) / 2 - values)[:, :2])
    torch.testing.assert_close(advantage[0, 2], (rewards - values)[0, 2])
    torch.testing.assert_close(advantage[1, 2], (rewards - values)[1, 2] + bootstrap[1] / 2)


def test_nothing_is_given_past_the_end() -> None:
    batch = episode_batch(2, [0, 5, TIME])
    for scores in advantages(*batch):
        assert not scores[~batch[2]].any()
        assert scores[batch[2]].all()


def test_values_get_no_gradient_through_their_targets() -> None:
    rewards, values, valid, ended, bootstrap = episode_batch(3, [4])
    _, returns = advantages(rewards, values.requires_grad_(), valid, ended, bootstrap)
    assert not returns.requires_grad
