"""`gapt jam`: a demo with a real policy in a real process, and one sentence for everything that cannot be."""

from __future__ import annotations

import os
import re
import socket
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from osc_peer import free_port
from rules import quarters

from bridge.cli import gapt
from bridge.page.tap import PageTap
from bridge.ports.osc.choice import LOOPBACK
from bridge.ports.osc.codec import parse
from gapt_core.data.duet import Duet, write_duet
from gapt_core.data.midi import read_midi
from gapt_core.song import Tempo

PATIENCE = 20.0
CHORD_LINE = re.compile(r"beat +\d+\.\d\d   \S+ +[+-]\d+\.\d\d ms")


@pytest.fixture
def tune(tmp_path: Path) -> Path:
    path = tmp_path / "tune.mid"
    write_duet(path, Duet(quarters(tempos=(Tempo(0.0, 480.0),)), (), ()))
    return path


def jam(*arguments: object) -> Result:
    return CliRunner().invoke(gapt, ["jam", *map(str, arguments)])


def refusal(*arguments: object) -> str:
    """The sentence that a run ends with."""
    result = jam(*arguments)
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.stderr
    return result.stderr.splitlines()[-1].removeprefix("Error: ")


def test_a_demo_prints_each_chord_and_writes_both_parts(tune: Path, preset: Path) -> None:
    out = tune.with_name("out.mid")
    result = jam("--demo", tune, "-o", out, "--preset", preset, "--density", 10, "--mode", "react")
    assert result.exit_code == 0, result.output
    first, *chords, summary, last = result.stdout.splitlines()
    assert first == "“quarters”, 2 bars; the policy gets ready."
    assert chords and all(CHORD_LINE.fullmatch(line) for line in chords)
    assert summary.startswith(f"{len(chords)} chords; after their frame p50 ")
    assert last == f"Both parts are in {out}."
    duet = read_midi(out).songs[0]
    assert duet.notes == read_midi(tune).songs[0].notes
    assert duet.chords and len(duet.chords) == len(chords)


def test_a_demo_without_a_name_writes_over_nothing(tune: Path, preset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tune.parent)
    Path("duet.mid").write_bytes(b"mine")
    result = jam("--demo", tune, "--bars", 1, "--preset", preset)
    assert result.stdout.splitlines()[-1] == "Both parts are in duet-2.mid.", result.output
    assert Path("duet.mid").read_bytes() == b"mine"
    assert read_midi(Path("duet-2.mid")).songs[0].end_beats == 4.0


def test_a_demo_has_a_page_and_says_where(tune: Path, preset: Path) -> None:
    out = tune.with_name("out.mid")
    result = jam("--demo", tune, "-o", out, "--preset", preset, "--page", "--page-port", 0, "--no-page-open")
    assert result.exit_code == 0, result.output
    said = result.stdout.splitlines()
    assert re.fullmatch(r"The page is at http://127\.0\.0\.1:\d+/", said[1])
    assert said[-1] == f"Both parts are in {out}."


