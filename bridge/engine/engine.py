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
(`anticipate`), or with the note heard by then (`react`): on the frame's grid line where its note came early, else with
the note, else when the window after the line ends.

The accompanist hears frames without a gap, whatever the transport does: after a jump or a pause the music goes on,
for it, where it stopped, in another place of the bar. Only a start at the song's beginning makes it forget.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable

from bridge.controls.parameters import PARAMETERS
from bridge.controls.settings import Counters, Settings
from bridge.engine.clock_out import ClockOutput
from bridge.engine.dialogue import Dialogue
from bridge.engine.ear import Ear
from bridge.engine.entry import Entry
from bridge.engine.harmony import Harmony
from bridge.engine.transport import Transport
from bridge.errors import BridgeError
from bridge.events import (
    InEvent,
    MetreChange,
    NoteOff,
    NoteOn,
    OutMessage,
    Panic,
    ParameterChanged,
    PlanArrived,
    Position,
    ScaleChange,
    Set,
    Silence,
    Start,
    Status,
    Stop,
    SyncChanged,
    TempoChange,
    TransportChanged,
)
from bridge.seams import Voicer
from bridge.timing.metre import BarGrid
from gapt_core.frames import frame_of
from gapt_core.vocabulary import FRAMES_PER_BEAT, SILENCE
from plugin_host.accompanist import Accompanist, Plan

HALF_FRAME = 0.5 / FRAMES_PER_BEAT
"""In beats."""

SILENCE_BARS = 2
"""How many bars a chord may go on without an answer."""

ROUNDING = 1e-6
"""In beats: what turning beats into seconds and back may lose, and far below what can be heard."""

HOST_BEAT_TRUST = 0.5
"""In beats: a note's place as its host says it counts where it is this near to when the note came."""

