"""The parts of fine-tuning, one by one: what they compute, choose, refuse and keep."""

from __future__ import annotations

import math
import signal
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_kit import tiny_kit
from tiny_policy import tiny_net
from tiny_tunes import tiny_material

from gapt_core.data.library import Verdict
from gapt_core.data.midi import read_midi
from gapt_core.errors import TrainingError
from gapt_core.evaluate.likelihood import nats_a_frame
from gapt_core.finetune.candidates import alone, candidates, moved, number_of_candidates, weights_of
from gapt_core.finetune.candidates import whole as furthest
from gapt_core.finetune.copied import Changes, changes, longest_run
from gapt_core.finetune.duets import chord_events, duet_bytes
from gapt_core.finetune.hindsight import AnchorStepper, answers
from gapt_core.finetune.hindsight import _side_by_side as side_by_side
from gapt_core.finetune.material import ANCHOR, MINE, answered, material_of, melodies, mixed, owned, parts
from gapt_core.finetune.pace import FEWEST, Cost, Steps, affordable
from gapt_core.finetune.recipe import Options, Recipe, gapt_config, gentle, likelihood_config
from gapt_core.finetune.rows import ROWS, several_times
from gapt_core.finetune.stages import LIKELIHOOD, POST_TRAINING, Learned
from gapt_core.finetune.verdict import Candidate, Levels, checks, choose
from gapt_core.finetune.watch import first_interrupt
from gapt_core.finetune.workshop import Plan, Workshop
from gapt_core.intake.reports import Assumed, FileReport, Intake, TakenSong
from gapt_core.intake.split import Split
from gapt_core.model.policy import HIDDEN, PolicyInput
from gapt_core.parts import CHORD
from gapt_core.rl.episodes import late
from gapt_core.rl.ppo import START, Ppo, PpoConfig
from gapt_core.rl.ranks import Ranks
from gapt_core.rl.rollout import Shown, environment
from gapt_core.train.batches import whole_pieces
from gapt_core.train.corpus import Piece
from gapt_core.train.crops import CropSource, transpose_chords
from gapt_core.train.losses import likelihood_losses
from gapt_core.train.policy import Trained
from gapt_core.vocabulary import CHORD_HOLD, CHORD_ONSET, NO_CHORD, legal_tokens

BEFORE = Levels(nats=0.2, note_in_chord=0.6, vendi=4.0, onsets=1.5)


def test_an_anchor_stepped_is_the_anchor_in_one_pass() -> None:
    anchor = tiny_kit().anchor(CHORD)
    torch.nn.init.normal_(anchor.join.weight, std=0.5)
    pieces = melodies(tiny_material(3).train)
    heard = side_by_side(pieces)
    chord = torch.from_numpy(np.stack([piece.chord for piece in pieces]))
    stepper, style = AnchorStepper(anchor, heard, torch.float32).eval(), torch.zeros(len(pieces), dtype=torch.long)
    with torch.inference_mode():
        columns = []
        for frame in range(30):
            before = [late(part)[:, frame] for part in (heard.melody, chord)]
            columns.append(stepper.step(*before, heard.melody[:, frame], heard.metre[:, frame], style)[0])
        now = torch.full_like(heard.melody, HIDDEN)
        seen = PolicyInput(late(heard.melody), late(chord), now, heard.metre, style)
        whole = anchor(seen, heard.melody, heard.valid)
    # The window of the policy inside is 24 frames, so the ring has gone round.
    assert torch.allclose(torch.stack(columns, 1), whole[:, :30], atol=1e-3)


def test_an_anchor_answers_alike_for_equal_seeds_and_within_the_grammar() -> None:
    pieces, anchor = melodies(tiny_material(3).train), tiny_kit().anchor(CHORD)
    one, other, third = (answers(anchor, pieces, 2, 1.0, seed) for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(one[0] + one[1], other[0] + other[1], strict=True))
    assert not np.array_equal(one[0][0], third[0][0]) and not np.array_equal(one[0][0], one[1][0])
    for track in one[0]:
        before = NO_CHORD
        for token in track:
            assert legal_tokens(before)[token]
            before = int(token)


