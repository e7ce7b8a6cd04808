"""`gapt daw test`: what a rehearsal with a host finds, with real sessions, a scripted accompanist and hosts by hand."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from live_process import follow
from midi_memory import MemoryDriver
from osc_peer import Peer, free_port

from bridge.cli import gapt
from bridge.controls.settings import Settings
from bridge.diagnosis.caller import Caller, MidiCaller
from bridge.diagnosis.findings import Finding
from bridge.diagnosis.meetings import MEETINGS
from bridge.diagnosis.own_bridge import own_bridge
from bridge.diagnosis.rehearsal import Plan, by_ports, rehearse
from bridge.errors import BridgeError
from bridge.ports.choice import PortChoice
from bridge.ports.osc.choice import LOOPBACK, OscChoice
from plugin_host.daw.hosts import HOSTS
from plugin_host.scripted import ScriptedAccompanist

PATIENCE = 60.0


def plan_of(name: str, port: int, seconds: float = PATIENCE) -> Plan:
    """A rehearsal with a host whose notes come by OSC."""
    return Plan(HOSTS[name].title, replace(MEETINGS[name], reply=None), port, seconds=seconds, bpm=480.0)


def rehearsed(plan: Plan, then: Callable[[], None] = lambda: None) -> list[Finding]:
    """What a rehearsal finds with a scripted accompanist; `then` is the host, once it is asked to play."""

    def say(sentence: str) -> None:
        if sentence.startswith("Now you"):
            then()

    return list(rehearse(plan, Settings(), lambda: closing(ScriptedAccompanist(follow)), say))


def told(findings: list[Finding]) -> dict[str, tuple[str, str]]:
    assert all(bool(finding.advice) == (finding.level != "ok") for finding in findings)
    return {finding.name: (finding.level, finding.text) for finding in findings}


@contextmanager
def running(**settings: object) -> Iterator[int]:
    """The port of a bridge that is there already."""
    chosen = Settings(entry="free", tempo=240.0)
    for name, value in settings.items():
        chosen = chosen.changed(name, value)
    choice = PortChoice(midi_in=None, midi_out=None, osc=OscChoice(port_in=free_port(), query_port=None))
    with own_bridge(chosen, choice, lambda: closing(ScriptedAccompanist(follow))) as bridge:
        yield bridge.port


@pytest.fixture
def host() -> Iterator[Peer]:
    peer = Peer()
    yield peer
    peer.close()


# --- the table


def test_every_host_with_a_part_has_a_way_to_be_tested() -> None:
    assert MEETINGS.keys() == HOSTS.keys()


@pytest.mark.parametrize("name", MEETINGS)
def test_whatever_may_be_missing_has_something_to_look_at(name: str) -> None:
    for meeting in (MEETINGS[name], by_ports(MEETINGS[name])):
        wanted = {thing for thing in meeting.expects if thing != "chords"}
        assert wanted <= meeting.checks.keys()
        assert all(check.endswith(".") for check in meeting.checks.values())
        assert meeting.ask.endswith(".")


# --- with a bridge of our own


def test_a_phrase_goes_there_and_back_and_the_host_is_heard(host: Peer) -> None:
    port = free_port()

    def play() -> None:
        host.say("/gapt/hello", 1, "GAPT for Live", to=port)
        host.say("/gapt/host", 0.0, 97.5, 1, 4, 4, to=port)
        host.say("/gapt/note", 62, 100, to=port)

    findings = rehearsed(plan_of("live", port), play)
    found = told([finding for finding in findings if finding.name != "chords"])
    assert found["bridge"] == ("ok", f"one of our own answers on UDP port {port}")
    assert found["phrase"] == ("ok", "the bridge heard 16 of 16 notes, by OSC")
    there, back = (finding for finding in findings if finding.name == "chords")
    assert (there.level, back.level) == ("ok", "ok")
    assert re.fullmatch(r"\d+ came back, first C:maj; the quickest \d+ ms after a note", there.text)
    assert back.text == "D:maj went back by OSC"
    assert found["client"] == ("ok", "a part of ours in Live has said hello")
    assert re.fullmatch(r".+ rules: 97\.5 bpm, bar \d+", found["transport"][1])
    assert found["notes"] == ("ok", "D4 was heard")


def test_the_first_note_of_a_host_without_a_transport_is_answered(host: Peer) -> None:
    port = free_port()

    def play() -> None:
        host.say("/gapt/hello", 1, "Pd", to=port)
        host.say("/gapt/note", 65, 100, to=port)

    findings = rehearsed(plan_of("pd", port), play)
    assert {finding.level for finding in findings} == {"ok"}
    assert (findings[-1].name, findings[-1].text) == ("chords", "F:maj went back by OSC")


def test_answers_go_to_the_port_that_our_part_listens_on(host: Peer) -> None:
    port = free_port()
    plan = plan_of("max", port)
    plan = replace(plan, meeting=replace(plan.meeting, expects=("client",), reply=host.port))
    other = Peer()
    found = told(rehearsed(plan, lambda: other.say("/gapt/hello", 1, "Max", to=port)))
    other.close()
    assert found["client"] == ("ok", "a part of ours in Max has said hello")
    assert host.next("/gapt/hello")[2] == "GAPT Bridge"


def test_a_host_that_says_nothing_is_told_with_what_to_look_at() -> None:
    findings = rehearsed(plan_of("live", free_port(), seconds=0.1))
    assert [(finding.name, finding.level) for finding in findings[3:]] == [
        ("client", "fail"),
        ("transport", "fail"),
        ("notes", "fail"),
    ]
    assert [finding.advice for finding in findings[3:]] == [
        MEETINGS["live"].checks[thing] for thing in ("client", "transport", "notes")
    ]


def test_our_own_tempo_is_no_transport_of_the_host(host: Peer) -> None:
    port = free_port()
    plan = plan_of("live", port, seconds=2.0)
    found = told(rehearsed(plan, lambda: host.say("/gapt/note", 62, 100, to=port)))
    assert found["notes"] == ("ok", "D4 was heard")
    assert found["transport"] == ("fail", "nothing said that Live plays")


def test_a_fader_that_moves_is_told(host: Peer) -> None:
    port = free_port()
    plan = plan_of("pd", port)
    plan = replace(plan, meeting=replace(plan.meeting, expects=("control",)))
    found = told(rehearsed(plan, lambda: host.say("/gapt/temperature", 0.5, to=port)))
    assert found["control"] == ("ok", "temperature is now 0.5")


def test_a_port_that_the_transport_comes_by_and_somebody_else_has_is_told() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((LOOPBACK, 0))
        needed = other.getsockname()[1]
        plan = plan_of("pd", free_port(), seconds=0.0)
        finding, *rest = rehearsed(replace(plan, meeting=replace(plan.meeting, needs=needed)))
    assert (finding.name, finding.level) == (f"UDP {needed}", "warn")
    assert finding.text.startswith("held by ")
    assert [finding.level for finding in rest] == ["ok"] * 3


def test_ctrl_c_ends_the_listening_and_what_is_missing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Caller.news

    def news(self: Caller) -> Iterator[object]:
        if asked:
            raise KeyboardInterrupt
        return real(self)

    asked: list[bool] = []
    monkeypatch.setattr(Caller, "news", news)
    findings = rehearsed(plan_of("pd", free_port()), lambda: asked.append(True))
    assert [finding.name for finding in findings[3:]] == ["client", "notes"]


# --- with a bridge that is running


def test_a_running_bridge_is_asked_and_left_as_it_was(host: Peer) -> None:
    with running() as port:
        first = told(rehearsed(plan_of("pd", port, seconds=0.0)))
        again = told(rehearsed(plan_of("pd", port, seconds=0.0)))
        assert first["bridge"] == ("ok", f"one that is running answers on UDP port {port}")
        assert [level for level, _ in (*first.values(), *again.values())] == ["ok"] * 6
        with closing(Caller()) as caller:
            assert caller.greet(port)
            caller.say("/gapt/sync")
            answer = caller.wait_for("/gapt/sync", PATIENCE)
            assert answer is not None and [*answer.arguments] == ["auto"]
            caller.send(60, 100)
            assert caller.wait_for("/gapt/chord", PATIENCE) is not None  # the first note still starts it


def test_a_bridge_that_waits_for_its_host_is_not_played_to() -> None:
    with running(sync="osc") as port:
        (_, finding) = rehearsed(plan_of("pd", port, seconds=0.0))
        assert (finding.name, finding.level) == ("phrase", "warn")
        assert finding.text.startswith("not played, for the bridge waits: Nothing from ")


def test_a_bridge_that_hears_no_melody_is_told() -> None:
    with running(split=127) as port:
        found = told(rehearsed(plan_of("pd", port, seconds=0.0)))
        assert found["phrase"] == ("fail", "the bridge heard 0 of 16 notes, by OSC")
        assert found["chords"] == ("fail", "none came back")


def test_a_tempo_that_is_not_found_yet_is_no_failure() -> None:
    sentence = "MIDI clock from Keys is heard: finding its tempo."
    bridge, ended = Peer(), threading.Event()

    def tell() -> None:
        assert bridge.next("/gapt/subscribe")
        while not ended.wait(0.05):
            bridge.say("/gapt/status", "playing", 120.0, 1, 1.0, 0, 0, 1.0, "default", "", sentence)

    teller = threading.Thread(target=tell)
    teller.start()
    try:
        findings = rehearsed(plan_of("live", bridge.port, seconds=0.5))
    finally:
        ended.set()
        teller.join()
        bridge.close()
    assert [(finding.name, finding.level) for finding in findings] == [
        ("bridge", "ok"),
        ("phrase", "fail"),
        ("chords", "fail"),
        ("transport", "warn"),
        ("notes", "fail"),
    ]
    assert findings[3].text == sentence


def test_a_port_of_somebody_else_is_a_sentence() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((LOOPBACK, 0))
        port = other.getsockname()[1]
        with pytest.raises(BridgeError, match=rf"^UDP port {port} is held by .*, which is no bridge: .* --osc-in\.$"):
            rehearsed(plan_of("pd", port))


# --- by MIDI


def test_by_midi_notes_go_to_the_ports_of_the_bridge_and_come_from_them() -> None:
    driver = MemoryDriver("Keys", "Client-7:GAPT Bridge in", "Client-8:GAPT Bridge out")
    with closing(MidiCaller(driver, "", "")) as caller:
        assert driver.opened == [("Client-7:GAPT Bridge in", False), ("Client-8:GAPT Bridge out", False)]
        caller.send(60, 90)
        caller.send(60, 0)
        assert driver.wires[0].sent == [[0x90, 60, 90], [0x90, 60, 0]]
        driver.hear([0x90, 64, 70])
        driver.hear([0x90, 64, 0])
        driver.hear([0x80, 64, 0])
        assert len(caller.sent) == len(caller.struck) == 1
    assert [wire.ended for wire in driver.wires] == ["closed", "closed"]


def test_ports_may_be_named_and_one_that_is_not_there_is_a_sentence() -> None:
    driver = MemoryDriver("loopMIDI Port", "loopMIDI Port 1")
    MidiCaller(driver, "loopMIDI Port", "Port 1").close()
    assert [name for name, _ in driver.opened] == ["loopMIDI Port", "loopMIDI Port 1"]
    with pytest.raises(BridgeError, match=r"^There is no MIDI port “GAPT Bridge out”; .* with --out\.$"):
        MidiCaller(driver, "loopMIDI Port", "")
    assert driver.wires[-1].ended == "closed"


def test_a_host_whose_part_speaks_osc_may_be_tested_by_its_ports() -> None:
    meeting = by_ports(MEETINGS["live"])
    assert meeting.midi
    assert "client" not in meeting.expects
    assert "GAPT Bridge in" in meeting.checks["notes"]
    assert "device" not in meeting.ask


def test_a_bridge_without_osc_is_not_played_to_in_place_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = MemoryDriver("Keys", "Client-7:GAPT Bridge in", "Client-8:GAPT Bridge out")
    monkeypatch.setattr("bridge.diagnosis.rehearsal.load_driver", lambda: driver)
    with pytest.raises(BridgeError, match=r"^A bridge that is running has the MIDI port .* or name .* --osc-in\.$"):
        rehearsed(Plan("REAPER", MEETINGS["reaper"], free_port()))
    assert not driver.opened


# --- the command


def test_the_command_says_in_words_what_arrived(preset: Path) -> None:
    result = daw_test("pd", "--seconds", 0, "--osc-in", free_port(), "--preset", preset)
    assert "ok    phrase          the bridge heard 16 of 16 notes, by OSC" in result.stdout
    assert result.stdout.splitlines()[0].startswith("No bridge is running: one of our own plays")
    assert result.stdout.splitlines()[-1] == "3 ok, 0 to look at, 0 did not arrive."


def test_the_command_asks_a_running_bridge_speaks_json_and_what_is_missing_is_exit_code_2(preset: Path) -> None:
    with running() as port:
        result = daw_test("pd", "--json", "--seconds", 0.1, "--osc-in", port, "--preset", preset)
    found = {line["name"]: line for line in json.loads(result.stdout)}
    assert {name: line["level"] for name, line in found.items()} == {
        "bridge": "ok",
        "phrase": "ok",
        "chords": "ok",
        "notes": "fail",
    }
    assert found["notes"]["advice"] == MEETINGS["pd"].checks["notes"]
    assert result.exit_code == 2
    assert "A phrase goes to the bridge, by OSC." in result.stderr


def test_an_unknown_host_is_a_sentence() -> None:
    result = daw_test("cubase")
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: There is no part for “cubase”")


def daw_test(*arguments: object) -> Result:
    return CliRunner().invoke(gapt, ["daw", "test", *map(str, arguments)])
