"""The talk with the accompanist: what has been fed, asked and answered, counted in the song's frames."""

from __future__ import annotations

from collections.abc import Callable

from bridge.controls.settings import Counters
from gapt_core.vocabulary import FRAMES_PER_BEAT
from plugin_host.accompanist import Accompanist, MelodyFrame, Plan, PlanRequest, Sampling

PATIENCE_FRAMES = 4
"""How many frames to wait for an answer, once it is overdue, before asking anew from where the music is now."""

Place = tuple[int, int, int]


class Dialogue:
    """A part of the engine. For the accompanist frames count on without a gap; for us they are places in the song.

    Attributes:
        open: the first frame not closed.
        next: the first frame not asked for.
        answered: the first frame not answered for.
    """

    def __init__(self, accompanist: Accompanist, counters: Counters, deliver: Callable[[Plan, int], None]) -> None:
        self.open = 0
        self.next = 0
        self.answered = 0
        self._accompanist = accompanist
        self._counters = counters
        self._deliver = deliver
        self._session = 0
        self._origin = 0  # the place in the song of the accompanist's frame 0
        self._waits_for: int | None = None  # the frame last asked for, until the answer comes
        self._give_up = 0  # when `next` gets here, that answer is waited for no longer

    @property
    def waiting(self) -> bool:
        """Whether a plan has been asked for that has not come yet."""
        return self._waits_for is not None

    @property
    def patient(self) -> bool:
        """Whether an answer is still worth waiting for."""
        return self.waiting and self.next < self._give_up

    def begin(self, frame: int) -> None:
        """What comes next is `frame` of the song; the music before it is remembered."""
        fed = self.open - self._origin
        self._take_back(min(self.open, self.answered))
        self._origin = frame - fed
        self._forget(frame)

    def begin_anew(self, frame: int, sampling: Sampling) -> None:
        """A piece begins at `frame`; the one before is forgotten."""
        self._accompanist.reset(sampling)
        self._origin = frame
        self._forget(frame)

    def break_off(self, beats: float) -> None:
        """What was answered for frames whose line is not reached at `beats` will not be played."""
        played = min(self.answered, int(beats * FRAMES_PER_BEAT // 1) + 1)
        self._take_back(played)
        frame = max(self.open, played)
        self._session += 1
        self._waits_for = None
        self.next = self.answered = frame

    def ask(self, now: int | None, places: tuple[Place, ...], commit: int, play: tuple[bool, bool]) -> None:
        """Ask for the frames from `next` on; `play` is whether a chord may be played, and whether the first comes in.

        `PlanRequest` says the rest.
        """
        frame, session = self.next, self._session
        self._waits_for = frame
        self.next = frame + commit
        self._give_up = self.next + PATIENCE_FRAMES
        self._counters.asked += 1
        request = PlanRequest(frame - self._origin, now, places, commit, *play)
        self._accompanist.plan(request, lambda plan: self._deliver(plan, session))

    def close(self, melody: int, place: Place, holding: bool) -> None:
        """Feed the frame `open`. Where nobody asked for it the chord before went on, meant so if `holding`."""
        frame = self.open
        self._accompanist.feed(MelodyFrame(frame - self._origin, melody, place))
        self._counters.frames += 1
        self.open = frame + 1
        if self.next <= frame:
            self._counters.held += not holding
            self.next = self.open
        if holding:
            self.answered = max(self.answered, self.open)

    def take(self, plan: Plan, session: int) -> tuple[int, int] | None:
        """Where `plan` stands in the song, and how many of its tokens are final and new; None where it is stale."""
        frame = plan.frame + self._origin
        if session == self._session and frame >= self.answered:
            self._counters.answered += 1
            self.answered = frame + plan.committed
            if frame == self._waits_for:
                self._waits_for = None
                # It may have committed less than it was asked for.
                self.next = max(self.open, min(self.next, self.answered))
            return frame, plan.committed
        if session == self._session and frame + plan.committed == self.answered and len(plan.tokens) > plan.committed:
            return frame, 0
        self._counters.stale += 1
        return None

    def _take_back(self, frame: int) -> None:
        """What is committed from `frame` on, be its answer still on its way to us, will not be played."""
        self._accompanist.cut(max(0, frame - self._origin))

    def _forget(self, frame: int) -> None:
        self.open = self.next = self.answered = frame
        self._session += 1
        self._waits_for = None
