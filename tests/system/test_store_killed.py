"""A command is killed before each of its changes of a file: the store is then as it was before, or as after."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tiny_presets import write_tiny

from presets.keeper import export, use
from presets.store import Store

HELPER = Path(__file__).parents[1] / "helpers" / "killed_keeper.py"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL and no fork here")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of presets, `mine` in use, and beside it another version of it, as a file and as a folder."""
    home = tmp_path_factory.mktemp("home")
    store = Store(home / "presets", home / "builtin")
    write_tiny(store.user / "mine", version="1.0.0")
    write_tiny(store.user / "other", version="3.0.0")
    use(store, "mine")
    write_tiny(home / "mine", version="2.0.0")
    export(store, str(home / "mine"), home / "mine.gapt")
    return store.user


def killed(template: Path, *command: object) -> list[dict[str, Any]]:
    """What became of each run; the last one was not killed."""
    line = [sys.executable, str(HELPER), str(template), *map(str, command)]
    done = subprocess.run(line, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(row) for row in done.stdout.splitlines() if row.startswith("{")]


def check(rows: list[dict[str, Any]], before: dict[str, str], after: dict[str, str], least: int) -> None:
    *cut, whole = rows
    assert len(cut) >= least and all(row["killed"] and row["before"] for row in cut)
    assert not whole["killed"] and whole["next"] == after
    for row in rows:
        assert row["raw"] in (before, after), row
        assert row["next"] == row["raw"], "the next command finishes what was begun, and changes nothing else"
        assert row["left"] == [], row
        assert row["in_use"] == ("mine" if "other" in before and "mine" in row["next"] else "default"), row
    changed = [row["next"] == after for row in rows]
    assert changed == sorted(changed), "what was done once is not undone later"
    assert not changed[0] and changed[-1]


OLD = {"mine": "1.0.0", "other": "3.0.0"}


def test_the_first_install_of_all(template: Path) -> None:
    rows = killed(template.parent / "nothing", "presets", "install", template.parent / "mine.gapt")
    check(rows, {}, {"mine": "2.0.0"}, least=15)


def test_replace(template: Path) -> None:
    rows = killed(template, "presets", "install", template.parent / "mine.gapt", "--replace")
    check(rows, OLD, OLD | {"mine": "2.0.0"}, least=20)


def test_what_a_training_ends_in(template: Path) -> None:
    check(killed(template, "write", template.parent / "mine", "mine", "2.0.0"), OLD, OLD | {"mine": "2.0.0"}, least=20)


def test_remove(template: Path) -> None:
    check(killed(template, "presets", "remove", "mine", "--yes"), OLD, {"other": "3.0.0"}, least=8)


def test_use(template: Path) -> None:
    rows = killed(template, "presets", "use", "other")
    assert len(rows) > 3
    assert all(row["next"] == OLD and row["left"] == [] for row in rows)
    assert [row["in_use"] for row in rows] == sorted(row["in_use"] for row in rows)
    assert (rows[0]["in_use"], rows[-1]["in_use"]) == ("mine", "other")
