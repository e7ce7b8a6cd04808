"""Names of ports and of what is plugged in again; loops told in words."""

from __future__ import annotations

import sys

import pytest

from bridge.errors import BridgeError
from bridge.ports.midi_echo import LOOP_ECHOES, LOOP_SECONDS, Echoes
from bridge.ports.midi_names import (
    VIRTUAL_OUT,
    device_name,
    find_again,
    find_port,
    need_virtual_ports,
    refuse_same_port,
)

PORTS = ["Keystation 49:Keystation 49 MIDI 1 20:0", "loopMIDI Port", "loopMIDI Port 2", f"{VIRTUAL_OUT}:{VIRTUAL_OUT}"]


def test_a_port_is_found_by_a_part_of_its_name_or_by_all_of_it() -> None:
    assert find_port("keystation", PORTS, "in") == PORTS[0]
    assert find_port("loopMIDI Port", PORTS, "in") == "loopMIDI Port"
    assert find_port("port 2", PORTS, "in") == "loopMIDI Port 2"


def test_a_name_of_none_or_many_is_a_sentence() -> None:
    with pytest.raises(BridgeError, match=r"^--out “loop” fits several ports; there are: “loopMIDI Port”, “loopMIDI"):
        find_port("loop", PORTS, "out")
    with pytest.raises(BridgeError, match=r"^--in “piano” is no port; there are: “Keystation.*”\. Give more"):
        find_port("piano", PORTS, "in")
    with pytest.raises(BridgeError, match="there are: none"):
        find_port("piano", [], "in")
    with pytest.raises(BridgeError, match="is no port"):
        find_port(VIRTUAL_OUT, PORTS, "in")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends names in another number")
def test_a_device_is_known_again_under_another_number() -> None:
    assert device_name(PORTS[0]) == "Keystation 49:Keystation 49 MIDI 1"
    assert device_name("Pd:midi_out 2") == "Pd:midi_out 2"
    moved = "Keystation 49:Keystation 49 MIDI 1 24:0"
    assert find_again(PORTS[0], PORTS) == PORTS[0]
    assert find_again(PORTS[0], [moved, "loopMIDI Port"]) == moved
    assert find_again(PORTS[0], [moved, moved.replace("24:", "28:")]) is None, "which of the two was it?"
    assert find_again(PORTS[0], []) is None


def test_the_same_port_in_and_out_is_refused_unless_asked_for() -> None:
    refuse_same_port(["melody", "pads"], ["chords"])
    with pytest.raises(BridgeError, match="--same-port"):
        refuse_same_port(["melody", "loop"], ["loop"])
    with pytest.raises(BridgeError, match="once is enough"):
        refuse_same_port(["melody", "melody"], [])


def test_no_virtual_port_on_windows_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(BridgeError, match="loopMIDI"):
        need_virtual_ports()
    monkeypatch.setattr(sys, "platform", "darwin")
    need_virtual_ports()


def test_echoes_that_keep_coming_are_a_loop_and_told_once() -> None:
    echoes = Echoes()
    for i in range(LOOP_ECHOES):
        assert echoes.loop() is None
        echoes.sent([0x90, 60, 64], i * 0.1)
        assert echoes.is_echo([0x90, 60, 64], i * 0.1 + 0.01, "loop")
    assert echoes.loop() == "loop"
    assert echoes.loop() is None


def test_echoes_now_and_then_are_no_loop() -> None:
    echoes = Echoes()
    for i in range(2 * LOOP_ECHOES):
        echoes.sent([0x90, 60, 64], i * LOOP_SECONDS)
        assert echoes.is_echo([0x90, 60, 64], i * LOOP_SECONDS + 0.01, "loop")
    assert echoes.loop() is None
    assert echoes.dropped == 2 * LOOP_ECHOES
