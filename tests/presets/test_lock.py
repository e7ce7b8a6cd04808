"""A lock that two cannot hold, and that nothing is left of."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from presets import lock as lock_module
from presets.lock import locked

COUNT = """
import sys
from pathlib import Path
from presets.lock import locked

folder = Path(sys.argv[1])
for _ in range(60):
    with locked(folder / "lock", 600.0):
        count = int((folder / "count").read_text())
        (folder / "count").write_text(str(count + 1))
"""

HOLD = """
import sys, time
from pathlib import Path
from presets.lock import locked

with locked(Path(sys.argv[1]), 0.0):
    sys.stdout.write("held\\n")
    sys.stdout.flush()
    sys.stdin.read()
"""


def test_nobody_counts_at_the_same_time(tmp_path: Path) -> None:
    (tmp_path / "count").write_text("0")
    counting = [subprocess.Popen([sys.executable, "-c", COUNT, str(tmp_path)]) for _ in range(4)]
    assert [process.wait() for process in counting] == [0] * 4
    assert (tmp_path / "count").read_text() == "240"
    assert [path.name for path in tmp_path.iterdir()] == ["count"]


def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path / "lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
        with pytest.raises(TimeoutError), locked(tmp_path / "lock", 0.0):
            pass
        holder.kill()
        holder.wait()
    assert (tmp_path / "lock").exists()
    with locked(tmp_path / "lock", 0.0):
        pass
    assert not list(tmp_path.iterdir())


def test_it_is_let_go_whatever_happens(tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(ValueError, match="inside"), locked(tmp_path / "lock", 0.0):
            raise ValueError("inside")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), locked(tmp_path / "nowhere" / "lock", 0.0):
        pass


@pytest.mark.skipif(sys.platform == "win32", reason="Windows locks on every file system")
def test_a_file_system_without_locks_is_used_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(file: int, how: int) -> None:
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(lock_module.fcntl, "flock", refuse)
    with locked(tmp_path / "lock", 0.0):
        assert (tmp_path / "lock").exists()
    assert not list(tmp_path.iterdir())
