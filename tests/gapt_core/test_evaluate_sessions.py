"""Cold start, long sessions, decisions ahead and duets, on nets and songs small enough to see through."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_corpus import write_corpus
from tiny_policy import tiny_net

from gapt_core.evaluate.ahead import measure_ahead, share_kept
from gapt_core.evaluate.cold_start import cold_start_tables
from gapt_core.evaluate.duet import DuetConfig, duet, measure_against
from gapt_core.evaluate.measure import CONTROL, ROWS, TRUTH, measure
from gapt_core.evaluate.measured import Measured, MeasuredRow, MeasuredSet
from gapt_core.evaluate.rollout import UNSEEN, Played
from gapt_core.evaluate.sessions import measure_sessions, sessions_of
from gapt_core.evaluate.sets import EvaluateConfig, SongSet, load_test_sets
from gapt_core.evaluate.tables import tables_of
from gapt_core.metrics import SongFigures
from gapt_core.model.policy import HIDDEN, PolicyInput
from gapt_core.train.batches import chord_actions, melody_actions, previous
from gapt_core.train.corpus import Piece
from gapt_core.train.losses import forbid_holds
from gapt_core.vocabulary import (
    CHORD_HOLD,
    CHORD_ONSET,
    HOLD_ACTION,
    NO_CHORD,
    NOTE_HOLD_ACTION,
    NOTE_ONSET,
    SILENCE,
)

CONFIG = EvaluateConfig(songs=3, frames=48)


@pytest.fixture
def sets(tmp_path: Path) -> list[SongSet]:
    return load_test_sets(write_corpus(tmp_path / "songs", songs=3, bars=4), CONFIG)


def numbered(number: int, frames: int) -> Piece:
    """A song whose notes and chords are its number."""
    metre = np.stack([np.arange(frames) % 16, np.full(frames, 16), np.full(frames, 4)], axis=1)
    return Piece(
        f"song {number}", 0, np.full(frames, NOTE_ONSET + number), np.full(frames, CHORD_ONSET + number), metre
    )


def test_cold_start_is_the_mean_over_the_songs_that_sound() -> None:
    figures = [SongFigures(*[0.5] * 8)] * 2
    beats = np.float32([[0.0, 1.0, math.nan], [0.5, math.nan, math.nan]])
    row = MeasuredRow(figures, {"histogram": np.float32([[1.0], [1.0]])}, beats)
    entry = MeasuredSet("test", "by hand", ["a", "b"], {"react": row})
    (table,) = cold_start_tables(Measured("play", CONFIG, ("histogram",), [entry]))
    extra = table.rows["react"].extra
    assert (extra["1"], extra["2"]) == (0.25, 1.0) and math.isnan(extra["3"])
    assert table.rows["react"].figures.note_in_chord == 0.5


def test_cold_start_has_sixteen_quarters_at_most(sets: list[SongSet]) -> None:
    config = EvaluateConfig(songs=3, frames=512)
    for frames, expected in ((48, 12), (512, 16)):
        (table,) = cold_start_tables(measure(tiny_net(), [cut_set(sets[0], frames)], config, None))
        assert list(table.rows["anticipate"].extra) == [str(number) for number in range(1, expected + 1)]
        assert set(table.rows[TRUTH].extra.values()) == {1.0}


def cut_set(entry: SongSet, frames: int) -> SongSet:
    if frames <= 48:
        return entry
    return entry._replace(pieces=sessions_of(entry.pieces, 80))


def test_a_session_is_songs_one_after_the_other() -> None:
    songs = [numbered(0, 10), numbered(1, 20), numbered(2, 30)]
    sessions = sessions_of(songs, 50)
    assert [session.title for session in sessions] == ["song 0", "song 1", "song 2"]
    assert (sessions[0].melody - NOTE_ONSET).tolist() == [0] * 10 + [1] * 20 + [2] * 20
    assert (sessions[2].chord - CHORD_ONSET).tolist() == [2] * 30 + [0] * 10 + [1] * 10
    assert sessions[1].metre[20].tolist() == [0, 16, 4]


def test_sessions_begin_all_over_the_set() -> None:
    sessions = sessions_of([numbered(number, 50) for number in range(64)], 50)
    assert [session.melody[0] - NOTE_ONSET for session in sessions] == list(range(0, 64, 4))


def test_each_quarter_of_a_session_has_its_figures() -> None:
    songs = [numbered(0, 16), numbered(4, 16)]  # C and E, under the same chord for ever
    for song in songs:
        song.chord[:] = CHORD_HOLD
    songs[1].melody[:] += 1
    measured = measure_sessions(tiny_net(), [SongSet("test", "by hand", songs)], CONFIG, None, frames=64)
    (table,) = tables_of(measured)
    assert list(table.rows) == [f"{row} {quarter}/4" for row in ROWS for quarter in range(1, 5)]
    rows = measured.sets[0].rows
    assert [rows[f"{TRUTH} {quarter}/4"].figures[0].note_in_chord for quarter in range(1, 5)] == [1.0, 0.0, 1.0, 0.0]
    assert [rows[f"{TRUTH} {quarter}/4"].figures[1].note_in_chord for quarter in range(1, 5)] == [0.0, 1.0, 0.0, 1.0]
    assert rows["react 3/4"].beats.shape == (2, 4)


def test_what_was_shown_and_came_out_so_is_kept() -> None:
    chords = np.array([CHORD_ONSET + 1, CHORD_HOLD + 1, NO_CHORD, CHORD_ONSET + 2, CHORD_HOLD + 2])
    shown = np.array([[UNSEEN, CHORD_ONSET + 1, NO_CHORD, CHORD_ONSET + 3, CHORD_HOLD + 2], [UNSEEN] * 5])
    assert share_kept(Played(chords, shown), 1) == 0.75
    assert math.isnan(share_kept(Played(chords, shown), 2))


def test_every_way_to_decide_ahead_has_its_row(sets: list[SongSet], tmp_path: Path) -> None:
    measured = measure_ahead(tiny_net(), sets, CONFIG, None)
    (table,) = tables_of(measured)
    ways = ["", " +1", " +2", " +4", " /1", " /2", " /4"]
    assert list(table.rows) == [TRUTH, CONTROL, *(mode + way for mode in ("anticipate", "react") for way in ways)]
    kept = table.rows["react"].extra
    assert list(kept) == ["kept 1", "kept 2", "kept 4"] and all(0 <= value <= 1 for value in kept.values())
    plain = tables_of(measure(tiny_net(), sets, CONFIG, None))[0]
    assert table.rows["react"].figures == plain.rows["react"].figures
    measured.save(tmp_path / "ahead")
    again = Measured.load(tmp_path / "ahead").sets[0].rows["react"]
    assert again.extra == measured.sets[0].rows["react"].extra


def test_either_part_of_a_duet_knows_only_what_was_played_before() -> None:
    """At temperature 0 every choice is the best of the whole pass over the duet that came out."""
    metre = numbered(0, 40).metre
    nets = tiny_net(1), tiny_net(2)
    ((melody, chord),) = duet(*nets, [metre], DuetConfig(0.0, 0.0))
    parts = [torch.from_numpy(part)[None] for part in (previous(melody), previous(chord))]
    seen = PolicyInput(*parts, torch.full((1, 40), HIDDEN), torch.from_numpy(metre)[None], torch.zeros(1).long())
    with torch.inference_mode():
        chords = forbid_holds(nets[0](seen).chord, seen.chord, HOLD_ACTION, NO_CHORD).argmax(-1)[0].numpy()
        notes = forbid_holds(nets[1](seen).melody, seen.melody, NOTE_HOLD_ACTION, SILENCE).argmax(-1)[0].numpy()
    np.testing.assert_array_equal(chords, chord_actions(chord))
    np.testing.assert_array_equal(notes, melody_actions(melody))


def test_a_duet_is_as_long_as_its_bars_and_another_seed_is_another_duet() -> None:
    metres = [numbered(0, frames).metre for frames in (20, 33)]
    one, again, other = (duet(tiny_net(), tiny_net(1), metres, DuetConfig(seed=seed)) for seed in (0, 0, 1))
    assert [(len(melody), len(chord)) for melody, chord in one] == [(20, 20), (33, 33)]
    np.testing.assert_array_equal(one[1][0], again[1][0])
    assert (one[1][0] != other[1][0]).any()


def test_a_model_against_an_agent_stands_beside_songs_and_controls(sets: list[SongSet]) -> None:
    measured = measure_against(tiny_net(), tiny_net(1), sets, CONFIG, None)
    (table,) = tables_of(measured)
    assert list(table.rows) == [TRUTH, CONTROL, "duet", "shuffled duet"]
    assert table.rows["duet"].vendi_histogram == pytest.approx(table.rows["shuffled duet"].vendi_histogram, rel=0.05)
