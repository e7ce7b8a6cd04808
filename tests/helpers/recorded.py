"""A session under a manual clock that is recorded, for tests of takes; alone it records until it is killed.

`recorded.py TARGET` plays in real time, four times as fast as a waltz, and prints a line for each chord.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

from rules import triad_each_beat

from bridge.controls.settings import Settings
from bridge.engine.engine import Engine
from bridge.engine.voicer import RootVoicer
from bridge.events import ChordStarts, InEvent, NoteOff, NoteOn, OutMessage, PlanArrived, Start
from bridge.live.inbox import Mailbox
from bridge.live.sender import Around, Sender
from bridge.ports.memory import MemoryOutPort
from bridge.recording.recorder import open_recorder
from bridge.timing.clock import ManualClock
from plugin_host.accompanist import Plan
from plugin_host.scripted import ScriptedAccompanist

Tap = Callable[[OutMessage, float, float], None]

FREE = Settings(tempo=120.0, entry="free", mode="anticipate", lookahead=0.25)


class Stage:
    """A sender with everything around it in memory; `taps` are told what leaves."""

    def __init__(self, *taps: Tap, settings: Settings = FREE) -> None:
        self.clock = ManualClock(1000.0)
        self.port = MemoryOutPort()
        self.sent: list[tuple[OutMessage, float, float]] = []
        self._mailbox = Mailbox()
        accompanist = ScriptedAccompanist(triad_each_beat)
        self._engine = Engine(accompanist, RootVoicer(), settings, self._deliver)
        around = Around(taps=(lambda *sent: self.sent.append(sent), *taps))
        self._sender = Sender(self._engine, self._mailbox, self.clock, [self.port], around)

    def play(self, *events: InEvent) -> None:
        """Live through `events`, ordered by seconds."""
        for event in events:
            self.run_until(event.seconds)
            self._mailbox.put(event)
            self._sender.step(0.0)

    def run_until(self, seconds: float) -> None:
        """Let time go on to `seconds`, waking at least every tenth of a second."""
        while True:
            self._sender.step(0.0)
            wake = self._engine.wake_seconds() or seconds
            now = self.clock.now()
            if now >= seconds:
                return
            self.clock.sleep_until(max(min(wake, now + 0.1, seconds), now + 1e-6))

    def _deliver(self, plan: Plan, session: int) -> None:
        self._mailbox.put(PlanArrived(self.clock.now(), plan, session))


def tune(begin: float, beats: int, bpm: float = 120.0, pitches: tuple[int, ...] = (60, 64, 67, 65)) -> list[InEvent]:
    """Quarter notes from `begin` (seconds) on."""
    length = 60.0 / bpm
    notes: list[InEvent] = []
    for i in range(beats):
        pitch = pitches[i % len(pitches)]
        notes.append(NoteOn(begin + i * length, pitch, 80))
        notes.append(NoteOff(begin + (i + 0.9) * length, pitch))
    return notes


def main(target: str) -> None:
    def say(message: OutMessage, seconds: float, beats: float) -> None:
        if isinstance(message, ChordStarts):
            sys.stdout.write(f"{message.name}\n")
            sys.stdout.flush()

    with open_recorder(Path(target), lambda line: None) as recorder:
        stage = Stage(recorder.send, say)
        stage.play(Start(1000.0))
        begin = time.monotonic() - 1000.0
        for event in tune(1000.0, 100_000):
            time.sleep(max(0.0, event.seconds - (time.monotonic() - begin) * 8.0))
            stage.play(event)


if __name__ == "__main__":
    main(sys.argv[1])
