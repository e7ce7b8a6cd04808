"""A session in a process of its own, played through real MIDI ports: notes in, chords out, nothing left sounding."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import jack
import pytest
from signals import hear_signals

from bridge.errors import BridgeError
from bridge.events import EndNote, NoteOff, NoteOn, PlayNote, Silence
from bridge.live.inbox import Mailbox
from bridge.ports.midi import VIRTUAL_IN, VIRTUAL_OUT, MidiInPort, MidiOutPort, refuse_same_port
from bridge.ports.midi_drivers import Connection, Driver, load_driver
from bridge.timing.clock import MonotonicClock

PATIENCE = 60.0
HELPERS = Path(__file__).parents[1] / "helpers"
ROOT = Path(__file__).parents[2]

NOTE_ON, NOTE_OFF, CONTROL = 0x90, 0x80, 0xB0

pytestmark = pytest.mark.skipif(bool(jack.missing()), reason=jack.missing())


@pytest.fixture(scope="module", autouse=True)
def jack_server() -> Iterator[None]:
    with jack.server(f"gapt-test-{os.getpid()}"):
        yield


@pytest.fixture(scope="module")
def driver(jack_server: None) -> Driver:
    return load_driver()


class Player:
    """Another program: it offers a port with a melody and one that hears chords."""

    def __init__(self, driver: Driver) -> None:
        self.heard: queue.SimpleQueue[list[int]] = queue.SimpleQueue()
        self.melody: Connection = driver.open_output("player melody", True)
        self.chords: Connection = driver.open_input("player chords", True, self.heard.put)

    def close(self) -> None:
        self.chords.close()
        self.melody.close()


@pytest.fixture
def player(driver: Driver) -> Iterator[Player]:
    player = Player(driver)
    yield player
    player.close()


class Bridge:
    """The session under test."""

    def __init__(self, **choice: object) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(HELPERS / "live_process.py"), json.dumps({"osc_in": None, "osc_out": None, **choice})],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
            preexec_fn=hear_signals,
        )

    def wait_ready(self) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n", self.process.communicate()[1]

    def ended(self) -> tuple[int, str, str]:
        """Exit code, output and error stream."""
        out, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, out, err


@pytest.fixture
def bridge(player: Player) -> Iterator[Bridge]:
    bridge = Bridge(midi_in="player melody", midi_out="player chords")
    bridge.wait_ready()
    yield bridge
    if bridge.process.poll() is None:
        bridge.process.kill()
        bridge.process.communicate()


def hear(player: Player, note_ons: int) -> list[list[int]]:
    """Messages up to and with the `note_ons`-th note-on."""
    heard: list[list[int]] = []
    while sum(message[0] & 0xF0 == NOTE_ON for message in heard) < note_ons:
        heard.append(player.heard.get(timeout=PATIENCE))
    return heard


def rest(player: Player) -> list[list[int]]:
    """What else has come, up to the last word."""
    heard: list[list[int]] = []
    while not heard or heard[-1][:2] != [CONTROL, 120]:
        heard.append(player.heard.get(timeout=PATIENCE))
    return heard


def sounding(messages: list[list[int]]) -> Counter[int]:
    notes: Counter[int] = Counter()
    for status, pitch, velocity in messages:
        if status & 0xF0 == NOTE_ON and velocity:
            notes[pitch] += 1
        elif status & 0xF0 in (NOTE_ON, NOTE_OFF):
            notes[pitch] -= 1
    return +notes


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_notes_in_chords_out_and_a_signal_leaves_nothing_sounding(
    player: Player, bridge: Bridge, number: signal.Signals
) -> None:
    player.melody.send([NOTE_ON, 60, 100])
    first = hear(player, 4)
    assert {message[1] % 12 for message in first if message[0] == NOTE_ON} == {0, 4, 7}
    player.melody.send([NOTE_ON, 60, 0])
    player.melody.send([NOTE_ON, 65, 100])
    second = hear(player, 4)
    assert {message[1] % 12 for message in second if message[0] == NOTE_ON} == {5, 9, 0}
    assert len(sounding(first + second)) >= 3
    bridge.process.send_signal(number)
    last = rest(player)
    assert not sounding(first + second + last)
    assert last[-3:] == [[CONTROL, 64, 0], [CONTROL, 123, 0], [CONTROL, 120, 0]]
    code, out, err = bridge.ended()
    assert (code, err) == (0, "")
    assert out.splitlines()[-1] == "ended"


def test_two_interrupts_are_no_worse_than_one(player: Player, bridge: Bridge) -> None:
    player.melody.send([NOTE_ON, 60, 100])
    heard = hear(player, 4)
    bridge.process.send_signal(signal.SIGINT)
    bridge.process.send_signal(signal.SIGINT)
    assert not sounding(heard + rest(player))
    assert bridge.ended()[0] == 0


def test_a_port_that_goes_away_ends_the_session_with_a_sentence(player: Player, bridge: Bridge) -> None:
    player.melody.send([NOTE_ON, 60, 100])
    heard = hear(player, 4)
    player.melody.close()
    assert not sounding(heard + rest(player))
    code, _, err = bridge.ended()
    assert code == 1
    assert "player melody” has gone: plug it in again" in err
    assert "Traceback" not in err


def test_virtual_ports_are_offered_by_name(driver: Driver) -> None:
    bridge = Bridge()
    bridge.wait_ready()
    try:
        assert [name for name in driver.outputs() if VIRTUAL_IN in name]
        assert [name for name in driver.inputs() if VIRTUAL_OUT in name]
    finally:
        bridge.process.send_signal(signal.SIGINT)
        assert bridge.ended()[::2] == (0, "")


def test_an_unknown_port_is_a_sentence_that_lists_what_there_is(player: Player) -> None:
    code, _, err = Bridge(midi_in="piano").ended()
    assert code == 1
    assert err.startswith("Error: --in “piano” is no port; there are: “player melody")


def test_ports_in_this_process(driver: Driver, player: Player) -> None:
    mailbox = Mailbox()
    way_in = MidiInPort(driver, MonotonicClock(), "MELODY")
    way_out = MidiOutPort(driver, "player chords")
    way_in.start(mailbox.put)
    player.melody.send([NOTE_ON | 5, 60, 100])
    player.melody.send([NOTE_ON | 5, 60, 0])
    player.melody.send([NOTE_ON, 62, 1])
    player.melody.send([CONTROL, 123, 0])
    player.melody.send([NOTE_OFF, 64, 64])
    events = []
    while len(events) < 5:
        came = mailbox.take(PATIENCE)
        assert came
        events += came
    assert [(type(event), event.pitch) for event in events if isinstance(event, (NoteOn, NoteOff))] == [
        (NoteOn, 60),
        (NoteOff, 60),
        (NoteOn, 62),
        (NoteOff, 62),
        (NoteOff, 64),
    ]
    for message in (PlayNote(0.0, 48, 50, 2), EndNote(1.0, 48, 2), Silence(1.0, 2)):
        way_out.send(message)
    heard = [player.heard.get(timeout=PATIENCE) for _ in range(5)]
    assert heard[0] == [NOTE_ON | 2, 48, 50]
    assert heard[1][:2] == [NOTE_OFF | 2, 48]
    assert [message[:2] for message in heard[2:]] == [[CONTROL | 2, number] for number in (64, 123, 120)]
    assert not way_in.gone() and not way_out.gone()
    player.close()
    assert way_in.gone() and way_out.gone()
    for port in (way_in, way_out, way_in, way_out):
        port.close()


def test_the_same_port_in_and_out_is_refused_unless_asked_for() -> None:
    refuse_same_port(["melody", "chords"])
    with pytest.raises(BridgeError, match="--same-port"):
        refuse_same_port(["loop", "loop"])
