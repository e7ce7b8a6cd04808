"""The live loop under a manual clock: what leaves and when, and that every way out ends in silence."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.controls.settings import Settings
from bridge.engine.engine import Engine
from bridge.engine.voicer import RootVoicer
from bridge.errors import BridgeError
from bridge.events import (
    ChordStarts,
    InEvent,
    NoteOff,
    NoteOn,
    OutMessage,
    PlanArrived,
    Set,
    Silence,
    Start,
    Status,
    Stop,
)
from bridge.live.inbox import Mailbox
from bridge.live.record import Record
from bridge.live.sender import MOST_FAULTS, Around, Sender
from bridge.ports.memory import MemoryOutPort
from bridge.seams import InputStage
from bridge.timing.clock import ManualClock
from gapt_core.chords import Chord
from gapt_core.vocabulary import CHORD_HOLD, CHORD_ONSET
from plugin_host.accompanist import Plan
from plugin_host.scripted import ScriptedAccompanist

CHANNEL = 3
BPM = 120.0
PLAIN = Settings(channel=CHANNEL + 1, entry="free", lookahead=0.25)
FRAME_SECONDS = 60.0 / BPM / 4


def change_every_beat(frame: int, metre: tuple[int, int, int], note: int, before: int) -> int:
    chord = Chord(frame // 4 % 12, "min7").index
    return (CHORD_HOLD if frame % 4 else CHORD_ONSET) + chord


class FragilePort(MemoryOutPort):
    """Takes messages until it is gone."""

    gone = False

    def send(self, message: OutMessage) -> None:
        if self.gone:
            raise BridgeError("gone.")
        super().send(message)


class Stage:
    """A sender with everything around it in memory; time moves in `play_until`."""

    def __init__(
        self,
        settings: Settings | None = None,
        port: MemoryOutPort | None = None,
        delay: float = 0.0,
        stages: Sequence[InputStage] = (),
    ) -> None:
        self.clock = ManualClock(1000.0)
        self.mailbox = Mailbox()
        self.port = port or MemoryOutPort()
        self.record = Record()
        self.accompanist = ScriptedAccompanist(change_every_beat)
        self.engine = Engine(self.accompanist, RootVoicer(), settings or PLAIN, self._deliver)
        around = Around(stages, sent=self.record.add)
        self.sender = Sender(self.engine, self.mailbox, self.clock, [self.port, self.record], around)
        self._delay = delay

    def play_until(self, seconds: float) -> None:
        """Let the sender do what it has to up to `seconds`, waking when it wants to."""
        self.sender.step(0.0)
        while (wake := self.engine.wake_seconds()) is not None and wake <= seconds:
            self.clock.sleep_until(wake)
            self.sender.step(0.0)
            self.clock.sleep_until(self.clock.now() + self._delay)
            self.sender.step(0.0)
        self.clock.sleep_until(seconds)
        self.sender.step(0.0)

    def _deliver(self, plan: Plan, session: int) -> None:
        self.mailbox.put(PlanArrived(self.clock.now(), plan, session))

    def chords(self) -> list[ChordStarts]:
        return [message for message in self.port.messages if isinstance(message, ChordStarts)]


def test_anticipated_chords_leave_on_their_grid_lines() -> None:
    stage = Stage(replace(PLAIN, mode="anticipate"))
    stage.mailbox.put(Start(1000.5))
    stage.play_until(1004.4)
    assert [chord.frame for chord in stage.chords()] == list(range(0, 32, 4))
    assert [sent.seconds for sent in stage.record.sent] == pytest.approx([1000.5 + beat * 0.5 for beat in range(8)])
    assert [sent.late_seconds for sent in stage.record.sent] == pytest.approx([0.0] * 8, abs=1e-6)


def test_reacting_chords_leave_after_window_and_answer() -> None:
    stage = Stage(replace(PLAIN, mode="react", window_ms=3.0), delay=0.0015)
    stage.mailbox.put(Start(1000.0))
    stage.play_until(1004.0)
    assert len(stage.record.sent) == 8
    late = [sent.late_seconds for sent in stage.record.sent]
    assert late == pytest.approx([0.0045] * 8, abs=1e-5)


def test_every_port_gets_the_same_messages_but_nothing_else_than_status_while_standing_still() -> None:
    stage = Stage()
    stage.play_until(1000.2)
    assert [type(message) for message in stage.port.messages] == [Status]
    stage.mailbox.put(Start(1000.2))
    stage.play_until(1002.0)
    assert stage.port.messages == stage.record.messages


def test_status_comes_about_twice_a_second() -> None:
    stage = Stage()
    stage.mailbox.put(Start(1000.0))
    stage.play_until(1009.9)
    status = [message for message in stage.port.messages if isinstance(message, Status)]
    assert len(status) == 20
    assert status[-1].playing and status[-1].bpm == pytest.approx(BPM)


events = st.lists(
    st.tuples(
        st.floats(0.0, 0.4),
        st.sampled_from([NoteOn, NoteOff]),
        st.integers(0, 127),
    ),
    max_size=20,
)


@given(events, st.floats(0.0, 3.0), st.sampled_from(["react", "anticipate"]))
def test_silence_at_any_moment_leaves_nothing_sounding(
    played: list[tuple[float, Callable[..., InEvent], int]], more: float, mode: str
) -> None:
    stage = Stage(replace(PLAIN, mode=mode, commit=0.5))  # type: ignore[arg-type]
    stage.mailbox.put(Start(1000.0))
    now = 1000.0
    for pause, kind, pitch in played:
        now += pause
        stage.play_until(now)
        stage.mailbox.put(NoteOn(now, pitch, 64) if kind is NoteOn else NoteOff(now, pitch))
    stage.play_until(now + more)
    sounding = sum(stage.port.sounding.values())
    before = len(stage.port.messages)
    stage.sender.silence()
    assert stage.port.messages[-1] == Silence(pytest.approx(stage.engine.beats_at(now + more)), CHANNEL)
    assert len(stage.port.messages) == before + sounding + 1
    assert not stage.port.sounding


def test_run_ends_in_silence() -> None:
    stage = Stage()
    stage.mailbox.put(Start(1000.0))
    stage.play_until(1001.1)
    assert stage.port.sounding
    stage.sender.stop()
    stage.sender.run()
    assert not stage.port.sounding
    assert isinstance(stage.port.messages[-1], Silence)


def test_a_lost_port_ends_the_run_and_silences_the_others() -> None:
    port = FragilePort()
    stage = Stage(port=port)
    stage.mailbox.put(Start(1000.0))
    stage.play_until(1001.1)
    assert stage.record.sounding
    port.gone = True
    stage.mailbox.put(Stop(1001.1))
    with pytest.raises(BridgeError, match=r"^gone\.$"):
        stage.sender.run()
    assert not stage.record.sounding
    assert isinstance(stage.record.messages[-1], Silence)


class BrokenPort(MemoryOutPort):
    """Throws what no port should."""

    def send(self, message: OutMessage) -> None:
        raise OSError("the cable burns")


def test_a_port_that_throws_anything_is_counted_and_keeps_no_other_from_being_silenced(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stage = Stage(port=BrokenPort())

    def play_on() -> None:
        for seed in range(2 * MOST_FAULTS):
            stage.mailbox.put(Set(1000.0, "seed", seed))
            stage.sender._play()

    with caplog.at_level(logging.CRITICAL), pytest.raises(BridgeError, match="faults of its own"):
        play_on()
    assert stage.sender.faults == MOST_FAULTS
    assert isinstance(stage.record.messages[-1], Silence)


def test_a_fault_is_counted_logged_and_silenced_and_the_music_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage()
    stage.mailbox.put(Start(1000.0))
    stage.play_until(1001.1)
    with caplog.at_level(logging.ERROR, "bridge.live.sender"):
        stage.mailbox.put("no event")  # type: ignore[arg-type]
        stage.sender.stop()
        stage.sender.run()
    assert stage.sender.faults == 1
    assert "a fault while playing" in caplog.text
    assert not stage.port.sounding


def test_too_many_faults_end_the_run() -> None:
    stage = Stage()
    for _ in range(MOST_FAULTS):
        stage.mailbox.put("no event")  # type: ignore[arg-type]
    with pytest.raises(BridgeError, match=f"after {MOST_FAULTS} faults"):
        stage.sender.run()
    assert isinstance(stage.port.messages[-1], Silence)


def test_playing_makes_no_garbage_that_only_the_collector_finds() -> None:
    stage = Stage()
    stage.mailbox.put(Start(1000.0))
    stage.play_until(1010.0)
    gc.collect()
    gc.disable()
    try:
        stage.play_until(1100.0)
        assert gc.collect() == 0
    finally:
        gc.enable()
