"""Everything that can happen to an accompanist, in any order: it always goes on from what was truly played.

The oracle is a player that has never known anything but what was fed and what was delivered in time.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import product

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from scripted_worker import MISSING, PATIENCE_SECONDS, scripted_player, wait_until

from gapt_core.chords import CHORD_COUNT
from gapt_core.vocabulary import MELODY_TOKENS
from plugin_host import process
from plugin_host.accompanist import Accompanist, MelodyFrame, Plan, PlanRequest, Sampling
from plugin_host.history import History
from plugin_host.player import Player
from plugin_host.protocol import Cut, Decoder, Feed, Message, Recall, Reset, Sample, encode
from plugin_host.proxy import WorkerAccompanist
from plugin_host.worker import handle

SPARE = 16
"""How far back the player's memory is sure to reach beyond the window."""
NAMES = [("one", "unknown"), ("two", "unknown"), ("two", "folk")]

PHASES = [Phase.explicit, Phase.reuse, Phase.generate]
"""No shrinking: it takes minutes where every example takes a second."""

samplings = st.builds(
    Sampling,
    st.sampled_from([0.0, 1.0]),
    st.sampled_from([-2.0, 0.0, 2.0]),
    st.integers(0, 3),
    st.none() | st.frozensets(st.integers(0, CHORD_COUNT - 1), max_size=3),
)


def place(frame: int) -> tuple[int, int, int]:
    return (frame % 16, 16, 4)


@dataclass(eq=False)
class Question:
    """A request, and what of its answer has come; `samplings` are those in force since it was asked."""

    request: PlanRequest
    samplings: list[Sampling]
    plans: list[Plan] = field(default_factory=list)


