"""The live session, and the one place where its parts are put together."""

from __future__ import annotations

import contextlib
import logging
import queue
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

from bridge.demo.performer import Performer, score_events
from bridge.engine.engine import Engine
from bridge.engine.settings import Counters, Settings
from bridge.engine.voicer import LeadingVoicer
from bridge.errors import BridgeError
from bridge.events import PlanArrived
from bridge.live.inbox import Mailbox
from bridge.live.record import Record
from bridge.live.sender import Sender, Sent
from bridge.ports.choice import PortChoice, Ports, open_ports
from bridge.seams import Clock, Inbox, SyncSource
from bridge.sync.internal import InternalSync
from bridge.timing.clock import MonotonicClock
from bridge.timing.metre import BarGrid
from bridge.timing.realtime import live_process
from gapt_core.song import Song
from plugin_host.accompanist import Accompanist, Plan
from plugin_host.priority import raise_priority

WATCH_SECONDS = 1.0

PATIENCE_SECONDS = 3.0
"""How long a driver may take over the last note-offs before we leave without it."""

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")

logger = logging.getLogger(__name__)


@dataclass
class Surroundings:
    """What a session plays with. `inbox_of` lets a sync source see the events of the ports on their way."""

    accompanist: Accompanist
    sync: SyncSource
    ports: Ports
    inbox_of: Callable[[Inbox], Inbox] = lambda inbox: inbox
    sent: Callable[[Sent], None] = lambda sent: None
    bars: BarGrid | None = None


class Session:
    """One time of playing together, from `run` to the last note-off."""

    def __init__(self, clock: Clock, settings: Settings, around: Surroundings) -> None:
        self._mailbox = Mailbox()
        self._clock = clock
        self._around = around
        self._wake: queue.SimpleQueue[BridgeError | None] = queue.SimpleQueue()
        self._engine = Engine(around.accompanist, LeadingVoicer(), settings, self._deliver, around.bars)
        self._sender = Sender(self._engine, self._mailbox, clock, around.ports.ways_out, settings.channel, around.sent)
        self.counters: Counters = self._engine.counters
        self.ports = around.ports

    @property
    def beats(self) -> float:
        """Where the music stands; to be asked before `run` or after it."""
        return self._engine.beats_at(self._clock.now())

    def stop(self) -> None:
        """Make `run` end; from any thread and from a signal handler."""
        self._wake.put(None)

    def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Play until `stop`, a signal or a loss; returns when nothing sounds any more.

        Args:
            ready: called once all ports listen.

        Raises:
            BridgeError: a port was lost, or the program had too many faults of its own.
        """
        thread = threading.Thread(target=self._send, name="sender", daemon=True)
        with _signals_call(self.stop), live_process():
            thread.start()
            try:
                self._open()
                ready()
                failure = self._watch()
            finally:
                self._sender.stop()
                thread.join(PATIENCE_SECONDS)
                self._close()
        if failure is not None:
            raise failure

    def _send(self) -> None:
        logger.info("the sender's priority: %s", raise_priority())
        failure = None
        try:
            self._sender.run()
        except BridgeError as error:
            failure = error
        finally:
            self._wake.put(failure)

    def _open(self) -> None:
        inbox = self._around.inbox_of(self._mailbox.put)
        for port in self._around.ports.ways_in:
            port.start(inbox)
        self._around.sync.start(self._mailbox.put)

    def _watch(self) -> BridgeError | None:
        while True:
            try:
                return self._wake.get(timeout=WATCH_SECONDS)
            except queue.Empty:
                lost = [port.name for port in self._around.ports.watched if port.gone()]
            if lost:
                return BridgeError(f"The MIDI port “{lost[0]}” has gone: plug it in again and start anew.")

    def _close(self) -> None:
        self._around.sync.stop()
        for port in self._around.ports.ways_in:
            port.close()

    def _deliver(self, plan: Plan, session: int) -> None:
        self._mailbox.put(PlanArrived(self._clock.now(), plan, session))


@contextlib.contextmanager
def open_jam(
    settings: Settings,
    metre: tuple[int, int],
    choice: PortChoice,
    accompanist: Callable[[], AbstractContextManager[Accompanist]],
    sent: Callable[[Sent], None],
) -> Iterator[Session]:
    """A session that follows a player at our own tempo, `settings.bpm`; all it opens is closed on the way out.

    Raises:
        GaptError: a port cannot be had, or the accompanist cannot start.
    """
    clock = MonotonicClock()
    with contextlib.ExitStack() as stack:
        ports = open_ports(choice, clock, stack)
        sync = InternalSync(clock, settings.bpm, *metre)
        player = stack.enter_context(accompanist())
        yield Session(clock, settings, Surroundings(player, sync, ports, sync.started_by, sent, BarGrid(*metre)))


@contextlib.contextmanager
def open_demo(
    settings: Settings,
    song: Song,
    choice: PortChoice,
    accompanist: Callable[[], AbstractContextManager[Accompanist]],
    record: Record,
) -> Iterator[Session]:
    """A session in which a performer plays the melody of `song` and then ends it; ports only where `choice` wants them.

    Raises:
        GaptError: a port cannot be had, or the accompanist cannot start.
    """
    clock = MonotonicClock()
    with contextlib.ExitStack() as stack:
        ports = open_ports(choice, clock, stack)
        player = stack.enter_context(accompanist())
        ports.ways_out.append(record)
        performer = Performer(clock, score_events(song))
        around = Surroundings(player, performer, ports, sent=record.add, bars=BarGrid.of_song(song))
        session = Session(clock, replace(settings, bpm=song.tempos[0].bpm), around)
        performer.ended = session.stop
        yield session


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