logger = logging.getLogger(__name__)


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
            bars: where the bar lines are; the metre of `settings` from beat 0 without.
        """
        self.counters = Counters()
        self._accompanist = accompanist
        self._settings = settings
        self._transport = Transport(settings.tempo, bars or BarGrid(*settings.bar))
        self._ear = Ear(settings)
        self._dialogue = Dialogue(accompanist, self.counters, deliver)
        self._harmony = Harmony(voicer, settings, self.counters, self._transport.bars.place)
        self._clock = ClockOutput(settings.clock_out)
        self._out: list[OutMessage] = []
        self._began = 0  # the frame at which the transport last started or jumped to
        self._entry = Entry()
        self._told_metre = settings.bar
        self._step_seconds = 0.0
        self._sync = ("", "")  # the sentence and the state
        self._host_scale: ScaleChange | None = None

    @property
    def settings(self) -> Settings:
        """How it plays now."""
        return self._settings

    @property
    def rolling(self) -> bool:
        """Whether the transport rolls."""
        return self._transport.rolling

    @property
    def waiting(self) -> bool:
        """Whether a plan has been asked for that has not come yet."""
        return self._dialogue.waiting

    def handle(self, event: InEvent) -> None:
        """Take an event in; a fact that no stage has made an order of is none of the engine's business.

        What it lets out is returned by the next `advance`.
        """
        beats = self._transport.beats_at(event.seconds)
        self._run(beats - ROUNDING)
        if isinstance(event, (NoteOn, NoteOff)):
            self._note(event, beats)
        elif isinstance(event, PlanArrived):
            self._take(event.plan, event.session, beats)
        elif isinstance(event, (TempoChange, Position, MetreChange)):
            self._change_time(event, beats)
        elif isinstance(event, Start):
            self._start(event, beats)
        elif isinstance(event, Stop):
            self._stop(beats, event.seconds)
        elif isinstance(event, Set):
            self._set(event.name, event.value, beats)
        elif isinstance(event, ScaleChange):
            self._host_scale = event
            self._follow_scale(beats)
        elif isinstance(event, Panic):
            self._panic(beats)
        elif isinstance(event, SyncChanged):
            self._sync = (event.sentence, event.state)

    def advance(self, seconds: float) -> list[OutMessage]:
        """Let time go on to `seconds`; the messages now due, in the order in which to send them."""
        self._run(self._transport.beats_at(seconds) + ROUNDING)
        out, self._out = self._out, []
        return out

    def wake_seconds(self) -> float | None:
        """When `advance` next has something to do unless an event comes first; None for never."""
        due = min(due for due, _ in self._agenda())
        return None if due == math.inf else self._transport.seconds_at(due)

    def beats_at(self, seconds: float) -> float:
        """Beats at `seconds`."""
        return self._transport.beats_at(seconds)

    def seconds_at(self, beats: float) -> float:
        """Seconds at `beats`, by the tempo known so far."""
        return self._transport.seconds_at(beats)

    def due_seconds(self, beats: float) -> float:
        """When a chord of the grid line `beats` is meant to leave: the line, shifted by the offset."""
        return self.seconds_at(beats) + self._settings.offset_ms / 1000.0

    def status(self, seconds: float, worker: str = "") -> Status:
        """How the session fares at `seconds`; `worker` says what is wrong with the policy's process."""
        beats, counters = self._transport.place_at(seconds), self.counters
        return Status(
            due_beats=beats,
            playing=self.rolling,
            bpm=self._transport.bpm,
            metre=self._transport.signature_at(beats),
            bar=self._transport.bar_at(beats),
            chords=counters.chords,
            late=counters.late + counters.skipped + counters.held,
            step_seconds=self._step_seconds,
            preset=self._settings.preset,
            worker=worker,
            sync=self._sync[0],
            sync_state=self._sync[1],
        )

    # --- time

    def _run(self, limit: float) -> None:
        """Do what is due up to `limit` (beats), in order."""
        while True:
            due, act = min(self._agenda(), key=lambda item: item[0])
            if due > limit:
                return
            act()

    def _agenda(self) -> list[tuple[float, Callable[[], None]]]:
        """What comes next and when, in beats. A frame about to close is asked for before it does."""
        agenda: list[tuple[float, Callable[[], None]]] = [(self._clock.next_beats(), self._tick)]
        if self.rolling:
            offset = self._transport.beats_of(self._settings.offset_ms / 1000.0)
            agenda += [
                (self._ask_beats(), self._ask),
                (self._dialogue.open / FRAMES_PER_BEAT + HALF_FRAME, self._close),
                (self._harmony.next_beats() + offset, self._play),
            ]
        return agenda

    def _ask_beats(self) -> float:
        """When to ask for the next frame: never before all before it are closed, nor while an answer is waited for."""
        dialogue = self._dialogue
        if dialogue.open < dialogue.next or dialogue.patient or self._harmony.held:
            return math.inf
        line = dialogue.next / FRAMES_PER_BEAT
        if self._settings.mode == "anticipate":
            return line - HALF_FRAME
        if frame_of(self._ear.newest_beats) == dialogue.next:
            # What the window waits for has come.
            return max(line, self._ear.newest_beats)
        return line + min(self._transport.beats_of(self._settings.window_ms / 1000.0), HALF_FRAME)

    def _ask(self) -> None:
        frame, settings = self._dialogue.next, self._settings
        now = self._ear.token(frame) if settings.mode == "react" else None
        joined = self._entry.joined
        listening = self._entry.listening(frame, self._may_enter(frame, now))
        commit = min(settings.commit_frames, listening or settings.commit_frames)
        length = commit if listening else max(commit, settings.plan_frames)
        places = tuple(self._transport.bars.place(frame + i) for i in range(length))
        enters = self._entry.joined and not joined and settings.entry == "bar"
        self._dialogue.ask(now, places, commit, (not listening, enters))

    def _may_enter(self, frame: int, now: int | None) -> bool:
        """Whether the first chord may come in at `frame`: on a bar line, something having been heard."""
        heard = self._ear.heard_any or (now or SILENCE) != SILENCE
        on_line = self._transport.bars.place(frame)[0] == 0
        return self._settings.entry == "free" or (heard and on_line)

    def _close(self) -> None:
        frame = self._dialogue.open
        place = self._transport.bars.place(frame)
        if self._transport.signature_at(frame / FRAMES_PER_BEAT) != self._told_metre:
            self._tell(frame / FRAMES_PER_BEAT)
        self._dialogue.close(self._ear.token(frame), place, self._harmony.held)
        overdue = self._dialogue.open - self._dialogue.answered >= SILENCE_BARS * place[1]
        if overdue and self._harmony.rest(frame):
            self.counters.silenced += 1

    def _play(self) -> None:
        self._out += self._harmony.act()

    def _tick(self) -> None:
        self._out += self._clock.tick()

    # --- what comes in

    def _take(self, plan: Plan, session: int, beats: float) -> None:
        place = self._dialogue.take(plan, session)
        if place is None:
            return
        frame, final = place
        self._step_seconds = plan.compute_seconds
        if final:
            self._harmony.take(frame, plan.tokens[:final], beats)
        # Where the plan goes on beyond what is final, the whole of it comes in a second message.
        if len(plan.tokens) > plan.committed or self._settings.plan_frames <= plan.committed:
            shown = plan.tokens[plan.committed :]
            self._out += self._harmony.show(frame + plan.committed, shown, beats)

    def _note(self, event: NoteOn | NoteOff, beats: float) -> None:
        if event.beats is not None and abs(event.beats - beats) <= HOST_BEAT_TRUST:
            beats = event.beats
        if isinstance(event, NoteOff):
            self._out += self._ear.release(event, beats)
            return
        counts = self.rolling and self._ear.is_melody(event) and frame_of(beats) >= self._began
        if counts and frame_of(beats) < self._dialogue.open:
            self.counters.late_notes += 1
            beats = self._dialogue.open / FRAMES_PER_BEAT - HALF_FRAME
        if counts:
            self._harmony.hear(event.velocity)
        self._out += self._ear.press(event, beats, counts)

    def _change_time(self, event: TempoChange | Position | MetreChange, beats: float) -> None:
        if isinstance(event, MetreChange):
            self._transport.change_metre(event, max(frame_of(beats), self._dialogue.open))
            if not self.rolling:
                self._tell(self._transport.place_at(event.seconds))
        else:
            news = self._transport.change_tempo(event)
            self._harmony.set_tempo(event.bpm)
            if news:
                self._tell(self._transport.place_at(event.seconds))

    def _start(self, event: Start, beats: float) -> None:
        jump = self.rolling
        frame = max(0, math.ceil((event.beats - ROUNDING) * FRAMES_PER_BEAT))
        self._quiet(beats)
        self._began = frame
        self._transport.roll(event.seconds, event.beats)
        if self._harmony.held:
            self._harmony.strike_anew(frame)
        if jump or frame > 0:
            self.counters.jumps += jump
            self._dialogue.begin(frame)
        else:
            self._ear.heard_any = False
            self._dialogue.begin_anew(frame, self._settings.sampling)
        if not jump:
            self._entry.start(frame, frame_of(self._settings.listen), event.seconds, anew=frame == 0)
        self._out += self._clock.start(event.beats, jump)
        self._tell(event.beats, jump=True)

    def _stop(self, beats: float, seconds: float) -> None:
        if not self.rolling:
            return
        self._quiet(beats)
        self._dialogue.break_off(beats)
        self._transport.stand(beats)
        self._entry.stop(seconds)
        self._out += self._clock.stop(beats)
        self._tell(beats)

    def _quiet(self, beats: float) -> None:
        """End what sounds and what is held, and forget what was to come."""
        if not self.rolling:
            return
        self._out += self._ear.clear(beats)
        self._out += self._harmony.clear(beats)
        self._silence_channel(beats, self._settings.midi_channel)

    def _panic(self, beats: float) -> None:
        self._out += self._ear.release_all(beats)
        self._out += self._harmony.silence(beats)
        self._silence_channel(beats, self._settings.midi_channel)

    def _silence_channel(self, beats: float, channel: int) -> None:
        # It would cut what the player holds there.
        if not self._ear.passes(channel):
            self._out.append(Silence(beats, channel))

    def _tell(self, beats: float, jump: bool = False) -> None:
        signature = self._told_metre = self._transport.signature_at(beats)
        self._out.append(TransportChanged(beats, self.rolling, self._transport.bpm, signature, jump))

    # --- what is set

    def _set(self, name: str, value: object, beats: float) -> None:
        parameter = PARAMETERS.get(name)
        if parameter is None or parameter.kind == "trigger":
            if name == "panic" and value:
                self._panic(beats)
            return
        before = self._settings
        try:
            self._settings = before.changed(name, value)
        except BridgeError as error:
            self.counters.refused += 1
            logger.info("%s", error)
            return
        self._out.append(ParameterChanged(beats, name, self._settings.value(name)))
        if before != self._settings:
            self._apply(name, before, beats)

    def _apply(self, name: str, before: Settings, beats: float) -> None:
        settings = self._settings
        self._ear.configure(settings)
        heard = beats - self._transport.beats_of(settings.offset_ms / 1000.0)
        self._out += self._harmony.configure(settings, math.ceil((heard - ROUNDING) * FRAMES_PER_BEAT), beats)
        if before.sampling != settings.sampling:
            self._accompanist.sample(settings.sampling)
        elif name in ("preset", "style"):
            self._accompanist.swap(settings.preset, settings.style)
        elif name == "channel":
            self._silence_channel(beats, before.midi_channel)
        elif name == "clock_out":
            self._out += self._clock.switch(settings.clock_out, beats, self.rolling)
        elif name == "follow_scale":
            self._follow_scale(beats)
        elif name == "hold" and self._harmony.held:
            self._harmony.keep()
            self._dialogue.break_off(beats)

    def _follow_scale(self, beats: float) -> None:
        if self._settings.follow_scale and self._host_scale is not None:
            self._set("key", self._host_scale.key, beats)
            self._set("scale", self._host_scale.scale, beats)
