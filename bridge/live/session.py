"""The live session: one time of playing together, and what has to be looked after meanwhile."""

from __future__ import annotations

import contextlib
import logging
import queue
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from bridge.controls.settings import Counters, Settings
from bridge.engine.engine import Engine
from bridge.engine.voicer import LeadingVoicer
from bridge.errors import BridgeError
from bridge.events import InEvent, PlanArrived
from bridge.live.inbox import Mailbox
from bridge.live.sender import Around, Sender
from bridge.seams import Clock, InPort, OutPort, Tended
from bridge.timing.metre import BarGrid
from bridge.timing.realtime import live_process
from plugin_host.accompanist import Accompanist, Plan
from plugin_host.priority import raise_all_threads, raise_priority

WATCH_SECONDS = 0.5

PATIENCE_SECONDS = 3.0
"""How long a driver may take over the last note-offs before we leave without it."""

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")

logger = logging.getLogger(__name__)


@dataclass
class Parts:
    """What a session plays with; whoever opened a part closes it, but for ways in, which the session also closes."""

    accompanist: Accompanist
    ways_in: list[InPort] = field(default_factory=list)
    ways_out: list[OutPort] = field(default_factory=list)
    tended: list[Tended] = field(default_factory=list)
    around: Around = field(default_factory=Around)
    bars: BarGrid | None = None


class Session:
    """One time of playing together, from `run` to the last note-off."""

    def __init__(self, clock: Clock, settings: Settings, parts: Parts) -> None:
        self._mailbox = Mailbox()
        self._clock = clock
        self._parts = parts
        self._wake: queue.SimpleQueue[BridgeError | None] = queue.SimpleQueue()
        self._engine = Engine(parts.accompanist, LeadingVoicer(), settings, self._deliver, parts.bars)
        self._sender = Sender(self._engine, self._mailbox, clock, parts.ways_out, parts.around)
        self.counters: Counters = self._engine.counters

    @property
    def settings(self) -> Settings:
        """How it plays now."""
        return self._engine.settings

    @property
    def beats(self) -> float:
        """Where the music is, or stands; to be asked before `run` or after it."""
        return self._engine.status(self._clock.now()).due_beats

    def put(self, event: InEvent) -> None:
        """Hand in an event, from any thread; never blocks. This is the inbox of all ports."""
        self._mailbox.put(event)

    def stop(self) -> None:
        """Make `run` end; from any thread and from a signal handler."""
        self._wake.put(None)

    def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Play until `stop`, a signal or too many faults; returns when nothing sounds any more.

        Args:
            ready: called once all ports listen.

        Raises:
            BridgeError: a port cannot be opened, or the program had too many faults of its own.
        """
        thread = threading.Thread(target=self._send, name="sender", daemon=True)
        with _signals_call(self.stop), live_process():
            thread.start()
            try:
                for port in self._parts.ways_in:
                    port.start(self.put)
                ready()
                raise_all_threads()
                failure = self._watch()
            finally:
                self._sender.stop()
                thread.join(PATIENCE_SECONDS)
                for port in self._parts.ways_in:
                    port.close()
        if failure is not None:
            raise failure

    def _send(self) -> None:
        logger.info("the sender's priority: %s", raise_priority())
        # Should the sender end by anything else than its own errors, the session must not end as if all were well.
        failure: BridgeError | None = BridgeError("The sender has died: run `gapt -v jam` and report what it logs.")
        try:
            self._sender.run()
            failure = None
        except BridgeError as error:
            failure = error
        finally:
            self._wake.put(failure)

    def _watch(self) -> BridgeError | None:
        while True:
            try:
                return self._wake.get(timeout=WATCH_SECONDS)
            except queue.Empty:
                _tend(self._parts.tended)
                raise_all_threads()

    def _deliver(self, plan: Plan, session: int) -> None:
        self._mailbox.put(PlanArrived(self._clock.now(), plan, session))


def _tend(tended: Sequence[Tended]) -> None:
    for each in tended:
        try:
            each.tend()
        except BridgeError as error:
            logger.warning("%s", error)


@contextlib.contextmanager
def _signals_call(stop: Callable[[], None]) -> Iterator[None]:
    """While it lasts, the signals that end a program call `stop` instead; nothing where this is no main thread."""

    def handle(number: int, frame: Any) -> None:
        stop()

    here = threading.current_thread() is threading.main_thread()
    numbers = [getattr(signal, name) for name in SIGNALS if here and hasattr(signal, name)]
    # A hang-up that `nohup` has set to be ignored stays ignored.
    numbers = [n for n in numbers if n == signal.SIGINT or signal.getsignal(n) is not signal.SIG_IGN]
    before = [signal.signal(number, handle) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
