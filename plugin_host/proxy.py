"""The bridge's side of the policy's process: passes frames and requests on, and outlives the process.

No verb waits for the policy. A thread reads the answers; another one starts processes: a new one where one was lost,
and one for another preset, which takes over when it is loaded and has heard the past. Until then the old one answers.
While there is none answers simply do not come.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from gapt_core.vocabulary import STYLES
from plugin_host.accompanist import MelodyFrame, Plan, PlanRequest, Sampling
from plugin_host.errors import HostError, ProtocolError, WorkerLost
from plugin_host.history import History
from plugin_host.priority import raise_priority
from plugin_host.process import WorkerProcess
from plugin_host.protocol import Answer, Ask, Cut, Feed, Message, Recall, Reset, Sample

Deliver = Callable[[Plan], None]

READY_SECONDS = 120.0
SILENT_SECONDS = 10.0
POLL_SECONDS = 0.25
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0
MOST_PENDING = 64
"""Requests that may wait for an answer; of more the oldest are given up."""

logger = logging.getLogger(__name__)


@dataclass
class Pending:
    """A request on its way; `committed` once the first part of the answer has come."""

    request: PlanRequest
    deliver: Deliver
    committed: bool = False


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
        self.style = style
        """The style it plays."""
        self.restarts = 0
        """How often a worker that was lost has been replaced."""
        self.trouble: str | None = None
        """What is wrong: the worker is gone, or the last one to be started could not be; one sentence, None if well."""
        self._silent_seconds = silent_seconds
        self._history = History(sampling or Sampling())
        self._pending: dict[int, Pending] = {}
        self._asked = 0
        self._worker: WorkerProcess | None = None
        self._candidate: WorkerProcess | None = None  # loading
        self._successor: WorkerProcess | None = None  # loaded, and told what happens
        self._left: list[WorkerProcess] = []  # nobody reads from these any more
        self._wish: tuple[str, str] | None = None  # preset and style to be swapped in
        self._wishes = 0
        self._closing = False
        self._changed = threading.Condition()  # over all of this; its lock is never held while anything is waited for
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> WorkerAccompanist:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The worker's process number; None while there is none."""
        worker = self._worker
        return worker.pid if worker else None

    def start(self) -> None:
        """Return once the policy can play.

        Raises:
            HostError: it cannot; the sentence says why.
        """
        self._hire(self.preset, self.style)
        for target in (self._read, self._keep_hired):
            thread = threading.Thread(target=target, name=f"policy-{target.__name__}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def feed(self, frame: MelodyFrame) -> None:
        """Take the next closed melody frame."""
        with self._changed:
            self._history.feed(frame)
            self._tell(Feed(frame))

    def plan(self, request: PlanRequest, deliver: Deliver) -> None:
        """Ask; the answer comes through `deliver` from the reading thread, or never if the worker dies first."""
        with self._changed:
            self._history.shown = request.now is not None
            self._asked += 1
            if len(self._pending) >= MOST_PENDING:
                del self._pending[next(iter(self._pending))]
            self._pending[self._asked] = Pending(request, deliver)
            self._send(self._worker, Ask(self._asked, request))

    def reset(self, sampling: Sampling) -> None:
        """Forget the music: the next frame fed is frame 0."""
        with self._changed:
            self._history = History(sampling)
            self._pending.clear()
            self._tell(Reset(sampling))

    def sample(self, sampling: Sampling) -> None:
        """Draw chords so from the next plan on; a worker yet to come is told, too."""
        with self._changed:
            self._history.sampling = sampling
            self._tell(Sample(sampling))

    def cut(self, frame: int) -> None:
        """Take back what was committed from `frame` on, and every answer that has not come yet."""
        with self._changed:
            first = min([frame, *(asked.request.frame for asked in self._pending.values() if not asked.committed)])
            self._history.cut(first)
            self._pending.clear()
            self._tell(Cut(first))

    def swap(self, preset: str, style: str) -> None:
        """Play on with another preset or style as soon as it is loaded; until then, or if it cannot be, with this one.

        Of several wishes the last one counts.
        """
        with self._changed:
            self._wishes += 1
            self._wish = (preset, style)
            if self._worker is not None and self._wish == (self.preset, self.style):
                self._wish = self.trouble = None
            if self._worker is not None and self._candidate is not None:
                self._candidate.dismiss()
            self._changed.notify_all()

    @property
    def changing(self) -> bool:
        """Whether another preset or style is on its way in."""
        with self._changed:
            return self._wish is not None or (self._candidate is not None and self._worker is not None)

    def close(self) -> None:
        """End the worker. Safe to call twice."""
        with self._changed:
            self._closing = True
            self._pending.clear()
            self._changed.notify_all()
            working = [worker for worker in (self._worker, self._candidate) if worker is not None]
        for worker in working:
            worker.kill()
        for thread in self._threads:
            thread.join()
        self._threads.clear()
        self._release_left()

    # --- the thread that reads

    def _read(self) -> None:
        """Attend to one worker after another."""
        raise_priority()
        while (worker := self._next_worker()) is not None:
            try:
                self._attend(worker)
            except (WorkerLost, ProtocolError) as loss:
                self._lose(worker, loss)
            with self._changed:
                self._left.append(worker)
                self._changed.notify_all()

    def _next_worker(self) -> WorkerProcess | None:
        with self._changed:
            self._changed.wait_for(lambda: self._closing or self._worker is not None)
            return None if self._closing and self._worker is None else self._worker

    def _attend(self, worker: WorkerProcess) -> None:
        """Read what the worker says until another takes its place.

        Raises:
            WorkerLost: it died or fell silent.
            ProtocolError: it makes no sense.
        """
        while worker is self._worker:
            for message in worker.receive(POLL_SECONDS):
                if isinstance(message, Answer):
                    self._take(worker, message)
            if time.monotonic() - worker.heard_seconds > self._silent_seconds:
                raise WorkerLost("The policy's process has fallen silent.")

    def _take(self, worker: WorkerProcess, answer: Answer) -> None:
        """Deliver an answer, unless another worker has been asked for it meanwhile or nobody wants it any more."""
        with self._changed:
            asked = self._pending.get(answer.number)
            if asked is None or worker is not self._worker:
                return
            for earlier in [number for number in self._pending if number < answer.number]:
                del self._pending[earlier]  # answers come in order: the rest of that one was given up
            if not asked.committed:
                asked.committed = True
                chords = self._history.commit(answer.plan)
                self._send(self._successor, Recall(self._history.shown, (), chords))
            if answer.whole:
                del self._pending[answer.number]
        asked.deliver(answer.plan)

    def _lose(self, worker: WorkerProcess, loss: HostError) -> None:
        with self._changed:
            if worker is not self._worker:
                return
            self._worker = None
            if not self._closing:
                self.trouble = f"{loss} It is started anew."
                logger.warning("%s", self.trouble)

    # --- the thread that hires

    def _keep_hired(self) -> None:
        """Hire whenever a worker is lost or another preset is wanted."""
        pause = FIRST_PAUSE_SECONDS
        while self._wait_for_work():
            self._release_left()
            with self._changed:
                wish, self._wish, wishes = self._wish, None, self._wishes
                preset, style = wish or (self.preset, self.style)
                idle = wish is None and self._worker is not None
            if idle:
                continue
            if self._try_to_hire(preset, style, wishes):
                pause = FIRST_PAUSE_SECONDS
            elif wish is None:
                with self._changed:
                    self._changed.wait_for(lambda: self._closing or self._wish is not None, pause)
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    def _wait_for_work(self) -> bool:
        """Whether there is any, and not the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._closing or self._wish or self._worker is None or self._left)
            return not self._closing

    def _release_left(self) -> None:
        with self._changed:
            left, self._left = self._left, []
        for worker in left:
            worker.kill()
            worker.release()

    def _try_to_hire(self, preset: str, style: str, wishes: int) -> bool:
        try:
            self._hire(preset, style, wishes)
        except HostError as error:
            with self._changed:
                if not self._closing and wishes == self._wishes:
                    self.trouble = str(error)
                    logger.warning("%s", error)
            return False
        return True

    def _hire(self, preset: str, style: str, wishes: int = 0) -> None:
        """Start a worker, tell it the music so far when it is loaded, and let it take over when it has heard it.

        Raises:
            HostError: it cannot start, or `close` or another wish came first.
        """
        worker = WorkerProcess(preset, style)
        try:
            with self._changed:
                self._candidate = worker
                overtaken = self._is_overtaken(wishes)
            window = worker.wait_ready(0.0 if overtaken else READY_SECONDS).window
            self._brief(worker, window)
            worker.wait_ready(READY_SECONDS)
            self._send(worker, Recall(self._history.shown, (), ()))  # to know when it has heard what came meanwhile
            worker.wait_ready(READY_SECONDS)
            self._hand_over(worker, preset, style, wishes)
        except BaseException:
            with self._changed:
                self._successor = None
            worker.kill()
            worker.release()
            raise
        finally:
            with self._changed:
                self._candidate = None

    def _is_overtaken(self, wishes: int) -> bool:
        """Whether nobody wants what is being hired any more; while there is no worker at all anyone will do."""
        return self._closing or (self._worker is not None and wishes != self._wishes)

    def _brief(self, worker: WorkerProcess, window: int) -> None:
        with self._changed:
            self._successor = worker
            self._send(worker, Reset(self._history.sampling))
            self._send(worker, self._history.recall(window))

    def _hand_over(self, worker: WorkerProcess, preset: str, style: str, wishes: int) -> None:
        with self._changed:
            if self._is_overtaken(wishes):
                raise WorkerLost("The session was closed, or another preset was chosen, while the policy was loading.")
            before, self._worker, self._successor = self._worker, worker, None
            self.preset, self.style, self.trouble = preset, style, None
            self.restarts += before is None and bool(self._threads)
            # Of the requests still open the newest alone is waited for.
            newest = list(self._pending.items())[-1:]
            self._pending = {number: asked for number, asked in newest if not asked.committed}
            for number, asked in self._pending.items():
                self._send(worker, Ask(number, asked.request))
            self._changed.notify_all()
        if before is not None:
            before.dismiss()

    # --- messages; the lock is held

    def _tell(self, message: Message) -> None:
        """Pass a message on to the worker, and to the one that will take its place."""
        self._send(self._worker, message)
        self._send(self._successor, message)

    def _send(self, worker: WorkerProcess | None, message: Message) -> None:
        """A loss is the business of who reads from the worker: the history will be told again."""
        if worker is not None:
            with contextlib.suppress(WorkerLost):
                worker.send(message)
