"""The same music in other keys and tempos, songs that are alike, and songs apart by what they are for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from playing import TUNES, in_key, tune, with_chords

from gapt_core.errors import TrainingError
from gapt_core.intake.reports import Assumed, TakenSong
from gapt_core.intake.similar import ALIKE, SAME, groups, likenesses, runs_of
from gapt_core.intake.split import FEW_BARS, FEW_SONGS, LEAST_SONGS, split
from gapt_core.song import Note, Song

ASSUMED = Assumed("as written", (100.0, 100.0, 100.0), "4/4", 0.0)


def invented(seed: int, bars: int = 16, chords: bool = False) -> Song:
    random = np.random.default_rng(seed)
    pitches = 60 + np.cumsum(random.integers(-4, 5, bars * 4)) % 24
    notes = tuple(Note(float(place), 1.0, int(pitch)) for place, pitch in enumerate(pitches))
    whole = with_chords(tune("ode-to-joy"), 2, 9)
    lines = tuple(replace(whole.bars[0], onset_beats=4.0 * bar) for bar in range(bars))
    own = whole.chords if chords else None
    return replace(whole, title=f"song {seed}", notes=notes, chords=own, end_beats=4.0 * bars, bars=lines)


def taken(songs: list[Song], numbers: list[int] | None = None) -> list[TakenSong]:
    return [
        TakenSong(song, Path(f"{song.title}.mid"), ASSUMED, number)
        for song, number in zip(songs, numbers or range(len(songs)), strict=True)
    ]


def test_the_same_tune_in_another_key_and_tempo_is_the_same() -> None:
    song = tune("greensleeves")
    fast = replace(song, notes=tuple(replace(note, onset_beats=note.onset_beats / 2) for note in song.notes))
    found = likenesses([song, tune("ode-to-joy"), in_key(song, 5), fast])
    assert {(pair.one, pair.other) for pair in found if pair.jaccard >= SAME} == {(0, 2), (0, 3)}


def test_tunes_are_unlike_each_other() -> None:
    assert likenesses([tune(name) for name in TUNES]) == []


def test_variants_and_parts_are_alike() -> None:
    song = invented(1)
    changed = [replace(note, pitch=note.pitch + 1) if i % 21 == 10 else note for i, note in enumerate(song.notes)]
    part = replace(song, notes=song.notes[20:44])
    found = likenesses([song, replace(song, notes=tuple(changed)), invented(2), part])
    assert {(pair.one, pair.other) for pair in found} >= {(0, 1), (0, 3)}
    assert all(2 not in pair[:2] for pair in found)
    assert ALIKE <= next(pair.jaccard for pair in found if pair[:2] == (0, 1)) < SAME
    assert groups(4, found) == [0, 0, 1, 0]


def test_versions_under_one_title_are_alike_with_little_in_common() -> None:
    song, others = invented(1), [invented(seed) for seed in range(2, 7)]
    end = tuple(replace(note, onset_beats=note.onset_beats + 52) for note in song.notes[:12])
    version = replace(others[0], title="SONG, 1!", notes=(*others[0].notes[:52], *end))
    assert [pair[:2] for pair in likenesses([replace(song, title="song"), version])] == [(0, 1)]
    assert likenesses([replace(song, title="a tune"), version]) == []
    takes = [replace(one, title="song") for one in others[1:]]
    assert likenesses([replace(song, title="song"), version, *takes]) == []


def test_very_short_songs() -> None:
    one = replace(invented(1), notes=invented(1).notes[:3])
    assert len(runs_of(one)) == 1
    assert [pair.jaccard for pair in likenesses([one, in_key(one, 2), replace(one, notes=one.notes[:1])])] == [1.0]
    assert likenesses([]) == [] and groups(0, []) == []


def test_a_thousand_takes_of_one_tune_are_one_group_in_no_time() -> None:
    song, random = invented(1), np.random.default_rng(0)
    takes = [song] * 500
    for _ in range(500):
        wrong = set(random.integers(0, len(song.notes), 4).tolist())
        notes = [replace(note, pitch=note.pitch + (i in wrong)) for i, note in enumerate(song.notes)]
        takes.append(replace(song, notes=tuple(notes)))
    found = likenesses(takes)
    assert len(found) < 500 + 500 * 200
    assert set(groups(len(takes), found)) == {0}


def test_every_pair_that_is_alike_is_among_the_candidates() -> None:
    songs = [invented(seed) for seed in range(12)]
    songs += [replace(song, notes=song.notes[: len(song.notes) * 2 // 3]) for song in songs]
    found = {(pair.one, pair.other) for pair in likenesses(songs)}
    assert found == {(seed, seed + 12) for seed in range(12)}


@given(st.integers(0, 1000), st.permutations(range(20)))
def test_a_split_is_decided_by_songs_and_seed(seed: int, order: list[int]) -> None:
    songs = taken([invented(number, chords=number % 3 == 0) for number in range(20)])
    one, other = split(songs, seed), split([songs[i] for i in order], seed)
    for name in ("train", "valid", "held_out"):
        titles = [{song.song.title for song in getattr(parts, name)} for parts in (one, other)]
        assert titles[0] == titles[1]
    assert not one.gentle and not one.warning
    assert (len(one.train), len(one.valid), len(one.held_out)) == (12, 3, 5)
    assert all(any(song.with_chords for song in part) for part in (one.train, one.valid, one.held_out))


def test_seeds_differ() -> None:
    songs = taken([invented(number) for number in range(20)])
    drawn = {tuple(sorted(song.song.title for song in split(songs, seed).held_out)) for seed in range(8)}
    assert len(drawn) > 4


def test_no_group_is_on_two_sides() -> None:
    songs = taken([invented(number) for number in range(24)], [number // 3 for number in range(24)])
    parts = split(songs, 3)
    sides = [{song.group for song in part} for part in (parts.train, parts.valid, parts.held_out)]
    assert sum(map(len, sides)) == 8 and not sides[0] & sides[1] and not sides[1] & sides[2] and not sides[0] & sides[2]


@pytest.mark.parametrize(("count", "bars", "gentle"), [(3, 8, True), (7, 40, True), (8, 7, True), (8, 8, False)])
def test_few_songs_are_learned_gently_and_it_is_said(count: int, bars: int, gentle: bool) -> None:
    parts = split(taken([invented(number, bars) for number in range(count)]))
    assert parts.gentle == bool(parts.warning) == gentle
    assert gentle == (count < FEW_SONGS or count * bars < FEW_BARS)
    assert parts.train and parts.valid and parts.held_out


@pytest.mark.parametrize("songs", [[], [invented(1)], [invented(1), invented(2)], [invented(n, 7) for n in range(3)]])
def test_a_handful_is_needed(songs: list[Song]) -> None:
    with pytest.raises(TrainingError, match=f"at least {LEAST_SONGS} songs"):
        split(taken(songs))


def test_takes_of_one_tune_are_one_song() -> None:
    with pytest.raises(TrainingError, match="too little: 1 song unlike each other, with 160 bars"):
        split(taken([invented(number) for number in range(10)], [0] * 10))
