"""An anchor begins as its policy, sees the other part whole and its own only so far, and learns from that."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny_corpus import write_corpus
from tiny_policy import TINY, random_input, tiny_net
from torch import Tensor

from gapt_core.errors import TrainingError
from gapt_core.model.anchor import AnchorNet
from gapt_core.model.encoder import EncoderConfig
from gapt_core.model.policy import HIDDEN, PolicyConfig, PolicyInput
from gapt_core.parts import CHORD, MELODY, PARTS, Part
from gapt_core.rl.episodes import late
from gapt_core.train.anchor import AnchorConfig, AnchorSource, anchor_run, load_anchor
from gapt_core.train.batches import BatchConfig, doubt_history
from gapt_core.train.corpus import Corpus, load_corpus
from gapt_core.train.policy import TrainConfig, Trained, Trainer, load_best, train_policy

ENCODER = EncoderConfig(width=16, layers=2, heads=2, feedforward=24)
FRAMES = 20
both_parts = pytest.mark.parametrize("part", PARTS.values(), ids=list(PARTS))


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    return load_corpus(write_corpus(tmp_path / "songs"), "train")


def tiny_anchor(part: Part, joined: bool = True) -> AnchorNet:
    """An anchor around `tiny_net()`; `joined` gives weights to what begins as zero."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        net = AnchorNet(TINY, ENCODER, part)
        net.decoder.load_state_dict(tiny_net().state_dict())
        if joined:
            torch.nn.init.normal_(net.join.weight)
    return net.eval()