def test_a_demo_is_written_though_nobody_waits_for_the_pages_farewell(
    tune: Path, preset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    farewell = PageTap.end

    def impatient(page: PageTap) -> None:
        farewell(page)
        raise KeyboardInterrupt

    monkeypatch.setattr(PageTap, "end", impatient)
    out = tune.with_name("out.mid")
    result = jam("--demo", tune, "-o", out, "--preset", preset, "--page", "--page-port", 0)
    assert result.exit_code == 130, result.output
    assert read_midi(out).songs[0].notes


def test_a_demo_may_be_cut_short_and_be_heard_over_osc(tune: Path, preset: Path) -> None:
    out = tune.with_name("out.mid")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind((LOOPBACK, 0))
        listener.settimeout(PATIENCE)
        port = listener.getsockname()[1]
        osc = ("--osc", "--osc-in", free_port(), "--osc-out", port)
        result = jam("--demo", tune, "--bars", 1, "-o", out, "--preset", preset, "--density", 10, *osc)
        assert result.exit_code == 0, result.output
        while "/gapt/chord" not in [message.address for message in parse(listener.recv(4096))]:
            pass
    assert read_midi(out).songs[0].end_beats == 4.0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--metre", "4/5"], "metre cannot be “4/5”: it is like 3/4 or 6/8."),
        (["--metre", "0/4"], "metre cannot be “0/4”"),
        (["--tempo", "1"], "1.0 is not in the range 10.0<=x<=999.0."),
        (["--tempo", "1000"], "1000.0 is not in the range"),
        (["--window-ms", "-1"], "is not in the range"),
        (["--osc-in", "0"], "is not in the range"),
        (["-o", "x.mid"], "--output and --bars are for --demo; add it, or leave them out."),
        (["--bars", "3"], "--output and --bars are for --demo"),
        (["--no-midi", "--no-osc"], "--no-midi and --no-osc leave nothing to hear; leave one of them out."),
        (["--no-midi", "--in", "x"], "--in means nothing without MIDI; leave it out, or add --midi."),
        (["--no-midi", "--out", "x"], "--out means nothing without MIDI"),
        (["--no-midi", "--same-port"], "--same-port means nothing without MIDI"),
        (["--no-osc", "--osc-in", "9100"], "--osc-in means nothing without OSC; leave it out, or add --osc."),
        (["--no-osc", "--osc-announce"], "--osc-announce means nothing without OSC"),
        (["--demo", "--osc-out", "9101"], "--osc-out means nothing without OSC; leave it out, or add --osc."),
        (["--page-port", "9181"], "--page-port means nothing without a page; leave it out, or add --page."),
        (["--demo", "--page-open"], "--page-open means nothing without a page; leave it out, or add --page."),
        (["--demo", "--page", "--page-host", "203.0.113.1"], "an address of this computer."),
        (["--demo", "--page", "--page-host", " "], "--page-host needs an address of this computer; 0.0.0.0 means all"),
        (["--demo", "--in", "x"], "--demo plays the melody itself; leave out --in."),
        (["--demo", "nowhere.mid"], "nowhere.mid"),
        (["--preset", "nothing"], "nothing"),
        (["--demo", "--preset", "nothing"], "nothing"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    arguments: list[str], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert sentence in refusal(*arguments)
    assert not list(tmp_path.iterdir())


def test_an_output_that_cannot_be_written_is_said_before_anything_sounds(tune: Path) -> None:
    assert refusal("--demo", tune, "-o", tune.parent / "none" / "out.mid").startswith("There is no folder")
    assert refusal("--demo", tune, "-o", tune).endswith("is not written over; name another one with -o.")


def test_a_file_without_music_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "noise.mid"
    path.write_bytes(os.urandom(100))
    assert str(path) in refusal("--demo", path)
    assert list(tmp_path.iterdir()) == [path]


def test_a_taken_osc_port_is_one_sentence(preset: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((LOOPBACK, 0))
        port = other.getsockname()[1]
        assert f"UDP port {port}" in refusal("--no-midi", "--osc-in", port, "--preset", preset)


def test_an_announcement_that_was_asked_for_and_cannot_be_is_one_sentence(
    preset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.ports.osc.announce.find_spec", lambda name: None)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((LOOPBACK, 0))
        port = other.getsockname()[1]
    sentence = refusal("--no-midi", "--osc-announce", "--osc-in", port, "--no-osc-query", "--preset", preset)
    assert sentence.startswith("To be announced to the network, OSC needs one more package")


@pytest.mark.skipif(not sys.platform.startswith("linux") or Path("/dev/snd/seq").exists(), reason="MIDI is there")
def test_a_machine_without_midi_is_one_sentence(preset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "gapt-no-such-server")
    assert refusal("--no-osc", "--preset", preset).endswith("or play over OSC alone: `gapt jam --no-midi`.")
