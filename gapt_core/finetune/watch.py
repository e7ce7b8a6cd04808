"""Who looks on while a policy is fine-tuned, and may ask it to come to an end."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Protocol


class Watch(Protocol):
    """Is told what happens; the form for tests and scripts is `Silent`."""

    def phase(self, name: str, steps: int, done: int = 0) -> None:
        """A part of the work begins, `steps` long, of which `done` were done by an earlier call."""

    def step(self, done: int, said: str = "") -> None:
        """So much of the phase is done; `said` has the running figures."""

    def say(self, sentence: str) -> None:
        """Something that the player should read."""

    def asked_to_stop(self) -> bool:
        """Whether training is to end after this step, and what was learned so far to be measured and kept."""


def counted(watch: Watch, name: str, steps: int) -> Callable[[], None]:
    """Begin a phase; what is called after each of its steps."""
    watch.phase(name, steps)
    numbers = count(1)
    return lambda: watch.step(next(numbers))


class Silent:
    """Says nothing; stops when `stop` says so."""

    def __init__(self, stop: Callable[[], bool] = lambda: False) -> None:
        self.said: list[str] = []
        self._stop = stop

    def phase(self, name: str, steps: int, done: int = 0) -> None:
        """Nothing."""

    def step(self, done: int, said: str = "") -> None:
        """Nothing."""

    def say(self, sentence: str) -> None:
        """Remember it."""
        self.said.append(sentence)

    def asked_to_stop(self) -> bool:
        """What `stop` says."""
        return self._stop()


class Until:
    """A watch that asks for an end of itself, too, when time is up: not before a stage has taken `least` steps."""

    def __init__(self, watch: Watch, time_is_up: Callable[[], bool], least: int) -> None:
        self._watch = watch
        self._time_is_up = time_is_up
        self._least = least
        self._done = 0

    def phase(self, name: str, steps: int, done: int = 0) -> None:
        """Pass it on."""
        self._done = done
        self._watch.phase(name, steps, done)

    def step(self, done: int, said: str = "") -> None:
        """Pass it on."""
        self._done = done
        self._watch.step(done, said)

    def say(self, sentence: str) -> None:
        """Pass it on."""
        self._watch.say(sentence)

    def asked_to_stop(self) -> bool:
        """Whether somebody asked, or time is up."""
        return self._watch.asked_to_stop() or (self._done >= self._least and self._time_is_up())


@contextmanager
def first_interrupt(heard: Callable[[], None]) -> Iterator[Callable[[], bool]]:
    """Whether Ctrl-C was pressed inside the block: the first one is only heard, the next is a `KeyboardInterrupt`."""
    asked = False

    def hear(number: int, frame: object) -> None:
        nonlocal asked
        asked = True
        signal.signal(signal.SIGINT, signal.default_int_handler)
        heard()

    before = signal.signal(signal.SIGINT, hear)
    try:
        yield lambda: asked
    finally:
        signal.signal(signal.SIGINT, before)