def test_songs_of_like_lengths_are_played_together_and_come_back_in_order() -> None:
    pieces = [
        piece.part(slice(length))
        for piece, length in zip(melodies(tiny_material(30).train), range(60, 42, -1), strict=True)
    ]
    told = []

    def play(rows: Sequence[Piece], number: int) -> list[np.ndarray]:
        told.append((number, max(map(len, rows)) - min(map(len, rows)), len(rows)))
        return [piece.melody for piece in rows]

    tracks = several_times(pieces, 3, play)
    assert all(
        np.array_equal(track, piece.melody) for draw in tracks for track, piece in zip(draw, pieces, strict=True)
    )
    assert [number for number, _, _ in told] == [0, ROWS] and sum(count for *_, count in told) == 54
    assert max(spread for _, spread, _ in told) < 12


def test_long_songs_come_in_parts_and_too_many_are_thinned_out() -> None:
    piece = melodies(tiny_material(3, bars=80).train)[0]
    cut = parts([piece], 9)
    assert [len(part) for part in cut] == [512, 512, 256]
    assert np.array_equal(np.concatenate([part.melody for part in cut]), piece.melody)
    many = [replace(piece, title=str(number)) for number in range(10)]
    assert [part.title for part in parts([one.part(slice(9)) for one in many], 5)] == ["0", "2", "4", "6", "8"]


def test_surprise_is_the_loss_of_training_song_by_song() -> None:
    pieces = owned(tiny_material(20).train)
    pieces[0] = pieces[0].part(slice(40))
    net = tiny_net()
    for shown in (False, True):
        with torch.inference_mode():
            batches = [whole_pieces([piece], len(piece), shown) for piece in pieces]
            losses = [likelihood_losses(net(batch.seen), batch).chord.item() for batch in batches]
        assert nats_a_frame(net, pieces, shown=shown) == pytest.approx(losses, rel=1e-4)
    assert len(nats_a_frame(net, [], shown=True)) == 0


@pytest.mark.parametrize("share", [0.5, 0.75])
def test_a_share_of_what_is_learned_from_is_the_players(share: float) -> None:
    own = owned(tiny_material().train)
    hindsight = answered(own, [[np.full(len(piece), CHORD_ONSET + 3) for piece in own]] * 3)
    corpus = mixed(own[:4], hindsight, share)
    source = CropSource(corpus, np.random.default_rng(0))
    drawn = [(source.draw(16).chord >= CHORD_HOLD).any() for _ in range(600)]
    assert np.mean(drawn) == pytest.approx(share, abs=0.06)
    assert set(mixed([], hindsight, share)) == {ANCHOR} and set(corpus) == {MINE, ANCHOR}


def test_few_chords_are_no_way_of_putting_them() -> None:
    material = tiny_material()
    assert material.with_chords
    assert not tiny_material(chords=False).with_chords
    without = [replace(tune, own=False) for tune in material.train]
    assert not replace(material, train=[*material.train[:2], *without[2:]]).with_chords
    assert replace(material, train=material.train[:1]).with_chords
    assert not replace(material, held_out=[replace(tune, own=False) for tune in material.held_out]).with_chords


def test_an_intake_becomes_material_with_notes_for_the_report() -> None:
    songs = [tune.song for tune in (*tiny_material().train, *tiny_material().valid)]
    taken = [
        TakenSong(song, Path(f"{n}.mid"), Assumed("as written", (110.0,) * 3, "4/4", 0.0), n)
        for n, song in enumerate(songs)
    ]
    files = [FileReport(song.path, Verdict.USED, "as written", (song,)) for song in taken]
    intake = Intake([*files, FileReport(Path("x.mid"), Verdict.REFUSED, "no notes")])
    material = material_of(Split(taken[:5], taken[5:6], taken[6:], True, "They are few."), intake)
    assert [len(part) for part in (material.train, material.valid, material.held_out)] == [5, 1, 2]
    assert material.gentle and material.with_chords
    assert material.notes == [
        "9 files (8 used, 0 repaired, 1 refused), 8 songs.",
        "Beats and bar lines: as written (8).",
        "x.mid: refused, no notes",
        "They are few.",
    ]


