"""The scripted session of `bench/session.py`, each act as short as it can be: the real program among real clients."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "bench"
NO_STUDIO = 77
"""The exit code where a program of the studio is not installed."""

pytestmark = pytest.mark.nightly


@pytest.mark.parametrize("mode", ["anticipate", "react"])
def test_a_session_with_everything_that_can_happen_ends_as_it_should(mode: str, tmp_path: Path) -> None:
    command = [sys.executable, str(BENCH / "session.py"), "--minutes", "1", "--mode", mode, "--keep", str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True)
    if ended.returncode == NO_STUDIO:
        pytest.skip(ended.stdout.strip())
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "hanging notes at the end" in ended.stdout
    assert (tmp_path / "take.mid").stat().st_size > 0
