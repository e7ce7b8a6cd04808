"""Drives an engine from one thread and sends what it lets out, on time.

One thread is enough: a step of the engine takes some ten microseconds, for the policy computes in a process of
its own. The thread sleeps in its mailbox until a millisecond before the next deadline and spins the rest.
"""

from __future__ import annotations

import contextlib
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bridge.engine.engine import Engine
from bridge.engine.ledger import Ledger
from bridge.errors import BridgeError
from bridge.events import ChordStarts, EndNote, InEvent, OutMessage, PlayNote, Silence, TransportChanged
from bridge.live.inbox import Mailbox
from bridge.seams import Clock, InputStage, OutPort
from bridge.timing.clock import SPIN_SECONDS
from gapt_core.vocabulary import FRAMES_PER_BEAT

MOST_FAULTS = 10
"""Faults of the program in one session after which it gives up."""

LONGEST_WAIT_SECONDS = 0.5
STATUS_SECONDS = 0.5

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sent:
    """A chord that has left by every port, `late_seconds` after its frame's grid line."""

    chord: ChordStarts
    seconds: float
    late_seconds: float


Tap = Callable[[OutMessage, float, float], None]
"""Told of each message that left, when (seconds) and at which beat; on the sender's thread, so it only hands it on."""


@dataclass(frozen=True)
class Around:
    """What stands before and behind the engine.

    Attributes:
        stages: make orders of facts, in this order.
        taps: for the record and the view.
        sent: told of each chord on the sender's thread, so it must only hand it on.
        worker: what is wrong with the policy's process, empty while it is well.
    """

    stages: Sequence[InputStage] = ()
    taps: Sequence[Tap] = ()
    sent: Callable[[Sent], None] = lambda sent: None
    worker: Callable[[], str] = lambda: ""


class WayOut:
    """A port with the ledger of what it sounds."""

    def __init__(self, port: OutPort) -> None:
        self.port = port
        self.ledger = Ledger()

    def send(self, message: OutMessage) -> None:
        """Book, then send: a note-on that is cut off half way is in the ledger already."""
        if isinstance(message, PlayNote):
            self.ledger.record(message)
        self.port.send(message)
        if isinstance(message, EndNote):
            self.ledger.record(message)

    def silence(self, due_beats: float, channel: int) -> None:
        """End every note of the ledger, then all sound on our channel, whatever goes wrong on the way."""
        last_words: list[OutMessage] = [*self.ledger.end_all(due_beats), Silence(due_beats, channel)]
        for message in last_words:
            try:
                self.port.send(message)
            except BridgeError as error:
                logger.info("silencing: %s", error)
            except Exception:
                # Whatever a driver throws: the next note, and the next port, must still be ended.
                logger.exception("a fault while silencing")


class Sender:
    """The live loop. `run` belongs to one thread; `stop` may be called from any, and from a signal handler."""

    def __init__(
        self, engine: Engine, mailbox: Mailbox, clock: Clock, ports: Sequence[OutPort], around: Around | None = None
    ) -> None:
        """Stand still."""
        self.faults = 0
        self._engine = engine
        self._mailbox = mailbox
        self._clock = clock
        self._ways = [WayOut(port) for port in ports]
        self._around = around or Around()
        # What has been taken and not yet handled: after a fault the rest is still there.
        self._events: deque[InEvent] = deque()
        self._next_status = 0.0
        self._stopping = False

    def stop(self) -> None:
        """Make `run` return soon."""
        self._stopping = True
        self._mailbox.wake()

    def run(self) -> None:
        """Play until `stop`; every way out of here ends every note.

        Raises:
            BridgeError: a port was lost, or the program had too many faults of its own.
        """
        try:
            while not self._stopping:
                self._play()
            self._play()
        finally:
            self.silence()

    def step(self, wait_seconds: float) -> None:
        """Take what has come, after waiting for it at most `wait_seconds`; send what is due then."""
        self._events.extend(self._mailbox.take(0.0 if self._events else wait_seconds))
        while self._events:
            self._handle(self._events.popleft(), 0)
        now = self._clock.now()
        for place, stage in enumerate(self._around.stages):
            for event in stage.advance(now):
                self._handle(event, place + 1)
        due = self._engine.advance(now)
        if due:
            self._send(due)
        if now >= self._next_status or any(map(_is_turn, due)):
            self._next_status = now + STATUS_SECONDS
            self._send([self._engine.status(now, self._around.worker())])

    def silence(self) -> None:
        """End everything we sound, on every port."""
        seconds = self._clock.now()
        beats, channel = self._engine.beats_at(seconds), self._engine.settings.midi_channel
        for way in self._ways:
            way.silence(beats, channel)
        for tap in self._around.taps:
            with contextlib.suppress(Exception):
                tap(Silence(beats, channel), seconds, beats)

    def _handle(self, event: InEvent, place: int) -> None:
        """Pass `event` through the stages from `place` on, and what comes of it to the engine."""
        if place == len(self._around.stages):
            self._engine.handle(event)
            return
        for each in self._around.stages[place].handle(event):
            self._handle(each, place + 1)

    def _play(self) -> None:
        try:
            self.step(self._wait_for_deadline())
        except BridgeError:
            raise
        except Exception as error:
            # The music must outlive a fault of ours: this is the one place that takes whatever comes.
            self.faults += 1
            logger.exception("a fault while playing")
            self.silence()
            if self.faults >= MOST_FAULTS:
                raise BridgeError(
                    f"The session stops after {self.faults} faults of its own (the last: {error}): "
                    "run `gapt -v jam` and report what it logs."
                ) from error

    def _wait_for_deadline(self) -> float:
        """How long to wait for events; where the deadline is nearer than a sleep is exact, wait for it here."""
        if self._stopping:
            return 0.0
        wakes = [self._engine.wake_seconds(), *(stage.wake_seconds() for stage in self._around.stages)]
        wake = min((seconds for seconds in wakes if seconds is not None), default=None)
        if wake is None:
            return LONGEST_WAIT_SECONDS
        left = wake - self._clock.now() - SPIN_SECONDS
        if left > 0:
            return min(left, LONGEST_WAIT_SECONDS)
        self._clock.sleep_until(wake)
        return 0.0

    def _send(self, messages: list[OutMessage]) -> None:
        # Port by port, the first ones first: a chord is not to wait between its notes for every client of another port.
        for way in self._ways:
            for message in messages:
                way.send(message)
        seconds = self._clock.now()
        beats = self._engine.beats_at(seconds)
        for message in messages:
            for tap in self._around.taps:
                tap(message, seconds, beats)
            # What ends because the transport stops was planned for no frame, and is not late.
            if isinstance(message, ChordStarts) and message.due_beats == message.frame / FRAMES_PER_BEAT:
                due = self._engine.due_seconds(message.due_beats)
                self._around.sent(Sent(message, seconds, seconds - due))


def _is_turn(message: OutMessage) -> bool:
    """Whether the music starts, stops or jumps: everybody is told at once in which bar that leaves it."""
    return isinstance(message, TransportChanged) and (message.jump or not message.rolling)
