"""The guardian on real ports: what sounds ends, whatever becomes of the bridge; and who guards it is guarded."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator

import jack
import pytest
from midi_peer import CHORDS, MELODY, PATIENCE_SECONDS, ROOT, Talker
from signals import hear_signals

pytestmark = pytest.mark.skipif(bool(jack.missing()), reason=jack.missing())

SILENCED = ["b24000", "b27b00", "b27800"]
"""Sustain off, all notes off, all sound off, on the channel of the notes."""


@pytest.fixture(scope="module", autouse=True)
def jack_server() -> Iterator[None]:
    with jack.server(f"gapt-guard-{os.getpid()}"):
        yield


@pytest.fixture
def peer() -> Iterator[Talker]:
    peer = Talker("midi_peer.py")
    yield peer
    peer.close()


@pytest.fixture
def bridge(peer: Talker) -> Iterator[Talker]:
    bridge = Talker("guarded_process.py", MELODY, "--", CHORDS, before=hear_signals)
    yield bridge
    bridge.close()


def play_chord(bridge: Talker, peer: Talker) -> list[str]:
    """A chord sounds at the other end; the messages that made it."""
    for pitch in (48, 60, 64, 67):
        bridge.say(f"on {pitch}")
    return peer.hear_until("9243")


def sounding(messages: list[str]) -> Counter[str]:
    notes: Counter[str] = Counter()
    for message in messages:
        if message.startswith("92") and not message.endswith("00"):
            notes[message[2:4]] += 1
        elif message.startswith(("82", "92")):
            notes[message[2:4]] -= 1
    return +notes


def test_a_chord_leaves_bass_first(bridge: Talker, peer: Talker) -> None:
    assert play_chord(bridge, peer) == ["923040", "923c40", "924040", "924340"]


def test_kill_9_ends_every_note_and_says_the_last_words(bridge: Talker, peer: Talker) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as subscriber:
        subscriber.bind(("127.0.0.1", 0))
        subscriber.settimeout(PATIENCE_SECONDS)
        bridge.say(f"words {subscriber.getsockname()[1]}")
        first = play_chord(bridge, peer)
        assert len(sounding(first)) == 4
        bridge.process.send_signal(signal.SIGKILL)
        last = peer.hear_until(SILENCED[-1])
        assert subscriber.recv(100) == b"the end"
    assert not sounding(first + last)
    assert last[-3:] == SILENCED
    assert {message[1] for message in first + last} == {"2"}, "nothing on channels that are not ours"


def test_a_guardian_ends_soon_after_the_bridge(bridge: Talker, peer: Talker) -> None:
    guardian = int(bridge.hear())
    bridge.process.send_signal(signal.SIGKILL)
    wait_until_gone(guardian)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_all_of_us_does_not_end_the_guardian_before_the_bridge(
    bridge: Talker, peer: Talker, number: signal.Signals
) -> None:
    guardian = int(bridge.hear())
    os.kill(guardian, number)
    first = play_chord(bridge, peer)
    os.killpg(bridge.process.pid, number)
    last = peer.hear_until(SILENCED[-1])
    assert not sounding(first + last)
    wait_until_gone(guardian)


def test_a_bridge_that_hangs_leaves_nothing_sounding_and_may_come_to(bridge: Talker, peer: Talker) -> None:
    first = play_chord(bridge, peer)
    bridge.process.send_signal(signal.SIGSTOP)
    last = peer.hear_until(SILENCED[-1])
    assert not sounding(first + last)
    bridge.process.send_signal(signal.SIGCONT)
    bridge.say("on 72")
    assert peer.hear_until("9248")[-1] == "924840"


def test_leaving_in_good_order_says_nothing_more_than_was_asked(bridge: Talker, peer: Talker) -> None:
    guardian = int(bridge.hear())
    first = play_chord(bridge, peer)
    for line in ("off 48", "off 60", "off 64", "off 67", "silence", "quit"):
        bridge.say(line)
    bridge.hear_until("closed")
    assert bridge.process.wait(PATIENCE_SECONDS) == 0
    wait_until_gone(guardian)
    after = Talker("guarded_process.py", "--", CHORDS)
    try:
        after.say("on 72")
        heard = peer.hear_until("9248")
    finally:
        after.close()
    assert heard == ["823040", "823c40", "824040", "824340", *SILENCED, "924840"]
    assert not sounding(first + heard[:-1])


def test_a_guardian_that_dies_is_replaced_and_what_hung_is_ended(bridge: Talker, peer: Talker) -> None:
    guardian = int(bridge.hear())
    first = play_chord(bridge, peer)
    os.kill(guardian, signal.SIGKILL)
    assert [bridge.hear(), bridge.hear()] == ["out lost", "out there"]
    last = peer.hear_until(SILENCED[-1])
    assert not sounding(first + last)
    again = play_chord(bridge, peer)
    bridge.process.send_signal(signal.SIGKILL)
    assert not sounding(again + peer.hear_until(SILENCED[-1])), "the new one guards as well"


def test_the_guardian_loads_nothing_heavy() -> None:
    code = "import sys, bridge.guardian.process; print(*sys.modules)"
    listed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert not {"numpy", "numba", "torch", "click", "mido", "rich", "asyncio"} & set(listed.stdout.split())


def wait_until_gone(pid: int) -> None:
    """Return once there is no such process; nobody else may be waiting for it."""
    descriptor = os.pidfd_open(pid) if hasattr(os, "pidfd_open") and _there(pid) else None
    if descriptor is None:
        return
    try:
        assert select.select([descriptor], [], [], PATIENCE_SECONDS)[0]
    finally:
        os.close(descriptor)


def _there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
