"""`gapt monitor` hears real MIDI ports: those that are there, those that come later, and one of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import jack
import pytest

from bridge.diagnosis.ports import midi_ports
from bridge.ports.midi_drivers import load_driver

pytestmark = pytest.mark.skipif(bool(jack.missing()), reason=jack.missing())

MONITOR = "from bridge.cli import main; main()"


@pytest.fixture
def server() -> Iterator[None]:
    with jack.server(f"gapt-monitor-{os.getpid()}"):
        yield


def said(monitor: subprocess.Popen[str], words: str) -> str:
    """The next line that holds `words`."""
    assert monitor.stdout is not None
    for line in monitor.stdout:
        if words in line:
            return line[14:].strip()
    pytest.fail(f"the monitor ended without {words}")


def test_the_monitor_hears_what_is_there_and_what_comes(server: None) -> None:
    driver = load_driver()
    keys = driver.open_output("keys", True)
    command = [sys.executable, "-c", MONITOR, "monitor", "--no-osc"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as monitor:
        try:
            assert "keys" in said(monitor, "(hears ")
            keys.send([0x90, 60, 90])
            assert said(monitor, "note").endswith("note C4 on, velocity 90, channel 1")
            pads = driver.open_output("pads", True)
            assert "pads" in said(monitor, "(hears ")
            pads.send([0xB1, 74, 3])
            assert said(monitor, "controller").endswith("controller 74 at 3, channel 2")
            pads.close()
            said(monitor, "is gone)")
            [own] = [name for name in driver.outputs() if name.startswith("GAPT Bridge in")]
            hand = driver.open_output(own, False)
            hand.send([0xFA])
            assert said(monitor, "GAPT Bridge in: ").endswith("start")
            hand.close()
        finally:
            monitor.kill()
    keys.close()


def test_ports_lists_the_ports_of_others(server: None) -> None:
    driver = load_driver()
    keys = driver.open_output("keys", True)
    ports = midi_ports()
    assert any("keys" in name for name in ports.inputs)
    assert ports.problem == ""
    keys.close()
