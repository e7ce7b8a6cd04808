"""A session in a process of its own, played through real MIDI ports: notes in, chords out, nothing left sounding."""

from __future__ import annotations

import gc
import json
import os
import queue
import signal
import subprocess
import sys
import weakref
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import jack
import pytest
from signals import hear_signals

from bridge.errors import BridgeError
from bridge.events import Clock, ClockOut, EndNote, NoteOff, NoteOn, Panic, PlayNote, Silence
from bridge.guardian.guardian import Guardian
from bridge.live.inbox import Mailbox
from bridge.ports.midi import open_midi
from bridge.ports.midi_drivers import Connection, Driver, RtMidi, RtMidi2, load_driver
from bridge.ports.midi_names import VIRTUAL_IN, VIRTUAL_OUT
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
            [sys.executable, str(HELPERS / "live_process.py"), json.dumps(choice)],
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


def press_until_heard(player: Player, bridge: Bridge) -> list[list[int]]:
    """The first answer to a note; nobody tells a player when the bridge has found the port again."""
    while True:
        assert bridge.process.poll() is None
        player.melody.send([NOTE_ON, 65, 100])
        try:
            return [player.heard.get(timeout=0.2)]
        except queue.Empty:
            player.melody.send([NOTE_ON, 65, 0])


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


def test_the_session_outlives_the_loss_of_its_ports(driver: Driver, player: Player, bridge: Bridge) -> None:
    player.melody.send([NOTE_ON, 60, 100])
    hear(player, 4)
    player.close()
    again = Player(driver)
    try:
        heard = press_until_heard(again, bridge)
        bridge.process.send_signal(signal.SIGINT)
        assert not sounding(heard + rest(again))
    finally:
        again.close()
    code, _, err = bridge.ended()
    assert (code, err) == (0, "")


def test_what_the_server_raises_when_it_ends_outlives_who_asked() -> None:
    driver = load_driver()
    assert isinstance(driver, RtMidi | RtMidi2) and driver._jack is not None
    raised = weakref.ref(driver._jack._down)
    del driver
    gc.collect()
    assert raised() is not None


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
    guardian = Guardian()
    ports = open_midi(["MELODY"], ["player chords"], MonotonicClock(), guardian)
    ports.start(mailbox.put)
    for message in ([NOTE_ON | 5, 60, 100], [NOTE_ON | 5, 60, 0], [0xF8], [NOTE_ON, 62, 1], [CONTROL, 123, 0]):
        player.melody.send(message)
    events = []
    while len(events) < 6:
        came = mailbox.take(PATIENCE)
        assert came
        events += came
    kinds = [(type(event), getattr(event, "pitch", None), getattr(event, "channel", None)) for event in events]
    assert kinds == [
        (NoteOn, 60, 5),
        (NoteOff, 60, 5),
        (Clock, None, None),
        (NoteOn, 62, 0),
        (NoteOff, 62, 0),
        (Panic, None, None),
    ]
    (way_out,) = ports.ways_out
    for message in (PlayNote(0.0, 48, 50, 2), EndNote(1.0, 48, 2), Silence(1.0, 2), ClockOut(1.0, "position", 4.0)):
        way_out.send(message)
    heard = [player.heard.get(timeout=PATIENCE) for _ in range(6)]
    assert heard[0] == [NOTE_ON | 2, 48, 50]
    assert heard[1][:2] == [NOTE_OFF | 2, 48]
    assert [message[:2] for message in heard[2:5]] == [[CONTROL | 2, number] for number in (64, 123, 120)]
    assert heard[5] == [0xF2, 16, 0]
    for _ in range(2):
        ports.close()
        guardian.close()


def test_a_port_both_in_and_out_is_refused_and_nothing_stays_open(driver: Driver, player: Player) -> None:
    guardian = Guardian()
    try:
        with pytest.raises(BridgeError, match="once is enough"):
            open_midi(["player melody", "MELODY"], ["player chords"], MonotonicClock(), guardian)
    finally:
        guardian.close()
    assert not [name for name in driver.inputs() if name.startswith("GAPT")]
