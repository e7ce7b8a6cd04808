"""The bridge's side of the policy's process: passes frames and requests on, and outlives the process.

No verb waits for the policy. A supervisor thread reads the answers; when the process dies or falls silent it
starts another, tells it what was heard and committed, and answers come again. Meanwhile they simply do not come.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable

from gapt_core.vocabulary import STYLES
from plugin_host.accompanist import MelodyFrame, Plan, PlanRequest, Sampling
from plugin_host.errors import HostError, ProtocolError, WorkerLost
from plugin_host.priority import raise_priority
from plugin_host.process import WorkerProcess
from plugin_host.protocol import Answer, Ask, Feed, Message, Recall, Reset

Deliver = Callable[[Plan], None]

READY_SECONDS = 120.0
SILENT_SECONDS = 10.0
POLL_SECONDS = 0.25
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0
REMEMBERED_FRAMES = 4096
MOST_PENDING = 64
"""Requests that may wait for an answer; of more the oldest are given up."""

logger = logging.getLogger(__name__)


class History:
    """What a new worker must be told: the frames heard, the chords committed, and whether frames were shown."""

    def __init__(self, sampling: Sampling) -> None:
        self.sampling = sampling
        self.shown = False
        self._frames: deque[MelodyFrame] = deque(maxlen=REMEMBERED_FRAMES)
        self._chords: deque[tuple[int, int]] = deque(maxlen=REMEMBERED_FRAMES)

    @property
    def next_frame(self) -> int:
        """The frame to be fed next."""
        return self._frames[-1].index + 1 if self._frames else 0

    def feed(self, frame: MelodyFrame) -> None:
        """Keep a frame."""
        self._frames.append(frame)

    def commit(self, plan: Plan) -> None:
        """Keep what a plan made final."""
        self._chords.extend(enumerate(plan.tokens[: plan.committed], start=plan.frame))

    def recall(self, window: int) -> Recall:
        """The last `window` frames, and the chords from there on."""
        frames = tuple(self._frames)[-window:]
        first = frames[0].index - 1 if frames else 0
        return Recall(self.shown, frames, tuple(chord for chord in self._chords if chord[0] >= first))


class WorkerAccompanist:
    """The policy in a process of its own. `start` before use, `close` after; or use it in a `with` statement.

    Args:
        preset: a preset's name, or its folder.
        sampling: how chords are drawn until the first `reset`.
        style: one of `gapt_core.vocabulary.STYLES`.
        silent_seconds: a worker says that it is alive twice a second; this long without a word and it is replaced.
    """

    def __init__(
        self,
        preset: str,
        sampling: Sampling | None = None,
        style: str = STYLES[0],
        silent_seconds: float = SILENT_SECONDS,
    ) -> None:
        self.preset = preset
        """The preset that plays."""
        self.restarts = 0
        """How often a worker that was lost has been replaced."""
        self.trouble: str | None = None
        """Why the last attempt to start a worker failed, one sentence; None after one that went well."""
        self._style = style
        self._silent_seconds = silent_seconds
        self._history = History(sampling or Sampling())
        self._worker: WorkerProcess | None = None
        self._candidate: WorkerProcess | None = None
        self._pending: dict[int, tuple[PlanRequest, Deliver]] = {}
        self._asked = 0
        self._lock = threading.Lock()  # over worker, history and pending; never held while waiting
        self._hiring = threading.Lock()  # one new worker at a time
        self._closing = threading.Event()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> WorkerAccompanist:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The worker's process number."""
        return self._worker.pid if self._worker else None

    def start(self) -> None:
        """Return once the policy can play.

        Raises:
            HostError: it cannot; the sentence says why.
        """
        self._hire(self.preset)
        self._in_background(self._supervise)

    def feed(self, frame: MelodyFrame) -> None:
        """Take the next closed melody frame."""
        with self._lock:
            self._history.feed(frame)
            self._send(Feed(frame))

    def plan(self, request: PlanRequest, deliver: Deliver) -> None:
        """Ask; the answer comes through `deliver` from the supervisor's thread, or never if the worker dies first."""
        with self._lock:
            self._history.shown = request.now is not None
            self._asked += 1
            if len(self._pending) >= MOST_PENDING:
                del self._pending[next(iter(self._pending))]
            self._pending[self._asked] = (request, deliver)
            self._send(Ask(self._asked, request))

    def reset(self, sampling: Sampling) -> None:
        """Forget the music: the next frame fed is frame 0."""
        with self._lock:
            self._history = History(sampling)
            self._pending.clear()
            self._send(Reset(sampling))

    def swap(self, preset: str) -> None:
        """Play on with another preset as soon as it is loaded; until then, or if it cannot be, with this one."""
        self._in_background(self._swap, preset)

    def close(self) -> None:
        """End the worker. Safe to call twice."""
        self._closing.set()
        with self._lock:
            for worker in (self._worker, self._candidate):
                if worker is not None:
                    worker.kill()
            self._worker = None
            self._pending.clear()
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def _supervise(self) -> None:
        """Attend to one worker after another. Whoever takes a worker's place kills it; here it is released."""
        raise_priority()
        while (worker := self._worker) is not None:
            try:
                self._attend(worker)
            except (WorkerLost, ProtocolError) as loss:
                if worker is self._worker and not self._closing.is_set():
                    logger.warning("%s It is started anew.", loss)
                    self._replace(worker)
            worker.kill()
            worker.release()

    def _attend(self, worker: WorkerProcess) -> None:
        """Read what the worker says until another takes its place.

        Raises:
            WorkerLost: it died or fell silent.
            ProtocolError: it makes no sense.
        """
        while worker is self._worker:
            for message in worker.receive(POLL_SECONDS):
                self._take(message)
            if time.monotonic() - worker.heard_seconds > self._silent_seconds:
                raise WorkerLost("The policy's process has fallen silent.")

    def _take(self, message: Message) -> None:
        if not isinstance(message, Answer):
            return
        with self._lock:
            asked = self._pending.pop(message.number, None)
            if asked is not None:
                self._history.commit(message.plan)
        if asked is not None:
            asked[1](message.plan)

    def _replace(self, lost: WorkerProcess) -> None:
        """Start another worker in place of the lost one, however often it takes, unless somebody else did."""
        pause = FIRST_PAUSE_SECONDS
        with self._lock:
            self._pending.clear()
        while self._worker is lost and not self._closing.is_set():
            if self._try_to_hire(self.preset):
                self.restarts += 1
                return
            self._closing.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    def _swap(self, preset: str) -> None:
        self._try_to_hire(preset)

    def _try_to_hire(self, preset: str) -> bool:
        try:
            self._hire(preset)
        except HostError as error:
            if not self._closing.is_set():
                self.trouble = str(error)
                logger.warning("%s", error)
            return False
        self.trouble = None
        return True

    def _hire(self, preset: str) -> None:
        """Start a worker, and when it is ready tell it the music so far and let it take over.

        Raises:
            HostError: it cannot start, or `close` came first.
        """
        with self._hiring:
            worker = WorkerProcess(preset, self._style)
            try:
                with self._lock:
                    self._candidate = worker
                ready = worker.wait_ready(0.0 if self._closing.is_set() else READY_SECONDS)
                self._hand_over(worker, preset, ready.window)
            except BaseException:
                worker.kill()
                worker.release()
                raise
            finally:
                self._candidate = None

    def _hand_over(self, worker: WorkerProcess, preset: str, window: int) -> None:
        with self._lock:
            if self._closing.is_set():
                raise WorkerLost("The session was closed while the policy was loading.")
            before, self._worker = self._worker, worker
            self.preset = preset
            self._send(Reset(self._history.sampling))
            self._send(self._history.recall(window))
            for number, (request, _) in self._pending.items():
                if request.frame >= self._history.next_frame:
                    self._send(Ask(number, request))
        if before is not None:
            before.kill()

    def _send(self, message: Message) -> None:
        """Pass a message on; the lock is held. A loss is the supervisor's business: the history will be told again."""
        if self._worker is not None:
            with contextlib.suppress(WorkerLost):
                self._worker.send(message)

    def _in_background(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, name=f"policy-{target.__name__}", daemon=True)
        self._threads.append(thread)
        thread.start()
