"""`gapt daw test` by real MIDI ports: a phrase there and back, and a host that sends notes and a clock."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from contextlib import closing

import jack
import pytest
from live_process import follow
from osc_peer import free_port

from bridge.controls.settings import Settings
from bridge.diagnosis.meetings import MEETINGS
from bridge.diagnosis.rehearsal import Plan, rehearse
from bridge.ports.midi_drivers import load_driver
from bridge.timing.clock import MonotonicClock
from plugin_host.scripted import ScriptedAccompanist

pytestmark = pytest.mark.skipif(bool(jack.missing()), reason=jack.missing())

BPM = 150.0
PATIENCE = 60.0


@pytest.fixture
def server() -> Iterator[None]:
    with jack.server(f"gapt-daw-{os.getpid()}"):
        yield


def play(ended: threading.Event) -> None:
    """The host: a clock, and a note a beat, until it is `ended`."""
    driver, clock = load_driver(), MonotonicClock()
    (name,) = (name for name in driver.outputs() if "GAPT Bridge in" in name)
    with closing(driver.open_output(name, False)) as port:
        port.send([0xFA])
        due, ticks = clock.now(), 0
        while not ended.is_set():
            port.send([0xF8])
            if ticks % 24 == 0:
                port.send([0x90, 60, 90])
            if ticks % 24 == 12:
                port.send([0x80, 60, 0])
            ticks, due = ticks + 1, due + 60.0 / BPM / 24
            clock.sleep_until(due)


def test_notes_and_a_clock_arrive_and_chords_go_back(server: None) -> None:
    ended = threading.Event()
    host = threading.Thread(target=play, args=(ended,))

    def say(sentence: str) -> None:
        if sentence.startswith("Now you"):
            host.start()

    plan = Plan("REAPER", MEETINGS["reaper"], free_port(), seconds=PATIENCE, bpm=480.0)
    try:
        findings = list(rehearse(plan, Settings(), lambda: closing(ScriptedAccompanist(follow)), say))
    finally:
        ended.set()
        if host.ident is not None:
            host.join()
    assert {finding.level for finding in findings} == {"ok"}, findings
    told = {finding.name: finding.text for finding in findings[:3]}
    assert told["phrase"] == "the bridge heard 16 of 16 notes, by MIDI"
    assert told["chords"].endswith(" notes by MIDI")
    told = {finding.name: finding.text for finding in findings[3:]}
    assert told["notes"] == "C4 was heard"
    assert re.fullmatch(r"MIDI clock .* rules: 1[45]\d\.\d bpm, bar \d+", told["transport"])
    assert told["chords"] == "C:maj went back by the port “GAPT Bridge out”"
