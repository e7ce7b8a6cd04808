"""Tables of measurements: means over the songs of a set, Vendi scores of its chord tracks, plain values for JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from gapt_core.evaluate.measured import HISTOGRAM, LISTENER, Measured, MeasuredRow, MeasuredSet
from gapt_core.evaluate.sets import EvaluateConfig
from gapt_core.metrics import SongFigures, mean, mean_figures, vendi

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
    "vendi_histogram": "Vendi (histogram)",
}
"""Name of a figure to the head of its column."""


@dataclass(frozen=True)
class Row:
    """Mean figures over the songs of a set, and the Vendi scores of the set's chord tracks.

    `vendi` is by the trained listener, NaN without one, `vendi_histogram` by `chord_embedding`. `extra` are figures of
    a particular measurement, head of the column to value; NaN is undefined.
    """

    figures: SongFigures
    vendi: float
    vendi_histogram: float
    extra: Mapping[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, float]:
        """Figure name to value, without `extra`; NaN where undefined."""
        return asdict(self.figures) | {"vendi": self.vendi, "vendi_histogram": self.vendi_histogram}

    def to_json(self) -> dict[str, Any]:
        """The same to four decimals, None where undefined, and `extra` where there is any."""
        extra = {name: _plain(value) for name, value in self.extra.items()}
        return {name: _plain(value) for name, value in self.to_dict().items()} | ({"extra": extra} if extra else {})

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Row:
        """What `to_json` gave. Where there is one Vendi score alone, it is that of the histogram."""
        extra = {name: _read(value) for name, value in values.get("extra", {}).items()}
        read = {name: _read(value) for name, value in values.items() if name != "extra"}
        score = read.pop("vendi")
        histogram = read.pop("vendi_histogram", None)
        scores = (math.nan, score) if histogram is None else (score, histogram)
        return cls(SongFigures(**read), *scores, extra)


@dataclass(frozen=True)
class SetTable:
    """All rows of one set of `songs` songs, the first `vendi_songs` of which the Vendi scores are of."""

    name: str
    split: str
    songs: int
    vendi_songs: int
    rows: dict[str, Row]


def tables_of(measured: Measured) -> list[SetTable]:
    """A table for each set."""
    return [set_table(entry, measured.config.vendi_songs) for entry in measured.sets]


def set_table(entry: MeasuredSet, vendi_songs: int, extra: Mapping[str, Mapping[str, float]] | None = None) -> SetTable:
    """The table of one set, with `extra` figures by row."""
    count = min(vendi_songs, len(entry.titles))
    rows = {name: _row(row, count, (extra or {}).get(name, {})) for name, row in entry.rows.items()}
    return SetTable(entry.name, entry.split, len(entry.titles), count, rows)


def mean_table(tables: Sequence[SetTable], split: str) -> SetTable | None:
    """The mean over the sets of a split, each set counting once; None where there is none."""
    chosen = [table for table in tables if table.split == split]
    if not chosen:
        return None
    rows = {name: _mean_row([table.rows[name] for table in chosen]) for name in chosen[0].rows}
    return SetTable("mean", split, sum(table.songs for table in chosen), sum(t.vendi_songs for t in chosen), rows)


def to_json(tables: Sequence[SetTable], config: EvaluateConfig) -> dict[str, Any]:
    """The tables of a plain measurement as plain values."""
    return {"config": asdict(config), "sets": plain_tables(tables)}


def from_json(values: Mapping[str, Any]) -> list[SetTable]:
    """The tables that `to_json` wrote."""
    return read_tables(values["sets"])


def plain_tables(tables: Sequence[SetTable]) -> list[dict[str, Any]]:
    """Tables as plain values."""
    return [
        {
            "set": table.name,
            "split": table.split,
            "songs": table.songs,
            "vendi_songs": table.vendi_songs,
            "rows": {name: row.to_json() for name, row in table.rows.items()},
        }
        for table in tables
    ]


def read_tables(values: Sequence[Mapping[str, Any]]) -> list[SetTable]:
    """What `plain_tables` gave."""
    tables = []
    for table in values:
        rows = {name: Row.from_json(row) for name, row in table["rows"].items()}
        songs = table["songs"]
        tables.append(SetTable(table["set"], table["split"], songs, table.get("vendi_songs", songs), rows))
    return tables


def _row(row: MeasuredRow, count: int, extra: Mapping[str, float]) -> Row:
    scores = {name: vendi(rows[:count].astype(np.float64)) for name, rows in row.embeddings.items()}
    means = {name: mean(values) for name, values in row.extra.items()} | dict(extra)
    return Row(mean_figures(row.figures), scores.get(LISTENER, math.nan), scores[HISTOGRAM], means)


def _mean_row(rows: Sequence[Row]) -> Row:
    extra = {name: mean(row.extra[name] for row in rows) for name in rows[0].extra}
    scores = mean(row.vendi for row in rows), mean(row.vendi_histogram for row in rows)
    return Row(mean_figures(row.figures for row in rows), *scores, extra)


def _plain(value: float) -> float | None:
    return round(value, 4) if math.isfinite(value) else None


def _read(value: float | None) -> float:
    return math.nan if value is None else value
