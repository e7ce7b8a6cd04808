"""A jam with its page: every control changes how it plays, everybody is told, and the page's death costs no chord."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from osc_wire import PATIENCE, client
from page_peer import QUICK, Jam, Peer, again, get, kill, open_paged_jam

from bridge.controls.parameters import PARAMETERS, Parameter, Value
from bridge.events import ControlChange, NoteOff, NoteOn, Set
from bridge.ports.osc.choice import LOOPBACK, OscChoice
from bridge.ports.osc.codec import build, parse
from bridge.timing.clock import MonotonicClock
from gapt_core.data.midi import read_midi
from presets.store import Store

VALUED = [line for line in PARAMETERS.values() if line.kind != "trigger"]
TEXTS = {"metre": "3/4", "in_channels": "1,3-5"}
AFTER = ("sync", "link_start_stop")
"""What opens other ports is for last."""


@pytest.fixture(scope="module")
def jam() -> Iterator[Jam]:
    with open_paged_jam() as jam:
        yield jam


def another(line: Parameter, value: Value) -> Value:
    """A value of the parameter besides `value`."""
    if line.name == "preset":
        return next(name for name in Store.default().folders() if name != value)
    if line.kind == "text":
        return TEXTS[line.name]
    if line.kind == "switch":
        return not value
    if line.kind == "choice":
        return next(choice for choice in reversed(line.choices) if choice != value)
    middle = line.checked(line.low + (line.high - line.low) * 0.25)
    return middle if middle != value else line.checked(line.high)


def play(jam: Jam, pitches: tuple[int, ...]) -> None:
    """Strike each note once the chord of the one before has left."""
    for pitch in pitches:
        count = len(jam.sent)
        jam.session.put(NoteOn(MonotonicClock().now(), pitch, 90))
        jam.chord_after(count)
        jam.session.put(NoteOff(MonotonicClock().now(), pitch))


def test_each_control_changes_the_engine_and_every_page_is_told(
    jam: Jam, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with closing(Peer(jam.port)) as peer, closing(Peer(jam.port)) as other:
        for line in sorted(VALUED, key=lambda line: line.name in AFTER):
            before = jam.session.settings.value(line.name)
            assert peer.hello["values"][line.name] == before
            wanted = another(line, before)
            told = peer.set(line.name, wanted)
            assert told == other.next("parameter", name=line.name)["value"] == wanted
            assert jam.session.settings.value(line.name) == wanted
            assert peer.set(line.name, before) == before == other.next("parameter", name=line.name)["value"]
        assert jam.session.settings == QUICK


def test_start_rolls_panic_silences_and_stop_stands(jam: Jam) -> None:
    with closing(Peer(jam.port)) as peer:
        peer.ask("start")
        assert peer.next("transport")["rolling"] is True
        play(jam, (60, 62))
        peer.until("sound", lambda sound: sound["on"] is True)
        peer.ask("panic")
        on = {sound["pitch"]: sound["on"] for sound in until_silence(peer) if sound["type"] == "sound"}
        assert not any(on.values())
        peer.ask("stop")
        assert peer.next("transport")["rolling"] is False
        status = peer.next("status")
        assert status["playing"] is False and status["sync_state"]


def until_silence(peer: Peer) -> Iterator[dict[str, object]]:
    while (message := peer.next())["type"] != "silence":
        yield message


def test_a_preset_that_is_not_installed_is_refused(jam: Jam) -> None:
    with closing(Peer(jam.port)) as peer:
        assert {preset["name"] for preset in peer.hello["presets"]} >= {"default", "default-mle"}
        peer.ask("preset", "/etc")
        assert "no such preset" in peer.next("refused", name="preset")["sentence"]
        assert jam.session.settings.preset == "default"


def test_what_osc_sets_reaches_every_page_and_the_other_way_round() -> None:
    with client() as listener:
        osc = OscChoice(port_in=0, out=(LOOPBACK, listener.getsockname()[1]), query_port=None)
        with open_paged_jam(osc=osc) as jam, closing(Peer(jam.port)) as one, closing(Peer(jam.port)) as other:
            listener.settimeout(PATIENCE)
            listener.sendto(build("/gapt/velocity", [77]), (LOOPBACK, jam.osc_port))
            for peer in (one, other):
                assert peer.next("parameter", name="velocity")["value"] == 77
            one.ask("density", 2.5)
            assert other.next("parameter", name="density")["value"] == 2.5
            while True:
                (message,) = parse(listener.recv(4096))
                if message.address == "/gapt/density":
                    break
            assert list(message.arguments) == [2.5]


def test_what_a_controller_sets_reaches_every_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # where the settings file is that remembers what was learnt
    with open_paged_jam() as jam, closing(Peer(jam.port)) as one, closing(Peer(jam.port)) as other:
        now = MonotonicClock().now()
        jam.session.put(Set(now, "learn", "temperature"))
        jam.session.put(ControlChange(now, "knobs", 0, 21, 127))
        for peer in (one, other):
            assert peer.next("parameter", name="temperature")["value"] == 4.0


def test_the_pages_death_costs_no_chord(jam: Jam) -> None:
    with closing(Peer(jam.port)) as peer:
        peer.ask("start")
        peer.next("transport", rolling=True)
    played = len(jam.sent)
    play(jam, (60, 62))
    restarts = jam.page.restarts
    kill(jam.page)
    notes = 0
    while jam.page.restarts == restarts:
        play(jam, (64, 65))
        notes += 2
    play(jam, (67, 69))
    names = [sent.chord.name for sent in jam.sent[played:] if sent.chord.pitches]
    assert names == ["C:maj", "D:maj", *["E:maj", "F:maj"] * (notes // 2), "G:maj", "A:maj"]
    with closing(again(jam.port)) as peer:
        told = [message["name"] for message in peer.hello["history"] if message["type"] == "chord"]
        assert told[-2:] == ["G:maj", "A:maj"]
        peer.ask("stop")
        peer.next("transport", rolling=False)


def test_a_recording_begins_and_ends_from_the_page(tmp_path: Path) -> None:
    take = tmp_path / "take.mid"
    with open_paged_jam(take=take) as jam, closing(Peer(jam.port)) as peer:
        assert peer.hello["recording"] is None
        peer.ask("start")
        peer.next("transport", rolling=True)
        play(jam, (60, 62))
        peer.ask("recording", True)
        assert peer.next("recording")["file"] == "take.mid"
        play(jam, (64, 65))
        peer.ask("recording", False)
        assert "The take is in" in peer.next("said")["sentence"]
        assert peer.next("recording")["file"] is None
        played = read_midi(take).songs[0]
        assert [note.pitch for note in played.notes] == [64, 65]
        peer.ask("recording", True)
        assert peer.next("recording")["file"] == "take-2.mid"
        play(jam, (67,))
        assert [note.pitch for note in notes_of(jam, tmp_path)] == [60, 62, 64, 65, 67]
    assert (tmp_path / "take-2.mid").exists()


def notes_of(jam: Jam, folder: Path) -> tuple[object, ...]:
    path = folder / "session.mid"
    path.write_bytes(get(jam.port, "/session.mid")[1])
    return read_midi(path).songs[0].notes


def test_a_recording_that_cannot_be_is_said_and_taken_back(tmp_path: Path) -> None:
    with open_paged_jam(take=tmp_path / "none" / "take.mid") as jam, closing(Peer(jam.port)) as peer:
        peer.ask("recording", True)
        assert "There is no folder" in peer.next("said")["sentence"]
        assert peer.next("parameter", name="recording", value=False)
        assert jam.session.settings.recording is False
