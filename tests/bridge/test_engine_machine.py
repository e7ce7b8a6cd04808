"""Whatever happens in whatever order: no note is ended that did not begin, and none is left on."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from rules import hold, onset

from bridge.controls.parameters import VOICINGS
from bridge.controls.settings import Settings
from bridge.events import (
    EndNote,
    InEvent,
    MetreChange,
    NoteOff,
    NoteOn,
    Panic,
    PlayNote,
    Position,
    Set,
    Start,
    Stop,
    TempoChange,
)
from bridge.offline.virtual import VirtualSession
from gapt_core.vocabulary import NO_CHORD
from plugin_host.scripted import ScriptedAccompanist

PITCHES = st.integers(58, 66)
WAITS = st.sampled_from([0.0, 0.01, 0.11, 0.125, 0.5, 3.0]) | st.floats(0, 12, allow_nan=False)
SETTINGS = st.builds(
    Settings,
    mode=st.sampled_from(["react", "anticipate"]),
    window_ms=st.sampled_from([0.0, 10.0, 500.0]),
    commit=st.sampled_from([0.25, 0.5, 1.25]),
    lookahead=st.sampled_from([0.25, 1.0, 2.0]),
    listen=st.sampled_from([0.0, 1.0, 2.5]),
    tempo=st.sampled_from([1.0, 60.0, 120.0, 999.0]),
    entry=st.sampled_from(["free", "bar"]),
    voicing=st.sampled_from(VOICINGS),
    offset_ms=st.sampled_from([-120.0, 0.0, 80.0]),
    thru=st.booleans(),
)
CHANGES = st.one_of(
    st.tuples(st.sampled_from(["bypass", "hold", "thru", "clock_out", "follow_scale"]), st.booleans()),
    st.tuples(st.just("voicing"), st.sampled_from(VOICINGS)),
    st.tuples(st.just("mode"), st.sampled_from(["react", "anticipate"])),
    st.tuples(st.just("channel"), st.integers(1, 3)),
    st.tuples(st.just("register"), st.sampled_from([48, 60, 84])),
    st.tuples(st.just("commit"), st.sampled_from([0.0, 0.75, 8.0])),
    st.tuples(st.just("lookahead"), st.sampled_from([0.0, 2.0, 8.0])),
    st.tuples(st.just("offset_ms"), st.sampled_from([-300.0, 0.0, 200.0])),
    st.tuples(st.just("split"), st.sampled_from([0, 62])),
    st.tuples(st.just("in_channels"), st.sampled_from(["any", "9-10"])),
    st.tuples(st.just("preset"), st.just("public-domain")),
    st.tuples(st.sampled_from(["temperature", "nonsense", "tempo"]), st.floats()),
)
PLAYERS_CHANNELS = st.sampled_from([8, 9, 10])
"""Not those of the chords: there a synthesiser could not tell the player's note from ours either."""


def restless(frame: int, metre: tuple[int, int, int], newest: int, before: int) -> int:
    """Onsets, holds and rests in an order that repeats only after a while, each third one following the melody."""
    kind = frame * frame % 7
    return NO_CHORD if kind == 0 else hold(before) if kind in (1, 4) else onset((newest + kind) % 12, "maj7")


class EngineMachine(RuleBasedStateMachine):
    """A player with no manners, a host that changes its mind, a policy that comes and goes."""

    @initialize(settings=SETTINGS)
    def begin(self, settings: Settings) -> None:
        self.accompanist = ScriptedAccompanist(restless)
        self.session = VirtualSession(self.accompanist, settings, answer_seconds=0.0)
        self.seen = 0
        self.down: list[tuple[int, int]] = []
        self.sounding: dict[tuple[int, int], int] = {}
        self.session.run_until(0.0)

    def now(self) -> float:
        return self.session.clock.now()

    def live(self, event: InEvent) -> None:
        self.session.play([event])
        self.session.run_until(self.now())

    @rule(pitch=PITCHES, channel=PLAYERS_CHANNELS, early=st.sampled_from([0.0, 0.003, 1.0]))
    def press(self, pitch: int, channel: int, early: float) -> None:
        """Reported in time, or after its moment."""
        self.live(NoteOn(self.now() - early, pitch, 80, channel))
        self.down.append((channel, pitch))

    @rule(pitch=PITCHES, channel=PLAYERS_CHANNELS)
    def release(self, pitch: int, channel: int) -> None:
        self.live(NoteOff(self.now(), pitch, channel))
        if (channel, pitch) in self.down:
            self.down.remove((channel, pitch))

    @rule(change=CHANGES)
    def set(self, change: tuple[str, Any]) -> None:
        self.live(Set(self.now(), *change))

    @rule(lag=st.floats(-0.05, 0.05), bpm=st.sampled_from([59.0, 120.0]))
    def correct(self, lag: float, bpm: float) -> None:
        self.live(Position(self.now(), self.session.engine.beats_at(self.now()) + lag, bpm))

    @rule()
    def panic(self) -> None:
        self.live(Panic(self.now()))
        self.look()
        assert self.sounding == {}

    @rule(bpm=st.sampled_from([1.0, 30.0, 120.0, 999.0]))
    def change_tempo(self, bpm: float) -> None:
        self.live(TempoChange(self.now(), bpm))

    @rule(signature=st.sampled_from([(4, 4), (7, 8), (1, 4), (6, 8)]))
    def change_metre(self, signature: tuple[int, int]) -> None:
        self.live(MetreChange(self.now(), *signature))

    @rule(beats=st.sampled_from([-4.0, 0.0, 0.1, 17.0, 1000.3]))
    def start_or_jump(self, beats: float) -> None:
        self.live(Start(self.now(), beats))

    @rule()
    def stop(self) -> None:
        self.live(Stop(self.now()))
        self.look()
        assert set(self.sounding) <= set(self.down)

    @rule(wait=WAITS)
    def wait(self, wait: float) -> None:
        self.session.run_until(self.now() + wait)

    @rule(silent=st.booleans())
    def fall_silent_or_wake(self, silent: bool) -> None:
        self.accompanist.silent = silent

    @rule()
    def answers_come(self) -> None:
        self.accompanist.answer()
        self.session.run_until(self.now())

    @invariant()
    def look(self) -> None:
        """Every end has its beginning, and nothing leaves ahead of its time."""
        for message in self.session.messages[self.seen :]:
            if isinstance(message, PlayNote):
                key = (message.channel, message.pitch)
                assert key not in self.sounding or message.passed
                self.sounding[key] = self.sounding.get(key, 0) + 1
            elif isinstance(message, EndNote):
                key = (message.channel, message.pitch)
                self.sounding[key] -= 1
                if not self.sounding[key]:
                    del self.sounding[key]
        self.seen = len(self.session.messages)

    def teardown(self) -> None:
        if hasattr(self, "session"):
            self.stop()
            for channel, pitch in self.down:
                self.live(NoteOff(self.now(), pitch, channel))
            self.look()
            assert self.sounding == {}


EngineMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestEngineMachine = EngineMachine.TestCase