class Storm(RuleBasedStateMachine):
    """The caller's side: what it has fed, asked and played."""

    accompanist: Accompanist

    def begin(self, accompanist: Accompanist, sampling: Sampling, react: bool) -> None:
        self.accompanist = accompanist
        self.react = react
        self.answers: queue.SimpleQueue[tuple[Question, Plan]] = queue.SimpleQueue()
        self.used = [NAMES[0]]
        self._start(sampling)

    def _start(self, sampling: Sampling) -> None:
        self.sampling = sampling
        self.fed: list[MelodyFrame] = []
        self.played: dict[int, int] = {}
        self.open: list[Question] = []
        self.asked = 0

    def melody(self, frame: int) -> int:
        return (frame * 7919) % MELODY_TOKENS

    @property
    def answered(self) -> int:
        return max(self.played, default=-1) + 1

    @precondition(lambda self: self.asked <= len(self.fed))
    @rule(length=st.integers(1, 9), commit=st.integers(1, 5), play=st.sampled_from([True, True, True, False]))
    def ask(self, length: int, commit: int, play: bool) -> None:
        frame = len(self.fed)
        places = tuple(place(frame + offset) for offset in range(max(length, commit)))
        now = self.melody(frame) if self.react else None
        request = PlanRequest(frame, now, places, commit, play, enters=play and not any(self.played.values()))
        self.asked = frame + commit
        question = Question(request, [self.sampling])
        self.open.append(question)
        self.accompanist.plan(request, lambda plan: self.answers.put((question, plan)))

    @precondition(lambda self: self.asked > 0)
    @rule(frames=st.integers(1, 4))
    def feed(self, frames: int) -> None:
        for frame in range(len(self.fed), len(self.fed) + frames):
            self.fed.append(MelodyFrame(frame, self.melody(frame), place(frame)))
            self.accompanist.feed(self.fed[-1])

    @precondition(lambda self: self.asked <= len(self.fed))
    @rule(frames=st.integers(1, 20), length=st.integers(1, 9), commit=st.integers(1, 5))
    def play(self, frames: int, length: int, commit: int) -> None:
        """A stretch as it is meant to be."""
        for _ in range(frames):
            if self.asked <= len(self.fed):
                self.ask(length, commit, True)
            self.hear()
            self.feed(1)

    @precondition(lambda self: self.asked <= len(self.fed))
    @rule(commit=st.integers(1, 5))
    def play_a_bar(self, commit: int) -> None:
        self.play(16, 6, commit)

    @rule(sampling=samplings)
    def sample(self, sampling: Sampling) -> None:
        self.sampling = sampling
        for question in self.open:
            question.samplings.append(sampling)
        self.accompanist.sample(sampling)

    @rule(back=st.integers(0, 20))
    def cut(self, back: int) -> None:
        """The transport jumps: answers still on their way will not be played."""
        oldest = max(0, len(self.fed) - SPARE)
        if self.answered < oldest:
            self.settle()
        frame = max(oldest, min(self.answered, len(self.fed)) - back)
        self.open.clear()
        self.played = {at: token for at, token in self.played.items() if at < frame}
        self.asked = min(self.asked, len(self.fed))
        self.accompanist.cut(frame)

    @precondition(lambda self: len(self.fed) > 30)
    @rule(sampling=samplings)
    def reset(self, sampling: Sampling) -> None:
        self._start(sampling)
        self.accompanist.reset(sampling)

    @rule(name=st.sampled_from(NAMES))
    def swap(self, name: tuple[str, str]) -> None:
        self.used = [used for used in self.used if used != name] + [name]
        self.accompanist.swap(*name)

    def settle(self) -> None:
        """Let no answer be on its way."""
        self.hear()

    @rule()
    def hear(self) -> None:
        """Take what has come by now."""
        with contextlib.suppress(queue.Empty):
            while True:
                self.take(*self.answers.get_nowait())

    def take(self, question: Question, plan: Plan) -> None:
        if question not in self.open:
            return
        request = question.request
        assert (plan.frame, plan.committed) == (request.frame, request.commit)
        assert len(plan.tokens) in (request.commit, len(request.metres))
        assert not question.plans or (len(question.plans) == 1 and len(plan.tokens) > request.commit)
        assert any(plan.tokens == expected[: len(plan.tokens)] for expected in self.expected(question))
        if not question.plans:
            self.played.update(enumerate(plan.tokens[: plan.committed], start=plan.frame))
        question.plans.append(plan)
        assert all(
            whole.tokens[: request.commit] == question.plans[0].tokens[: request.commit] for whole in question.plans
        )

    def expected(self, question: Question) -> Iterator[tuple[int, ...]]:
        """What may be answered, by the preset and the sampling that were in force.

        A worker that came when frames after the one asked for were fed already hears as much less of the past.
        """
        request = question.request
        told = [(frame, token) for frame, token in sorted(self.played.items()) if frame < request.frame]
        for late in range(len(self.fed) - request.frame + 1):
            for name, sampling in product(reversed(self.used), reversed(question.samplings)):
                player = scripted_player(*name)
                player.reset(sampling)
                begin = max(0, request.frame + late - player.window) if late else 0
                player.recall(self.react, self.fed[begin : request.frame], told)
                yield player.plan(request).tokens


