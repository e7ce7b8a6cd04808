"""The one fixed net that hears diversity: its weights never change, and its file says where they come from."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from gapt_core.errors import EvaluationError
from gapt_core.evaluate.listener import WEIGHTS, Listener, digest
from gapt_core.rl.make_kit import KINDS

METHOD = Path(__file__).parents[2] / "docs" / "method.md"
SHIPPED = "f0afbde764162fd05d4699a3275fdb10d6fe156ce5bd90567b16166e5a30d07b"


def test_the_weights_are_those_that_all_vendi_scores_are_of() -> None:
    assert digest(load_file(WEIGHTS)) == SHIPPED


def test_the_file_says_how_it_was_trained() -> None:
    recipe = Listener().recipe
    assert recipe["judge"]["kind"] == "contrastive" and not recipe["judge"]["rhythm"]
    assert (recipe["seed"], recipe["steps"], recipe["batch"], recipe["selection"]) == (7, 240, 96, "all")
    assert recipe["step"] == 200 and recipe["lengths"] == [256, 192, 128, 64]
    assert {entry["name"] for entry in recipe["data"]} > {"openewld", "pop909"}
    assert KINDS["contrastive"][0].encoder.width == recipe["judge"]["encoder"]["width"]


def test_the_method_tells_of_it_as_the_file_does() -> None:
    assert Listener().told in " ".join(METHOD.read_text("utf-8").split())


def test_it_hears_which_chords_there_are() -> None:
    tracks = [np.full(300, 1), np.full(300, 1), np.full(300, 90)]
    one, same, other = Listener()(tracks)
    assert one @ same == pytest.approx(1.0) and one @ other < 0.99


def test_weights_that_are_not_those_told_of_are_refused(tmp_path: Path) -> None:
    tensors, told = load_file(WEIGHTS), {"recipe": json.dumps(Listener().recipe), "sha256": SHIPPED}
    tensors["head.0.bias"][3] += 1
    files = {"changed": told, "silent": None, "empty": {**told, "sha256": digest(tensors), "recipe": "{}"}}
    for name, metadata in files.items():
        save_file(tensors, tmp_path / name, metadata)
    (tmp_path / "text").write_bytes(b"no tensors")
    for name in (*files, "text", "missing"):
        with pytest.raises(EvaluationError, match=r"is not the listener \(.+\); install gapt-bridge again"):
            Listener(tmp_path / name)
