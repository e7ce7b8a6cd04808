"""How long a step of post-training takes, part by part, and what its nets alone would take.

Usage: bench/train.py [--kit DIR|PRESET] [--preset NAME] [--data SONGS] [--rollouts N] [--frames N] [--rounds N].
Without songs, invented ones that are all longer than a crop: then no frame is padding. A round is as many steps as lie
from one update of the discriminator to the next, so that it has its usual share. The floor is every call of a net in
such a round, with the very inputs it had, forward and, where it learned, backward, and for the rollouts the cached
steps with nothing drawn from them: no optimiser, no sampling, no songs. Steps and floor take turns, so that a busy
machine disturbs both alike. On a GPU, whose work is waited for at the ends of a round alone, only totals mean much.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from gapt_core.chords import CHORD_COUNT
from gapt_core.export.start import find_kit, load_start
from gapt_core.model.step import Stepper
from gapt_core.rl.episodes import Episodes, late
from gapt_core.rl.gapt import Gapt
from gapt_core.rl.recipe import GaptConfig
from gapt_core.train.corpus import Corpus, Piece, load_corpus
from gapt_core.vocabulary import CHORD_HOLD, CHORD_ONSET, FRAMES_PER_BEAT, NOTE_HOLD, NOTE_ONSET

PARTS = ("rollout", "rewards", "anchor", "policy", "value", "adversary", "rest")
GOAL_OVERHEAD = 0.25
GOAL_SECONDS = {"cpu": 5.0, "cuda": 1.0}

SONGS, SONG_FRAMES = 20, 800
BAR = 16

Times = Mapping[str, float]


@dataclass(frozen=True)
class Call:
    """One call of a net, and the part of the step in which it was made."""

    part: str
    forward: Callable[..., Any]
    inputs: tuple[Any, ...]
    learns: bool


class Recorder:
    """Notes every call of the nets of `run` while `watching`."""

    def __init__(self, run: Gapt) -> None:
        self.run = run
        self.calls: list[Call] = []
        self.played: Episodes | None = None
        self._judged = False

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Note what happens inside."""
        ppo, coherence = self.run.ppo, self.run.rewards[0]
        nets = [ppo.value, ppo.anchor, self.run.adversary.net, *coherence.judges.values()]
        hooks = [net.register_forward_pre_hook(self._note) for net in nets]
        states, judge, before = ppo.policy.states, self.run.judge, ppo.before
        ppo.policy.states = self._noting_policy(states)
        self.run.judge = self._noting_judge(judge)
        ppo.before = self._noting_before(before)
        yield
        del ppo.policy.states, self.run.judge, ppo.before
        for hook in hooks:
            hook.remove()

    def _note(self, net: nn.Module, inputs: tuple[Any, ...]) -> None:
        learns = torch.is_grad_enabled() and not torch.is_inference_mode_enabled()
        part = "rewards"
        if net is self.run.adversary.net:
            part = "adversary" if self._judged else "rewards"
        elif net is self.run.ppo.anchor or net is self.run.ppo.value:
            part = "value" if learns else "anchor"
        self.calls.append(Call(part, net, inputs, learns))

    def _noting_policy(self, states: Callable[[Any], Tensor]) -> Callable[[Any], Tensor]:
        def forward(seen: Any) -> Tensor:
            return states(seen) @ self.run.ppo.policy.chord_out().T

        def noting(seen: Any) -> Tensor:
            learns = torch.is_grad_enabled()
            self.calls.append(Call("policy" if learns else "anchor", forward, (seen,), learns))
            return states(seen)

        return noting

    def _noting_judge(self, judge: Callable[[Episodes], Any]) -> Callable[[Episodes], Any]:
        def noting(played: Episodes) -> Any:
            self.played, self._judged = played, False
            return judge(played)

        return noting

    def _noting_before(self, before: Callable[[Episodes], Any]) -> Callable[[Episodes], Any]:
        def noting(played: Episodes) -> Any:
            self._judged = True
            return before(played)

        return noting


class Floor:
    """The same calls again, and nothing else."""

    def __init__(self, recorder: Recorder, steps: int) -> None:
        assert recorder.played is not None
        self.run = recorder.run
        self.calls = recorder.calls
        self.played = recorder.played
        self.steps = steps

    def seconds(self) -> Times:
        """Seconds a step of every part."""
        taken = dict.fromkeys(PARTS, 0.0) | {"rollout": self._rollout()}
        for call in self.calls:
            began = settled()
            self._repeat(call)
            taken[call.part] += (settled() - began) / self.steps
        return taken

    def _repeat(self, call: Call) -> None:
        with torch.inference_mode(not call.learns), torch.autocast(self.run.device.type, torch.bfloat16):
            out = call.forward(*call.inputs)
        if call.learns:
            for net in (self.run.ppo.policy, self.run.ppo.value, self.run.adversary.net):
                net.zero_grad(set_to_none=True)
            out.float().sum().backward()

    @torch.inference_mode()
    def _rollout(self) -> float:
        """Cached steps over what was played, one a frame."""
        played = self.played
        stepper = Stepper(self.run.ppo.policy, len(played), 1, torch.bfloat16).to(self.run.device).eval()
        melody, chord = late(played.melody), late(played.chord)
        began = settled()
        for frame in range(played.melody.shape[1]):
            told = (melody[:, frame], chord[:, frame], played.now[:, frame], played.metre[:, frame], played.style)
            stepper.step(*told)
        return settled() - began


