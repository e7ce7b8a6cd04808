"""Options of `gapt experiment run` that nothing would come of are refused before anything is begun."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from bridge.cli import gapt


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--gpus", "0.25"), "--gpus is of no use without --cluster; name a cluster, or leave it out."),
        (("--gpus", "0"), "--gpus is of no use without --cluster; name a cluster, or leave it out."),
        (("--cluster", "local", "--jobs", "2"), "--jobs is of no use with --cluster, where a run gets a core"),
        (("--cluster", "local", "--threads", "1"), "--threads is of no use with --cluster, where a run gets a core"),
        (("--cluster", "local", "--gpus", "nan"), "'nan' is not a number"),
    ],
)
def test_an_option_that_nothing_comes_of_is_refused(tmp_path: Path, options: tuple[str, ...], sentence: str) -> None:
    where = ("--out", str(tmp_path / "out"), "--data", str(tmp_path), "--kit", "nothing", "--init", "nothing")
    result = CliRunner().invoke(gapt, ["experiment", "run", "smoke", *where, *options])
    assert result.exit_code == 2
    assert sentence in " ".join(result.stderr.split())
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("options", [(), ("--jobs", "2", "--threads", "1"), ("--cluster", "local", "--gpus", "0.25")])
def test_others_are_taken(tmp_path: Path, options: tuple[str, ...]) -> None:
    where = ("--out", str(tmp_path / "out"), "--data", str(tmp_path), "--kit", "nothing", "--init", "nothing")
    result = CliRunner().invoke(gapt, ["experiment", "run", "smoke", *where, *options])
    assert (result.exit_code, "There is no preset, file or folder nothing" in result.stderr) == (2, True)
