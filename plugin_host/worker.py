"""The policy's process: reads messages from a socket, answers them one by one, and ends when the socket closes.

A request is answered as soon as what it commits is known; the rest of the plan follows, unless something comes in
meanwhile that makes it worthless.

Started by `plugin_host.process`. Torch is imported here, after signals are set, and nowhere on the bridge's side.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import select
import signal
import socket
import time
from collections import deque
from collections.abc import Callable

from gapt_core.vocabulary import NOTE_ONSET
from plugin_host.accompanist import MelodyFrame, PlanRequest, Sampling
from plugin_host.errors import ProtocolError
from plugin_host.player import Player
from plugin_host.priority import raise_priority
from plugin_host.protocol import (
    Alive,
    Answer,
    Ask,
    Cut,
    Decoder,
    Failed,
    Feed,
    Message,
    Ready,
    Recall,
    Reset,
    Sample,
    encode,
)
from plugin_host.spawn import inherited_wire
from presets.errors import GaptError

HEARTBEAT_SECONDS = 0.5
RECEIVE_BYTES = 1 << 16
COLLECT_EVERY = 256
"""Answers between two collections of garbage: nothing here makes cycles, so there is next to none."""
PLAIN_METRE = (0, 16, 4)
BREATH_SECONDS = 0.001
"""How long to leave the processor to whoever takes an answer, before going on: where two virtual cores share a real
one, the answer would else be read only when everything is imagined."""

logger = logging.getLogger(__name__)


def main(arguments: list[str]) -> int:
    """Serve one bridge until it goes away; the exit code.

    Args:
        arguments: preset (a name or a folder), style, and the socket's number (0: it comes through stdin).
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the bridge's to understand: the last notes need an end.
    preset, style, number = arguments
    with contextlib.closing(inherited_wire(number)) as wire, contextlib.suppress(ConnectionError, TimeoutError):
        try:
            player = _load(preset, style)
        except GaptError as error:
            wire.sendall(encode(Failed(str(error))))
            return 1
        _settle()
        serve(player, wire, _hurry)
    return 0


class Line:
    """The worker's end of the wire: what the bridge says in order, what it is told, and signs of life in between.

    Its verbs raise `ConnectionError` where the other side died, `TimeoutError` where it has stopped reading, and
    `ProtocolError` where it speaks another version.
    """

    def __init__(self, wire: socket.socket) -> None:
        wire.settimeout(HEARTBEAT_SECONDS)
        self._wire = wire
        self._decoder = Decoder()
        self._waiting: deque[Message] = deque()
        self._spoken = time.monotonic()

    def say(self, message: Message) -> None:
        """Tell the bridge."""
        self._wire.sendall(encode(message))
        self._spoken = time.monotonic()

    def next(self) -> Message | None:
        """The next message, however long it takes; None once the bridge has closed."""
        while not self._waiting:
            if time.monotonic() - self._spoken >= HEARTBEAT_SECONDS:
                self.say(Alive())
            try:
                if not self._receive():
                    return None
            except TimeoutError:
                continue
        return self._waiting.popleft()

    def brings(self, *kinds: type, seconds: float = 0.0) -> bool:
        """Whether a message of one of `kinds` waits, or the bridge has closed; if nothing comes, after `seconds`."""
        while select.select([self._wire], [], [], seconds)[0]:
            if not self._receive():
                return True
        return any(isinstance(message, kinds) for message in self._waiting)

    def _receive(self) -> bool:
        """Whether the bridge is still there."""
        data = self._wire.recv(RECEIVE_BYTES)
        self._waiting += self._decoder.take(data)
        return bool(data)


def serve(player: Player, wire: socket.socket, hurry: Callable[[], None] = lambda: None) -> None:
    """Say that all is ready, and answer until the other side closes.

    Args:
        hurry: called when the player knows the past, so that learning it takes no time from the one who still plays.

    Raises:
        ConnectionError: the other side died.
        TimeoutError: it has stopped reading.
        ProtocolError: it speaks another version.
    """
    line = Line(wire)
    line.say(Ready(player.window))
    answers = 0
    while (message := line.next()) is not None:
        if isinstance(message, Ask):
            answer(player, message, line)
            answers += 1
            if answers % COLLECT_EVERY == 0:
                gc.collect()
            continue
        handle(player, message)
        if isinstance(message, Recall):
            hurry()
            line.say(Ready(player.window))


def answer(player: Player, ask: Ask, line: Line) -> None:
    """Answer in up to two parts; what comes in meanwhile may make the second part, or both, worthless."""
    length = player.plan_length(ask.request)
    worthless: tuple[type, ...] = (Cut, Reset)
    with contextlib.closing(player.plans(ask.request)) as plans:
        for plan in plans:
            if plan is not None:
                whole = len(plan.tokens) == length
                line.say(Answer(ask.number, plan, whole))
                worthless = (Ask, Cut, Reset)
                if whole or line.brings(*worthless, seconds=BREATH_SECONDS):
                    return
            elif line.brings(*worthless):
                return


def handle(player: Player, message: Message) -> None:
    """Do what a message says that wants no answer.

    Raises:
        ProtocolError: the message is not one for a worker.
    """
    if isinstance(message, Feed):
        player.feed(message.frame)
    elif isinstance(message, Cut):
        player.cut(message.frame)
    elif isinstance(message, Sample):
        player.sample(message.sampling)
    elif isinstance(message, Recall):
        player.recall(message.shown, message.frames, message.chords)
    elif isinstance(message, Reset):
        player.reset(message.sampling)
    else:
        raise ProtocolError(f"{type(message).__name__} is no message for the policy's process.")


def _load(preset: str, style: str) -> Player:
    import torch

    from plugin_host.worker_policy import load_torch_policy

    # More threads make the slowest steps much slower as soon as another program wants the cores.
    torch.set_num_threads(1)
    player = Player(load_torch_policy(preset, style))
    _warm(player)
    return player


def _warm(player: Player) -> None:
    """Play a few frames, so that nothing on the way of a real one happens for the first time."""
    for index in range(8):
        player.plan(PlanRequest(index, NOTE_ONSET + 60, (PLAIN_METRE,) * 4))
        player.feed(MelodyFrame(index, NOTE_ONSET + 60, PLAIN_METRE))
    player.reset(Sampling())


def _settle() -> None:
    """Keep the garbage collector out of the way."""
    gc.collect()
    gc.freeze()
    gc.disable()


def _hurry() -> None:
    """Run before other programs."""
    logger.debug("priority: %s", raise_priority())
