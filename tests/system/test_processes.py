"""Sessions in processes of their own: over OSC alone, and a demo that is interrupted."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from rules import quarters
from signals import hear_signals
from tiny_policy import write_policy_preset

from bridge.ports.osc.choice import LOOPBACK
from bridge.ports.osc.codec import build, parse
from gapt_core.data.duet import Duet, write_duet
from gapt_core.data.midi import read_midi
from gapt_core.song import Tempo

PATIENCE = 60.0
ROOT = Path(__file__).parents[2]
LIVE = ROOT / "tests" / "helpers" / "live_process.py"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signal to send for Ctrl-C")


@contextmanager
def process(*arguments: object, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """A Python process, killed in the end if it still runs."""
    child = subprocess.Popen(
        [sys.executable, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]), **environment},
        preexec_fn=hear_signals,
    )
    try:
        yield child
    finally:
        if child.poll() is None:
            child.kill()
        child.communicate()


def line(child: subprocess.Popen[str], begins: str) -> str:
    """The next line of output that begins so."""
    assert child.stdout is not None
    for text in child.stdout:
        if text.startswith(begins):
            return text
    raise AssertionError(f"ended without {begins!r}: {child.communicate()[1]}")


def received(listener: socket.socket, address: str) -> list[object]:
    """Arguments of the next message to `address`."""
    while True:
        for message in parse(listener.recv(4096)):
            if message.address == address:
                return list(message.arguments)


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind((LOOPBACK, 0))
        return int(udp.getsockname()[1])


def test_a_session_over_osc_alone() -> None:
    way_in = free_port()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind((LOOPBACK, 0))
        peer.settimeout(PATIENCE)
        choice = {
            "midi_in": None,
            "midi_out": None,
            "osc": {"port_in": way_in, "out": (LOOPBACK, peer.getsockname()[1])},
        }
        with process(LIVE, json.dumps(choice)) as session:
            line(session, "ready")
            assert received(peer, "/gapt/status")[0] == "waiting"
            peer.sendto(build("/gapt/note", [64.0, 100.0]), (LOOPBACK, way_in))
            assert received(peer, "/gapt/chord")[:2] == ["E:maj", 0.0]
            peer.sendto(b"\xffnonsense", (LOOPBACK, way_in))
            peer.sendto(build("/gapt/note", [64, 0]), (LOOPBACK, way_in))
            peer.sendto(build("/gapt/note", [67, 100]), (LOOPBACK, way_in))
            assert received(peer, "/gapt/chord")[0] == "G:maj"
            assert received(peer, "/gapt/status")[0] == "playing"
            peer.sendto(build("/gapt/transport", [0]), (LOOPBACK, way_in))
            assert received(peer, "/gapt/chord")[0] == "N"
            peer.sendto(build("/gapt/note", [60, 100]), (LOOPBACK, way_in))
            assert received(peer, "/gapt/status")[0] == "waiting"
            peer.sendto(build("/gapt/transport", [1]), (LOOPBACK, way_in))
            peer.sendto(build("/gapt/note", [60, 100]), (LOOPBACK, way_in))
            assert received(peer, "/gapt/chord")[0] == "C:maj"
            session.send_signal(signal.SIGTERM)
            out, err = session.communicate(timeout=PATIENCE)
            assert (session.returncode, err) == (0, "")
            assert out.endswith("ended\n")


@pytest.fixture
def demo(tmp_path: Path) -> list[object]:
    write_policy_preset(tmp_path / "tiny")
    write_duet(tmp_path / "tune.mid", Duet(quarters(tuple(range(60, 100)), tempos=(Tempo(0.0, 120.0),)), (), ()))
    arguments = ["jam", "--demo", tmp_path / "tune.mid", "-o", tmp_path / "out.mid", "--preset", tmp_path / "tiny"]
    return ["-c", "from bridge.cli import main; main()", *arguments, "--density", 10]


def test_an_interrupted_demo_writes_what_was_played(demo: list[object], tmp_path: Path) -> None:
    with process(*demo, GAPT_CACHE=str(tmp_path / "cache")) as session:
        line(session, "beat ")
        line(session, "beat ")
        session.send_signal(signal.SIGINT)
        out, err = session.communicate(timeout=PATIENCE)
        assert (session.returncode, err) == (0, "")
        assert out.endswith(f"Both parts are in {tmp_path / 'out.mid'}.\n")
    written = read_midi(tmp_path / "out.mid").songs[0]
    assert written.notes and written.chords
    assert written.notes[-1].end_beats < 40.0


def test_a_demo_interrupted_while_the_policy_loads_leaves_nothing(demo: list[object], tmp_path: Path) -> None:
    with process(*demo, GAPT_CACHE=str(tmp_path / "cache")) as session:
        line(session, "“quarters”")
        session.send_signal(signal.SIGINT)
        _, err = session.communicate(timeout=PATIENCE)
        assert session.returncode in (0, 130)
        assert "Traceback" not in err
    assert not (tmp_path / "out.mid").exists()
