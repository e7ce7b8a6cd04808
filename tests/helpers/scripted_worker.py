"""A process as `plugin_host.process` starts one, with a scripted policy: there at once, and without torch."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from scripted_policy import ScriptedPolicy

from plugin_host.accompanist import MelodyFrame
from plugin_host.player import Player
from plugin_host.protocol import Failed, encode
from plugin_host.spawn import inherited_wire
from plugin_host.worker import serve

MISSING = "missing"
"""The preset that there is not."""
PATIENCE_SECONDS = 60.0
POLL_SECONDS = 0.01


class SlowLearner(Player):
    """Takes its time over the past: until there is a file at `gate`."""

    gate: Path

    def recall(self, shown: bool, frames: Sequence[MelodyFrame], chords: Sequence[tuple[int, int]]) -> None:
        wait_until(self.gate.exists)
        super().recall(shown, frames, chords)


def scripted_player(preset: str, style: str) -> Player:
    """What the process plays with."""
    return Player(_policy(preset, style))


def _policy(preset: str, style: str) -> ScriptedPolicy:
    return ScriptedPolicy(window=24, spare=16, salt=f"{preset}/{style}", hold=6.0)


def main(arguments: list[str]) -> int:
    """Play; a preset that is a path is a `SlowLearner` with that gate."""
    preset, style, number = arguments
    with contextlib.closing(inherited_wire(number)) as wire, contextlib.suppress(ConnectionError, TimeoutError):
        if preset == MISSING:
            wire.sendall(encode(Failed("There is no such preset: choose another one.")))
            return 1
        if Path(preset).is_absolute():
            slow = SlowLearner(_policy(preset, style))
            slow.gate = Path(preset)
            serve(slow, wire)
        else:
            serve(scripted_player(preset, style), wire)
    return 0


def wait_until(done: Callable[[], bool]) -> None:
    """Return when `done`, which another thread brings about."""
    never = threading.Event()
    for _ in range(int(PATIENCE_SECONDS / POLL_SECONDS)):
        if done():
            return
        never.wait(POLL_SECONDS)
    raise AssertionError("it never came about")
