"""Makes orders of what ports and hosts say about time: whose tempo rules, when to roll, to jump, to correct, to stop.

The conductor is the last stage before the engine. Each source keeps a picture of its own transport (`View`); after
every fact the conductor compares the ruling one with what the engine was told and orders the difference.
"""

from __future__ import annotations

from bridge.controls.parameters import PARAMETERS
from bridge.controls.scales import KEYS, SCALES
from bridge.controls.settings import Settings
from bridge.errors import BridgeError
from bridge.events import (
    Clock,
    HostReport,
    InEvent,
    MetreChange,
    NoteOn,
    PortChanged,
    Position,
    ScaleChange,
    Set,
    Start,
    Stop,
    SyncChanged,
    TempoChange,
)
from bridge.sync.choice import Choice
from bridge.sync.host import PORT_SOURCES, HostFollower
from bridge.sync.midi_clock import MidiClock
from bridge.sync.orders import Orders
from bridge.sync.source import Source, State, View
from bridge.sync.words import nothing_heard, of_view, own_tempo
from gapt_core.vocabulary import FRAMES_PER_BEAT

PHASE_BEATS = 1.0 / 16
"""So far off, taking over a session's bars is a jump; below it is a correction."""

WAIT_SECONDS = 0.05
"""How often to look while the music waits for its source."""

SCALE_NAMES = {"major pentatonic": "major", "minor pentatonic": "minor", "minor blues": "blues"}
"""Hosts' names of scales that are not ours, and ours that they lie in."""

Orderly = (Start, Stop, TempoChange, Position, MetreChange)


