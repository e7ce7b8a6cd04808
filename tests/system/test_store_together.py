"""Several processes change one store at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tiny_presets import write_tiny

from presets.keeper import export
from presets.store import ENVIRONMENT, Store

GAPT = [sys.executable, "-c", "from bridge.cli import main; main()"]

MANY = """
import sys
from pathlib import Path
from presets.keeper import install, remove
from presets.store import Store

store, file, mine = Store.default(), Path(sys.argv[1]), sys.argv[2]
for count in range(12):
    install(store, file, f"{mine}-{count}")
    install(store, file, "shared", hide=True)
    if count % 2:
        remove(store, f"{mine}-{count}")
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path / "presets"))
    write_tiny(tmp_path / "mine")
    export(Store.default(), str(tmp_path / "mine"), tmp_path / "mine.gapt")
    return tmp_path / "mine.gapt"


def together(*commands: list[str]) -> list[tuple[int, str]]:
    """Exit code and error text of each command; all of them run at once."""
    running = [subprocess.Popen(command, stderr=subprocess.PIPE, encoding="utf-8") for command in commands]
    errors = [process.communicate()[1] for process in running]
    return [(process.returncode, error) for process, error in zip(running, errors, strict=True)]


def test_one_of_several_installs_wins(file: Path) -> None:
    ends = together(*[[*GAPT, "presets", "install", str(file)]] * 4)
    assert sorted(code for code, _ in ends) == [0, 2, 2, 2]
    assert all("already" in error and error.count("\n") == 1 for code, error in ends if code)
    store = Store.default()
    store.find("mine").verify()
    assert [path.name for path in store.user.iterdir()] == ["mine"]


def test_nobody_sweeps_away_what_another_builds(file: Path) -> None:
    names = ("a", "b", "c")
    ends = together(*([sys.executable, "-c", MANY, str(file), name] for name in names))
    assert ends == [(0, "")] * 3
    store = Store.default()
    kept = {f"{name}-{count}" for name in names for count in range(0, 12, 2)} | {"shared"}
    assert {path.name for path in store.user.iterdir()} == kept
    for name in kept:
        store.find(name).verify()
