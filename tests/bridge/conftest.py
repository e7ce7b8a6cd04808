"""What tests of several commands play with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def preset(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A tiny preset that can be played; what is made of it stays beside it."""
    # Imports torch, which most tests here do without.
    from tiny_policy import write_policy_preset

    root = tmp_path_factory.mktemp("presets")
    write_policy_preset(root / "tiny")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GAPT_CACHE", str(root / "cache"))
        yield root / "tiny"
