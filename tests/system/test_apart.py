"""Runs the tests that open JACK's ports themselves, each file in a process of its own."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
FILES = runpy.run_path(str(HERE.parent / "conftest.py"))["APART"]

TRIES = 2
"""A process that libjack has brought down says nothing of the bridge; one that ends with failed tests does."""

NO_TESTS = 5


@pytest.mark.parametrize("name", FILES)
def test_in_a_process_of_its_own(name: str) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-rs", str(HERE / name)]
    for _ in range(TRIES):
        ended = subprocess.run(
            command, cwd=HERE.parents[1], env={**os.environ, "GAPT_TESTS_APART": "1"}, capture_output=True, text=True
        )
        if ended.returncode >= 0:
            break
    assert ended.returncode in (0, NO_TESTS), ended.stdout + ended.stderr
    if "passed" not in ended.stdout:
        pytest.skip(ended.stdout.strip().splitlines()[-2])
