"""How long one step of the policy takes: eager, TorchScript, and the floor, all in one run on one thread.

Usage: bench/step.py [--preset NAME] [--rounds N]. Without a preset, a net of the default size with random weights.
The floor streams the same weight bytes through bare matrix-vector products, by torch, whose kernels the step uses,
and, for comparison, by numpy. The candidates take turns, so that a busy machine disturbs all alike, at the priority
that the worker asks for. "Rested" is one call every 20 ms, when other programs have had the caches meanwhile.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch

from gapt_core.export.load import load_policy
from gapt_core.export.script import compile_stepper
from gapt_core.model.policy import HIDDEN, PolicyConfig, PolicyNet
from gapt_core.model.step import Stepper
from plugin_host.priority import raise_priority
from presets.store import Store

REST_SECONDS = 0.02
GOAL_RATIO = 2.5
GOAL_P99_MS = 3.0


def weights_of(net: PolicyNet) -> list[torch.Tensor]:
    """Every matrix that a step multiplies a vector with, `[out, in]`."""
    matrices = [matrix for block in net.blocks for matrix in (block.enter.weight, block.leave.weight)]
    return [matrix.detach().contiguous() for matrix in (*matrices, net.chord_out(), net.melody_out())]


def candidates(net: PolicyNet) -> dict[str, Callable[[], object]]:
    """What is timed, by name."""
    eager = Stepper(net).eval()
    compiled = compile_stepper(Stepper(net).eval())
    tokens = [torch.tensor([number]) for number in (61, 7, HIDDEN)]
    inputs = (*tokens, torch.tensor([[3, 16, 4]]), torch.tensor([1]))
    matrices = weights_of(net)
    vectors = [torch.randn(matrix.shape[1]) for matrix in matrices]
    arrays = [(matrix.numpy(), vector.numpy()) for matrix, vector in zip(matrices, vectors, strict=True)]
    return {
        "floor (torch)": lambda: [torch.mv(matrix, vector) for matrix, vector in zip(matrices, vectors, strict=True)],
        "floor (numpy)": lambda: [matrix @ vector for matrix, vector in arrays],
        "eager": lambda: eager.step(*inputs),
        "TorchScript": lambda: compiled.step(*inputs),
    }


def taken_ms(call: Callable[[], object]) -> float:
    """Milliseconds of one call."""
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1e3


def measure(calls: dict[str, Callable[[], object]], rounds: int) -> dict[str, np.ndarray]:
    """Milliseconds by name; every ring is full and TorchScript settled before the first."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        for _ in range(400):
            call()
    for _ in range(rounds):
        for name, call in calls.items():
            for _ in range(5):
                call()
            times[name] += [taken_ms(call) for _ in range(20)]
    return {name: np.array(taken) for name, taken in times.items()}


def rested(call: Callable[[], object], count: int) -> np.ndarray:
    """Milliseconds of calls between which others may use the machine."""
    times = []
    for _ in range(count):
        time.sleep(REST_SECONDS)
        times.append(taken_ms(call))
    return np.array(times)


def line(name: str, times: np.ndarray, floor: float) -> str:
    """A row of the table."""
    p50, p99 = np.percentile(times, [50, 99])
    return f"{name:<22} {p50:8.3f} {p99:8.3f} {p50 / floor:8.2f}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", help="name or folder; default: random weights")
    parser.add_argument("--rounds", type=int, default=100, help="of 20 steps of each candidate (default: 100)")
    options = parser.parse_args()
    torch.set_num_threads(1)
    net = load_policy(Store.default().find(options.preset)) if options.preset else PolicyNet(PolicyConfig())
    net.requires_grad_(False)
    size = sum(matrix.numel() for matrix in weights_of(net)) * 4 / 1e6
    print(
        f"{size:.1f} MB of weights a step; torch {torch.__version__}, {os.cpu_count()} cores, one thread, "
        f"priority {raise_priority()}"
    )
    with torch.inference_mode():
        calls = candidates(net)
        times = measure(calls, options.rounds)
        resting = {f"{name}, rested": rested(calls[name], options.rounds) for name in ("floor (torch)", "TorchScript")}
    floor = float(np.median(times["floor (torch)"]))
    print(f"{'':<22} {'p50 ms':>8} {'p99 ms':>8} {'x floor':>8}")
    for name, taken in {**times, **resting}.items():
        print(line(name, taken, floor))
    ratio = np.median(times["TorchScript"]) / floor
    p99 = np.percentile(times["TorchScript"], 99)
    print(f"goal: p50 <= {GOAL_RATIO} x floor: {'met' if ratio <= GOAL_RATIO else 'MISSED'} ({ratio:.2f})")
    print(f"goal: p99 <= {GOAL_P99_MS} ms: {'met' if p99 <= GOAL_P99_MS else 'MISSED'} ({p99:.2f})")


if __name__ == "__main__":
    main()
