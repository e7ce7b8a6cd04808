"""A session under virtual time: the engine, a clock that is only set, and a queue for the answers."""

from __future__ import annotations

import math
import queue
from collections.abc import Iterable

from bridge.controls.settings import Settings
from bridge.engine.engine import Engine
from bridge.engine.voicer import LeadingVoicer
from bridge.errors import BridgeError
from bridge.events import InEvent, OutMessage, PlanArrived
from bridge.seams import Voicer
from bridge.timing.clock import ManualClock
from bridge.timing.metre import BarGrid
from plugin_host.accompanist import Accompanist, Plan

ANSWER_SECONDS = 30.0
"""How long an accompanist may take over one answer before it counts as dead."""

SAME_MOMENT_SECONDS = 1e-9
"""Two moments this near are one: what is left when beats are turned into seconds and back."""


class VirtualSession:
    """Drives an engine as fast as the accompanist answers; `messages` is all that has left the engine.

    Time goes on only when every answer asked for has come, so that nothing depends on the machine.
    """

    def __init__(
        self,
        accompanist: Accompanist,
        settings: Settings,
        voicer: Voicer | None = None,
        bars: BarGrid | None = None,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        """Stand still. With `answer_seconds` of 0 nothing is waited for: answers count from when they are there."""
        self.clock = ManualClock(-math.inf)
        self.messages: list[OutMessage] = []
        self.engine = Engine(accompanist, voicer or LeadingVoicer(), settings, self._deliver, bars)
        self._answers: queue.SimpleQueue[tuple[Plan, int]] = queue.SimpleQueue()
        self._answer_seconds = answer_seconds

    def play(self, events: Iterable[InEvent]) -> None:
        """Live through `events`, ordered by seconds; what is due at the moment of an event comes after it.

        Raises:
            BridgeError: the accompanist does not answer.
        """
        for event in events:
            self._run(event.seconds - SAME_MOMENT_SECONDS)
            self.clock.sleep_until(event.seconds)
            self.engine.handle(event)

    def run_until(self, seconds: float) -> None:
        """Let time go on to `seconds`, what is due then included.

        Raises:
            BridgeError: the accompanist does not answer.
        """
        self._run(seconds + SAME_MOMENT_SECONDS)
        self._step(seconds)

    def _run(self, limit: float) -> None:
        while (wake := self.engine.wake_seconds()) is not None and wake <= limit:
            self._step(wake)

    def _step(self, seconds: float) -> None:
        self.clock.sleep_until(seconds)
        self.messages += self.engine.advance(self.clock.now())
        while self._take_answer():
            self.messages += self.engine.advance(self.clock.now())

    def _take_answer(self) -> bool:
        """Hand the engine an answer; False where there is none and none is waited for."""
        wait = self._answer_seconds if self.engine.waiting else 0.0
        try:
            plan, session = self._answers.get(timeout=wait) if wait else self._answers.get_nowait()
        except queue.Empty:
            if wait:
                raise BridgeError(
                    f"The accompanist gave no answer for {wait:.0f} seconds; try again, with `gapt -vv` to see why."
                ) from None
            return False
        self.engine.handle(PlanArrived(self.clock.now(), plan, session))
        return True

    def _deliver(self, plan: Plan, session: int) -> None:
        self._answers.put((plan, session))
