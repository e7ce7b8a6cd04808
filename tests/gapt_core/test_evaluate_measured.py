"""A measurement keeps every song's figures, embeddings and beats, and survives its folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tiny_corpus import write_corpus
from tiny_policy import tiny_net

from gapt_core.errors import EvaluationError
from gapt_core.evaluate.measure import CONTROL, ROWS, TRUTH, measure
from gapt_core.evaluate.measured import Measured
from gapt_core.evaluate.sets import EvaluateConfig, load_test_sets
from gapt_core.evaluate.tables import tables_of
from gapt_core.metrics import vendi

CONFIG = EvaluateConfig(songs=5, frames=48, vendi_songs=3)


def by_first_chord(chords: Sequence[NDArray[np.int64]]) -> NDArray[np.float64]:
    """An embedder that hears nothing but whether the first chord is the first of all."""
    return np.stack([[1.0, 0.0] if chord[0] == chords[0][0] else [0.0, 1.0] for chord in chords])


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    sets = load_test_sets(write_corpus(tmp_path_factory.mktemp("data") / "songs"), CONFIG)
    return measure(tiny_net(), sets, CONFIG, by_first_chord)


def test_every_row_has_every_song(measured: Measured) -> None:
    (entry,) = measured.sets
    assert measured.embedders == ("listener", "histogram")
    assert entry.titles == [f"test {number}" for number in range(5)]
    assert tuple(entry.rows) == ROWS
    for row in entry.rows.values():
        assert len(row.figures) == 5
        assert row.beats.shape == (5, 12)
        assert row.embeddings["listener"].shape == (5, 2)


def test_the_truth_is_in_chord_at_every_beat(measured: Measured) -> None:
    rows = measured.sets[0].rows
    assert (rows[TRUTH].beats == 1.0).all()
    assert rows[CONTROL].beats.mean() < 1.0


def test_vendi_is_of_a_fixed_number_of_songs_by_the_given_embedder(measured: Measured) -> None:
    (table,) = tables_of(measured)
    row = measured.sets[0].rows["react"]
    assert table.vendi_songs == 3
    assert table.rows["react"].vendi == pytest.approx(vendi(row.embeddings["listener"][:3]))
    assert table.rows["react"].vendi_histogram == pytest.approx(vendi(row.embeddings["histogram"][:3]))


def test_a_set_with_fewer_songs_says_so(measured: Measured) -> None:
    (table,) = tables_of(Measured(measured.kind, EvaluateConfig(vendi_songs=99), measured.embedders, measured.sets))
    assert table.vendi_songs == 5


def test_each_row_is_tried_under_the_next_songs_melody(measured: Measured, tmp_path: Path) -> None:
    rows = measured.sets[0].rows
    assert rows[TRUTH].shuffled == [song.note_in_chord for song in rows[CONTROL].figures]
    assert all(len(row.shuffled) == 5 for row in rows.values())
    measured.save(tmp_path)
    assert Measured.load(tmp_path).sets[0].rows["react"].shuffled == rows["react"].shuffled
    path = tmp_path / "figures.json"
    told = json.loads(path.read_text())
    for songs in told["sets"][0]["rows"].values():
        for song in songs:
            del song["shuffled"]
    path.write_text(json.dumps(told))
    assert Measured.load(tmp_path).sets[0].rows["react"].shuffled == []


def test_a_measurement_survives_its_folder(measured: Measured, tmp_path: Path) -> None:
    measured.save(tmp_path / "new" / "one")
    again = Measured.load(tmp_path / "new" / "one")
    assert (again.kind, again.config, again.embedders) == ("play", CONFIG, ("listener", "histogram"))
    for before, after in zip(measured.sets, again.sets, strict=True):
        assert (before.split, before.name, before.titles) == (after.split, after.name, after.titles)
        for name, row in before.rows.items():
            assert str(row.figures) == str(after.rows[name].figures)  # as text NaN equals NaN
            np.testing.assert_array_equal(row.beats, after.rows[name].beats)
            for embedder, vectors in row.embeddings.items():
                np.testing.assert_array_equal(vectors, after.rows[name].embeddings[embedder])


def test_the_layout_is_as_documented(measured: Measured, tmp_path: Path) -> None:
    measured.save(tmp_path)
    told = json.loads((tmp_path / "figures.json").read_text("utf-8"))
    assert list(told) == ["format", "kind", "config", "embedders", "sets"]
    assert told["sets"][0]["rows"]["ground truth"][1]["title"] == "test 1"
    assert told["sets"][0]["rows"]["ground truth"][1]["note_in_chord"] == 1.0
    with np.load(tmp_path / "embeddings.npz") as vectors, np.load(tmp_path / "beats.npz") as beats:
        assert vectors["test/tiny/react/histogram"].dtype == np.float32
        assert beats["test/tiny/shuffled control"].shape == (5, 12)


@pytest.mark.parametrize("damage", ["figures.json", "beats.npz", "embeddings.npz"])
def test_a_damaged_folder_is_refused(measured: Measured, tmp_path: Path, damage: str) -> None:
    measured.save(tmp_path)
    (tmp_path / damage).write_bytes(b"{}")
    with pytest.raises(EvaluationError, match="measure it again"):
        Measured.load(tmp_path)
