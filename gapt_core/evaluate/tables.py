"""Figures of a policy per set and mode, beside the ground truth and a shuffled control."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gapt_core.evaluate.rollout import MODES, PlayConfig, play
from gapt_core.metrics import SongFigures, chord_embedding, figures, mean_figures, shuffled, vendi
from gapt_core.model.policy import PolicyNet
from gapt_core.train.corpus import Corpus, Piece, load_corpus

TRUTH = "ground truth"
CONTROL = "shuffled control"
ROWS = (TRUTH, CONTROL, *MODES)

COLUMNS = {
    "note_in_chord": "in chord",
    "note_in_chord_strict": "strict",
    "silence": "silent",
    "onsets_per_bar": "onsets/bar",
    "unique_chords": "chords",
    "entropy": "entropy",
    "pitch_classes": "pcs",
    "longest_repetition": "run",
    "vendi": "Vendi",
}
"""Name of a figure to the head of its column."""


@dataclass(frozen=True)
class EvaluateConfig:
    """What is played: the first `songs` of each set, at most `frames` of each, at `temperature`."""

    songs: int = 48
    frames: int = 512
    temperature: float = 1.0
    seed: int = 0


@dataclass(frozen=True)
class Row:
    """Mean figures over the songs of a set, and the Vendi score of the set's chord tracks."""

    figures: SongFigures
    vendi: float

    def to_dict(self) -> dict[str, float]:
        """Figure name to value; NaN where undefined."""
        return asdict(self.figures) | {"vendi": self.vendi}

    def to_json(self) -> dict[str, float | None]:
        """The same to four decimals, and None where undefined."""
        return {name: None if math.isnan(value) else round(value, 4) for name, value in self.to_dict().items()}

    @classmethod
    def from_json(cls, values: Mapping[str, float | None]) -> Row:
        """What `to_json` gave."""
        read = {name: math.nan if value is None else value for name, value in values.items()}
        return cls(vendi=read.pop("vendi"), figures=SongFigures(**read))


@dataclass(frozen=True)
class SetTable:
    """All rows of one set of `songs` songs; keys are `ROWS`."""

    name: str
    split: str
    songs: int
    rows: dict[str, Row]


def load_test_sets(folder: Path, config: EvaluateConfig) -> list[tuple[str, str, list[Piece]]]:
    """(split, set, pieces) of the splits `test` and, where it is there, `ood`, cut to the configured size."""
    found = []
    for split in ("test", "ood"):
        if split == "ood" and not (folder / split).is_dir():
            continue
        corpus: Corpus = load_corpus(folder, split)
        for name, pieces in corpus.items():
            found.append((split, name, [cut(piece, config.frames) for piece in pieces[: config.songs]]))
    return found


def cut(piece: Piece, frames: int) -> Piece:
    """The first `frames` frames of a piece."""
    part = slice(0, frames)
    return Piece(piece.title, piece.style, piece.melody[part], piece.chord[part], piece.metre[part])


def evaluate_set(net: PolicyNet, split: str, name: str, pieces: list[Piece], config: EvaluateConfig) -> SetTable:
    """Every row of one set."""
    truth = [piece.chord for piece in pieces]
    rows = {
        TRUTH: row(pieces, truth),
        CONTROL: row(pieces, shuffled(truth, [len(piece) for piece in pieces])),
    }
    for mode in MODES:
        rows[mode] = row(pieces, play(net, pieces, PlayConfig(mode, config.temperature, config.seed)))
    return SetTable(name, split, len(pieces), rows)


def row(pieces: Sequence[Piece], chords: Sequence[NDArray[np.int64]]) -> Row:
    """Figures of chord tracks against the melodies of `pieces`."""
    songs = [figures(piece.melody, chord, piece.metre) for piece, chord in zip(pieces, chords, strict=True)]
    return Row(mean_figures(songs), vendi(np.stack([chord_embedding(chord) for chord in chords])))


def mean_table(tables: Sequence[SetTable], split: str) -> SetTable | None:
    """The mean over the sets of a split, each set counting once."""
    chosen = [table for table in tables if table.split == split]
    if not chosen:
        return None
    rows = {
        name: Row(
            mean_figures(table.rows[name].figures for table in chosen),
            float(np.mean([table.rows[name].vendi for table in chosen])),
        )
        for name in ROWS
    }
    return SetTable("mean", split, sum(table.songs for table in chosen), rows)


def to_json(tables: Sequence[SetTable], config: EvaluateConfig) -> dict[str, object]:
    """The tables as plain values."""
    return {
        "config": asdict(config),
        "sets": [
            {
                "set": table.name,
                "split": table.split,
                "songs": table.songs,
                "rows": {name: row.to_json() for name, row in table.rows.items()},
            }
            for table in tables
        ],
    }


def from_json(values: Mapping[str, Any]) -> list[SetTable]:
    """The tables that `to_json` wrote."""
    tables = []
    for table in values["sets"]:
        rows = {name: Row.from_json(row) for name, row in table["rows"].items()}
        tables.append(SetTable(table["set"], table["split"], table["songs"], rows))
    return tables
