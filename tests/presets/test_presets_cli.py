import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tiny_presets import CARD, tiny_fields, tiny_weights, write_tiny

from bridge.cli import gapt
from presets.preset import write_preset


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GAPT_PRESETS", str(tmp_path))
    write_tiny(tmp_path / "tiny")
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(gapt, ["presets", *arguments])


def test_list(home: Path) -> None:
    result = run("list")
    assert result.exit_code == 0
    assert any(line.split() == ["tiny", "1.0.0", "A", "preset", "for", "tests."] for line in result.stdout.splitlines())
    assert str(home) in result.stdout


def test_list_as_json_keeps_a_damaged_one_in_sight(home: Path) -> None:
    (home / "broken").mkdir()
    rows = {row["name"]: row for row in json.loads(run("list", "--json").stdout)}
    assert rows["tiny"]["problem"] is None
    assert rows["tiny"]["parameters"] == 10
    assert "cannot be read" in rows["broken"]["problem"]


def test_show(home: Path) -> None:
    assert run("show", "tiny").stdout == CARD
    assert run("show", str(home / "tiny")).stdout == CARD
    assert json.loads(run("show", "tiny", "--json").stdout) == json.loads((home / "tiny" / "manifest.json").read_text())


def test_show_prints_no_control_characters(home: Path) -> None:
    members = {"policy.safetensors": tiny_weights(), "card.md": b"a\x1b]0;title\x07b"}
    write_preset(home / "evil", tiny_fields(), members)
    assert run("show", "evil").stdout == "a]0;titleb\n"


def test_show_unknown(home: Path) -> None:
    result = run("show", "nowhere")
    assert result.exit_code == 2
    assert result.stderr == "Error: There is no preset “nowhere”; `gapt presets list` shows those there are.\n"
    assert result.stdout == ""


def test_verify(home: Path) -> None:
    assert "tiny: whole" in run("verify").stdout.splitlines()
    assert run("verify", "tiny").stdout == "tiny: whole\n"


def test_verify_finds_a_flipped_byte(home: Path) -> None:
    path = home / "tiny" / "policy.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\x7f")
    result = run("verify", "tiny")
    assert result.exit_code == 2
    assert "is damaged" in result.stdout
    assert result.stderr == "Error: Of 1 checked, these cannot be used: tiny.\n"
    as_json = run("verify", "tiny", "--json")
    assert as_json.exit_code == 2
    assert "is damaged" in json.loads(as_json.stdout)[0]["problem"]