class Conductor:
    """An input stage, see `bridge.seams.InputStage`; belongs to the engine's thread."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._orders = Orders(settings.tempo, settings.bar)
        self._choice = Choice(settings.sync)
        self._sources: dict[str, Source] = {"midi": MidiClock()}
        self._views: dict[str, View] = {}
        self._armed = True  # the first note starts
        self._halted = False  # somebody stopped us while the source rolls on
        self._followed: tuple[str, int] = ("", -1)  # the source, and which stretch of it, that we roll with
        self._shift = 0.0  # our beats less those of a source without a transport
        self._told: tuple[object, ...] = ()
        self._scale: tuple[int, str] | None = None
        self._now = float("-inf")

    def handle(self, event: InEvent) -> list[InEvent]:
        """Orders and what is none of our business, in order; clock messages and hosts' reports end here."""
        self._now = max(self._now, event.seconds)
        if isinstance(event, Clock):
            self._sources["midi"].take(event)
            return self._settle(event.seconds)
        if isinstance(event, HostReport):
            return self._report(event)
        if isinstance(event, NoteOn):
            return [*self._first_note(event.seconds), event]
        if isinstance(event, Set):
            return [event, *self._set(event)]
        if isinstance(event, PortChanged):
            return [event, *self._port(event)]
        if isinstance(event, Orderly):
            self._orders.overhear(event)
            self._armed = self._armed and not isinstance(event, (Start, Stop))
        return [event]

    def advance(self, seconds: float) -> list[InEvent]:
        """What follows from time alone: a source is lost, another may take over, the music has waited enough."""
        self._now = max(self._now, seconds)
        return self._settle(self._now)

    def wake_seconds(self) -> float | None:
        """When `advance` next has something to do unless an event comes first; None for never."""
        times = [source.wake_seconds() for source in self._sources.values()]
        times.append(self._choice.wake_seconds(self._views))
        times.append(self._now + WAIT_SECONDS if self._orders.waiting else None)
        return min((time for time in times if time is not None and time > self._now), default=None)

    # --- facts

    def _report(self, report: HostReport) -> list[InEvent]:
        if report.host == "osc" and not report.exact:
            return self._command(report)
        orders = self._take_scale(report)
        self._sources.setdefault(report.host, HostFollower(report.host)).take(report)
        return [*orders, *self._settle(report.seconds)]

    def _command(self, report: HostReport) -> list[InEvent]:
        """`/gapt/transport`: an order to roll or to stand still, from somebody who is no source."""
        if report.playing is None:
            return []
        if not report.playing:
            return self._halt(report.seconds)
        return self._go(report.seconds, report.beats or 0.0)

    def _take_scale(self, report: HostReport) -> list[InEvent]:
        if report.scale is None or report.scale == self._scale:
            return []
        self._scale = report.scale
        root, name = report.scale[0] % 12, report.scale[1].strip().lower()
        name = SCALE_NAMES.get(name, name)
        return [ScaleChange(report.seconds, KEYS[1 + root], name)] if name in SCALES else []

    def _first_note(self, seconds: float) -> list[InEvent]:
        if not self._armed or self._orders.rolling:
            return []
        view = self._view()
        if self._in_charge:
            return self._roll(seconds, 0.0)
        return self._join(view, seconds) if view is not None and view.rolling is None else []

    def _set(self, event: Set) -> list[InEvent]:
        if event.name in ("tempo", "metre", "sync"):
            try:
                self._settings = self._settings.changed(event.name, event.value)
            except BridgeError:
                return []  # the engine counts and says it
        if event.name == "tempo" and self._in_charge:
            return [*self._orders.tempo(event.seconds, self._settings.tempo), *self._settle(event.seconds)]
        if event.name == "metre":
            view = self._view()
            return [] if view and view.metre else self._orders.change_metre(event.seconds, self._settings.bar)
        if event.name == "sync":
            self._choice.want(self._settings.sync)
            return self._settle(event.seconds)
        if event.name in ("start", "stop") and PARAMETERS[event.name].checked(event.value):
            return self._go(event.seconds, 0.0) if event.name == "start" else self._halt(event.seconds)
        return []

    def _port(self, event: PortChanged) -> list[InEvent]:
        """The port of a host, or of the device whose clock is followed, was lost."""
        if event.there or event.way == "out":
            return []
        names = set(PORT_SOURCES.get(event.name, (event.name,)))
        midi = self._sources["midi"]
        assert isinstance(midi, MidiClock)
        if midi.device == event.name:
            names.add("midi")
        lost = [source for name, source in self._sources.items() if name in names]
        for source in lost:
            source.gone(event.seconds)
        return self._settle(event.seconds) if lost else []

    # --- our own transport

    @property
    def _in_charge(self) -> bool:
        """Whether nobody else rules: we were asked to, or the source is lost."""
        view = self._view()
        if self._choice.ruler == "internal":
            return True
        return self._orders.rolling if view is None else view.state == "lost"

    def _go(self, seconds: float, beats: float) -> list[InEvent]:
        """Roll from `beats` where that is ours to say, else with the source."""
        view = self._view()
        self._halted = False
        if self._in_charge:
            return self._roll(seconds, beats)
        if view is not None and view.rolling is None:
            return self._join(view, seconds)
        self._followed = ("", -1)
        return self._settle(seconds)

    def _roll(self, seconds: float, beats: float) -> list[InEvent]:
        self._armed = self._halted = False
        return [*self._orders.start(seconds, beats, self._orders.bpm), *self._state(seconds)]

    def _halt(self, seconds: float) -> list[InEvent]:
        view = self._view()
        self._armed = False
        self._halted = view is not None and view.rolling is True
        return [*self._orders.stop(seconds), *self._settle(seconds)]

    # --- following

    def _view(self) -> View | None:
        return self._views.get(self._choice.ruler)

    def _settle(self, seconds: float) -> list[InEvent]:
        """Look at all sources, choose, and order what the ruling one wants otherwise."""
        views = {name: source.view(seconds) for name, source in self._sources.items()}
        self._views = {name: view for name, view in views.items() if view is not None}
        before = self._choice.ruler
        self._choice.decide(seconds, self._views, self._orders.rolling)
        view, orders = self._view(), list[InEvent]()
        if self._choice.ruler != before and self._choice.ruler == "internal" and not self._orders.rolling:
            self._armed = True
            orders += self._orders.tempo(seconds, self._settings.tempo)
            orders += self._orders.change_metre(seconds, self._settings.bar)
        if view is None:
            self._halted = self._halted and bool(self._views)  # who is only lost may come back, rolling on
        elif view.state == "lost":
            orders += self._finish_waiting(seconds, view)
        else:
            orders += self._follow(view, seconds)
        return [*orders, *self._state(seconds)]

    def _follow(self, view: View, seconds: float) -> list[InEvent]:
        if view.rolling is None:
            return self._follow_tempo(view, seconds)
        if not view.rolling:
            return self._stand(view, seconds)
        if self._halted:
            return []
        bpm = view.bpm or self._orders.bpm
        if not self._orders.rolling or self._followed != (self._choice.ruler, view.stretch):
            self._followed = (self._choice.ruler, view.stretch)
            self._armed = False
            orders = self._orders.start(seconds, view.beats_at(seconds, bpm), bpm)
        elif view.bpm is not None:
            orders = self._orders.correct(seconds, view.beats_at(seconds, bpm), bpm)
        else:
            orders = []
        return [*orders, *self._follow_metre(view, seconds)]

    def _stand(self, view: View, seconds: float) -> list[InEvent]:
        self._halted = False
        self._followed = ("", -1)
        orders = self._orders.stop(seconds)
        orders += self._orders.tempo(seconds, view.bpm) if view.bpm else []
        return orders + (self._orders.change_metre(seconds, view.metre) if view.metre else [])

    def _follow_metre(self, view: View, seconds: float) -> list[InEvent]:
        metre = view.metre or self._settings.bar
        line = view.bar_line
        if line is None and view.metre is not None and metre != self._orders.metre:
            # The host says so when the bar has begun already.
            line = self._orders.bar_line_near(self._orders.beats_at(seconds))
        return self._orders.change_metre(seconds, metre, line)

    def _follow_tempo(self, view: View, seconds: float) -> list[InEvent]:
        """A source without a transport: its tempo, and its place once we roll."""
        if not self._orders.rolling:
            return self._orders.tempo(seconds, view.bpm) if view.bpm else []
        if view.bpm is None:
            return []
        if self._followed != (self._choice.ruler, view.stretch):
            return self._take_over(view, seconds)
        return self._orders.correct(seconds, view.beats_at(seconds, view.bpm) + self._shift, view.bpm)

    def _take_over(self, view: View, seconds: float) -> list[InEvent]:
        """We roll already: go on from here, but on the session's bars where it has bars."""
        self._followed = (self._choice.ruler, view.stretch)
        theirs, ours = view.beats_at(seconds, self._orders.bpm), self._orders.beats_at(seconds)
        self._shift = ours - theirs
        if self._choice.ruler == "link":
            bar = self._orders.bar_beats
            self._shift = round(self._shift / bar) * bar
        beats = theirs + self._shift
        if abs(beats - ours) > PHASE_BEATS:
            return self._orders.start(seconds, beats, view.bpm or self._orders.bpm)
        return self._orders.correct(seconds, beats, view.bpm or self._orders.bpm)

    def _join(self, view: View, seconds: float) -> list[InEvent]:
        """Begin with a source that only has a tempo. In a Link session on its bars, in the bar that is now the first.

        We begin on the grid line nearest to `seconds`, so that the note that started us belongs to it.
        """
        self._armed = False
        self._followed = (self._choice.ruler, view.stretch)
        bpm = view.bpm or self._orders.bpm
        theirs = view.beats_at(seconds, bpm)
        if self._choice.ruler == "link":
            grid = round(theirs * FRAMES_PER_BEAT) / FRAMES_PER_BEAT
            beats = grid % self._orders.bar_beats
            seconds = view.seconds_at(grid, bpm)
            self._shift = beats - grid
        else:
            beats, self._shift = 0.0, -theirs
        return [*self._orders.start(seconds, beats, bpm), *self._state(seconds)]

    def _finish_waiting(self, seconds: float, view: View) -> list[InEvent]:
        """A source was lost while the music waited for it: go on at its tempo, not at that of waiting."""
        if not self._orders.waiting or view.bpm is None:
            return []
        self._orders.waiting = False
        return self._orders.tempo(seconds, view.bpm)

    def _state(self, seconds: float) -> list[InEvent]:
        """What people should know now, if it is news."""
        ruler, view = self._choice.ruler, self._view()
        rolling, bpm = self._orders.rolling, self._orders.bpm
        state: State
        kind: object
        if ruler == "internal":
            sentence = own_tempo(bpm, rolling, self._armed)
            state, kind = "free", sentence
        elif view is None:
            state, kind, sentence = ("lost" if rolling else "waiting"), None, nothing_heard(ruler)
        else:
            state = "waiting" if view.rolling is False and view.state != "lost" else view.state
            kind, sentence = (view.rolling, view.name), of_view(view, bpm, rolling)
        news = (ruler, state, kind, rolling)
        if news == self._told:
            return []
        self._told = news
        return [SyncChanged(seconds, ruler, state, sentence)]
