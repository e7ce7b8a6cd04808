"""What the worker does with messages, without a process: a scripted policy on one end of a socket pair."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from scripted_policy import ScriptedPolicy

from gapt_core.vocabulary import NOTE_ONSET
from plugin_host.accompanist import MelodyFrame, PlanRequest, Sampling
from plugin_host.errors import ProtocolError
from plugin_host.player import Player, StepInput
from plugin_host.protocol import Alive, Answer, Ask, Cut, Decoder, Feed, Message, Ready, Recall, Reset, Sample, encode
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


class GatedPolicy(ScriptedPolicy):
    """Takes no step before the test lets it, so that a message can come in while it imagines."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Semaphore(0)
        self.arrived = threading.Semaphore(0)

    def step(self, frame: StepInput) -> tuple[np.ndarray, np.ndarray]:
        self.arrived.release()
        assert self.gate.acquire(timeout=PATIENCE_SECONDS)
        return super().step(frame)

    def take(self, steps: int) -> None:
        """Let it take so many, and wait until it wants the next one."""
        for _ in range(steps):
            self.gate.release()
            assert self.arrived.acquire(timeout=PATIENCE_SECONDS)


@pytest.fixture
def gated() -> Iterator[tuple[GatedPolicy, socket.socket, Reader]]:
    """A worker that has been asked for `REQUEST` and is about to take its first step."""
    policy = GatedPolicy()
    ours, theirs = socket.socketpair()
    ours.settimeout(PATIENCE_SECONDS)

    def run() -> None:
        with theirs, contextlib.suppress(ConnectionError):
            serve(Player(policy), theirs)

    thread = threading.Thread(target=run)
    thread.start()
    send(ours, Ask(1, REQUEST))
    reader = Reader(ours)
    assert reader.until(bool) == [Ready(64)]
    assert policy.arrived.acquire(timeout=PATIENCE_SECONDS)
    yield policy, ours, reader
    ours.close()
    policy.gate.release(10_000)
    thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive()


Gated = tuple[GatedPolicy, socket.socket, Reader]
METRES = (METRE,) * 4


def answered(messages: list[Message]) -> list[tuple[int, int]]:
    """(number of the request, frames) of each answer."""
    return [(answer.number, len(answer.plan.tokens)) for answer in messages if isinstance(answer, Answer)]


def test_what_is_final_leaves_before_the_rest_is_imagined(gated: Gated) -> None:
    policy, _, reader = gated
    policy.take(2)
    assert answered(reader.until(bool)) == [(1, 2)]
    assert policy.taken == 2


def test_another_request_ends_the_imagining(gated: Gated) -> None:
    policy, wire, reader = gated
    policy.take(2)
    send(wire, Feed(MelodyFrame(0, NOTE_ONSET + 60, METRE)), Feed(MelodyFrame(1, 0, METRE)))
    send(wire, Ask(2, PlanRequest(2, None, METRES[:1])))
    policy.gate.release(10)
    assert answered(reader.until(lambda received: len(received) == 2)) == [(1, 2), (2, 1)]
    assert policy.taken == 3 + 1 + 1  # the one on its way, frame 1 anew with the melody that came, and frame 2


def test_a_frame_and_a_sampling_do_not_end_the_imagining(gated: Gated) -> None:
    policy, wire, reader = gated
    policy.take(2)
    send(wire, Feed(MelodyFrame(0, NOTE_ONSET + 60, METRE)), Sample(Sampling(seed=8)))
    policy.gate.release(10)
    assert answered(reader.until(lambda received: len(received) == 2)) == [(1, 2), (1, 4)]


@pytest.mark.parametrize("message", [Reset(Sampling()), Cut(0)], ids=["reset", "cut"])
def test_what_will_not_be_played_is_not_even_answered(gated: Gated, message: Message) -> None:
    policy, wire, reader = gated
    send(wire, message, Ask(2, PlanRequest(0, NOTE_ONSET + 60, METRES[:1])))
    policy.gate.release(10)
    assert answered(reader.until(bool)) == [(2, 1)]
    assert len(policy.past) == 1


def test_who_still_plays_is_left_in_peace_until_the_past_is_known() -> None:
    policy = ScriptedPolicy()
    ours, theirs = socket.socketpair()
    ours.settimeout(PATIENCE_SECONDS)
    steps: list[int] = []
    frames = tuple(MelodyFrame(frame, NOTE_ONSET + 60, METRE) for frame in range(5))
    send(ours, Recall(False, frames, ()))
    ours.shutdown(socket.SHUT_WR)
    with ours, theirs:
        serve(Player(policy), theirs, lambda: steps.append(policy.taken))
        assert Reader(ours).until(lambda received: len(received) == 2) == [Ready(64), Ready(64)]
    assert steps == [5]


def test_a_sampling_and_a_cut_reach_the_player() -> None:
    player, plain = Player(ScriptedPolicy()), Player(ScriptedPolicy(), Sampling(seed=8))
    handle(player, Reset(Sampling(seed=4)))
    player.plan(REQUEST)
    handle(player, Cut(0))
    handle(player, Sample(Sampling(seed=8)))
    assert player.plan(REQUEST).tokens == plain.plan(REQUEST).tokens
