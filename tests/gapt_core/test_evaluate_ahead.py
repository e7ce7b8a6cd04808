"""Chords that are decided before their time: what is known of the melody then, and nothing else, decides."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_policy import tiny_net

from gapt_core.evaluate.rollout import UNSEEN, PlayConfig, play, play_ahead
from gapt_core.model.step import Stepper
from gapt_core.train.corpus import Piece
from gapt_core.vocabulary import FRAMES_PER_BEAT, NO_CHORD, NOTE_ONSET, legal_tokens
from plugin_host.accompanist import MelodyFrame, PlanRequest, Sampling
from plugin_host.player import Player
from plugin_host.worker_policy import TorchPolicy

FRAMES = 40
MODES = ("anticipate", "react")


def piece(seed: int, frames: int = FRAMES) -> Piece:
    """Four notes a quarter and no chords."""
    random = np.random.default_rng(seed)
    places = np.arange(frames) % 16
    metre = np.stack([places, np.full(frames, 16), np.full(frames, 4)], axis=1)
    melody = NOTE_ONSET + random.integers(55, 80, frames)
    return Piece(f"piece {seed}", 0, melody, np.zeros(frames, np.int64), metre)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("lookahead", [1, 3])
def test_what_is_shown_changes_nothing_of_what_is_played(mode: str, lookahead: int) -> None:
    pieces = [piece(1), piece(2, FRAMES - 7)]
    plain = PlayConfig(mode, seed=5)
    for before, after in zip(
        play(tiny_net(), pieces, plain), play(tiny_net(), pieces, replace(plain, lookahead=lookahead)), strict=True
    ):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("commit", "block"), [(0, 4), (0, 16), (1, 1), (1, 4), (2, 4)])
def test_it_is_what_the_live_player_plays(mode: str, commit: int, block: int) -> None:
    song = piece(3)
    config = PlayConfig(mode, temperature=0.0, commit=commit, block=block)
    player = Player(TorchPolicy(Stepper(tiny_net()).eval()), Sampling(temperature=0.0))
    places = [tuple(map(int, place)) for place in song.metre]
    chords: list[int] = []
    for first in range(0, FRAMES, block):
        end = min(first + FRAMES_PER_BEAT * commit + block, FRAMES)
        now = int(song.melody[first]) if mode == "react" else None
        planned = player.plan(PlanRequest(first, now, tuple(places[first:end]), commit=end - first)).tokens
        assert list(planned[: len(chords) - first]) == chords[first:]
        chords += planned[len(chords) - first :]
        for frame in range(first, min(first + block, FRAMES)):
            player.feed(MelodyFrame(frame, int(song.melody[frame]), places[frame]))
    assert play(tiny_net(), [song], config)[0].tolist() == chords


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("commit", "block"), [(0, 1), (0, 8), (1, 1), (2, 4)])
def test_a_chord_knows_of_no_melody_past_its_decision(mode: str, commit: int, block: int) -> None:
    changed = 16  # the first frame that is different, and the first of a block
    one, other = piece(4), piece(4)
    other.melody[changed:] = NOTE_ONSET + 90
    config = PlayConfig(mode, seed=1, commit=commit, block=block)
    first, second = (play(tiny_net(), [song], config)[0] for song in (one, other))
    known = changed + FRAMES_PER_BEAT * commit + (block if mode == "anticipate" else 0)
    np.testing.assert_array_equal(first[:known], second[:known])
    assert (first[known:] != second[known:]).any()


@pytest.mark.parametrize("commit", [0, 1, 2])
def test_committed_chords_keep_the_grammar(commit: int) -> None:
    for chords in play(tiny_net(), [piece(6), piece(7)], PlayConfig(temperature=2.0, commit=commit, block=4)):
        before = NO_CHORD
        for token in chords:
            assert legal_tokens(before)[token]
            before = int(token)


def test_neighbours_of_other_lengths_change_nothing() -> None:
    config = PlayConfig(temperature=0.0, commit=1, block=4)
    pieces = [piece(1), piece(2, 23), piece(3, 30)]
    together = play(tiny_net(), pieces, config)
    for song, chords in zip(pieces, together, strict=True):
        np.testing.assert_array_equal(play(tiny_net(), [song], config)[0], chords)


def test_who_does_not_change_their_mind_keeps_what_was_shown() -> None:
    """A frame imagined before it comes is drawn with the luck it will have, whatever the temperature."""
    net = tiny_net()
    for table in (net.chord_in, net.melody_in, net.now_in):  # nothing of what is played is heard
        torch.nn.init.zeros_(table.weight)
    (played,) = play_ahead(net, [piece(8)], PlayConfig(temperature=1.5, lookahead=2))
    assert len(set(played.chords.tolist())) > 10
    np.testing.assert_array_equal(played.shown[0, 4:], played.chords[4:])
    np.testing.assert_array_equal(played.shown[1, 8:], played.chords[8:])


def test_what_was_shown_is_what_would_have_been_committed() -> None:
    """At temperature 0 the chords shown at the first quarter are those that commitment alone decides there."""
    (played,) = play_ahead(tiny_net(), [piece(8)], PlayConfig(temperature=0.0, lookahead=2))
    (committed,) = play(tiny_net(), [piece(8)], PlayConfig(temperature=0.0, commit=2, block=4))
    np.testing.assert_array_equal(played.shown[0, 4:8], committed[4:8])
    np.testing.assert_array_equal(played.shown[1, 8:12], committed[8:12])
    assert (played.shown[1, :8] == UNSEEN).all() and (played.shown[1, 8:] != UNSEEN).all()
    assert (played.shown[0, :4] == UNSEEN).all() and (played.shown[0, 4:] != UNSEEN).all()
