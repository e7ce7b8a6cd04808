"""The whole way of a player's preset, with the real nets and no network: fine-tune, look, pass on, play."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tiny_corpus import song_record

from gapt_core.data.duet import Duet, write_duet
from gapt_core.data.jsonl import song_from_record
from gapt_core.data.midi import read_midi
from gapt_core.finetune.duets import chord_notes

ROOT = Path(__file__).parents[2]
PATIENCE = 1800.0

OFFLINE = """
import socket
connect = socket.socket.connect
def local_only(self, address):
    if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1", "localhost"):
        raise AssertionError(f"asked for the network: {address}")
    return connect(self, address)
socket.socket.connect = local_only
from bridge.cli import main
main()
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with a player's songs in it: melody and chords, a MIDI file each."""
    (tmp_path / "tunes").mkdir()
    random = np.random.default_rng(5)
    for number in range(8):
        song = song_from_record(song_record(f"tune {number}", 10, random))
        song = replace(song, notes=tuple(note for note in song.notes if random.random() < 0.9 or note.onset_beats == 0))
        chords = song.chords or ()
        write_duet(tmp_path / "tunes" / f"{number}.mid", Duet(song, chords, chord_notes(chords, song.end_beats)))
    return tmp_path


def gapt(home: Path, *arguments: object) -> str:
    """What the command says; it must succeed."""
    folders = {"GAPT_PRESETS": str(home / "presets"), "GAPT_CACHE": str(home / "cache"), "HOME": str(home)}
    done = subprocess.run(
        [sys.executable, "-c", OFFLINE, *map(str, arguments)],
        cwd=home,
        env={**os.environ, **folders, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_from_a_folder_of_tunes_to_a_preset_that_a_friend_plays(home: Path) -> None:
    said = gapt(home, "finetune", home / "tunes", "--name", "mine", "--steps", 3)
    assert "mine" in said
    assert not list((home / "cache" / "finetune").iterdir())
    did = "default, fine-tuned on" if "It helped" in said else "default, unchanged: its fine-tuning did not help"
    assert did in gapt(home, "presets", "show", "mine")
    assert ("It helped" in said) != ("It did not help" in said)
    manifest = json.loads(gapt(home, "presets", "show", "mine", "--json"))
    assert {"report.md", "report-songs.png", "duet-1.mid", "kit.json"} <= set(manifest["members"])
    gapt(home, "presets", "export", "mine", home / "mine.gapt")
    gapt(home, "presets", "remove", "mine", "--yes")
    assert '"mine"' not in gapt(home, "presets", "list", "--json")
    gapt(home, "presets", "install", home / "mine.gapt")
    gapt(home, "presets", "verify", "mine")
    gapt(home, "jam", "--demo", "--bars", 2, "--preset", "mine", "-o", home / "duet.mid")
    played = read_midi(home / "duet.mid").songs[0]
    assert played.notes and any(event.chord for event in played.chords or ())
