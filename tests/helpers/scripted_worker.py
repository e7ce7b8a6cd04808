"""A process as `plugin_host.process` starts one, with a scripted policy: there at once, and without torch."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

from scripted_policy import ScriptedPolicy

from plugin_host.player import Player
from plugin_host.protocol import Failed, encode
from plugin_host.spawn import inherited_wire
from plugin_host.worker import serve

MISSING = "missing"
"""The preset that there is not."""
PATIENCE_SECONDS = 60.0
POLL_SECONDS = 0.01


def scripted_player(preset: str, style: str) -> Player:
    """What the process plays with."""
    return Player(ScriptedPolicy(window=24, spare=16, salt=f"{preset}/{style}", hold=6.0))


def main(arguments: list[str]) -> int:
    preset, style, number = arguments
    with contextlib.closing(inherited_wire(number)) as wire, contextlib.suppress(ConnectionError, TimeoutError):
        if preset == MISSING:
            wire.sendall(encode(Failed("There is no such preset: choose another one.")))
            return 1
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
