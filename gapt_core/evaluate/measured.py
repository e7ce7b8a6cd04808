"""What was measured, song by song, in memory and in a folder, for whatever statistics come after.

`figures.json`, `embeddings.npz` and `beats.npz`::

    {"format": 1, "kind": "play",
     "config": {"songs": 48, "frames": 512, "temperature": 1.0, "seed": 0, "vendi_songs": 48},
     "embedders": ["listener", "histogram"],
     "sets": [{"split": "test", "set": "openewld",
               "rows": {"ground truth": [{"title": "A song", "note_in_chord": 0.79, ...}, ...],
                        "shuffled control": [...], "anticipate": [...], "react": [...]}}]}

A row's songs stand in one and the same order everywhere, so figures of two rows, or of two nets on the same
data and configuration, pair by their place. An undefined figure is null. `embeddings.npz` holds
`SPLIT/SET/ROW/EMBEDDER`, rows of length 1 `[songs, features]`; `beats.npz` holds `SPLIT/SET/ROW`, note in chord of each
quarter `[songs, beats]`, NaN where undefined and past a song's end; both in single precision. Some measurements have
`"extra": {"kept 1": 0.8, ...}` in each song besides, and all but older ones `"shuffled": 0.31`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from gapt_core.errors import EvaluationError
from gapt_core.evaluate.sets import EvaluateConfig
from gapt_core.metrics import SongFigures
from presets.files import write_atomically

FORMAT = 1
PLAY = "play"
"""The kind of a plain measurement: free play over whole pieces."""

SHUFFLED = "shuffled"
LISTENER = "listener"
HISTOGRAM = "histogram"

Arrays = dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class MeasuredRow:
    """One way to get chords for the songs of a set: figures, embeddings by embedder, note in chord by beat.

    `extra` are figures that a particular measurement has besides, name to one value a song. `shuffled` is what note in
    chord would be if each song got the row's chords for the next one; empty in measurements that do not have it.
    """

    figures: list[SongFigures]
    embeddings: Arrays
    beats: NDArray[np.float32]
    extra: Mapping[str, list[float]] = field(default_factory=dict)
    shuffled: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class MeasuredSet:
    """The rows of one set; all of them have the songs of `titles`, in that order."""

    split: str
    name: str
    titles: list[str]
    rows: dict[str, MeasuredRow]


@dataclass(frozen=True)
class Measured:
    """A measurement of one net; `kind` says of what play."""

    kind: str
    config: EvaluateConfig
    embedders: tuple[str, ...]
    sets: list[MeasuredSet]

    def save(self, folder: Path) -> None:
        """Write the three files of the module's docstring, `figures.json` last; make `folder` if it is missing."""
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / "beats.npz", _packed({key: row.beats for key, row in self._rows()}))
        vectors = {f"{key}/{name}": rows for key, row in self._rows() for name, rows in row.embeddings.items()}
        write_atomically(folder / "embeddings.npz", _packed(vectors))
        write_atomically(folder / "figures.json", (json.dumps(self._to_json(), allow_nan=False) + "\n").encode())

    @classmethod
    def load(cls, folder: Path) -> Measured:
        """What `save` wrote.

        Raises:
            EvaluationError: the folder holds no measurement that can be read.
        """
        try:
            told = json.loads((folder / "figures.json").read_text("utf-8"))
            if told["format"] != FORMAT:
                raise ValueError(told["format"])
            vectors, beats = (_unpacked(folder / name) for name in ("embeddings.npz", "beats.npz"))
            sets = [_read_set(entry, told["embedders"], vectors, beats) for entry in told["sets"]]
            return cls(told["kind"], EvaluateConfig(**told["config"]), tuple(told["embedders"]), sets)
        except (OSError, ValueError, KeyError, TypeError, BadZipFile) as error:
            raise EvaluationError(f"{folder} holds no measurement that can be read; measure it again.") from error

    def _rows(self) -> list[tuple[str, MeasuredRow]]:
        return [(f"{entry.split}/{entry.name}/{name}", row) for entry in self.sets for name, row in entry.rows.items()]

    def _to_json(self) -> dict[str, Any]:
        sets = [
            {
                "split": entry.split,
                "set": entry.name,
                "rows": {name: _songs(entry.titles, row) for name, row in entry.rows.items()},
            }
            for entry in self.sets
        ]
        head = {"format": FORMAT, "kind": self.kind, "config": asdict(self.config)}
        return {**head, "embedders": list(self.embedders), "sets": sets}


def _songs(titles: list[str], row: MeasuredRow) -> list[dict[str, Any]]:
    songs: list[dict[str, Any]] = []
    for place, (title, figures) in enumerate(zip(titles, row.figures, strict=True)):
        extra = {name: values[place] for name, values in row.extra.items()}
        song = {"title": title} | _plain(asdict(figures)) | ({"extra": _plain(extra)} if extra else {})
        songs.append(song | (_plain({SHUFFLED: row.shuffled[place]}) if row.shuffled else {}))
    return songs


def _read_set(entry: Mapping[str, Any], embedders: list[str], vectors: Arrays, beats: Arrays) -> MeasuredSet:
    titles: list[str] = []
    rows = {}
    for name, songs in entry["rows"].items():
        key = f"{entry['split']}/{entry['set']}/{name}"
        titles = [song.pop("title") for song in songs]
        extras = [_read(song.pop("extra", {})) for song in songs]
        shuffled = [_value(song.pop(SHUFFLED)) for song in songs if SHUFFLED in song]
        figures = [SongFigures(**_read(song)) for song in songs]
        embeddings = {embedder: vectors[f"{key}/{embedder}"] for embedder in embedders}
        extra = {name: [values[name] for values in extras] for name in extras[0]}
        rows[name] = MeasuredRow(figures, embeddings, beats[key], extra, shuffled)
    return MeasuredSet(entry["split"], entry["set"], titles, rows)


def _plain(values: Mapping[str, float]) -> dict[str, float | None]:
    return {name: None if math.isnan(value) else value for name, value in values.items()}


def _read(values: Mapping[str, float | None]) -> dict[str, float]:
    return {name: _value(value) for name, value in values.items()}


def _value(value: float | None) -> float:
    return math.nan if value is None else value


def _packed(arrays: Arrays) -> bytes:
    file = BytesIO()
    named: dict[str, Any] = dict(arrays)
    np.savez_compressed(file, **named)
    return file.getvalue()


def _unpacked(path: Path) -> Arrays:
    with np.load(path) as arrays:
        return dict(arrays)
