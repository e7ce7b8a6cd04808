"""Ports that are lost and come back while we play: another program that is killed, a JACK server that ends."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack

import jack
import pytest
from midi_peer import CHORDS, MELODY, PATIENCE_SECONDS, Talker

pytestmark = pytest.mark.skipif(bool(jack.missing()), reason=jack.missing())

LOST = "is unplugged: the music goes on, and it is found again when it is back."
SERVER = f"gapt-loss-{os.getpid()}"


@pytest.fixture
def jack_server() -> Iterator[ExitStack]:
    """A server that a test may end, with `close`."""
    with ExitStack() as stack:
        stack.enter_context(jack.server(SERVER))
        yield stack


@pytest.fixture
def programs(jack_server: ExitStack) -> Iterator[list[Talker]]:
    """Who is to be ended at the end."""
    talkers: list[Talker] = []
    yield talkers
    for talker in reversed(talkers):
        talker.close()


def started(programs: list[Talker], script: str, *arguments: str) -> Talker:
    programs.append(Talker(script, *arguments))
    return programs[-1]


def bridge_of(programs: list[Talker], *arguments: str) -> Talker:
    bridge = started(programs, "guarded_process.py", *arguments)
    bridge.hear()
    return bridge


def heard(bridge: Talker, count: int) -> list[str]:
    """Its next `count` reports in the order of the alphabet, once it has also told people of the two ports."""
    lines = [bridge.hear() for _ in range(count + 2)]
    told = [line.partition("” ")[2] for line in lines if line.startswith("“")]
    back = any(line.endswith(" there") for line in lines)
    assert told == 2 * ["is back." if back else LOST]
    return sorted(line for line in lines if not line.startswith("“"))


def test_another_program_dies_and_returns(programs: list[Talker]) -> None:
    peer = started(programs, "midi_peer.py")
    bridge = bridge_of(programs, MELODY, "--", CHORDS)
    peer.say("933c40")
    assert bridge.hear() == "on 60 3"
    bridge.say("on 48")
    assert peer.hear() == "923040"
    peer.kill()
    assert heard(bridge, 3) == ["in lost", "off 60 3", "out lost"]
    bridge.say("on 50")  # goes nowhere, and nothing breaks
    again = started(programs, "midi_peer.py")
    assert heard(bridge, 2) == ["in there", "out there"]
    bridge.say("on 52")
    assert again.hear_until("9234") == ["823040", "b24000", "b27b00", "b27800", "923440"]
    again.say("933e40")
    assert bridge.hear() == "on 62 3"


@pytest.mark.parametrize("virtual", [False, True])
def test_the_jack_server_ends_and_starts_again(jack_server: ExitStack, programs: list[Talker], virtual: bool) -> None:
    peer = started(programs, "midi_peer.py")
    bridge = bridge_of(programs, *(["", "--", ""] if virtual else [MELODY, "--", CHORDS]))
    if not virtual:
        peer.say("933c40")
        assert bridge.hear() == "on 60 3"
    jack_server.close()
    peer.kill()
    lost = ["in lost", "out lost"] if virtual else ["in lost", "off 60 3", "out lost"]
    assert heard(bridge, len(lost)) == lost
    with jack.server(SERVER):
        again = started(programs, "midi_peer.py")
        assert heard(bridge, 2) == ["in there", "out there"]
        bridge.say("on 52")
        if not virtual:
            assert again.hear_until("9234")[-1] == "923440"
            again.say("933e40")
            assert bridge.hear() == "on 62 3"
        bridge.say("quit")
        assert bridge.hear_until("closed") == ["closed"]
        assert bridge.process.wait(PATIENCE_SECONDS) == 0


def test_what_comes_back_is_no_melody_and_a_loop_is_told(programs: list[Talker]) -> None:
    peer = started(programs, "midi_peer.py")
    bridge = bridge_of(programs, MELODY, "--", CHORDS)
    peer.say("923c40")
    assert bridge.hear() == "on 60 2"
    # On a busy machine some come back too late to be known, and are heard.
    while bridge.lines.empty() or not bridge.hear().startswith("What we play comes back on “player melody"):
        for line in ("on 61", "off 61"):
            bridge.say(line)
            peer.say(peer.hear())
