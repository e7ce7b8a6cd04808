"""Settings for the whole suite."""

from __future__ import annotations

import os
from pathlib import Path

from hypothesis import settings

# No deadline: a first call of a numba kernel compiles it, and the machine may be busy.
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")

APART = (
    *("test_daw_ports.py", "test_guardian.py", "test_lv2.py", "test_midi_clock_real.py"),
    *("test_midi_loss.py", "test_midi_ports.py", "test_monitor.py"),
)
"""Tests that open JACK's ports here, while servers come and go: libjack does not outlive that in one process for long.
`tests/system/test_apart.py` runs each file in a process of its own."""


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave those files out, unless this is such a process."""
    apart = collection_path.name in APART and collection_path.parent.name == "system"
    return True if apart and "GAPT_TESTS_APART" not in os.environ else None
