"""Free-running play keeps the grammar and is the net's own; tables and cards say what was measured."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from tiny_corpus import write_corpus

from gapt_core.commands.evaluate import evaluate
from gapt_core.commands.train import train
from gapt_core.evaluate.card import figures_of, model_card
from gapt_core.evaluate.draw import Drawer, Luck, Sounded
from gapt_core.evaluate.measure import CONTROL, TRUTH, measure
from gapt_core.evaluate.rollout import PlayConfig, play
from gapt_core.evaluate.sets import EvaluateConfig, load_test_sets
from gapt_core.evaluate.tables import from_json, mean_table, tables_of, to_json
from gapt_core.model.policy import HIDDEN, PolicyConfig, PolicyInput, PolicyNet
from gapt_core.train.batches import chord_actions, previous
from gapt_core.train.corpus import load_corpus
from gapt_core.train.losses import forbid_holds
from gapt_core.vocabulary import (
    CHORD_HOLD,
    HOLD_ACTION,
    NO_CHORD,
    NOTE_HOLD,
    NOTE_HOLD_ACTION,
    NOTE_ONSET,
    legal_tokens,
)


@pytest.fixture
def net() -> PolicyNet:
    torch.manual_seed(0)
    return PolicyNet(PolicyConfig(width=32, layers=2, heads=2, feedforward=64, window=32)).eval()


@pytest.mark.parametrize("mode", ["anticipate", "react"])
def test_play_keeps_the_grammar(net: PolicyNet, tmp_path: Path, mode: str) -> None:
    pieces = load_corpus(write_corpus(tmp_path / "songs"), "test")["tiny"]
    for chord in play(net, pieces, PlayConfig(mode, 2.0, seed=3)):
        before = NO_CHORD
        for token in chord:
            assert legal_tokens(before)[token]
            before = int(token)


@pytest.mark.parametrize("mode", ["anticipate", "react"])
def test_the_best_action_of_each_step_is_the_best_of_the_full_pass(net: PolicyNet, tmp_path: Path, mode: str) -> None:
    piece = load_corpus(write_corpus(tmp_path / "songs"), "test")["tiny"][0]
    played = play(net, [piece], PlayConfig(mode, temperature=0.0))[0]
    now = piece.melody if mode == "react" else np.full_like(piece.melody, HIDDEN)
    parts = [torch.from_numpy(part)[None] for part in (previous(piece.melody), previous(played), now, piece.metre)]
    with torch.inference_mode():
        logits = net(PolicyInput(*parts, torch.zeros(1, dtype=torch.long))).chord
    legal = forbid_holds(logits, parts[1], HOLD_ACTION, NO_CHORD)
    assert (legal.argmax(-1)[0].numpy() == chord_actions(played)).all()


def test_draws_follow_the_probabilities_and_never_hold_silence() -> None:
    logits = torch.full((4000, 242), -30.0)
    logits[:, 1], logits[:, 2], logits[:, HOLD_ACTION] = np.log(3.0), 0.0, 20.0
    silence = Sounded(torch.zeros(4000, dtype=torch.long), torch.ones(4000, dtype=torch.long))
    drawn = Drawer(1.0, 0.0, 0, 4000, 1, torch.device("cpu")).chord(logits, silence, 0).token
    assert not (drawn >= CHORD_HOLD).any()
    assert (drawn == 1).float().mean().item() == pytest.approx(0.75, abs=0.03)


def test_density_weighs_onsets_against_holding_on_and_silence() -> None:
    logits = torch.full((4000, 242), -30.0)
    logits[:, 0], logits[:, 1], logits[:, HOLD_ACTION] = 0.0, 0.0, 0.0
    sounding = Sounded(torch.full((4000,), 2), torch.ones(4000, dtype=torch.long))
    drawn = Drawer(1.0, np.log(2.0), 0, 4000, 1, torch.device("cpu")).chord(logits, sounding, 0).token
    shares = [(drawn == token).float().mean().item() for token in (0, 1, CHORD_HOLD + 1)]
    assert shares == pytest.approx([0.25, 0.5, 0.25], abs=0.03)


def test_notes_follow_the_probabilities_and_are_held_as_they_sound() -> None:
    logits = torch.full((4000, 130), -30.0)
    logits[:, 61], logits[:, NOTE_HOLD_ACTION] = 0.0, np.log(3.0)
    drawn = Drawer(0.5, 0.0, 0, 4000, 1, torch.device("cpu")).melody(logits, torch.full((4000,), NOTE_ONSET + 72), 0)
    assert set(drawn.tolist()) == {61, NOTE_HOLD + 72}
    assert (drawn == 61).float().mean().item() == pytest.approx(0.1, abs=0.02)  # 1 : 3 squared by the temperature


def test_the_luck_of_a_frame_is_its_own() -> None:
    luck, other = (Luck(7, (2, 3), torch.device("cpu")) for _ in range(2))
    ahead = luck.at(2)
    assert torch.equal(other.at(0), luck.at(0)) and torch.equal(other.at(1), luck.at(1))
    assert torch.equal(other.at(2), ahead) and not torch.equal(luck.at(0), luck.at(1))
    luck.forget(2)
    assert torch.equal(luck.at(2), ahead)


def test_tables_hold_the_truth_and_survive_json(net: PolicyNet, tmp_path: Path) -> None:
    config = EvaluateConfig(songs=4, frames=64, vendi_songs=3)
    sets = load_test_sets(write_corpus(tmp_path / "songs"), config)
    assert [len(piece) for piece in sets[0].pieces] == [64] * 4
    (table,) = tables_of(measure(net, sets, config, None))
    assert (table.songs, table.vendi_songs) == (4, 3)
    assert table.rows[TRUTH].figures.note_in_chord == 1.0
    assert table.rows[CONTROL].figures.note_in_chord < 0.9
    written = json.dumps(to_json([table], config), allow_nan=False)
    assert json.dumps(to_json(from_json(json.loads(written)), config)) == written
    mean = mean_table([table, table], "test")
    assert mean is not None
    assert mean.rows[TRUTH].figures == table.rows[TRUTH].figures


def test_figures_from_before_the_listener_have_their_vendi_by_the_histogram(tmp_path: Path) -> None:
    files = sorted((Path(__file__).parents[2] / "docs" / "training").glob("figures-*.json"))
    table = from_json(json.loads(files[0].read_text("utf-8")))[0]
    assert table.rows[TRUTH].vendi_histogram > 1.0
    assert np.isnan(table.rows[TRUTH].vendi)


def test_a_card_shows_every_row_and_says_how_to_measure_again(net: PolicyNet, tmp_path: Path) -> None:
    config = EvaluateConfig(songs=4, frames=64)
    sets = load_test_sets(write_corpus(tmp_path / "songs"), config)
    figures = figures_of(to_json(tables_of(measure(net, sets, config, None)), config))
    stage = {"selection": "all", "step": 7}
    training = {
        "selection": "all",
        "data": [{"name": "tiny", "songs": 4, "licence": "CC0-1.0"}],
        "recipe": {"stages": [stage]},
    }
    fields = {"version": "1.0.0", "description": "Tiny.", "licence": "MIT", "training": training}
    card = model_card("tiny", fields | {"network": {"width": 32}, "figures": figures}, {"songs": 4}, "gapt evaluate")
    for row in ("ground truth", "shuffled control", "anticipate", "react"):
        assert f"| test/tiny | {row} |" in card
    assert "CC0-1.0" in card and "`gapt evaluate`" in card and "step 7" in card


def test_train_then_evaluate_from_the_command_line(tmp_path: Path) -> None:
    songs = write_corpus(tmp_path / "songs")
    run = ["policy", "--data", str(songs), "--out", str(tmp_path / "run"), "--steps", "2", "--batch", "1"]
    trained = CliRunner().invoke(train, [*run, "--width", "64", "--layers", "1"], catch_exceptions=False)
    assert trained.exit_code == 0 and "Best validation loss" in trained.output
    options = ["--weights", str(tmp_path / "run" / "best.pt"), "--data", str(songs), "--json", "--frames", "32"]
    written = tmp_path / "figures.json"
    shown = CliRunner().invoke(evaluate, [*options, "-o", str(written)], catch_exceptions=False)
    assert json.loads(shown.output) == json.loads(written.read_text())
    assert json.loads(shown.output)["sets"][0]["rows"]["ground truth"]["note_in_chord"] == 1.0
