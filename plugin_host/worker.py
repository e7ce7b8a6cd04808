"""The policy's process: reads messages from a socket, answers them one by one, and ends when the socket closes.

Started by `plugin_host.process`. Torch is imported here, after signals are set, and nowhere on the bridge's side.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import signal
import socket
import time

from gapt_core.vocabulary import NOTE_ONSET
from plugin_host.accompanist import MelodyFrame, PlanRequest, Sampling
from plugin_host.errors import ProtocolError
from plugin_host.player import Player
from plugin_host.priority import raise_priority
from plugin_host.protocol import Alive, Answer, Ask, Decoder, Failed, Feed, Message, Ready, Recall, Reset, encode
from plugin_host.spawn import inherited_wire
from presets.errors import GaptError

HEARTBEAT_SECONDS = 0.5
RECEIVE_BYTES = 1 << 16
COLLECT_EVERY = 256
"""Answers between two collections of garbage: nothing here makes cycles, so there is next to none."""
PLAIN_METRE = (0, 16, 4)

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
            player, window = _load(preset, style)
        except GaptError as error:
            wire.sendall(encode(Failed(str(error))))
            return 1
        _hurry()
        wire.sendall(encode(Ready(window)))
        serve(player, wire)
    return 0


def serve(player: Player, wire: socket.socket) -> None:
    """Answer until the other side closes.

    Raises:
        ConnectionError: the other side died.
        TimeoutError: it has stopped reading.
        ProtocolError: it speaks another version.
    """
    decoder = Decoder()
    wire.settimeout(HEARTBEAT_SECONDS)
    spoken = time.monotonic()
    answers = 0
    while True:
        try:
            data = wire.recv(RECEIVE_BYTES)
        except TimeoutError:
            data = None
        if data == b"":
            return
        for message in decoder.take(data or b""):
            answer = handle(player, message)
            if answer is not None:
                wire.sendall(encode(answer))
                spoken = time.monotonic()
                answers += 1
                if answers % COLLECT_EVERY == 0:
                    gc.collect()
        if time.monotonic() - spoken >= HEARTBEAT_SECONDS:
            wire.sendall(encode(Alive()))
            spoken = time.monotonic()


def handle(player: Player, message: Message) -> Answer | None:
    """Do what a message says; the answer where one is wanted.

    Raises:
        ProtocolError: the message is not one for a worker.
    """
    if isinstance(message, Ask):
        return Answer(message.number, player.plan(message.request))
    if isinstance(message, Feed):
        player.feed(message.frame)
    elif isinstance(message, Recall):
        player.recall(message.shown, message.frames, message.chords)
    elif isinstance(message, Reset):
        player.reset(message.sampling)
    else:
        raise ProtocolError(f"{type(message).__name__} is no message for the policy's process.")
    return None


def _load(preset: str, style: str) -> tuple[Player, int]:
    import torch

    from plugin_host.worker_policy import load_torch_policy

    # More threads make the slowest steps much slower as soon as another program wants the cores.
    torch.set_num_threads(1)
    policy = load_torch_policy(preset, style)
    player = Player(policy)
    _warm(player)
    return player, policy.window


def _warm(player: Player) -> None:
    """Play a few frames, so that nothing on the way of a real one happens for the first time."""
    for index in range(8):
        player.plan(PlanRequest(index, NOTE_ONSET + 60, (PLAIN_METRE,) * 4))
        player.feed(MelodyFrame(index, NOTE_ONSET + 60, PLAIN_METRE))
    player.reset(Sampling())


def _hurry() -> None:
    """Run before other programs, and keep the garbage collector out of the way."""
    logger.debug("priority: %s", raise_priority())
    gc.collect()
    gc.freeze()
    gc.disable()
