"""The heart of the live session: events in, timed messages out.

An `Engine` owns no thread, opens no port and reads no clock: it knows the time only from what it is told.
Whoever drives it (`bridge.live.sender`, or `bridge.offline.virtual` for files) does three things, on one thread:

1. `handle(event)` for every event, in the order in which they came;
2. `advance(now)` after events and when `now` reaches `wake_seconds()`; send what it returns, at once;
3. turn each answer of the accompanist, which may come on any thread, into a `PlanArrived` event.

What leaves depends on the events alone, not on how often `advance` is called.

Time is counted in beats, and music in frames of a sixteenth note, both from the song's beat 0. Frame t stands
around its grid line, beat t/4: it *closes* half a frame later, when every onset that rounds to t has come, and
is then fed to the accompanist. The chord of frame t is asked for as soon as frame t - 1 is closed
(`anticipate`), or a little after its grid line, with the note heard by then (`react`).
"""

from __future__ import annotations

import math
from collections.abc import Callable

from bridge.engine.harmony import Harmony
from bridge.engine.settings import Counters, Settings
from bridge.events import (
    InEvent,
    MetreChange,
    NoteOff,
    NoteOn,
    OutMessage,
    PlanArrived,
    PlanShown,
    Start,
    Stop,
    TempoChange,
)
from bridge.seams import Voicer
from bridge.timing.beatmap import BeatMap
from bridge.timing.metre import BarGrid
from gapt_core.frames import LiveMelody, frame_of
from gapt_core.vocabulary import FRAMES_PER_BEAT
from plugin_host.accompanist import Accompanist, MelodyFrame, Plan, PlanRequest

HALF_FRAME = 0.5 / FRAMES_PER_BEAT
"""In beats."""

PATIENCE_FRAMES = 4
"""How many frames to wait for an answer, once it is overdue, before asking anew from where the music is now."""

SILENCE_BARS = 2
"""How many bars a chord may go on without an answer."""

ROUNDING = 1e-6
"""In beats: what turning beats into seconds and back may lose, and far below what can be heard."""

REMEMBERED_SECONDS = 60.0
"""How far back an event may still be turned into beats by the tempo of its own time."""


