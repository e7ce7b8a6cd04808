"""Songs of a corpus folder as frames in memory: `DIR/{train,valid,test,ood}/SET.jsonl.gz`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gapt_core.data.jsonl import read_songs
from gapt_core.errors import TrainingError
from gapt_core.frames import song_to_frames
from gapt_core.vocabulary import STYLES

SELECTIONS = {"all": frozenset[str](), "public-domain": frozenset({"pop909"})}
"""Name of a selection to the sets it leaves out."""

DENSE_SETS = frozenset({"chorales"})
"""Sets with three chords a bar, drawn half as often as their size asks for."""


@dataclass(frozen=True)
class Piece:
    """One song on the grid: tokens `[frames]`, `metre` `[frames, 3]`, `style` an index in `STYLES`."""

    title: str
    style: int
    melody: NDArray[np.int64]
    chord: NDArray[np.int64]
    metre: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.melody)

    def part(self, frames: slice) -> Piece:
        """Some of its frames."""
        return Piece(self.title, self.style, self.melody[frames], self.chord[frames], self.metre[frames])


Corpus = dict[str, list[Piece]]
"""Name of a set to its pieces."""


SOURCES = {
    "pop909": ("pop", "MIT (annotations of commercial pop songs)"),
    "lieder": ("lied", "CC0-1.0"),
    "openewld": ("standards", "MIT (works in the public domain)"),
    "neonscribe": ("jazz", "Unlicense (works in the public domain)"),
    "hymns": ("hymn", "public domain"),
    "chorales": ("chorale", "MIT (works in the public domain)"),
}
"""Name of a known set to its style and licence, for model cards."""


def describe_data(corpus: Corpus) -> list[dict[str, str | int]]:
    """What a manifest says of the training data: name, style, songs and licence of each set."""
    known = {name: SOURCES.get(name, ("unknown", "unknown")) for name in corpus}
    return [
        {"name": name, "style": known[name][0], "songs": len(pieces), "licence": known[name][1]}
        for name, pieces in corpus.items()
    ]


def load_corpus(folder: Path, split: str, selection: str = "all") -> Corpus:
    """The pieces of one split, set by set, without those that have no melody or no chord.

    Raises:
        TrainingError: there is no such split, selection, or no song in it.
    """
    if selection not in SELECTIONS:
        raise TrainingError(f"There is no selection “{selection}”; choose one of {', '.join(SELECTIONS)}.")
    files = sorted((folder / split).glob("*.jsonl*"))
    files = [file for file in files if file.name.split(".")[0] not in SELECTIONS[selection]]
    if not files:
        raise TrainingError(f"{folder / split} holds no song sets; it needs files SET.jsonl.gz (docs/data.md).")
    corpus = {file.name.split(".")[0]: load_pieces(file) for file in files}
    return {name: pieces for name, pieces in corpus.items() if pieces}


def load_pieces(file: Path) -> list[Piece]:
    """The songs of one file that have both parts."""
    pieces = []
    for song in read_songs(file):
        frames = song_to_frames(song)
        if frames.chord is None or not frames.chord.any() or not frames.melody.any():
            continue
        style = STYLES.index(song.style) if song.style in STYLES else 0
        pieces.append(Piece(song.title, style, frames.melody, frames.chord, frames.metre))
    return pieces


def set_weights(corpus: Corpus) -> dict[str, float]:
    """How often a set is drawn: the square root of its frames, half of that for `DENSE_SETS`; sums to 1."""
    sizes = {name: sum(map(len, pieces)) ** 0.5 for name, pieces in corpus.items()}
    sizes = {name: size * (0.5 if name in DENSE_SETS else 1.0) for name, size in sizes.items()}
    total = sum(sizes.values())
    return {name: size / total for name, size in sizes.items()}
