"""What the worker does with messages, without a process: a scripted policy on one end of a socket pair."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
from scripted_policy import ScriptedPolicy

from gapt_core.vocabulary import NOTE_ONSET
from plugin_host.accompanist import MelodyFrame, PlanRequest, Sampling
from plugin_host.errors import ProtocolError
from plugin_host.player import Player
from plugin_host.protocol import Alive, Answer, Ask, Decoder, Feed, Message, Ready, Recall, Reset, encode
from plugin_host.worker import handle, serve

METRE = (0, 16, 4)
REQUEST = PlanRequest(0, NOTE_ONSET + 60, (METRE,) * 4, commit=2)
PATIENCE_SECONDS = 30.0


@pytest.fixture
def wire() -> Iterator[socket.socket]:
    """The bridge's end; a thread serves the other one and must end when this one closes."""
    ours, theirs = socket.socketpair()
    ours.settimeout(PATIENCE_SECONDS)

    def run() -> None:
        with theirs:
            serve(Player(ScriptedPolicy()), theirs)

    thread = threading.Thread(target=run)
    thread.start()
    yield ours
    ours.close()
    thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive()


def answers(wire: socket.socket, count: int) -> list[Answer]:
    decoder = Decoder()
    received: list[Message] = []
    while sum(isinstance(message, Answer) for message in received) < count:
        received += decoder.take(wire.recv(1 << 16))
    return [message for message in received if isinstance(message, Answer)]


def test_requests_are_answered_in_order(wire: socket.socket) -> None:
    messages: list[Message] = [Reset(Sampling(seed=4)), Ask(7, REQUEST), Feed(MelodyFrame(0, NOTE_ONSET + 60, METRE))]
    messages.append(Ask(8, PlanRequest(1, None, (METRE,))))
    wire.sendall(b"".join(encode(message) for message in messages))
    first, second = answers(wire, 2)
    assert (first.number, second.number) == (7, 8)
    expected = Player(ScriptedPolicy(), Sampling(seed=4)).plan(REQUEST)
    assert first.plan.tokens == expected.tokens
    assert first.plan.committed == 2
    assert second.plan.tokens == expected.tokens[1:2]
    assert first.plan.compute_seconds > 0


def test_an_idle_worker_says_that_it_is_alive(wire: socket.socket) -> None:
    assert Decoder().take(wire.recv(1 << 16)) == [Alive()]


def test_a_worker_is_told_the_past() -> None:
    policy = ScriptedPolicy()
    player = Player(policy)
    frames = tuple(MelodyFrame(frame, NOTE_ONSET + 60, METRE) for frame in range(5, 8))
    assert handle(player, Recall(True, frames, ((5, 3),))) is None
    assert [frame.chord for frame in policy.past] == [0, 3, 243]


def test_a_message_for_the_bridge_is_refused() -> None:
    with pytest.raises(ProtocolError, match="Ready is no message"):
        handle(Player(ScriptedPolicy()), Ready(5))
