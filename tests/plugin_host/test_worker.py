"""What the worker does with messages, without a process: a scripted policy on one end of a socket pair."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

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


class Reader:
    """Reads answers from the bridge's end."""

    def __init__(self, wire: socket.socket) -> None:
        self._wire = wire
        self._decoder = Decoder()

    def until(self, done: Callable[[list[Message]], bool]) -> list[Message]:
        """What came until `done` says so, signs of life left out."""
        received: list[Message] = []
        while not done(received):
            data = self._wire.recv(1 << 16)
            received += [message for message in self._decoder.take(data) if not isinstance(message, Alive)]
        return received


def send(wire: socket.socket, *messages: Message) -> None:
    wire.sendall(b"".join(encode(message) for message in messages))


def test_requests_are_answered_in_order_and_in_two_parts(wire: socket.socket) -> None:
    send(wire, Reset(Sampling(seed=4)), Ask(7, REQUEST))
    ready, first, second = Reader(wire).until(lambda received: len(received) == 3)
    assert ready == Ready(64)
    assert isinstance(first, Answer) and isinstance(second, Answer)
    expected = Player(ScriptedPolicy(), Sampling(seed=4)).plan(REQUEST)
    assert (first.number, first.whole, first.plan.tokens, first.plan.committed) == (7, False, expected.tokens[:2], 2)
    assert (second.number, second.whole, second.plan.tokens, second.plan.committed) == (7, True, expected.tokens, 2)
    assert 0 < first.plan.compute_seconds < second.plan.compute_seconds
    send(wire, Feed(MelodyFrame(0, NOTE_ONSET + 60, METRE)), Ask(8, PlanRequest(1, None, (METRE,))))
    (third,) = Reader(wire).until(bool)
    assert isinstance(third, Answer) and third.whole
    assert (third.number, third.plan.tokens) == (8, expected.tokens[1:2])


def test_an_idle_worker_says_that_it_is_alive(wire: socket.socket) -> None:
    assert Decoder().take(wire.recv(1 << 16)) == [Ready(64)]
    assert Decoder().take(wire.recv(1 << 16)) == [Alive()]


def test_a_worker_is_told_the_past() -> None:
    policy = ScriptedPolicy()
    player = Player(policy)
    frames = tuple(MelodyFrame(frame, NOTE_ONSET + 60, METRE) for frame in range(5, 8))
    handle(player, Recall(True, frames, ((5, 3),)))
    assert [frame.chord for frame in policy.past] == [0, 3, 243]


def test_a_message_for_the_bridge_is_refused() -> None:
    with pytest.raises(ProtocolError, match="Ready is no message"):
        handle(Player(ScriptedPolicy()), Ready(5))
