"""The patch for Max and the device for Live, played without Max; what they say is read by the bridge itself."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from amxd import read_device
from max_objects import read
from max_run import Message, Running

from bridge.controls.parameters import PARAMETERS
from bridge.ports.osc.codec import build, parse
from bridge.ports.osc.reading import read as understood

GAPT = Path(__file__).parents[2] / "plugin_host" / "daw" / "max" / "gapt.maxpat"
NOTES, WORDS = 0, 1
OUT_NOTES, OUT_CHORD, OUT_PLAN, OUT_VALUES = range(4)


def opened(**more: Any) -> Running:
    running = Running(read(GAPT), **more)
    running.load()
    return running


@pytest.fixture
def gapt() -> Running:
    """[gapt] with the bridge heard."""
    running = opened()
    running.hear("/gapt/status", "waiting", 120.0)
    for log in (running.said, *running.outlets.values()):
        log.clear()
    return running


@pytest.fixture
def device() -> Running:
    running = Running(read_device().patch)
    running.load()
    return running


def test_it_asks_for_the_bridge_once_a_second_until_it_is_heard() -> None:
    running = opened()
    running.scheduler.run(2500)
    assert running.said == [["/gapt/subscribe", 9101]] * 3
    running.hear("/gapt/status", "waiting", 120.0)
    assert running.said[3:] == [["/gapt/dump"], ["/gapt/subscribe", 9101]]
    assert running.outlets[OUT_VALUES] == [["connected", 1], ["/gapt/status", "waiting", 120.0]]
    running.said.clear()
    for _ in range(41):
        running.scheduler.run(500)
        running.hear("/gapt/status", "waiting", 120.0)
    assert running.said == [["/gapt/subscribe", 9101]]


@pytest.mark.parametrize(
    ("inlet", "message", "said"),
    [
        (NOTES, [60, 100], ["/gapt/note", 60, 100]),
        (NOTES, [60, 0, 3.5], ["/gapt/note", 60, 0, 3.5]),
        (WORDS, ["temperature", 0.8], ["/gapt/temperature", 0.8]),
        (WORDS, ["temperature"], ["/gapt/temperature"]),
        (WORDS, ["scale", "harmonic minor"], ["/gapt/scale", "harmonic minor"]),
        (WORDS, ["panic"], ["/gapt/panic"]),
        (WORDS, ["transport", 1, 8.0], ["/gapt/transport", 1, 8.0]),
    ],
)
def test_what_goes_in_is_said_to_the_bridge(gapt: Running, inlet: int, message: Message, said: Message) -> None:
    gapt.put(WORDS, "density", 3.0)
    gapt.put(inlet, *message)
    gapt.put(WORDS, "dump")
    assert gapt.said == [["/gapt/density", 3.0], said, ["/gapt/dump"]]
    heard_by_the_bridge(gapt.said)


def test_what_the_bridge_says_comes_out_where_it_belongs(gapt: Running) -> None:
    gapt.hear("/gapt/play", 60, 64, 1)
    gapt.hear("/gapt/chord", "F:min7", 4.0, 60, 63)
    gapt.hear("/gapt/plan", 0, 1, "C:maj", 4.0, 2.0, 0.5, 1, 60, 64)
    gapt.hear("/gapt/voicing", "pad")
    assert gapt.outlets == {
        OUT_NOTES: [[60, 64, 1]],
        OUT_CHORD: [["F:min7", 4.0, 60, 63]],
        OUT_PLAN: [[0, 1, "C:maj", 4.0, 2.0, 0.5, 1, 60, 64]],
        OUT_VALUES: [["/gapt/voicing", "pad"]],
    }


@pytest.mark.parametrize("way", ["silence", "flush", "lost", "closed"])
def test_on_every_way_out_what_sounds_is_ended_and_nothing_else(gapt: Running, way: str) -> None:
    for pitch, velocity, channel in ((60, 64, 1), (64, 64, 16), (67, 64, 1), (67, 0, 1)):
        gapt.hear("/gapt/play", pitch, velocity, channel)
    gapt.outlets[OUT_NOTES].clear()
    {
        "silence": lambda: gapt.hear("/gapt/silence", 1),
        "flush": lambda: gapt.put(WORDS, "flush"),
        "lost": lambda: gapt.scheduler.run(2600),
        "closed": gapt.close,
    }[way]()
    assert sorted(gapt.outlets[OUT_NOTES]) == [[60, 0, 1], [64, 0, 16]]
    assert (["/gapt/unsubscribe", 9101] in gapt.said) == (way == "closed")
    assert (["connected", 0] in gapt.outlets.get(OUT_VALUES, [])) == (way == "lost")
    gapt.outlets[OUT_NOTES].clear()
    gapt.put(WORDS, "flush")
    assert gapt.outlets[OUT_NOTES] == []


def test_a_bridge_that_was_lost_is_asked_for_and_found_again(gapt: Running) -> None:
    gapt.scheduler.run(5000)
    assert gapt.said == [["/gapt/subscribe", 9101]] * 3
    gapt.hear("/gapt/hello", 1, 8, "GAPT Bridge")
    assert gapt.said[3:] == [["/gapt/dump"], ["/gapt/subscribe", 9101]]


def test_it_tells_where_maxs_transport_stands(gapt: Running) -> None:
    gapt.put(WORDS, "follow", 1)
    gapt.song |= {"ticks": 1200.0, "tempo": 97.5, "metre": [3, 8], "on": 1}
    gapt.scheduler.run(120)
    gapt.put(WORDS, "follow", 0)
    gapt.scheduler.run(1000)
    assert gapt.said[0] == ["/gapt/host", 0.0, 120.0, 0, 4, 4]
    assert gapt.said[1:] == [["/gapt/host", 2.5, 97.5, 1, 3, 8]] * 2
    heard_by_the_bridge(gapt.said)


def test_ports_and_attributes_are_taken_from_its_box() -> None:
    running = opened(arguments=[9105, 9200, "10.0.0.7"], attributes=[["voicing", "pad"], ["density", 2]])
    assert running.said[-1] == ["/gapt/subscribe", 9105]
    states = [running._state[running.named(kind)[0]] for kind in ("udpsend", "udpreceive")]
    assert states == [{"host": "10.0.0.7", "port": 9200}, {"port": 9105}]
    running.said.clear()
    running.hear("/gapt/status", "waiting", 120.0)
    assert running.said[:3] == [["/gapt/dump"], ["/gapt/voicing", "pad"], ["/gapt/density", 2]]


NOTE_ON, NOTE_OFF, CONTROL, BEND = 0x90, 0x80, 0xB0, 0xE0


def test_the_tracks_notes_go_to_the_bridge_and_its_controllers_through(device: Running) -> None:
    device.said.clear()
    device.midi(NOTE_ON, 60, 100)
    device.midi(CONTROL, 64, 127)
    device.midi(NOTE_OFF, 60, 0)
    assert device.said == [["/gapt/note", 60, 100], ["/gapt/note", 60, 0]]
    assert device.played == [[CONTROL, 64, 127]]
    heard_by_the_bridge(device.said)


def test_the_melody_goes_through_where_it_is_let_and_does_not_hang(device: Running) -> None:
    (melody,) = device.named("Melody")
    device.receive(melody, 0, [1])
    device.midi(NOTE_ON + 1, 60, 100)
    device.receive(melody, 0, [0])
    device.midi(NOTE_ON, 62, 100)
    assert device.played == [[NOTE_ON + 1, 60, 100], [NOTE_ON + 1, 60, 0]]


def test_chords_are_played_on_the_track(device: Running) -> None:
    device.hear("/gapt/play", 60, 64, 2)
    device.hear("/gapt/chord", "C:maj", 4.0, 60)
    device.hear("/gapt/play", 64, 70, 1)
    device.hear("/gapt/play", 60, 0, 2)
    assert device.played == [[NOTE_ON + 1, 60, 64], [NOTE_ON, 64, 70], [NOTE_ON + 1, 60, 0]]
    assert "C:maj" in comments(device)


def test_it_follows_live_from_the_start(device: Running) -> None:
    device.song |= {"ticks": 960.0, "on": 1}
    device.said.clear()
    device.scheduler.run(60)
    assert device.said[0] == ["/gapt/host", 2.0, 120.0, 1, 4, 4]
    device.receive(device.named("Follow")[0], 0, [0])
    device.said.clear()
    device.scheduler.run(500)
    assert device.said == []


def test_what_live_restores_is_not_said_before_the_bridge_is_there(device: Running) -> None:
    device.said.clear()
    (temperature,), (voicing,) = device.named("Temperature"), device.named("Voicing")
    device.receive(temperature, 0, [0.3])
    assert device.said == []
    device.hear("/gapt/status", "waiting", 120.0)
    assert device.said == [["/gapt/dump"], ["/gapt/subscribe", 9101]]
    device.hear("/gapt/temperature", 1.5)
    device.hear("/gapt/voicing", "pad")
    assert (device.shown(temperature), device.shown(voicing)) == (1.5, "pad")
    assert len(device.said) == 2
    device.receive(temperature, 0, [0.7])
    device.receive(voicing, 0, [2])
    assert device.said[2:] == [["/gapt/temperature", 0.7], ["/gapt/voicing", "strum"]]
    heard_by_the_bridge(device.said)


def test_with_recall_the_live_set_rules(device: Running) -> None:
    device.receive(device.named("Recall")[0], 0, [1])
    device.receive(device.named("Temperature")[0], 0, [0.3])
    device.receive(device.named("Scale")[0], 0, [2])
    device.said.clear()
    device.hear("/gapt/status", "waiting", 120.0)
    assert ["/gapt/temperature", 0.3] in device.said and ["/gapt/scale", "harmonic minor"] in device.said
    assert len([message for message in device.said if str(message[0])[6:] in PARAMETERS]) == 16
    assert device.said[0] == ["/gapt/dump"]
    heard_by_the_bridge(device.said)


def test_whether_the_bridge_is_there_is_shown(device: Running) -> None:
    assert "no bridge" in comments(device)
    device.hear("/gapt/status", "waiting", 120.0)
    assert "connected" in comments(device)
    device.scheduler.run(2600)
    assert "no bridge" in comments(device)


def test_panic_ends_what_sounds_and_tells_the_bridge(device: Running) -> None:
    device.hear("/gapt/play", 60, 64, 1)
    device.said.clear()
    device.receive(device.named("Panic")[0], 0, [1])
    assert device.played == [[NOTE_ON, 60, 64], [NOTE_ON, 60, 0]]
    assert device.said == [["/gapt/panic"]]


def comments(device: Running) -> set[str]:
    return {device.shown(name) for name, box in device.patch.boxes.items() if box.kind == "live.comment"}


def heard_by_the_bridge(said: Sequence[Message]) -> None:
    """Every message is one that the bridge understands."""
    for address, *arguments in said:
        (message,) = parse(build(str(address), arguments))
        assert understood(message, 0.0), message
