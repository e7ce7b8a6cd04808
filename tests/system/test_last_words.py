"""A session that plays by OSC alone is killed: the guardian ends what sounds at the other end."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import build_msg

PATIENCE_SECONDS = 60.0
ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "tests" / "helpers" / "live_process.py"


@pytest.fixture
def client() -> Iterator[socket.socket]:
    """Another program, to which the session sends."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.bind(("127.0.0.1", 0))
        client.settimeout(PATIENCE_SECONDS)
        yield client


@pytest.fixture
def session(client: socket.socket) -> Iterator[subprocess.Popen[bytes]]:
    osc = {"port_in": 0, "out": client.getsockname(), "query_port": None}
    choice = {"midi_in": None, "midi_out": None, "osc": osc}
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    with subprocess.Popen([sys.executable, str(SCRIPT), json.dumps(choice)], env=environment) as process:
        yield process
        process.kill()


def hear(client: socket.socket, address: str) -> tuple[list[object], tuple[str, int]]:
    """The next message to `address`, and who sent it."""
    while True:
        data, sender = client.recvfrom(2000)
        message = OscMessage(data)
        if message.address == address:
            return list(message.params), sender


def test_kill_9_ends_every_note_sent_by_osc(client: socket.socket, session: subprocess.Popen[bytes]) -> None:
    _, address = hear(client, "/gapt/status")
    client.sendto(build_msg("/gapt/note", [60, 100]).dgram, address)
    sounding = set()
    while len(sounding) < 3:
        (pitch, velocity, _), _ = hear(client, "/gapt/play")
        (sounding.add if velocity else sounding.discard)(pitch)
    hear(client, "/gapt/status")  # the guardian knows by now
    session.kill()
    while sounding:
        (pitch, velocity, _), sender = hear(client, "/gapt/play")
        (sounding.add if velocity else sounding.discard)(pitch)
    assert sender != address, "it was not the session that said so"
    (channel,), _ = hear(client, "/gapt/silence")
    assert channel == 1
