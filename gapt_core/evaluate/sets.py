"""What is played: the pieces of the splits `test` and `ood`, set by set, cut to one size."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from gapt_core.evaluate.rollout import PlayConfig
from gapt_core.train.corpus import Piece, load_corpus


@dataclass(frozen=True)
class EvaluateConfig:
    """What is played: the first `songs` of each set, at most `frames` of each, and how it is drawn.

    A Vendi score is over the first `vendi_songs` of a set, or over all of them where it has fewer.
    """

    songs: int = 48
    frames: int = 512
    temperature: float = 1.0
    seed: int = 0
    vendi_songs: int = 48
    density: float = 0.0

    @property
    def playing(self) -> PlayConfig:
        """How a policy is to play, but for the mode."""
        return PlayConfig(temperature=self.temperature, density=self.density, seed=self.seed)


class SongSet(NamedTuple):
    """Pieces of one set."""

    split: str
    name: str
    pieces: list[Piece]


def load_test_sets(folder: Path, config: EvaluateConfig) -> list[SongSet]:
    """The splits `test` and, where it is there, `ood`, cut to the configured size.

    Raises:
        TrainingError: there is no song in a split.
    """
    found = []
    for split in ("test", "ood"):
        if split == "ood" and not (folder / split).is_dir():
            continue
        for name, pieces in load_corpus(folder, split).items():
            found.append(SongSet(split, name, [cut(piece, config.frames) for piece in pieces[: config.songs]]))
    return found


def cut(piece: Piece, frames: int) -> Piece:
    """The first `frames` frames of a piece."""
    return piece.part(slice(frames))