def tracks(seed: int = 0, batch: int = 1) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Melody, chord, metre and style of any kind."""
    seen = random_input(FRAMES, seed, batch)
    return seen.melody, seen.chord, seen.metre, seen.style


@torch.no_grad()
def answer(net: AnchorNet, melody: Tensor, chord: Tensor, metre: Tensor, style: Tensor, valid: Tensor) -> Tensor:
    other = melody if net.part is CHORD else chord
    seen = PolicyInput(late(melody), late(chord), torch.full_like(melody, HIDDEN), metre, style)
    return net(seen, other, valid)


def changed_frames(net: AnchorNet, which: int, at: int) -> list[int]:
    """Frames whose logits change where frame `at` of the melody (0) or the chords (1) does."""
    parts = list(tracks())
    valid = torch.ones(1, FRAMES, dtype=torch.bool)
    before = answer(net, *parts, valid)
    parts[which] = parts[which].clone()
    parts[which][:, at] += 1
    after = answer(net, *parts, valid)
    return ((before - after).abs().amax(-1)[0] > 1e-6).nonzero()[:, 0].tolist()


@both_parts
@torch.no_grad()
def test_an_anchor_begins_as_its_policy(part: Part) -> None:
    melody, chord, metre, style = tracks(batch=2)
    valid = torch.ones_like(melody, dtype=torch.bool)
    answers = answer(tiny_anchor(part, joined=False), melody, chord, metre, style, valid)
    now = melody if part is CHORD else torch.full_like(melody, HIDDEN)
    policy = tiny_net()(PolicyInput(late(melody), late(chord), now, metre, style))
    assert answers.shape == (2, FRAMES, part.actions)
    torch.testing.assert_close(answers, policy.chord if part is CHORD else policy.melody)


@both_parts
def test_every_frame_knows_what_the_other_part_will_do(part: Part) -> None:
    other = 0 if part is CHORD else 1
    assert changed_frames(tiny_anchor(part), other, FRAMES - 1) == list(range(FRAMES))


@both_parts
def test_no_frame_knows_what_its_own_part_does_there_or_later(part: Part) -> None:
    own = 1 if part is CHORD else 0
    assert changed_frames(tiny_anchor(part), own, 11) == list(range(12, FRAMES))


@both_parts
def test_what_follows_a_piece_changes_nothing_in_it(part: Part) -> None:
    net, length = tiny_anchor(part), 13
    melody, chord, metre, style = tracks()
    valid = torch.arange(FRAMES)[None] < length
    padded = answer(net, melody, chord, metre, style, valid)[:, :length]
    alone = answer(net, *(track[:, :length] for track in (melody, chord, metre)), style, valid[:, :length])
    torch.testing.assert_close(padded, alone)


def recipe(part: Part, **changes: int) -> AnchorConfig:
    net = PolicyConfig(width=32, layers=2, heads=2, feedforward=64, window=64)
    small = {"steps": 6, "validate_every": 3, "warmup": 2} | changes
    return AnchorConfig(part=part.name, net=net, encoder=ENCODER, batch=BatchConfig(size=4, frames=64), **small)


def tracks_of_notes(part: Part) -> st.SearchStrategy[list[int]]:
    return st.lists(st.integers(0, part.count - 1), min_size=1, max_size=30)


@pytest.mark.parametrize("part", PARTS.values(), ids=list(PARTS))
@given(data=st.data(), share=st.floats(0, 1), seed=st.integers(0, 99))
def test_a_doubted_past_is_still_of_the_grammar_and_marked_where_it_is_wrong(
    part: Part, data: st.DataObject, share: float, seed: int
) -> None:
    drawn = data.draw(tracks_of_notes(part))
    tokens = np.array([token for one in drawn for token in (part.onset + one, part.hold + one, part.silent)])
    doubted, changed = doubt_history(tokens, share, np.random.default_rng(seed), part)
    assert ((doubted != tokens) == changed).all()
    assert (doubted[1::3] - doubted[0::3] == part.hold - part.onset).all()
    assert (doubted[2::3] == part.silent).all()


def test_a_batch_shows_the_true_other_part_and_asks_for_the_true_own_one(corpus: Corpus) -> None:
    config = BatchConfig(size=16, frames=160, doubt=1.0, doubted=0.5)
    for part, past in ((CHORD, "chord"), (MELODY, "melody")):
        batch = AnchorSource(corpus, config, part, np.random.default_rng(0)).draw()
        other = batch.seen.melody if part is CHORD else batch.seen.chord
        assert (late(batch.other) == other)[batch.valid].all()
        told = getattr(batch.seen, past)[:, 1:]
        asked = batch.target[:, :-1]
        onsets = (asked >= part.onset) & (asked < part.hold)
        assert 0 < (told != asked)[onsets].float().mean() < 1
        assert (batch.target[~batch.valid] == -100).all()
        assert (batch.valid.sum(1) == 128).all()


@both_parts
def test_a_killed_run_goes_on_exactly(corpus: Corpus, tmp_path: Path, part: Part) -> None:
    whole = anchor_run(corpus, corpus, recipe(part), tmp_path / "whole")
    whole.to_end(lambda record: None)
    for record in anchor_run(corpus, corpus, recipe(part), tmp_path / "cut").run():
        # Two steps past the checkpoint: they are lost and made again.
        if record["step"] == 5:
            break
    resumed = anchor_run(corpus, corpus, recipe(part), tmp_path / "cut")
    assert resumed.step == 3
    best = load_anchor(resumed.to_end(lambda record: None))
    assert resumed.best == whole.best
    for name, weight in load_anchor(tmp_path / "whole" / "best.pt").state_dict().items():
        assert torch.equal(weight, best.state_dict()[name]), name


def test_weights_of_another_size_or_kind_are_refused(corpus: Corpus, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="another size"):
        anchor_run(corpus, corpus, recipe(CHORD), tmp_path / "run", Trained(tiny_net(), ()))
    best = anchor_run(corpus, corpus, recipe(CHORD), tmp_path / "run").to_end(lambda record: None)
    with pytest.raises(TrainingError, match="no trained policy"):
        load_best(best)
    with pytest.raises(TrainingError, match="no trained anchor"):
        load_anchor(tmp_path / "run" / "log.jsonl")


def test_hindsight_makes_better_guesses_than_a_policy_can(corpus: Corpus, tmp_path: Path) -> None:
    net = PolicyConfig(width=64, layers=2, heads=2, feedforward=128, window=64)
    batch = BatchConfig(size=4, frames=64, doubt=0.0)
    recipe = TrainConfig(net=net, batch=batch, steps=80, validate_every=80, warmup=10)
    best = train_policy(Trainer(corpus, corpus, recipe, tmp_path / "policy"), lambda record: None)
    config = AnchorConfig(
        net=net, encoder=ENCODER, batch=batch, rate=2e-3, matrix_rate=0.01, steps=50, validate_every=50
    )
    run = anchor_run(corpus, corpus, config, tmp_path / "anchor", load_best(best))
    run.to_end(lambda record: None)
    heard = [json.loads(line) for line in (tmp_path / "policy" / "log.jsonl").read_text().splitlines()][-1]
    assert run.best < heard["anticipate_mean"] * 0.6
    assert run.best < heard["react_mean"] * 0.8