class InProcess:
    """An accompanist without a process: messages go through the protocol, and every answer comes at once."""

    def __init__(self, sampling: Sampling) -> None:
        self.imagined = 99
        """How many frames are imagined before something else comes in."""
        self._history = History(sampling)
        self._name = NAMES[0]
        self._player = self._new(NAMES[0])
        self._successor: tuple[Player, tuple[str, str]] | None = None

    def feed(self, frame: MelodyFrame) -> None:
        self._history.feed(frame)
        self._tell(Feed(frame))

    def plan(self, request: PlanRequest, deliver: Callable[[Plan], None]) -> None:
        self._history.shown = request.now is not None
        with contextlib.closing(self._player.plans(request)) as plans:
            committed, imagined = False, 0
            for plan in plans:
                if plan is None:
                    imagined += committed
                    if imagined > self.imagined:
                        return
                    continue
                if not committed:
                    chords = self._history.commit(plan)
                    if self._successor is not None:
                        _pass(self._successor[0], Recall(self._history.shown, (), chords))
                committed = True
                deliver(plan)

    def reset(self, sampling: Sampling) -> None:
        self._history = History(sampling)
        self._tell(Reset(sampling))

    def sample(self, sampling: Sampling) -> None:
        self._history.sampling = sampling
        self._tell(Sample(sampling))

    def cut(self, frame: int) -> None:
        self._history.cut(frame)
        self._tell(Cut(frame))

    def swap(self, preset: str, style: str) -> None:
        self._successor = self._new((preset, style)), (preset, style)

    def take_over(self) -> None:
        """The successor has heard the past."""
        if self._successor is not None:
            (self._player, self._name), self._successor = self._successor, None

    def kill(self) -> None:
        """The player is lost."""
        self._player = self._new(self._name)

    def close(self) -> None:
        """There is nothing to release."""

    def _new(self, name: tuple[str, str]) -> Player:
        player = scripted_player(*name)
        _pass(player, Reset(self._history.sampling))
        _pass(player, self._history.recall(player.window))
        return player

    def _tell(self, message: Message) -> None:
        _pass(self._player, message)
        if self._successor is not None:
            _pass(self._successor[0], message)


def _pass(player: Player, message: Message) -> None:
    for decoded in Decoder().take(encode(message)):
        handle(player, decoded)


class QuietStorm(Storm):
    """All of it without processes, so that there can be many."""

    inside: InProcess

    @initialize(sampling=samplings, react=st.booleans())
    def start(self, sampling: Sampling, react: bool) -> None:
        self.inside = InProcess(sampling)
        self.begin(self.inside, sampling, react)

    @rule(frames=st.integers(0, 9))
    def interrupt_after(self, frames: int) -> None:
        self.inside.imagined = frames

    @rule()
    def take_over(self) -> None:
        self.inside.take_over()

    @rule()
    def kill(self) -> None:
        self.inside.kill()


class RealStorm(Storm):
    """All of it with a process that is killed, replaced and exchanged while frames and requests go on."""

    worker: WorkerAccompanist

    @initialize(sampling=samplings, react=st.booleans())
    def start(self, sampling: Sampling, react: bool) -> None:
        self.worker = WorkerAccompanist(NAMES[0][0], sampling, NAMES[0][1])
        self.worker.start()
        self.wish = NAMES[0]
        self.begin(self.worker, sampling, react)

    @rule(name=st.sampled_from(NAMES))
    def swap(self, name: tuple[str, str]) -> None:
        super().swap(name)
        self.wish = name

    @rule()
    def swap_in_what_there_is_not(self) -> None:
        self.worker.swap(MISSING, "unknown")
        self.wish = (MISSING, "unknown")

    @rule()
    def kill(self) -> None:
        pid = self.worker.pid
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    @rule()
    def settle(self) -> None:
        """The newest request is answered, whatever happened to those before."""
        while self.open and not self.open[-1].plans:
            self.take(*self.answers.get(timeout=PATIENCE_SECONDS))

    @precondition(lambda self: self.asked <= len(self.fed))
    @rule(frames=st.integers(1, 30), length=st.integers(1, 9), commit=st.integers(1, 5))
    def play_in_time(self, frames: int, length: int, commit: int) -> None:
        """A stretch in which every answer comes before the frame closes."""
        for _ in range(frames):
            if self.asked <= len(self.fed):
                self.ask(length, commit, True)
                self.settle()
            self.feed(1)

    def teardown(self) -> None:
        try:
            self.hear()
            if self.wish[0] != MISSING:
                wait_until(lambda: (self.worker.preset, self.worker.style) == self.wish)
        finally:
            self.worker.close()
        assert self.worker.pid is None


def test_any_order_of_events_without_a_process() -> None:
    run_state_machine_as_test(QuietStorm, settings=settings(max_examples=60, stateful_step_count=40, phases=PHASES))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
def test_any_order_of_events_with_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "MODULE", "scripted_worker")
    run_state_machine_as_test(RealStorm, settings=settings(max_examples=8, stateful_step_count=50, phases=PHASES))
