"""A preset says truly what its weights and its kit learned from, how they were post-trained, and what was measured."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from tiny_corpus import write_corpus
from tiny_kit import SMALL, tiny_kit
from tiny_policy import TINY, tiny_net, write_policy_preset

from bridge.cli import gapt
from gapt_core.errors import ExportError, TrainingError
from gapt_core.evaluate.card import COLD_BEATS, plain_sets
from gapt_core.evaluate.measure import ROWS
from gapt_core.evaluate.sets import EvaluateConfig
from gapt_core.evaluate.tables import Row, SetTable, plain_tables, to_json
from gapt_core.export.origin import training_of
from gapt_core.export.release import release
from gapt_core.export.start import load_start
from gapt_core.metrics import SongFigures
from gapt_core.rl.adversary import AdversaryConfig
from gapt_core.rl.gapt import Gapt, train_gapt
from gapt_core.rl.kit import Kit, preset_kit, save_kit
from gapt_core.rl.recipe import GaptConfig
from gapt_core.train.corpus import load_corpus
from gapt_core.train.policy import Trained
from presets.manifest import WEIGHTS
from presets.preset import load_preset

SAID = {"description": "A post-trained one.", "licence": "CC0-1.0", "preset_version": "2.0.0"}

CONFIG = GaptConfig(steps=1, rollouts=2, frames=16, window=0, buffers=0, save_every=1, warmup=1, seed=3)
AGAINST = AdversaryConfig(weight=0.5, net=SMALL, warm_accuracy=0.0, rounds=1)


def data(name: str, songs: int = 3) -> dict[str, Any]:
    return {"name": name, "style": "folk", "songs": songs, "licence": "CC0-1.0"}


def likelihood(**changes: Any) -> dict[str, Any]:
    """A stage as `gapt train policy` records it."""
    recipe = {"step": 9, "rate": 0.1, "matrix_rate": 0.2, "cooldown": 0.5, "seed": 1, "clip": 1.0}
    batch = {"size": 4, "frames": 64, "doubt": 0.5}
    measured = {"validation": 0.123456, "data": [data("hymns")]}
    return {"selection": "public-domain", **recipe, "batch": batch, **measured, **changes}


def rows(value: float, extra: dict[str, float] | None = None) -> dict[str, Row]:
    return {name: Row(SongFigures(*[value] * 8), value, value, extra or {}) for name in ROWS}


@pytest.fixture
def figures(tmp_path: Path) -> Path:
    """What `gapt evaluate --all -o` writes, with figures that can be told apart."""
    plain = [SetTable("tiny", split, 4, 4, rows(0.25)) for split in ("test", "ood")]
    tables = {
        "adaptation_single": rows(0.5, {"before": 0.625, "recovery beats": 7.0}),
        "adaptation_multiple": None,
        "cold_start": rows(0.5, {str(beat): beat / 100 for beat in range(1, 17)}),
        "ahead": {"react": rows(0.75, {"kept 1": 0.875})["react"], "react +1": rows(0.5)["react"]},
    }
    more = {
        name: plain_tables([SetTable("tiny", "ood", 4, 4, found)] if found else []) for name, found in tables.items()
    }
    path = tmp_path / "figures.json"
    told = (
        to_json(plain, EvaluateConfig(temperature=0.9, density=-0.5))
        | more
        | {"latency": {"p50": 1.5, "p95": 2.5, "ratio": 1.01}}
    )
    path.write_text(json.dumps(told), "utf-8")
    return path


@pytest.fixture
def post_trained(tmp_path: Path) -> Path:
    """Weights of a run that began as a preset of other songs."""
    start = load_start(str(write_policy_preset(tmp_path / "start").folder))
    corpus = load_corpus(write_corpus(tmp_path / "songs", songs=2), "train")
    kit = Kit(tiny_kit().anchors, {}, {"judges": {"contrastive-0": likelihood(data=[data("lieder")])}})
    config = replace(CONFIG, adversary=AGAINST)
    return train_gapt(Gapt(corpus, kit, start, tmp_path / "run", config), lambda record: None)


def test_a_post_trained_policy_becomes_a_preset_that_says_so(post_trained: Path, figures: Path, tmp_path: Path) -> None:
    kit = replace(tiny_kit(), record={"anchors": {"chord": likelihood(test={"f1": 0.75, "pairs": 12})}})
    preset = release(load_start(str(post_trained)), figures, tmp_path / "new", SAID, kit=kit)
    preset.verify()
    assert asdict(preset.manifest.sampling) == {"mode": "react", "temperature": 0.9, "density": -0.5}
    assert set(preset_kit(preset).anchors) == {"chord", "melody"}
    training = preset.manifest.training
    assert [entry["name"] for entry in training["data"]] == ["hymns", "tiny", "lieder"]
    assert training["selection"] == "all"
    stage = training["recipe"]["stages"][-1]
    assert stage == {"kind": "gapt", "step": 1, **replace(CONFIG, adversary=AGAINST).to_dict()}
    card = preset.card()
    assert "then post-training by PPO against coherence rewards and rules" in card
    assert (
        "2. post-training GAPT, part chord, lambda 0.5, schedule two-phase, steps 1 of 1, rollouts 2 x 16 frames, "
        f"rate {CONFIG.ppo.rate}, value rate {CONFIG.ppo.value_rate}, discriminator rate {AGAINST.rate}, seed 3, "
        "selection all"
    ) in card
    assert "| anchor-chord | public-domain | 9 | 1 | f1 0.750, pairs 12 |" in card
    assert "| anchor-melody | - | - | - | - |" in card and "| discriminative_rhythm-0 |" in card


def test_a_run_without_the_adversary_is_called_that(figures: Path, tmp_path: Path) -> None:
    config = replace(CONFIG, adversary=replace(AGAINST, weight=0.0))
    stages = ({"kind": "gapt", "step": 1, **config.to_dict(), "data": [data("hymns")]},)
    card = release(Trained(tiny_net(), stages), figures, tmp_path / "new", SAID).card()
    assert "1. post-training without the adversary, part chord, steps 1 of 1" in card
    assert "lambda" not in card and "discriminator rate" not in card


def test_a_card_carries_every_measurement_there_is(figures: Path, tmp_path: Path) -> None:
    preset = release(Trained(tiny_net(), (likelihood(),)), figures, tmp_path / "new", SAID)
    found, card = preset.manifest.figures, preset.card()
    assert list(plain_sets(found)) == ["test/tiny", "ood/tiny", "test/mean", "ood/mean"]
    assert found["test/tiny"]["react"]["vendi"] == 0.25
    assert found["adaptation_single/ood/mean"]["react"] == {"before": 0.625, "recovery beats": 7.0}
    assert found["cold_start/ood/mean"]["anticipate"]["4"] == 0.04
    assert found["latency"]["step"] == {"p50": 1.5, "p95": 2.5, "ratio": 1.01}
    assert "| ood/mean | react | 0.625 | 7.000 |" in card
    assert "| set | row | " + " | ".join(f"beat {beat}" for beat in COLD_BEATS) + " |" in card
    assert "| ood/mean | react | 0.010 | 0.020 | 0.040 | 0.080 | 0.160 |" in card
    assert "| ood/mean | react | 0.750 | 0.750 | 0.750 | 0.750 | 0.750 | 0.875 |" in card
    assert "| ood/mean | react +1 | 0.500 | 0.500 | 0.500 | 0.500 | 0.500 | - |" in card
    assert "| step | milliseconds | 1.500 | 2.500 | 1.010 |" in card
    assert "Adaptation single" in card and "Adaptation multiple" not in card and "Sessions" not in card
    assert "temperature 0.9" in card and "Training kit" not in card


def test_stages_of_likelihood_are_told_as_before(figures: Path, tmp_path: Path) -> None:
    told = {"selection": "public-domain", "step": 9, "rate": 0.1, "matrix_rate": 0.2, "cooldown": 0.5, "seed": 1}
    told |= {"validation": 0.1235, "crops": 4, "frames": 64}
    own = {"density": 1.5}
    first = release(Trained(tiny_net(), (likelihood(),)), figures, tmp_path / "one", SAID, drawn=own)
    assert (first.manifest.sampling.temperature, first.manifest.sampling.density) == (0.9, 1.5)
    assert first.manifest.training["recipe"] == {"stages": [told]}
    assert "1. selection public-domain, step 9, rate 0.1, matrix_rate 0.2, cooldown 0.5, seed 1" in first.card()
    # What a manifest has told passes through, and so does what it learned from.
    again = release(load_start(str(first.folder)), figures, tmp_path / "two", SAID)
    assert again.manifest.training == first.manifest.training
    assert again.read(WEIGHTS) == first.read(WEIGHTS)


def test_whatever_was_learned_from_is_told(figures: Path) -> None:
    stages = [likelihood(selection="all", data=[data("pop909"), data("hymns", 5)]), likelihood()]
    training = training_of(stages)
    assert training["data"] == [data("pop909"), data("hymns", 5)]
    assert training["selection"] == "all"
    assert training_of([likelihood()], {"anchors": {"chord": likelihood(selection="all")}})["selection"] == "all"
    assert training_of([likelihood()])["selection"] == "public-domain"
    with pytest.raises(ExportError, match="do not say what they were trained on"):
        training_of([{"kind": "gapt", "step": 1, **CONFIG.to_dict()}])


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"config": {}, "sets": [{}]}'])
def test_what_holds_no_figures_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "figures.json"
    path.write_text(text, "utf-8")
    with pytest.raises(TrainingError, match="holds no figures"):
        release(Trained(tiny_net(), (likelihood(),)), path, tmp_path / "new", SAID)
    assert [one.name for one in tmp_path.iterdir()] == ["figures.json"]


def test_export_puts_the_kit_in(figures: Path, tmp_path: Path) -> None:
    weights = tmp_path / "policy.pt"
    state = {"net": tiny_net().state_dict(), "config": {"net": TINY.to_dict()}, "stages": [likelihood()]}
    torch.save(state, weights)
    save_kit(tiny_kit(), tmp_path / "kit")
    options = ["--figures", figures, "--description", "Tiny.", "--licence", "CC0-1.0"]
    for name, start, kit in (("one", weights, tmp_path / "kit"), ("two", tmp_path / "one", tmp_path / "one")):
        command = ["export", start, *options, "--out", tmp_path / name, "--kit", kit]
        result = CliRunner().invoke(gapt, [str(part) for part in command])
        assert result.exit_code == 0, result.output
        assert f"Preset {name} 1.0.0 is in" in result.output
    one, two = (load_preset(tmp_path / name) for name in ("one", "two"))
    assert "kit-contrastive-0.safetensors" in one.manifest.members
    assert {name: one.read(name) for name in one.manifest.members if name != "card.md"} == {
        name: two.read(name) for name in two.manifest.members if name != "card.md"
    }