def test_another_song_is_another_material() -> None:
    material = tiny_material()
    other = replace(material, train=material.valid, valid=material.train)
    assert material.digest() == tiny_material().digest()
    assert len({material.digest(), other.digest(), tiny_material(chords=False).digest()}) == 3


def chord_track(*spans: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Chords, -1 for none, each for so many frames, in bars of 16 frames."""
    tokens = []
    for chord, frames in spans:
        hold = NO_CHORD if chord < 0 else CHORD_HOLD + chord
        tokens += [NO_CHORD if chord < 0 else CHORD_ONSET + chord] + [hold] * (frames - 1)
    place = np.arange(len(tokens)) % 16
    return np.array(tokens), np.stack([place, np.full(len(place), 16), np.full(len(place), 4)], axis=1)


def changes_of(*spans: tuple[int, int]) -> Changes:
    return changes(*chord_track(*spans))


def test_a_run_is_found_in_another_key_and_not_across_songs() -> None:
    song = changes_of((0, 16), (100, 16), (140, 8), (1, 8), (0, 16))
    tokens, metre = chord_track((20, 16), (0, 16), (100, 16), (140, 8), (1, 8), (60, 16))
    higher = changes(transpose_chords(tokens, 5), metre)
    assert longest_run(song, [song]) == 5
    assert longest_run(higher, [song]) == 4
    assert longest_run(higher, [changes_of((140, 16)), song]) == 4
    assert longest_run(changes_of((0, 16), (100, 16)), [changes_of((0, 16)), changes_of((100, 16))]) == 1
    assert longest_run(changes_of((0, 8), (100, 24)), [changes_of((0, 16), (100, 16))]) == 1
    assert longest_run(changes_of((2, 16)), [changes_of((0, 16))]) == 0


def test_a_chord_struck_again_is_no_change_and_a_rest_loses_no_key() -> None:
    again = changes_of((0, 4), (0, 12), (100, 16))
    assert list(again.frames) == [16, 16] and list(again.place) == [0, 0]
    song = changes_of((-1, 4), (0, 12), (-1, 16), (100, 16))
    tokens, metre = chord_track((-1, 4), (0, 12), (-1, 16), (100, 16))
    assert longest_run(changes(transpose_chords(tokens, 3), metre), [song]) == 4
    assert longest_run(changes_of((-1, 32)), [song]) == 1


def test_what_is_asked_for_with_chords_and_without() -> None:
    better = Levels(nats=0.15, note_in_chord=0.595, vendi=3.7, onsets=1.2)
    assert all(check.holds for check in checks(BEFORE, better, own_onsets=1.0))
    for worse in ({"nats": 0.197}, {"note_in_chord": 0.58}, {"vendi": 3.5}, {"onsets": 1.6}):
        failed = [check for check in checks(BEFORE, replace(better, **worse), own_onsets=1.0) if not check.holds]
        assert len(failed) == 1, worse
    assert all(check.holds for check in checks(BEFORE, replace(better, onsets=1.54), own_onsets=1.0))
    unknown, none = replace(BEFORE, nats=math.nan), math.nan
    without = replace(better, nats=math.nan)
    assert [check.holds for check in checks(unknown, without, none)] == [False, True, True]
    assert [check.holds for check in checks(unknown, replace(without, note_in_chord=0.61), none)] == [True] * 3
    assert [check.holds for check in checks(unknown, replace(without, onsets=1.9), none)][2] is False


def test_the_candidate_that_gained_most_is_chosen_among_those_that_keep_enough() -> None:
    whole, half = Candidate(post_training=1.0), Candidate(post_training=0.5)
    more = BEFORE.note_in_chord + 0.021
    far, near = replace(BEFORE, nats=0.1, note_in_chord=more), replace(BEFORE, nats=0.15, note_in_chord=more)
    assert choose([(half, near), (whole, far)], BEFORE, 1.5) == whole
    for barely in (replace(far, vendi=3.7), replace(far, note_in_chord=BEFORE.note_in_chord + 0.019)):
        assert choose([(half, near), (whole, barely)], BEFORE, 1.5) == half
        assert choose([(whole, barely)], BEFORE, 1.5) == whole
    lower = replace(far, note_in_chord=BEFORE.note_in_chord - 0.001)
    assert choose([(whole, lower), (half, replace(near, note_in_chord=BEFORE.note_in_chord))], BEFORE, 1.5) == half
    assert choose([(whole, lower)], BEFORE, 1.5) == whole
    assert choose([(whole, replace(far, vendi=3.0))], BEFORE, 1.5) is None
    nothing = replace(BEFORE, nats=math.nan)
    assert (
        choose(
            [(whole, replace(nothing, note_in_chord=0.7)), (half, replace(nothing, note_in_chord=0.65))],
            nothing,
            math.nan,
        )
        == whole
    )


def test_weights_are_moved_a_share_of_the_way_that_each_stage_went() -> None:
    start, learned, onward, played = (Trained(tiny_net(seed), ({"seed": seed},)) for seed in range(4))
    stages = {LIKELIHOOD: Learned(learned, start, 3), POST_TRAINING: Learned(played, onward, 2)}
    found = list(candidates(stages))
    assert found[0] == furthest(stages) == Candidate(0.5, 1.0)
    assert len(set(found)) == len(found) == number_of_candidates(with_chords=True)
    both = weights_of(Candidate(0.25, 0.4), start, stages)
    assert both.stages == (
        {"seed": 3},
        {"kind": "blend", "shares": {"likelihood": 0.25, "post-training": 0.4}, "selection": "own songs"},
    )
    of = [trained.net.state_dict() for trained in (start, learned, onward, played)]
    for name, one in both.net.state_dict().items():
        moves = 0.25 * (of[1][name] - of[0][name]) + 0.4 * (of[3][name] - of[2][name])
        assert torch.allclose(one, of[0][name] + moves, atol=1e-6)
    alone = weights_of(Candidate(likelihood=1.0), start, stages)
    assert alone.stages[0] == {"seed": 1}
    assert all(torch.allclose(one, of[1][name], atol=1e-6) for name, one in alone.net.state_dict().items())
    assert all(torch.equal(one, of[0][name]) for name, one in start.net.state_dict().items())
    same = moved(start.net, [])
    assert all(torch.equal(one, of[0][name]) for name, one in same.state_dict().items())


def test_one_stage_alone_is_gone_all_the_way_at_most() -> None:
    start, end = Trained(tiny_net(0), ({},)), Trained(tiny_net(1), ({}, {}))
    for stage, number in ((LIKELIHOOD, 4), (POST_TRAINING, 5)):
        found = list(candidates({stage: Learned(end, start, 2)}))
        assert found[0] == alone(stage, 1.0) and len(found) == number
    assert number_of_candidates(with_chords=False) == 5


def test_as_many_steps_as_there_is_time_for() -> None:
    cost, most = Cost(likelihood=0.5, gapt=4.0, before=30.0, after=70.0), Steps(160, 120)
    assert affordable(700, cost, most) == Steps(160, 120)
    assert affordable(300, cost, most) == Steps(120, 35)
    assert affordable(300, cost, Steps(0, 120)) == Steps(0, 50)
    assert affordable(10, cost, most) == Steps(FEWEST, FEWEST)
    assert affordable(300, cost, Steps(20, 120)) == Steps(20, 47)


def test_strength_scales_the_rates_and_loosens_the_hold() -> None:
    weak, strong = (Options(strength=strength) for strength in (0.5, 2.0))
    net = Recipe().likelihood.net
    assert likelihood_config(Recipe(), strong, 9, net).rate == 4 * likelihood_config(Recipe(), weak, 9, net).rate
    one, other = gapt_config(Recipe(), strong, 9).ppo, gapt_config(Recipe(), weak, 9).ppo
    assert (one.rate, other.kl, other.guide) == pytest.approx((4 * other.rate, 4 * one.kl, 4 * one.guide))
    assert one.reference == "start"
    few = gentle(Recipe())
    assert few.gapt.steps < Recipe().gapt.steps and few.likelihood.rate < Recipe().likelihood.rate


def test_the_policy_is_held_to_itself_as_it_was() -> None:
    pieces = melodies(tiny_material(3).train)
    source = CropSource({MINE: pieces}, np.random.default_rng(0))
    truth = environment([source.draw(24) for _ in range(4)], 24, Shown(), np.random.default_rng(0))
    start = tiny_net()
    ppo = Ppo(start, tiny_kit().anchor(CHORD), CHORD, PpoConfig(reference=START), Ranks())
    assert float(ppo.before(truth).kl.abs().max()) < 1e-6
    with torch.no_grad():
        start.norm.mul_(3.0)
    assert float(ppo.before(truth).kl.max()) > 0.01


def test_a_duet_is_read_back_as_it_was_played(tmp_path: Path) -> None:
    tune = tiny_material(3).train[0]
    (tmp_path / "duet.mid").write_bytes(duet_bytes(tune, tune.piece.chord))
    read = read_midi(tmp_path / "duet.mid").songs[0]
    assert [note.pitch for note in read.notes] == [note.pitch for note in tune.song.notes]
    assert read.chords is not None
    named = [event for event in read.chords if event.chord]
    assert [(event.onset_beats, event.chord) for event in named] == [
        (event.onset_beats, event.chord) for event in tune.song.chords or ()
    ]
    part = tune.piece.chord[:40]
    (tmp_path / "part.mid").write_bytes(duet_bytes(tune, part))
    assert max(note.end_beats for note in read_midi(tmp_path / "part.mid").songs[0].notes) <= 10


def test_the_end_of_a_chord_is_an_event_too() -> None:
    tokens, _ = chord_track((0, 4), (-1, 4), (20, 8))
    assert [(event.onset_beats, event.chord is None) for event in chord_events(tokens)] == [
        (0.0, False),
        (1.0, True),
        (2.0, False),
    ]


def test_a_workshop_goes_on_with_the_same_request_only(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path / "mine")
    with workshop.opened({"songs": "a", "seed": 0}) as resumed:
        assert not resumed and workshop.plan() is None and workshop.answers() is None
        workshop.fix(Plan(Steps(3, 4), 2))
        tracks = [[np.arange(3), np.arange(5)], [np.arange(2), np.arange(4)]]
        workshop.keep_answers(tracks)
    with workshop.opened({"songs": "a", "seed": 0}) as resumed:
        assert resumed and workshop.plan() == Plan(Steps(3, 4), 2)
        kept = workshop.answers()
        assert kept is not None
        for one, other in zip(kept, tracks, strict=True):
            assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
    with pytest.raises(TrainingError, match="with other seed, songs"), workshop.opened({"songs": "b", "seed": 1}):
        pass
    with workshop.opened({"songs": "b", "seed": 1}, restart=True) as resumed:
        assert not resumed and workshop.plan() is None and workshop.answers() is None
        workshop.remove()
    assert not workshop.folder.exists()


def test_a_workshop_is_one_process_alone_and_shrugs_at_damage(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path / "mine")
    with workshop.opened({"seed": 0}):
        with pytest.raises(TrainingError, match="is fine-tuning a preset of this name"), workshop.opened({"seed": 0}):
            pass
        (workshop.folder / "answers.npz").write_bytes(b"half a fi")
        (workshop.folder / "plan.json").write_text("{")
        assert workshop.answers() is None and workshop.plan() is None


def test_the_first_interrupt_is_heard_and_the_second_stops_at_once() -> None:
    heard = []
    before = signal.getsignal(signal.SIGINT)
    with first_interrupt(lambda: heard.append(1)) as asked:
        assert not asked()
        signal.raise_signal(signal.SIGINT)
        assert asked() and heard == [1]
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