class Engine:
    """A session's state: the transport, the melody as heard, what is asked for and what is final."""

    def __init__(
        self,
        accompanist: Accompanist,
        voicer: Voicer,
        settings: Settings,
        deliver: Callable[[Plan, int], None],
        bars: BarGrid | None = None,
    ) -> None:
        """Stand still.

        Args:
            deliver: called with each plan and the session it answers, on whatever thread the accompanist
                answers; it has to bring both back as `PlanArrived` through `handle`, and not call the engine itself.
            bars: where the bar lines are; 4/4 from beat 0 without.
        """
        self.counters = Counters()
        self._accompanist = accompanist
        self._settings = settings
        self._deliver = deliver
        self._bars = bars or BarGrid()
        self._map = BeatMap(settings.bpm)
        self._melody = LiveMelody()
        self._harmony = Harmony(voicer, settings, self.counters)
        self._out: list[OutMessage] = []
        self._session = 0
        self._rolling = False
        self._origin = 0  # the accompanist's frame 0
        self._open = 0  # the first frame not closed
        self._next = 0  # the first frame not asked for
        self._answered = 0  # the first frame not answered for
        self._waits_for: int | None = None  # the frame last asked for, until the answer comes
        self._give_up = 0  # when `_next` gets here, that answer is waited for no longer

    @property
    def rolling(self) -> bool:
        """Whether the transport rolls."""
        return self._rolling

    @property
    def waiting(self) -> bool:
        """Whether a plan has been asked for that has not come yet."""
        return self._waits_for is not None

    def handle(self, event: InEvent) -> None:
        """Take an event in. What it lets out is returned by the next `advance`."""
        beats = self._map.beats_at(event.seconds)
        self._run(beats - ROUNDING)
        if isinstance(event, NoteOn):
            self._note_on(beats, event.pitch)
        elif isinstance(event, NoteOff):
            self._melody.note_off(beats, event.pitch)
        elif isinstance(event, PlanArrived):
            self._take(event.plan, event.session, beats)
        elif isinstance(event, TempoChange):
            self._map.change_tempo(event.seconds, event.bpm)
            self._map.forget_before(event.seconds - REMEMBERED_SECONDS)
        elif isinstance(event, MetreChange):
            self._change_metre(event, frame_of(beats))
        elif isinstance(event, Start):
            self._start(event)
        elif isinstance(event, Stop):
            self._stop(beats)

    def advance(self, seconds: float) -> list[OutMessage]:
        """Let time go on to `seconds`; the messages now due, in the order in which to send them."""
        self._run(self._map.beats_at(seconds) + ROUNDING)
        out, self._out = self._out, []
        return out

    def wake_seconds(self) -> float | None:
        """When `advance` next has something to do unless an event comes first; None while the transport stands."""
        if not self._rolling:
            return None
        return self._map.seconds_at(min(due for due, _ in self._agenda()))

    def beats_at(self, seconds: float) -> float:
        """Beats at `seconds`."""
        return self._map.beats_at(seconds)

    def seconds_at(self, beats: float) -> float:
        """Seconds at `beats`, by the tempo known so far."""
        return self._map.seconds_at(beats)

    def _run(self, limit: float) -> None:
        """Do what is due up to `limit` (beats), in order."""
        while self._rolling:
            due, act = min(self._agenda(), key=lambda item: item[0])
            if due > limit:
                return
            act()

    def _agenda(self) -> list[tuple[float, Callable[[], None]]]:
        """What comes next and when, in beats. A frame about to close is asked for before it does."""
        return [
            (self._ask_beats(), self._ask),
            (self._open / FRAMES_PER_BEAT + HALF_FRAME, self._close),
            (self._harmony.next_beats(), self._send),
        ]

    def _ask_beats(self) -> float:
        """When to ask for `_next`: never before all frames before it are closed, nor while an answer is waited for."""
        if self._open < self._next or (self.waiting and self._next < self._give_up):
            return math.inf
        line = self._next / FRAMES_PER_BEAT
        if self._settings.mode == "anticipate":
            return line - HALF_FRAME
        return line + min(self._settings.window_seconds * self._map.bpm / 60.0, HALF_FRAME)

    def _ask(self) -> None:
        frame, session, settings = self._next, self._session, self._settings
        listening = max(0, self._origin + frame_of(settings.listen_beats) - frame)
        commit = min(settings.commit, listening or settings.commit)
        length = commit if listening else max(commit, settings.lookahead)
        self._waits_for = frame
        self._next = frame + commit
        self._give_up = self._next + PATIENCE_FRAMES
        self.counters.asked += 1
        request = PlanRequest(
            frame=frame - self._origin,
            now=self._melody.token(frame) if settings.mode == "react" else None,
            metres=tuple(self._bars.place(frame + i) for i in range(length)),
            commit=commit,
            play=not listening,
        )
        self._accompanist.plan(request, lambda plan: self._deliver(plan, session))

    def _close(self) -> None:
        frame = self._open
        place = self._bars.place(frame)
        self._accompanist.feed(MelodyFrame(frame - self._origin, self._melody.token(frame), place))
        self.counters.frames += 1
        self._open = frame + 1
        if self._next <= frame:
            self.counters.held += 1
            self._next = self._open
        if self._open - self._answered >= SILENCE_BARS * place[1] and self._harmony.rest(frame):
            self.counters.silenced += 1

    def _send(self) -> None:
        self._out.append(self._harmony.send_next())

    def _take(self, plan: Plan, session: int, beats: float) -> None:
        frame = plan.frame + self._origin
        if session != self._session or frame < self._answered:
            self.counters.stale += 1
            return
        self.counters.answered += 1
        if frame == self._waits_for:
            self._waits_for = None
        self._answered = frame + plan.committed
        self._harmony.take(frame, plan.tokens[: plan.committed], beats)
        shown = plan.tokens[plan.committed :]
        if shown:
            self._out.append(PlanShown(self._answered / FRAMES_PER_BEAT, self._answered, shown))

    def _note_on(self, beats: float, pitch: int) -> None:
        frame = frame_of(beats)
        if not self._rolling or frame < self._origin:
            return
        if frame < self._open:
            self.counters.late_notes += 1
            beats = self._open / FRAMES_PER_BEAT - HALF_FRAME
        self._melody.note_on(beats, pitch)

    def _change_metre(self, event: MetreChange, frame: int) -> None:
        if self._rolling:
            self._bars.change(max(frame, self._open), event.numerator, event.denominator)
        else:
            self._bars.restart(event.numerator, event.denominator)

    def _start(self, event: Start) -> None:
        self._map = BeatMap(self._map.bpm, event.seconds, event.beats)
        self._clear(event.beats)
        self._origin = max(0, math.ceil((event.beats - ROUNDING) * FRAMES_PER_BEAT))
        self._open = self._next = self._answered = self._origin
        self._rolling = True

    def _stop(self, beats: float) -> None:
        if self._rolling:
            self._clear(beats)
        self._rolling = False

    def _clear(self, beats: float) -> None:
        """End what sounds and forget the music; answers still on their way belong to another session now."""
        self._out += self._harmony.clear(beats)
        self._melody.clear()
        self._accompanist.reset(self._settings.sampling)
        self._session += 1
        self._waits_for = None
