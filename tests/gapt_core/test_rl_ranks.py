"""Several processes at one run, by torch's own launcher: one policy comes of it, and it goes on exactly."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import ranks_at_work
import torch

from gapt_core.errors import TrainingError
from gapt_core.rl.ranks import Ranks
from gapt_core.train.corpus import load_corpus
from gapt_core.train.policy import load_best

PROCESSES = 2


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which two processes have worked."""
    folder = tmp_path_factory.mktemp("ranks")
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(PROCESSES))
    path = os.pathsep.join([str(Path(ranks_at_work.__file__).parent), *sys.path])
    done = subprocess.run(
        [sys.executable, *launcher, ranks_at_work.__file__, folder],
        env=os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def seen(work: Path) -> list[dict[str, Any]]:
    """What each of them saw."""
    return [json.loads((work / f"{rank}.json").read_text()) for rank in range(PROCESSES)]


def test_all_know_the_mean_and_what_each_has(seen: list[dict[str, Any]]) -> None:
    for one in seen:
        assert one["means"] == {"one": 0.5, "other": 4.0}
        assert one["gathered"] == ["rank 0", "rank 1"]


def test_gradients_are_those_of_one_process_with_all_the_rows(seen: list[dict[str, Any]]) -> None:
    for one in seen:
        assert one["error"].pop("advantage") < 1e-4
        # The nets calculate in bfloat16, and other sums are rounded elsewhere.
        assert set(one["error"]) == {"policy", "value", "discriminator"}
        assert max(one["error"].values()) < 0.03


def test_one_policy_comes_of_rows_that_differ(seen: list[dict[str, Any]], work: Path) -> None:
    assert seen[0]["whole"]["digest"] == seen[1]["whole"]["digest"]
    assert seen[0]["whole"]["crops"] != seen[1]["whole"]["crops"]
    each = torch.load(work / "whole" / "checkpoint.pt", weights_only=True)["each"]
    assert len(each) == PROCESSES and not torch.equal(each[0]["random"], each[1]["random"])
    assert all(len(one["remembered"]) == ranks_at_work.ADVERSARY.keep for one in each)
    assert not torch.equal(each[0]["remembered"][0][1], each[1]["remembered"][0][1])


def test_the_first_process_alone_writes(seen: list[dict[str, Any]], work: Path) -> None:
    assert [one["whole"]["shown"] for one in seen] == [[0, 1, 2, 3], []]
    records = [json.loads(line) for line in (work / "whole" / "log.jsonl").read_text().splitlines()]
    assert [record["step"] for record in records] == [0, 1, 2, 3]
    assert all(record["adversary"]["updated"] for record in records[1:])
    assert {file.name for file in (work / "whole").iterdir()} == {"run.json", "log.jsonl", "checkpoint.pt", "policy.pt"}
    load_best(work / "whole" / "policy.pt")


def test_a_stopped_run_goes_on_exactly_in_all_processes(seen: list[dict[str, Any]]) -> None:
    assert [one["stopped"]["shown"] for one in seen] == [[2, 3], []]
    assert {one["stopped"]["digest"] for one in seen} == {seen[0]["whole"]["digest"]}
    assert [one["stopped"]["crops"] for one in seen] == [one["whole"]["crops"] for one in seen]


def test_all_see_that_one_has_come_apart(seen: list[dict[str, Any]]) -> None:
    assert [one["apart"] for one in seen] == [[False, True]] * PROCESSES


def test_as_many_processes_go_on_as_have_begun(work: Path) -> None:
    corpus = load_corpus(work / "songs", "train")
    with pytest.raises(TrainingError, match="of 2 processes"):
        ranks_at_work.begun(corpus, work / "whole", Ranks())


def test_alone_an_adversary_that_learns_at_every_step_goes_on_exactly(work: Path, tmp_path: Path) -> None:
    corpus = load_corpus(work / "songs", "train")
    whole = ranks_at_work.trained(corpus, tmp_path / "whole", Ranks())
    stopped = ranks_at_work.stopped(corpus, tmp_path / "stopped", Ranks())
    assert whole["digest"] == stopped["digest"]
