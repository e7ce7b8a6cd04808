"""What `gapt finetune --dry-run` says of a player's folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from playing import TUNES, tune, write_melody, write_tunes

from bridge.cli import gapt
from gapt_core.commands.intake_view import table
from gapt_core.intake import reading
from gapt_core.intake.folder import read_folder


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(gapt, ["finetune", "--dry-run", *arguments])
    return result.exit_code, result.stdout, result.stderr


def test_the_command_prints_lines_and_json(tmp_path: Path) -> None:
    write_tunes(tmp_path)
    (tmp_path / "bad\x1b[2J.mid").write_bytes(b"")
    code, out, _ = run(str(tmp_path))
    assert code == 0 and "\x1b" not in out
    lines = out.splitlines()
    assert lines[0].split("\t") == ["file", "outcome", "songs", "bars", "chords", "part", "why and how"]
    assert lines[-3].startswith("7 files: 6 used, 0 repaired, 1 refused; 6 songs with")
    assert lines[-2].startswith("3 songs to learn from, 1 to choose by, 2 held out: ")
    assert lines[-1].startswith("Only 6 songs")
    code, out, _ = run("--json", "--seed", "3", str(tmp_path))
    value = json.loads(out)
    assert code == 0 and value["songs"] == 6 and value["gentle"]
    parts = [song["part"] for report in value["files"] for song in report["songs"]]
    assert {"learn", "choose", "held out"} == set(parts)


def test_too_few_songs_are_refused_after_the_table(tmp_path: Path) -> None:
    write_tunes(tmp_path, TUNES[:2])
    code, out, err = run(str(tmp_path))
    assert code == 2 and "2 songs" in out
    assert err.startswith("Error: That is too little: 2 songs unlike each other")
    code, out, err = run("--json", str(tmp_path))
    assert code == 2 and json.loads(out)["warning"].startswith("That is too little: 2 songs")


def test_options_are_checked_before_anything_is_read(tmp_path: Path) -> None:
    assert "contradict" in run("--grid", "file", "--tempo", "90", str(tmp_path))[2]
    assert "is no metre" in run("--grid", "x", str(tmp_path))[2]


def test_a_terminal_gets_a_table(tmp_path: Path) -> None:
    write_tunes(tmp_path, TUNES[:1])
    shown = table(read_folder([tmp_path]), None)
    assert f"{TUNES[0]}.mid" in shown and "as written" in " ".join(shown.split())


def test_ctrl_c(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(data: bytes, name: str) -> object:
        raise KeyboardInterrupt

    write_melody(tmp_path / "a.mid", tune(TUNES[0]))
    monkeypatch.setattr(reading, "parse_midi", interrupted)
    assert run(str(tmp_path))[0] == 130
