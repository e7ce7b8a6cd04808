"""The coherence rewards: wrong pairs that only music tells apart, scores by hand, what nets may not see, payments."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import chord_tracks, melody_tracks
from tiny_corpus import write_corpus
from tiny_kit import SMALL, tiny_kit

from gapt_core.errors import TrainingError
from gapt_core.model.rewards import JudgeConfig, PartDiscriminator, build_judge
from gapt_core.parts import CHORD, MELODY, Part
from gapt_core.rl.coherence import LEAST_FRAMES, Coherence, payments
from gapt_core.rl.episodes import Episodes
from gapt_core.train.corpus import Corpus, Piece, load_corpus
from gapt_core.train.crops import Crop, transpose_chords, transpose_melody
from gapt_core.train.rewards import (
    SHORTEST,
    JudgeTraining,
    Pairs,
    contrastive_loss,
    detection_scores,
    gallery,
    judge_run,
    judge_scores,
    load_judge,
    retrieval_scores,
    stack_pairs,
    with_wrong,
)
from gapt_core.vocabulary import (
    CHORD_HOLD,
    CHORD_ONSET,
    FRAMES_PER_BEAT,
    NOTE_HOLD,
    NOTE_ONSET,
    legal_tokens,
    pitch_class_table,
)

KINDS = [(kind, rhythm) for kind in ("contrastive", "discriminative") for rhythm in (False, True)]
ENCODER = replace(SMALL, width=32, feedforward=32)


def recipe(kind: str = "discriminative", rhythm: bool = False, **changes: object) -> JudgeTraining:
    judge = JudgeConfig(kind, rhythm, ENCODER)
    return replace(JudgeTraining(judge=judge, batch=24, steps=40, warmup=5, validate_every=40), **changes)


def crop(melody: np.ndarray, chord: np.ndarray) -> Crop:
    return Crop(melody, chord, np.zeros((len(melody), 3), np.int64), 0, False)


@st.composite
def pairs(draw: st.DrawFn) -> Pairs:
    lengths = draw(st.lists(st.integers(SHORTEST, 40), min_size=2, max_size=5))
    return stack_pairs([crop(draw(melody_tracks(length)), draw(chord_tracks(length))) for length in lengths])


def random_pairs(rows: int, frames: int = 32, seed: int = 0) -> Pairs:
    """Rows that are all different, with a chord every three frames on average, rests among them."""
    random = np.random.default_rng(seed)
    made = []
    for _ in range(rows):
        onset = random.random(frames) < 0.3
        onset[0] = True
        held = np.repeat(np.flatnonzero(onset), np.diff([*np.flatnonzero(onset), frames]))
        chords = random.integers(-20, CHORD_HOLD - CHORD_ONSET, frames).clip(min=-1)[held]
        sounding = np.where(onset, CHORD_ONSET, CHORD_HOLD) + chords
        made.append(crop(random.integers(0, 128, frames), np.where(chords < 0, 0, sounding)))
    return stack_pairs(made)


def keeps_grammar(tokens: np.ndarray) -> bool:
    return all(legal_tokens(before)[token] for before, token in pairwise([0, *tokens]))


def judges() -> dict[str, torch.nn.Module]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return {
            f"{kind}{'_rhythm' * rhythm}-0": build_judge(JudgeConfig(kind, rhythm, ENCODER)) for kind, rhythm in KINDS
        }


@given(pairs(), st.booleans(), st.integers(0, 99))
@settings(deadline=None, max_examples=40)
def test_nothing_but_the_chords_tells_wrong_pairs_from_right_ones(given: Pairs, rhythm: bool, seed: int) -> None:
    given = given._replace(chord=torch.where(given.valid, given.chord, -1))
    real, wrong = with_wrong(given, recipe(rhythm=rhythm), np.random.default_rng(seed))
    assert torch.equal(real.valid, wrong.valid)
    assert (real.valid <= given.valid).all() and (real.valid.sum(1) >= SHORTEST).all()
    assert (real.valid[:, :-1] >= real.valid[:, 1:]).all()
    assert torch.equal(real.melody, given.melody) and (rhythm or torch.equal(wrong.melody, given.melody))
    assert torch.equal(real.chord, given.chord) and (wrong.chord[wrong.valid] >= 0).all()
    for row, valid in zip(wrong.chord.numpy(), wrong.valid.numpy(), strict=True):
        assert keeps_grammar(row[valid])


def test_half_of_the_rhythm_only_wrong_pairs_are_late_by_one_to_three_frames() -> None:
    given = random_pairs(300)
    _, wrong = with_wrong(given, recipe(rhythm=True, chased=0.0), np.random.default_rng(1))
    late = {
        part: [late_by(part, *pair) for pair in zip(getattr(given, part.name), getattr(wrong, part.name), strict=True)]
        for part in (CHORD, MELODY)
    }
    for found in late.values():
        assert {frames for frames in found if frames} == {1, 2, 3}
        assert np.mean([frames is not None for frames in found]) == pytest.approx(0.25, abs=0.08)
    repaired = [row for row, found in enumerate(zip(*late.values(), strict=True)) if found == (None, None)]
    distance = {next(n for n in range(300) if torch.equal(wrong.chord[row], given.chord[n])) - row for row in repaired}
    assert len({step % 300 for step in distance}) == 1


def late_by(part: Part, own: torch.Tensor, other: torch.Tensor) -> int | None:
    """By how many frames `other` is `own` put off, its first chord or note held from the start."""
    tokens = own.tolist()
    for frames in (1, 2, 3):
        first = tokens[0] + part.count if tokens[0] else 0
        if [tokens[0], *[first] * frames, *tokens[1:]][: len(tokens)] == other.tolist():
            return frames
    return None


def test_a_quarter_of_the_other_wrong_pairs_is_rolled_round_by_beats() -> None:
    given = random_pairs(200)
    _, wrong = with_wrong(given, recipe(), np.random.default_rng(1))
    rolled = 0
    for own, other in zip(given.chord.numpy(), wrong.chord.numpy(), strict=True):
        turns = [np.roll(own, beats * FRAMES_PER_BEAT) for beats in range(1, len(own) // FRAMES_PER_BEAT)]
        rolled += any(np.array_equal(turned[1:], other[1:]) for turned in turns)
        assert keeps_grammar(other)
    assert rolled / 200 == pytest.approx(0.25, abs=0.08)


def test_chords_that_run_after_the_notes_have_each_note_they_are_struck_with() -> None:
    given = random_pairs(200)
    _, wrong = with_wrong(given, recipe(shifted=0.0, chased=1.0), np.random.default_rng(1))
    table = pitch_class_table()
    new = 0
    for notes, own, other in zip(given.melody.numpy(), given.chord.numpy(), wrong.chord.numpy(), strict=True):
        assert keeps_grammar(other)
        struck = (other >= CHORD_ONSET) & (other < CHORD_HOLD) & (other != own)
        struck[0] = False
        assert (notes[struck] >= NOTE_ONSET).all() and (notes[struck] < NOTE_HOLD).all()
        assert table[other[struck], (notes[struck] - NOTE_ONSET) % 12].all()
        new += struck.sum()
    assert new > 1000
    assert torch.equal(wrong.valid, given.valid)


def test_retrieval_scores_by_hand() -> None:
    similarity = np.array([[0.9, 0.1, 0.2], [0.8, 0.5, 0.1], [0.7, 0.6, 0.3]])
    scores = retrieval_scores(similarity)
    assert scores["recall_1"] == pytest.approx(1 / 3)
    assert scores["recall_5"] == scores["recall_10"] == 1
    assert scores["mean_average_precision_10"] == pytest.approx((1 + 1 / 2 + 1 / 3) / 3)
    assert scores["gallery"] == 3
    far = np.eye(12)[::-1] - np.eye(12)
    assert retrieval_scores(far)["recall_10"] == retrieval_scores(far)["mean_average_precision_10"] == 0


def test_a_net_that_finds_all_alike_finds_nothing() -> None:
    scores = retrieval_scores(np.ones((40, 40)))
    assert scores["recall_1"] == scores["recall_10"] == scores["mean_average_precision_10"] == 0


def test_detection_scores_by_hand() -> None:
    said, true = np.array([1, 1, 1, 0, 0, 0], bool), np.array([1, 1, 0, 1, 1, 0], bool)
    scores = detection_scores(said, true)
    assert scores["precision"] == pytest.approx(2 / 3) and scores["recall"] == pytest.approx(2 / 4)
    assert scores["f1"] == pytest.approx(2 * (2 / 3) * (1 / 2) / (2 / 3 + 1 / 2)) and scores["pairs"] == 6
    assert detection_scores(~true, true)["f1"] == detection_scores(np.zeros(6, bool), true)["f1"] == 0


@pytest.mark.parametrize("kind", ["contrastive", "discriminative"])
def test_a_rhythm_only_net_hears_no_pitch(kind: str) -> None:
    given, nets = random_pairs(4), judges()
    melody = torch.from_numpy(transpose_melody(given.melody.numpy(), 5))
    chord = torch.from_numpy(transpose_chords(given.chord.numpy(), 3))
    for name, same in ((f"{kind}_rhythm-0", True), (f"{kind}-0", False)):
        score = nets[name].eval().score
        moved = [score(melody, given.chord, given.valid), score(given.melody, chord, given.valid)]
        assert all(torch.equal(one, score(*given)) is same for one in moved)
    put_off = given._replace(chord=given.chord.roll(1, dims=1))
    assert not torch.equal(nets[f"{kind}_rhythm-0"].score(*put_off), nets[f"{kind}_rhythm-0"].score(*given))


@pytest.mark.parametrize("name", [*judges(), "discriminator"])
def test_no_score_knows_what_stands_past_the_end(name: str) -> None:
    given = random_pairs(3)
    lengths = torch.tensor([32, 20, 17])
    valid = torch.arange(32) < lengths[:, None]
    metre = torch.randint(16, (3, 32, 3), generator=torch.Generator().manual_seed(0))
    net = PartDiscriminator(CHORD, JudgeConfig("chords", False, ENCODER)) if name == "discriminator" else judges()[name]
    net.eval()

    def scores(melody: torch.Tensor, chord: torch.Tensor, metre: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
        style = torch.zeros_like(chord)
        return net(chord, metre, style, valid) if name == "discriminator" else net.score(melody, chord, valid)

    whole = scores(given.melody, given.chord, metre, valid)
    noise = [torch.where(valid, part, 7) for part in (given.melody, given.chord)]
    assert torch.equal(scores(*noise, torch.where(valid[..., None], metre, 9), valid), whole)
    longer = [torch.nn.functional.pad(part, (0, 24)) for part in (given.melody, given.chord)]
    padded = scores(*longer, torch.nn.functional.pad(metre, (0, 0, 0, 24)), torch.nn.functional.pad(valid, (0, 24)))
    torch.testing.assert_close(padded, whole)
    for row, length in enumerate(lengths):
        cut = [part[row : row + 1, :length] for part in (given.melody, given.chord, metre, valid)]
        torch.testing.assert_close(scores(*cut)[0], whole[row])


def episodes(lengths: tuple[int, ...] = (64, 40, 20), frames: int = 64) -> Episodes:
    given = random_pairs(len(lengths), frames)
    valid = torch.arange(frames) < torch.tensor(lengths)[:, None]
    metre = torch.zeros((*valid.shape, 3), dtype=torch.long)
    style = torch.zeros(len(lengths), dtype=torch.long)
    return Episodes(given.melody, given.chord, metre, style, given.melody, valid, style == 0, style)


@pytest.mark.parametrize(("window", "hop"), [(32, 8), (32, 12), (24, 24), (32, 0), (0, 16), (0, 0)])
def test_payments_add_up_to_the_scores_of_the_windows(window: int, hop: int) -> None:
    heard = episodes()
    net = judges()["contrastive-0"].eval()
    with torch.inference_mode():
        paid = payments(net.score, (heard.melody, heard.chord), heard.valid, window, hop)
        for row, length in enumerate(heard.valid.sum(1).tolist()):
            total = 0.0
            for start in range(0, length, window or 64):
                part = [
                    each[row : row + 1, start : min(length, start + (window or 64))]
                    for each in (heard.melody, heard.chord, heard.valid)
                ]
                count = part[0].shape[1]
                total += float(net.score(*part)) * count / length if count >= LEAST_FRAMES else 0.0
            assert float(paid[row].sum()) == pytest.approx(total, abs=1e-5)
            assert not paid[row, length:].any()


def test_a_payment_is_made_within_a_hop_and_for_what_came_before_it() -> None:
    heard = episodes((64, 64, 64))
    net = judges()["discriminative-0"].eval()
    other = heard.chord.clone()
    other[:, 40:] = 5
    with torch.inference_mode():
        one, changed = (
            payments(net.score, (heard.melody, chord), heard.valid, 64, 16) for chord in (heard.chord, other)
        )
    assert one.nonzero()[:, 1].unique().tolist() == [15, 31, 47, 63]
    assert torch.equal(one[:, :40], changed[:, :40]) and not torch.equal(one[:, 40:], changed[:, 40:])


def test_with_a_discount_a_window_is_worth_a_mean_of_the_opinions_of_it() -> None:
    heard, net, discount = episodes((64, 64, 64)), judges()["contrastive-0"].eval(), 0.99
    with torch.inference_mode():
        paid = payments(net.score, (heard.melody, heard.chord), heard.valid, 64, 16)
        opinions = [
            net.score(heard.melody[:, :end], heard.chord[:, :end], heard.valid[:, :end]) for end in (16, 32, 48, 64)
        ]
    worth = (paid * discount ** torch.arange(64)).sum(1)
    shares = [0.14854, 0.12648, 0.10769, 0.61729]
    assert sum(shares) == pytest.approx(1)
    mean = sum(share * opinion for share, opinion in zip(shares, opinions, strict=True))
    torch.testing.assert_close(worth, discount**15 * mean, atol=1e-5, rtol=1e-4)


def test_a_window_may_begin_with_a_hold() -> None:
    heard, begun = episodes((64, 64, 64)), []

    def score(chord: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
        begun.append(chord[:, 0])
        return torch.zeros(len(chord))

    payments(score, (heard.chord,), heard.valid, 32)
    assert torch.equal(begun[0], heard.chord[:, ::32].flatten())
    assert (begun[0] >= CHORD_HOLD).any()


def test_without_windows_and_hops_the_whole_crop_is_paid_at_its_end() -> None:
    heard = episodes()
    kit = tiny_kit()
    scores = Coherence(kit.judges)(heard)
    assert set(scores) == {name.rpartition("-")[0] for name in kit.judges}
    for name, judge in kit.judges.items():
        given = scores[name.rpartition("-")[0]]
        with torch.inference_mode():
            expected = judge.score(heard.melody, heard.chord, heard.valid)
        torch.testing.assert_close(given.gather(1, heard.last()[:, None])[:, 0], expected, atol=2e-2, rtol=0)
        assert torch.count_nonzero(given) <= len(heard)


def test_judges_of_one_kind_are_added_up_as_the_papers_code_does_or_averaged() -> None:
    heard, judge = episodes(), judges()["contrastive-0"]
    alone, both = (Coherence(of, 32, 8)(heard) for of in ({"a-0": judge}, {"a-0": judge, "a-1": judge}))
    torch.testing.assert_close(both["a"], 2 * alone["a"])
    averaged = Coherence({"a-0": judge, "a-1": judge}, 32, 8, averaged=True)(heard)
    torch.testing.assert_close(averaged["a"], alone["a"])


@pytest.fixture(scope="module")
def songs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Corpus, Corpus]:
    folder = write_corpus(tmp_path_factory.mktemp("rewards") / "songs", songs=12)
    return load_corpus(folder, "train"), load_corpus(folder, "valid")


def test_a_contrastive_net_learns_which_chords_belong_to_a_melody(songs: tuple[Corpus, Corpus], tmp_path: Path) -> None:
    records = list(judge_run(*songs, recipe("contrastive"), tmp_path).run())
    assert records[-1]["gallery"] == 12
    # By chance they are .42 and .24.
    assert records[-1]["recall_5"] > 0.5 and records[-1]["mean_average_precision_10"] > 0.3
    assert records[-2]["loss"] < 0.5 * records[0]["loss"]
    assert records[-1]["validation"] == -records[-1]["mean_average_precision_10"]
    again = judge_scores(load_judge(tmp_path / "best.pt"), gallery(songs[1]), recipe("contrastive"))
    assert again["mean_average_precision_10"] == pytest.approx(records[-1]["mean_average_precision_10"], abs=0.05)


@pytest.mark.parametrize(("rhythm", "best"), [(False, 0.75), (True, 0.72)])
def test_a_discriminative_net_learns_to_tell_wrong_pairs(
    songs: tuple[Corpus, Corpus], tmp_path: Path, rhythm: bool, best: float
) -> None:
    # All these songs have one rhythm, so of the rhythm-only wrong pairs just those out of step can be told.
    records = list(judge_run(*songs, recipe(rhythm=rhythm), tmp_path).run())
    assert records[-1]["f1"] > best and records[-1]["pairs"] == 24
    assert records[-2]["loss"] < 0.65


@pytest.mark.parametrize("kind", ["contrastive", "discriminative"])
def test_a_killed_training_goes_on_exactly(songs: tuple[Corpus, Corpus], tmp_path: Path, kind: str) -> None:
    short = recipe(kind, steps=4, validate_every=2, batch=4)

    def killed(record: dict[str, object]) -> None:
        if record["step"] == 3:
            raise KeyboardInterrupt

    judge_run(*songs, short, tmp_path / "whole").to_end(lambda record: None)
    with pytest.raises(KeyboardInterrupt):
        judge_run(*songs, short, tmp_path / "stopped").to_end(killed)
    judge_run(*songs, short, tmp_path / "stopped").to_end(lambda record: None)
    last = [json.loads((tmp_path / run / "log.jsonl").read_text().splitlines()[-1]) for run in ("whole", "stopped")]
    assert last[0] == last[1]
    nets = [torch.load(tmp_path / run / "checkpoint.pt", weights_only=True)["net"] for run in ("whole", "stopped")]
    assert all(torch.equal(nets[0][name], nets[1][name]) for name in nets[0])
    with pytest.raises(TrainingError, match="another recipe"):
        judge_run(*songs, replace(short, shifted=0.9), tmp_path / "stopped")


def test_the_contrastive_loss_cuts_all_rows_to_the_shortest() -> None:
    given = random_pairs(4)
    net = judges()["contrastive-0"]
    short = given._replace(valid=torch.arange(32) < torch.tensor([[32], [24], [20], [30]]))
    cut = Pairs(*(part[:, :20] for part in given))
    torch.testing.assert_close(contrastive_loss(net, short), contrastive_loss(net, cut))


def test_songs_left_over_are_scored_with_others(songs: tuple[Corpus, Corpus]) -> None:
    pieces = (gallery(songs[1]) * 6)[:65]
    scores = judge_scores(judges()["discriminative-0"], pieces, recipe())
    assert scores["pairs"] == 2 * 65
    assert judge_scores(judges()["contrastive-0"], pieces, recipe("contrastive"))["gallery"] == 65


def test_a_gallery_needs_songs_that_are_long_enough(songs: tuple[Corpus, Corpus]) -> None:
    piece = songs[1]["tiny"][0]
    short = Piece(piece.title, piece.style, piece.melody[:8], piece.chord[:8], piece.metre[:8])
    assert len(gallery({"tiny": [piece, short, piece]})) == 2
    assert len(gallery(songs[1], songs=5)) == 5 and all(len(piece) == 32 for piece in gallery(songs[1], frames=32))
    with pytest.raises(TrainingError, match="Fewer than two songs"):
        gallery({"tiny": [piece, short]})


def test_a_file_that_is_no_reward_net_is_refused(tmp_path: Path) -> None:
    (tmp_path / "best.pt").write_bytes(b"nothing")
    with pytest.raises(TrainingError, match="no reward net"):
        load_judge(tmp_path / "best.pt")
