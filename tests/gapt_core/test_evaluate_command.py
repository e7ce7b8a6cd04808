"""`gapt evaluate`: what is asked for is measured, printed and written; what is not, is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result
from tiny_corpus import write_corpus
from tiny_policy import TINY, tiny_net

from gapt_core.commands.evaluate import evaluate
from gapt_core.errors import EvaluationError
from gapt_core.evaluate.probes import NOTES
from gapt_core.evaluate.tables import COLUMNS, read_tables


@pytest.fixture
def run(tmp_path: Path):
    """Run the command over a tiny corpus with a tiny net; options are added."""
    songs = write_corpus(tmp_path / "songs", songs=3, bars=6)
    weights = write_weights(tmp_path / "best.pt")

    def call(*options: str) -> Result:
        always = ["--weights", str(weights), "--data", str(songs), "--frames", "64"]
        return CliRunner().invoke(evaluate, [*always, *options], catch_exceptions=False)

    return call


def write_weights(path: Path, seed: int = 0) -> Path:
    torch.save({"net": tiny_net(seed).state_dict(), "config": {"net": TINY.to_dict()}, "stages": []}, path)
    return path


def test_everything_at_once(run, tmp_path: Path) -> None:
    written = tmp_path / "figures.json"
    shown = run("--all", "-o", str(written))
    result = json.loads(written.read_text("utf-8"))
    # Six bars are too few for changes at bar nine.
    assert list(result) == ["config", "sets", *list(NOTES)[1:], "latency"] and result["adaptation_multiple"] == []
    assert result["config"]["vendi_songs"] == 48
    for name in ("sets", "adaptation_single", "cold_start", "sessions", "ahead", "against"):
        (table,) = read_tables(result[name])
        assert any(row.startswith("ground truth") for row in table.rows)
        assert any(row.startswith("shuffled control") for row in table.rows)
        assert all(set(row.to_dict()) == set(COLUMNS) for row in table.rows.values())
        assert 1.0 <= table.rows[next(iter(table.rows))].vendi <= 3.0
    assert 0 < result["latency"]["p50"] <= result["latency"]["p95"]
    for text in ("recovery beats", "p95", "react +4", "anticipate /2", "kept 1", "react 3/4", "duet", "fewer than 48"):
        assert text in shown.output
    assert "…" not in shown.output


@pytest.mark.parametrize(
    ("option", "measurements"),
    [("--cold-start", ["cold_start"]), ("--adaptation", ["adaptation_single", "adaptation_multiple"])],
)
def test_only_what_is_asked_for(run, option: str, measurements: list[str]) -> None:
    assert list(json.loads(run("--json", option).output)) == ["config", "sets", *measurements]


def test_an_agent_by_its_weights_is_another_partner(run, tmp_path: Path) -> None:
    agents = [write_weights(tmp_path / f"{seed}.pt", seed) for seed in (1, 2)]
    duets = [json.loads(run("--json", "--against", str(agent)).output)["against"][0]["rows"] for agent in agents]
    assert duets[0]["duet"] != duets[1]["duet"]
    assert duets[0]["ground truth"] == duets[1]["ground truth"]


def test_a_folder_that_is_not_there_is_told_before_anything_is_played(run, tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="make it first"):
        run("-o", str(tmp_path / "nowhere" / "figures.json"))
