"""Batches keep the grammar, a run resumes exactly, and the net learns what there is to learn."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny_corpus import write_corpus

from gapt_core.chords import CHORD_COUNT
from gapt_core.errors import TrainingError
from gapt_core.evaluate.rollout import PlayConfig, play
from gapt_core.metrics import figures, mean_figures
from gapt_core.model.policy import HIDDEN, PolicyConfig, PolicyNet, PolicyOutput
from gapt_core.train.anchor import load_anchor
from gapt_core.train.batches import (
    BatchConfig,
    BatchSource,
    chord_actions,
    doubt_history,
    halve_bars,
    melody_actions,
    move_bars,
    previous,
)
from gapt_core.train.corpus import Corpus, load_corpus, set_weights
from gapt_core.train.crops import start_with_onset, transpose_chords, transpose_melody
from gapt_core.train.losses import likelihood_losses
from gapt_core.train.policy import TrainConfig, Trainer, load_best, train_policy
from gapt_core.train.rewards import load_judge
from gapt_core.vocabulary import (
    ACTIONS,
    CHORD_HOLD,
    CHORD_ONSET,
    HOLD_ACTION,
    NO_CHORD,
    NOTE_ACTIONS,
    NOTE_HOLD,
    NOTE_ONSET,
    legal_tokens,
    sounding_chord,
)

TINY = TrainConfig(
    net=PolicyConfig(width=32, layers=2, heads=2, feedforward=64, window=64),
    batch=BatchConfig(size=4, frames=64),
    steps=6,
    validate_every=3,
    warmup=2,
)

actions = st.lists(st.integers(0, ACTIONS - 1), min_size=1, max_size=60)


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    return load_corpus(write_corpus(tmp_path / "songs"), "train")


def track(drawn: list[int]) -> np.ndarray:
    """A grammatical chord track from arbitrary actions: a hold with nothing to hold becomes no chord."""
    tokens = [NO_CHORD]
    for action in drawn:
        chord = sounding_chord(tokens[-1])
        held = NO_CHORD if chord is None else CHORD_HOLD + chord
        tokens.append(held if action == HOLD_ACTION else action)
    return np.array(tokens[1:])


def assert_grammatical(tokens: np.ndarray) -> None:
    before = NO_CHORD
    for token in tokens:
        assert legal_tokens(before)[token]
        before = int(token)


@given(actions, st.integers(-5, 6))
def test_transposing_there_and_back_changes_nothing(drawn: list[int], key: int) -> None:
    tokens = track(drawn)
    moved = transpose_chords(tokens, key)
    assert_grammatical(moved)
    assert (transpose_chords(moved, -key) == tokens).all()


def test_a_transposed_melody_stays_in_the_midi_range() -> None:
    low, high = NOTE_ONSET + 3, NOTE_HOLD + 125
    assert transpose_melody(np.array([low, high, 0]), -5).tolist() == [NOTE_ONSET + 10, NOTE_HOLD + 120, 0]
    assert transpose_melody(np.array([low, high, 0]), 6).tolist() == [NOTE_ONSET + 9, NOTE_HOLD + 119, 0]


@given(actions, st.floats(0, 1), st.integers(0, 99))
def test_a_doubted_history_is_still_grammatical_and_marked_where_it_is_wrong(
    drawn: list[int], share: float, seed: int
) -> None:
    tokens = track(drawn)
    doubted, changed = doubt_history(tokens, share, np.random.default_rng(seed))
    assert_grammatical(doubted)
    assert ((doubted != tokens) == changed).all()


def test_a_crop_that_starts_inside_a_chord_attacks_it() -> None:
    tokens = np.array([CHORD_HOLD + 7, CHORD_HOLD + 7])
    assert start_with_onset(tokens, CHORD_ONSET, CHORD_HOLD).tolist() == [CHORD_ONSET + 7, CHORD_HOLD + 7]
    assert tokens[0] == CHORD_HOLD + 7


def test_actions_share_one_hold() -> None:
    assert chord_actions(np.array([0, CHORD_ONSET + 5, CHORD_HOLD + 5])).tolist() == [0, 6, CHORD_COUNT + 1]
    assert melody_actions(np.array([0, NOTE_ONSET + 60, NOTE_HOLD + 60])).tolist() == [0, 61, 129]


def test_a_batch_tells_no_frame_its_own_chord_and_hides_melodies(corpus: Corpus) -> None:
    config = BatchConfig(size=32, frames=64, shown=0.5, hidden_onsets=0.0, doubt=0.0)
    batch = BatchSource(corpus, config, np.random.default_rng(1)).draw()
    hidden = (batch.seen.now == HIDDEN).all(dim=1)
    assert 0 < hidden.sum() < 32
    assert (batch.seen.now[~hidden] != HIDDEN).all()
    assert (batch.melody_target[~hidden] == -100).all()
    onsets = batch.chord_target.where(batch.chord_target != HOLD_ACTION, torch.tensor(0))
    told = batch.seen.chord[:, 1:].where(onsets[:, :-1] > 0, torch.tensor(0))
    assert (told == onsets[:, :-1]).all()


def test_the_same_seed_draws_the_same_batches(corpus: Corpus) -> None:
    draws = [BatchSource(corpus, BatchConfig(size=2), np.random.default_rng(5)).draw() for _ in range(2)]
    assert (draws[0].seen.melody == draws[1].seen.melody).all()
    assert (draws[0].chord_target == draws[1].chord_target).all()


def test_bars_of_four_are_told_as_two_and_others_left_alone() -> None:
    metre = np.array([[0, 16, 4], [9, 16, 4], [15, 16, 4], [9, 12, 4], [9, 12, 6]])
    assert halve_bars(metre).tolist() == [[0, 8, 4], [1, 8, 4], [7, 8, 4], [9, 12, 4], [9, 12, 6]]


def test_moved_bar_lines_stay_on_beats() -> None:
    metre = np.array([[0, 12, 4], [11, 12, 4], [0, 12, 6], [7, 12, 6]])
    assert move_bars(metre, 1).tolist() == [[4, 12, 4], [3, 12, 4], [6, 12, 6], [1, 12, 6]]


def test_previous_moves_tokens_one_frame() -> None:
    assert previous(np.array([5, 6, 7])).tolist() == [0, 5, 6]


def test_the_loss_of_an_indifferent_net_is_the_entropy_of_the_legal_actions(corpus: Corpus) -> None:
    config = BatchConfig(size=4, frames=64, shown=0.0, doubt=0.0)
    batch = BatchSource(corpus, config, np.random.default_rng(0)).draw()
    shape = batch.chord_target.shape
    losses = likelihood_losses(PolicyOutput(torch.zeros(*shape, ACTIONS), torch.zeros(*shape, NOTE_ACTIONS)), batch)
    silent = (batch.seen.chord == NO_CHORD)[batch.chord_target != -100].float().mean().item()
    expected = silent * np.log(ACTIONS - 1) + (1 - silent) * np.log(ACTIONS)
    assert losses.chord.item() == pytest.approx(expected, abs=1e-4)


def test_dense_sets_are_drawn_half_as_often(corpus: Corpus) -> None:
    weights = set_weights({"tiny": corpus["tiny"], "chorales": corpus["tiny"]})
    assert weights == {"tiny": pytest.approx(2 / 3), "chorales": pytest.approx(1 / 3)}


def test_a_killed_run_goes_on_exactly(corpus: Corpus, tmp_path: Path) -> None:
    whole = Trainer(corpus, corpus, TINY, tmp_path / "whole")
    train_policy(whole, lambda record: None)
    cut = Trainer(corpus, corpus, TINY, tmp_path / "cut").run()
    for record in cut:
        # Two steps past the checkpoint: they are lost and made again.
        if record["step"] == 5:
            break
    resumed = Trainer(corpus, corpus, TINY, tmp_path / "cut")
    assert resumed.step == 3
    train_policy(resumed, lambda record: None)
    for name, weight in whole.net.state_dict().items():
        assert torch.equal(weight, resumed.net.state_dict()[name]), name
    assert resumed.best == whole.best


def test_a_run_of_another_recipe_is_not_resumed(corpus: Corpus, tmp_path: Path) -> None:
    train_policy(Trainer(corpus, corpus, TINY, tmp_path / "run"), lambda record: None)
    other = TrainConfig(net=TINY.net, batch=TINY.batch, rate=1.0)
    with pytest.raises(TrainingError, match="another recipe"):
        Trainer(corpus, corpus, other, tmp_path / "run")


def test_a_run_of_another_origin_is_not_resumed(corpus: Corpus, tmp_path: Path) -> None:
    first = load_best(train_policy(Trainer(corpus, corpus, TINY, tmp_path / "first"), lambda record: None))
    with pytest.raises(TrainingError, match="or --init"):
        Trainer(corpus, corpus, TINY, tmp_path / "first", first)
    with pytest.raises(TrainingError, match="data"):
        Trainer({"other": corpus["tiny"]}, corpus, TINY, tmp_path / "first")


def test_weights_of_another_size_are_refused(corpus: Corpus, tmp_path: Path) -> None:
    first = load_best(train_policy(Trainer(corpus, corpus, TINY, tmp_path / "first"), lambda record: None))
    wider = TrainConfig(net=PolicyConfig(width=64, layers=2, heads=2, feedforward=64, window=64), batch=TINY.batch)
    with pytest.raises(TrainingError, match="another size"):
        Trainer(corpus, corpus, wider, tmp_path / "second", first)


def test_a_damaged_checkpoint_is_refused(corpus: Corpus, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "checkpoint.pt").write_bytes(b"junk")
    with pytest.raises(TrainingError, match="damaged"):
        Trainer(corpus, corpus, TINY, tmp_path / "run")


def test_a_run_stops_when_validation_no_longer_gains(corpus: Corpus, tmp_path: Path) -> None:
    still = TrainConfig(
        net=TINY.net, batch=TINY.batch, steps=50, validate_every=1, patience=3, rate=1e-12, matrix_rate=1e-12
    )
    trainer = Trainer(corpus, corpus, still, tmp_path / "run")
    train_policy(trainer, lambda record: None)
    assert trainer.step < 50


def test_the_log_is_json_lines_and_the_best_weights_name_their_stages(corpus: Corpus, tmp_path: Path) -> None:
    best = train_policy(Trainer(corpus, corpus, TINY, tmp_path / "first"), lambda record: None)
    first = load_best(best)
    second = load_best(train_policy(Trainer(corpus, corpus, TINY, tmp_path / "second", first), lambda record: None))
    assert [stage["data"][0]["songs"] for stage in second.stages] == [6, 6]
    records = [json.loads(line) for line in (tmp_path / "first" / "log.jsonl").read_text().splitlines()]
    assert [record["step"] for record in records] == [1, 2, 3, 3, 4, 5, 6, 6]


def test_a_file_that_is_no_run_is_refused(tmp_path: Path) -> None:
    (tmp_path / "best.pt").write_bytes(b"not weights")
    with pytest.raises(TrainingError, match="no trained policy"):
        load_best(tmp_path / "best.pt")


@pytest.mark.parametrize(
    "change",
    [
        lambda state: state.pop("stages"),
        lambda state: state.update(stages=3),
        lambda state: state.update(stages=["all"]),
        lambda state: state.update(config={"net": 3}),
        lambda state: state.update(config={"net": {"heads": 0}}),
        lambda state: state.update(config={"net": {"layers": -1, "width": "wide"}}),
        lambda state: state.update(net=[1, 2]),
        lambda state: state["net"].popitem(),
    ],
)
def test_weights_that_do_not_fit_what_is_told_of_them_are_refused(
    tmp_path: Path, change: Callable[[dict[str, Any]], object]
) -> None:
    state = {"net": PolicyNet(TINY.net).state_dict(), "config": {"net": TINY.net.to_dict()}, "stages": [{"step": 1}]}
    torch.save(state, tmp_path / "best.pt")
    assert load_best(tmp_path / "best.pt").stages == ({"step": 1},)
    change(state)
    torch.save(state, tmp_path / "best.pt")
    with pytest.raises(TrainingError, match=r"holds no trained policy; give the best\.pt of a run"):
        load_best(tmp_path / "best.pt")


@pytest.mark.parametrize("content", [[1, 2], torch.zeros(3), "text"])
def test_files_that_hold_something_else_are_refused(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "best.pt")
    for load in (load_best, load_anchor, load_judge):
        with pytest.raises(TrainingError, match=r"best\.pt holds no"):
            load(tmp_path / "best.pt")


def test_a_folder_without_songs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="holds no song sets"):
        load_corpus(tmp_path, "train")


def test_the_net_learns_to_answer_what_it_hears(corpus: Corpus, tmp_path: Path) -> None:
    config = TrainConfig(
        net=PolicyConfig(width=64, layers=2, heads=2, feedforward=128, window=64),
        batch=BatchConfig(size=8, frames=64, doubt=0.0),
        steps=150,
        validate_every=150,
        warmup=10,
    )
    before = PolicyNet(config.net).eval()
    after = load_best(train_policy(Trainer(corpus, corpus, config, tmp_path / "run"), lambda record: None)).net
    harmony = {}
    for name, net in (("before", before), ("after", after)):
        played = play(net, corpus["tiny"], PlayConfig("react", temperature=1.0))
        songs = zip(corpus["tiny"], played, strict=True)
        harmony[name] = mean_figures(figures(piece.melody, chord, piece.metre) for piece, chord in songs)
    assert harmony["after"].note_in_chord_strict > 0.75 > 0.5 > harmony["before"].note_in_chord_strict
    assert harmony["after"].onsets_per_bar < 2.0
