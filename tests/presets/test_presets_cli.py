import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from archives import MEMBERS
from click.shell_completion import ShellComplete
from click.testing import CliRunner, Result
from tiny_presets import CARD, tiny_fields, tiny_weights, write_tiny

from bridge.cli import gapt
from presets.preset import write_preset


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GAPT_PRESETS", str(tmp_path))
    write_tiny(tmp_path / "tiny")
    return tmp_path


def run(*arguments: str, answer: str | None = None) -> Result:
    return CliRunner().invoke(gapt, ["presets", *arguments], input=answer)


def told(*arguments: str) -> dict[str, object]:
    """What a command prints as JSON."""
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_list(home: Path) -> None:
    result = run("list")
    assert result.exit_code == 0
    assert any(line.split() == ["tiny", "1.0.0", "A", "preset", "for", "tests."] for line in result.stdout.splitlines())
    assert [line.split()[1] for line in result.stdout.splitlines() if line.startswith("*")] == ["default"]
    assert str(home) in result.stdout


def test_list_as_json_keeps_a_damaged_one_in_sight(home: Path) -> None:
    (home / "broken").mkdir()
    rows = {row["name"]: row for row in json.loads(run("list", "--json").stdout)}
    assert rows["tiny"]["problem"] is None
    assert rows["tiny"]["parameters"] == 10
    assert (rows["tiny"]["builtin"], rows["default"]["builtin"]) == (False, True)
    assert [name for name, row in rows.items() if row["in_use"]] == ["default"]
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


def test_verify_looks_into_a_file(home: Path) -> None:
    file = home / "tiny.gapt"
    run("export", "tiny", str(file))
    assert run("verify", str(file)).stdout == f"{file}: whole\n"
    file.write_bytes(file.read_bytes()[:-1])
    assert run("verify", str(file)).stdout.startswith(f"{file}: is no sound .gapt file")


def test_json_steers_no_terminal(home: Path) -> None:
    recipe = {"note": "\x1b]0;title\x07 \x9b \u202e \U000e0001 ♭"}
    fields = tiny_fields()
    fields["training"]["recipe"] = recipe
    write_preset(home / "evil", fields, MEMBERS)
    shown = run("show", "evil", "--json").stdout
    assert all(character.isprintable() or character == "\n" for character in shown)
    assert json.loads(shown)["training"]["recipe"] == recipe and "♭" in shown


def test_to_a_friend_and_back(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "desk").mkdir()
    monkeypatch.chdir(home / "desk")
    assert run("export", "tiny").stdout == "“tiny” 1.0.0 is in tiny.gapt, 0.0 MB.\n"
    assert told("export", "tiny", str(home))["file"] == str(home / "tiny.gapt")
    assert run("export", "tiny").exit_code == 2
    assert told("export", "tiny", "--replace")["bytes"] == (home / "desk" / "tiny.gapt").stat().st_size
    assert told("remove", "tiny", "--yes") == {"removed": "tiny", "in_use": "default"}
    assert not (home / "tiny").exists()
    assert told("install", "tiny.gapt") == {"name": "tiny", "version": "1.0.0", "folder": str(home / "tiny")}
    result = run("install", "tiny.gapt", "--name", "folk")
    assert result.stdout.startswith(
        "“folk” 1.0.0 is installed: A preset for tests. (CC0-1.0)\n`gapt jam --preset folk`"
    )
    assert run("install", "tiny.gapt").stderr == (
        "Error: You have a preset “tiny” already: add --name to call this one something else, or --replace.\n"
    )
    assert run("install", "tiny.gapt", "--replace").exit_code == 0
    assert run("install", "nowhere.gapt").exit_code == 2
    assert run("verify", "tiny", "folk").exit_code == 0


def test_remove_asks(home: Path) -> None:
    refused = run("remove", "tiny", answer="n\n")
    assert refused.exit_code == 1 and "Remove “tiny”" in refused.stderr
    assert (home / "tiny").exists()
    assert run("remove", "tiny", answer="y\n").stdout == "“tiny” is removed.\n"
    assert not (home / "tiny").exists()


def test_remove_keeps_what_came_with_the_program(home: Path) -> None:
    result = run("remove", "default", "--yes")
    assert result.exit_code == 2 and "came with the program and stays" in result.stderr


def test_use(home: Path) -> None:
    assert run("use", "tiny").stdout == "“tiny” plays wherever no preset is named.\n"
    assert "* tiny" in run("list").stdout
    assert told("use", "tiny") == {"in_use": "tiny"}
    result = run("remove", "tiny", "--yes")
    assert result.stdout == "“tiny” is removed. It was the preset in use; now “default” is.\n"
    assert "* default" in run("list").stdout


def test_path(home: Path) -> None:
    assert run("path").stdout == f"{home}\n"
    assert run("path", "tiny").stdout == f"{home / 'tiny'}\n"
    assert told("path", "tiny") == {"folder": str(home / "tiny")}
    assert run("path", "nowhere").exit_code == 2


def test_open(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(click, "launch", lambda page: opened.append(page) or 0)
    assert run("show", "tiny", "--open").exit_code == 0
    write_preset(home / "told", tiny_fields(), {**MEMBERS, "report.md": b"# It helped"})
    assert run("show", "told", "--open").stdout == ""
    assert opened == [str(home / "tiny" / "card.md"), str(home / "told" / "report.md")]
    (home / "told" / "report.md").write_bytes(b"something else")
    assert "is damaged" in run("show", "told", "--open").stderr
    monkeypatch.setattr(click, "launch", lambda page: 1)
    assert "nothing to open" in run("show", "tiny", "--open").stderr
    assert len(opened) == 2


def offered(*words: str) -> list[str]:
    """What a shell offers for the last of `words`."""
    *before, incomplete = words
    found = ShellComplete(gapt, {}, "gapt", "_GAPT_COMPLETE").get_completions(["presets", *before], incomplete)
    return [item.value for item in found]


@pytest.mark.parametrize("command", ["show", "use", "export", "verify", "path"])
def test_shells_complete_names(home: Path, command: str) -> None:
    assert offered(command, "t") == ["tiny"]
    assert {"tiny", "default"} <= set(offered(command, ""))
    assert offered(command, "./t") == ["./t"]


def test_shells_offer_to_remove_ones_own(home: Path) -> None:
    (home / "broken").mkdir()
    assert offered("remove", "") == ["broken", "tiny"]


def test_a_real_shell(home: Path) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash here")
    (home / "bin").mkdir()
    (home / "bin" / "gapt").write_text(
        f"#!{bash}\nexec '{sys.executable}' -c 'from bridge.cli import main; main()' \"$@\"\n"
    )
    (home / "bin" / "gapt").chmod(0o755)
    document = (Path(__file__).parents[2] / "docs" / "presets.md").read_text("utf-8")
    (line,) = re.findall(r"echo '(.*bash_source.*)' >> ~/\.bashrc", document)
    asked = 'COMP_WORDS=(gapt presets show ti) COMP_CWORD=3; _gapt_completion gapt; echo "${COMPREPLY[@]}"'
    shell = subprocess.run(
        [bash, "-c", f"{line}\n{asked}"],
        env={**os.environ, "PATH": f"{home / 'bin'}:{os.environ['PATH']}"},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert (shell.stdout, shell.stderr) == ("tiny\n", "")