def settled() -> float:
    """The time, once a GPU has done all it was given."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def round_of(run: Gapt, steps: int) -> Times:
    """Seconds a step of every part, mean over `steps` of them."""
    began = settled()
    records = []
    for _ in range(steps):
        records.append(run.train_step()["seconds"])
        run.step += 1
    total = (settled() - began) / steps
    parts = {part: float(np.mean([record.get(part, 0.0) for record in records])) for part in PARTS}
    return parts | {"rest": total - sum(parts.values())}


def invented_corpus() -> Corpus:
    """Songs with a note each half beat and a chord each three quarters of a bar."""
    random = np.random.default_rng(0)
    places = np.arange(SONG_FRAMES)
    metre = np.stack([places % BAR, np.full_like(places, BAR), np.full_like(places, FRAMES_PER_BEAT)], axis=1)

    def piece(number: int) -> Piece:
        pitches, chords = (
            random.integers(55, 80, SONG_FRAMES)[places // 2],
            random.integers(0, CHORD_COUNT, SONG_FRAMES),
        )
        melody = np.where(places % 2 == 0, NOTE_ONSET, NOTE_HOLD) + pitches
        chord = np.where(places % 12 == 0, CHORD_ONSET, CHORD_HOLD) + chords[places // 12]
        return Piece(str(number), 0, melody, chord, metre)

    return {"invented": [piece(number) for number in range(SONGS)]}


def table(real: Times, floor: Times) -> str:
    """A line a part and one for all: seconds, floor, overhead."""
    lines = [f"{'':<10} {'seconds':>8} {'floor':>8} {'overhead':>9}"]
    for part in (*PARTS, "step"):
        over = f"{real[part] / floor[part] - 1:9.0%}" if floor[part] else ""
        lines.append(f"{part:<10} {real[part]:8.3f} {floor[part]:8.3f} {over}")
    return "\n".join(lines)


def median(rounds: list[Times]) -> Times:
    """Median over the rounds of every part, and of the whole step."""
    of_parts = {part: float(np.median([times[part] for times in rounds])) for part in PARTS}
    return of_parts | {"step": float(np.median([sum(times.values()) for times in rounds]))}


def recipe(rollouts: int, frames: int) -> GaptConfig:
    """The usual one, without what happens once at its beginning; the discriminator learns at fixed intervals."""
    config = GaptConfig(steps=1_000_000, rollouts=rollouts, frames=frames, buffers=0)
    return replace(config, adversary=replace(config.adversary, schedule="fixed"))


def measure(run: Gapt, rounds: int) -> tuple[Times, Times]:
    """Medians of steps and floor, after a round in which everything is called for the first time and noted."""
    steps = run.config.adversary.interval
    recorder = Recorder(run)
    with recorder.watching():
        round_of(run, steps)
    floor = Floor(recorder, steps)
    floor.seconds()
    taken = [(round_of(run, steps), floor.seconds()) for _ in range(rounds)]
    return median([real for real, _ in taken]), median([bare for _, bare in taken])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kit", default="default", help="training kit: a folder or a preset (default: default)")
    parser.add_argument("--preset", default="default", help="the policy (default: default)")
    parser.add_argument("--data", type=Path, help="corpus: DIR/train/SET.jsonl.gz; without, invented songs")
    parser.add_argument("--rollouts", type=int, default=64, help="episodes a step (default: 64)")
    parser.add_argument("--frames", type=int, default=256, help="frames of an episode (default: 256)")
    parser.add_argument("--rounds", type=int, default=5, help="what medians are taken of (default: 5)")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads (default: as torch likes)")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    corpus = load_corpus(options.data, "train") if options.data else invented_corpus()
    with tempfile.TemporaryDirectory() as folder:
        config = recipe(options.rollouts, options.frames)
        run = Gapt(corpus, find_kit(options.kit), load_start(options.preset), Path(folder), config)
        real, floor = measure(run, options.rounds)
    print(
        f"{options.rollouts} rollouts of {options.frames} frames, policy {options.preset}; torch {torch.__version__}, "
        f"{run.device.type}, {torch.get_num_threads()} threads; median of {options.rounds} rounds of "
        f"{config.adversary.interval} steps"
    )
    print(table(real, floor))
    overhead, limit = real["step"] / floor["step"] - 1, GOAL_SECONDS[run.device.type]
    print(f"goal: overhead <= {GOAL_OVERHEAD:.0%}: {'met' if overhead <= GOAL_OVERHEAD else 'MISSED'} ({overhead:.0%})")
    print(f"goal: step <= {limit:g} s: {'met' if real['step'] <= limit else 'MISSED'} ({real['step']:.2f})")


if __name__ == "__main__":
    main()
