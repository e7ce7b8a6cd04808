"""A real Pure Data plays our abstraction: against a peer that knows the namespace, and against a real `gapt jam`."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from osc_peer import PATIENCE, Peer, free_port, jam
from pd_patch import PATCHES, PD, QUIET, Patch, errors, playing, pressable

from bridge.controls.parameters import PARAMETERS
from bridge.ports.osc.choice import LOOPBACK
from bridge.ports.osc.codec import Message
from bridge.ports.osc.reading import read as understood

pytestmark = pytest.mark.skipif(PD is None, reason="pd not installed (Debian: puredata-core)")


@pytest.fixture
def peer() -> Iterator[Peer]:
    peer = Peer()
    yield peer
    peer.close()


@pytest.fixture
def patch(tmp_path: Path, peer: Peer) -> Iterator[Patch]:
    with playing(tmp_path, 0, peer.port, LOOPBACK) as patch:
        peer.welcome()
        assert patch.next("values") == ["connected", "1"]
        assert patch.next("values") == ["hello", "1", "7", "GAPT Bridge"]
        assert peer.next("/gapt/dump") == ()
        yield patch


@pytest.mark.parametrize("name", ["gapt.pd", "gapt-help.pd"])
def test_a_patch_loads_without_a_complaint(name: str) -> None:
    assert not errors(PATCHES / name)


def test_a_patch_with_an_unknown_object_is_complained_of(tmp_path: Path) -> None:
    (tmp_path / "wrong.pd").write_text("#N canvas 0 0 600 300 12;\n#X obj 20 20 gapt-no-such-object;\n")
    assert errors(tmp_path / "wrong.pd")


@pytest.mark.parametrize(
    ("message", "address", "arguments"),
    [
        ("60 100", "/gapt/note", (60.0, 100.0)),
        ("60 0 3.5", "/gapt/note", (60.0, 0.0, 3.5)),
        ("62", "/gapt/note", (62.0, 100.0)),
        ("temperature 0.5", "/gapt/temperature", (0.5,)),
        ("temperature", "/gapt/temperature", ()),
        ("voicing arpeggio", "/gapt/voicing", ("arpeggio",)),
        ("list voicing pad", "/gapt/voicing", ("pad",)),
        ("scale harmonic\\ minor", "/gapt/scale", ("harmonic minor",)),
        ("transport 1", "/gapt/transport", (1.0,)),
        ("host 4.5 120 1 3 4", "/gapt/host", (4.5, 120.0, 1.0, 3.0, 4.0)),
        ("learn temperature", "/gapt/learn", ("temperature",)),
        ("panic", "/gapt/panic", ()),
    ],
)
def test_what_goes_in_is_said_to_the_bridge(
    patch: Patch, peer: Peer, message: str, address: str, arguments: tuple[object, ...]
) -> None:
    patch.put(message)
    assert peer.next(address) == arguments


def test_what_the_bridge_says_comes_out_where_it_belongs(patch: Patch, peer: Peer) -> None:
    peer.say("/gapt/play", 60, 64, 1)
    assert patch.next("notes") == ["60", "64", "1"]
    peer.say("/gapt/chord", "F#:7(b9,#11)", 4.0, 60, 64)
    assert patch.next("chord") == ["F#:7(b9,#11)", "4", "60", "64"]
    peer.say("/gapt/chord", "N", 5.5)
    assert patch.next("chord") == ["N", "5.5"]
    peer.say("/gapt/plan", 0, 1, "C:maj", 4.0, 2.0, 0.5, 1, 60, 64)
    assert patch.next("plan") == ["0", "1", "C:maj", "4", "2", "0.5", "1", "60", "64"]
    peer.say("/gapt/voicing", "pad")
    assert patch.next("values") == ["voicing", "pad"]
    peer.say("/gapt/transport", 1, 0.0, 120.0, 4, 4)
    assert patch.next("values") == ["transport", "1", "0", "120", "4", "4"]


def test_a_silence_ends_what_sounds_on_its_channel_and_nothing_else(patch: Patch, peer: Peer) -> None:
    for pitch, velocity, channel in [(60, 64, 1), (64, 64, 16), (127, 64, 16), (67, 64, 16), (67, 0, 16)]:
        peer.say("/gapt/play", pitch, velocity, channel)
        assert patch.next("notes") == [str(pitch), str(velocity), str(channel)]
    peer.say("/gapt/silence", 16)
    assert [patch.next("notes"), patch.next("notes")] == [["64", "0", "16"], ["127", "0", "16"]]
    patch.put("flush")
    assert patch.next("notes") == ["60", "0", "1"]


def test_a_panic_ends_what_sounds_without_waiting_for_the_bridge(patch: Patch, peer: Peer) -> None:
    peer.say("/gapt/play", 60, 64, 1)
    patch.put("panic")
    assert [patch.next("notes"), patch.next("notes")] == [["60", "64", "1"], ["60", "0", "1"]]


def test_a_bridge_that_falls_silent_leaves_no_note_and_is_found_again(patch: Patch, peer: Peer) -> None:
    peer.say("/gapt/play", 60, 64, 1)
    assert patch.next("notes") == ["60", "64", "1"]
    peer.close()
    assert patch.next("notes") == ["60", "0", "1"]
    assert patch.next("values") == ["connected", "0"]
    again = Peer(peer.port)
    again.welcome(session=8)
    assert patch.next("values") == ["connected", "1"]
    assert patch.next("values", "hello")[2] == "8"
    patch.put("60 100")
    assert again.next("/gapt/note") == (60.0, 100.0)
    again.close()


def test_it_can_be_sent_away_and_elsewhere(patch: Patch, peer: Peer) -> None:
    peer.say("/gapt/play", 60, 64, 1)
    assert patch.next("notes") == ["60", "64", "1"]
    patch.put("disconnect")
    assert patch.next("notes") == ["60", "0", "1"]
    assert peer.next("/gapt/unsubscribe") == ()
    other = Peer()
    patch.put(f"connect 127.0.0.1 {other.port}")
    other.welcome(session=9)
    assert patch.next("values", "hello")[2] == "9"
    other.close()


def test_with_a_port_of_its_own_it_listens_there(tmp_path: Path, peer: Peer) -> None:
    port = free_port()
    with playing(tmp_path, port, peer.port) as patch:
        peer.welcome()
        assert peer.next("/gapt/subscribe") == (float(port),)
        peer.say("/gapt/play", 60, 64, 1, to=port)
        assert patch.next("notes") == ["60", "64", "1"]


def test_every_message_of_the_help_patch_is_one_that_the_bridge_understands(tmp_path: Path, peer: Peer) -> None:
    text, messages = pressable((PATCHES / "gapt-help.pd").read_text("utf-8"), f"0 {peer.port} {LOOPBACK}")
    (tmp_path / "help.pd").write_text(text, "utf-8")
    assert len(messages) > 35
    names = [text.split(" ")[0] for text in messages]
    numbers = [
        line.high if (line := PARAMETERS.get(name)) and line.kind in ("number", "whole") else 1 for name in names
    ]
    pressed = [word for index, number in enumerate(numbers) for word in ("-send", f"press-{index} {number:g}")]
    command = [str(PD), *QUIET, "-path", str(PATCHES), *pressed, str(tmp_path / "help.pd")]
    wanted = {f"/gapt/{name}" for name in names if not name.isdecimal()}
    said: dict[str, set[tuple[object, ...]]] = {}
    with (tmp_path / "pd.log").open("w") as log, subprocess.Popen(command, stderr=log) as pd:
        try:
            while not wanted <= said.keys() or len(said["/gapt/note"]) < 13:
                address, arguments = peer.any()
                assert understood(Message(address, arguments), 0.0)
                said.setdefault(address, set()).add(arguments)
        finally:
            pd.kill()
    assert {arguments[:2] for arguments in said["/gapt/note"]} >= {(float(pitch), 100.0) for pitch in range(60, 73)}
    assert said["/gapt/preset"] == {("public-domain",)}
    assert said["/gapt/voicing"] == {(1.0,)}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signal to send for Ctrl-C")
def test_a_duet_with_the_bridge(tmp_path: Path) -> None:
    with jam() as (session, port), playing(tmp_path, 0, port) as patch:
        assert patch.next("values", "connected") == ["connected", "1"]
        assert patch.next("values", "density") == ["density", "10"]
        patch.put("density 9")
        assert patch.next("values", "density") == ["density", "9"]
        chord, sounding = play(patch)
        assert sounding
        assert {(pitch, "1") for pitch in chord[2:]} == sounding
        session.terminate()
        while sounding:
            keep(patch.next("notes"), sounding)
        out, err = session.communicate(timeout=PATIENCE)
        assert (session.returncode, err) == (0, ""), out


def play(patch: Patch) -> tuple[list[str], set[tuple[str, str]]]:
    """Play up and down a chord, a note with each status, until the bridge does; its chord, and what sounds of it."""
    chord: list[str] = []
    sounding: set[tuple[str, str]] = set()
    notes = itertools.cycle((60, 64, 67, 72, 67, 64))
    pitch = 0
    for outlet, *words in patch.messages():
        if outlet == "notes":
            keep(words, sounding)
        elif outlet == "chord" and len(words) > 2:
            chord = words
        elif words[0] == "status":
            if chord and sounding:
                break
            patch.put(f"{pitch} 0")
            pitch = next(notes)
            patch.put(f"{pitch} 100")
    return chord, sounding


def keep(note: list[str], sounding: set[tuple[str, str]]) -> None:
    """Add a note (pitch, velocity, channel) to what sounds, or take it away."""
    pitch, velocity, channel = note
    (sounding.add if int(velocity) else sounding.discard)((pitch, channel))
