"""What is noted of a step: where its time went, the music that was played, and whether the run has come apart."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from gapt_core import metrics
from gapt_core.rl.episodes import Episodes
from presets.files import write_atomically

MAXIMUM_KL = 50.0
"""Divergence from the anchor, in nats a choice, above which a run has come apart."""


class Seconds:
    """Adds up where the time of a step goes."""

    def __init__(self) -> None:
        self.parts: dict[str, float] = {}

    @contextmanager
    def of(self, part: str) -> Iterator[None]:
        """Time what is inside as `part`."""
        started = time.perf_counter()
        yield
        self.parts[part] = self.parts.get(part, 0.0) + time.perf_counter() - started


def musical_figures(played: Episodes) -> dict[str, float]:
    """The figures that show a collapse while it happens: mean over the episodes."""
    rows, played = [], played.to(torch.device("cpu"))
    for row in range(len(played)):
        part = slice(0, int(played.last()[row]) + 1)
        tracks = (getattr(played, name)[row, part].numpy() for name in ("melody", "chord", "metre"))
        rows.append(metrics.figures(*tracks))
    mean = asdict(metrics.mean_figures(rows))
    shown = ("note_in_chord", "onsets_per_bar", "silence", "unique_chords", "entropy")
    return {"chord_entropy" if name == "entropy" else name: mean[name] for name in shown}


def came_apart(record: dict[str, Any]) -> bool:
    """Whether a figure is not finite, or the policy has left its anchor altogether."""
    names = ("reward", "kl", "policy_loss", "value_loss", "gradient_norm")
    return not all(math.isfinite(record[name]) for name in names) or record["kl"] > MAXIMUM_KL


def forget_after(log: Path, step: int) -> None:
    """Drop what was logged after the checkpoint that the run goes on from."""
    if not log.exists():
        return
    lines = []
    for line in log.read_text("utf-8").splitlines():
        try:
            kept = json.loads(line)["step"] <= step
        except (ValueError, KeyError):
            kept = False
        lines += [line] if kept else []
    write_atomically(log, "".join(line + "\n" for line in lines).encode())
