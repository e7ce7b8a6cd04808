"""What a policy makes of some songs: free play in both modes, and how it foretells the chords that they have."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from gapt_core.evaluate.embedding import Embedder, histogram_rows
from gapt_core.evaluate.likelihood import nats_a_frame
from gapt_core.evaluate.measured import HISTOGRAM, LISTENER
from gapt_core.evaluate.rollout import MODES, PlayConfig, play
from gapt_core.experiment.statistics import resamples, vendi_resampled
from gapt_core.finetune.rows import nobody, several_times
from gapt_core.metrics import SongFigures, figures, mean_figures, vendi
from gapt_core.model.policy import PolicyNet
from gapt_core.train.corpus import Piece

Floats = NDArray[np.float64]
Tracks = Sequence[NDArray[np.int64]]

RESAMPLES = 400


@dataclass(frozen=True)
class Hearing:
    """How songs are listened to.

    Attributes:
        play: how the policy plays, but for its mode.
        draws: how often it plays each song.
        embedders: what diversity is heard with, by name.
    """

    play: PlayConfig
    draws: int
    embedders: Mapping[str, Embedder]


@dataclass(frozen=True)
class Heard:
    """Chords for the same songs, several times over: those that a policy played in one mode, or the songs' own.

    Attributes:
        tracks: of each draw the chord tokens `[frames]` of each song.
        figures: of each song, the mean over the draws.
        embeddings: by embedder, rows of length 1, `[draws, songs, features]`.
        nats: of each song that has chords of its own, in order, how many nats a frame they surprise the policy by.
    """

    tracks: Sequence[Tracks]
    figures: Sequence[SongFigures]
    embeddings: Mapping[str, Floats]
    nats: Floats

    def of_songs(self, figure: str) -> Floats:
        """A figure of each song, NaN where undefined; `nats` of those with chords of their own."""
        if figure == "nats":
            return self.nats
        return np.array([getattr(song, figure) for song in self.figures])

    def mean(self, figure: str, songs: int | None = None) -> float:
        """Mean of a figure over the first `songs` where it is defined; Vendi scores of all, by their embedder."""
        if figure in self.embeddings:
            return self.vendi(figure)
        values = self.of_songs(figure)[:songs]
        return float(np.nanmean(values)) if np.isfinite(values).any() else math.nan

    def vendi(self, embedder: str = LISTENER) -> float:
        """Vendi score of the songs, the geometric mean over the draws."""
        return math.exp(float(np.mean([math.log(vendi(rows)) for rows in self.embeddings[embedder]])))

    def vendi_resampled(self, embedder: str, random: np.random.Generator) -> Floats:
        """The same of resampled songs; generators of equal state resample alike; `[resamples]`."""
        draws = self.embeddings[embedder]
        counts = resamples(draws.shape[1], random, RESAMPLES)
        scores = np.exp(np.mean([np.log(vendi_resampled(rows, counts)) for rows in draws], axis=0))
        return np.asarray(scores, dtype=np.float64)


def embedders(listener: Embedder) -> dict[str, Embedder]:
    """What diversity is heard with: the trained listener and the histogram."""
    return {LISTENER: listener, HISTOGRAM: histogram_rows}


def hear(
    net: PolicyNet,
    pieces: Sequence[Piece],
    own: Sequence[Piece],
    hearing: Hearing,
    told: Callable[[], None] = nobody,
) -> dict[str, Heard]:
    """What `net` makes of `pieces`, by mode; `own` are those with chords of their own."""
    heard = {}
    for mode in MODES:
        tracks = several_times(pieces, hearing.draws, partial(_played, net, replace(hearing.play, mode=mode)), told)
        heard[mode] = heard_of(pieces, tracks, hearing, nats_a_frame(net, own, shown=mode == "react"))
    return heard


def heard_of(pieces: Sequence[Piece], tracks: Sequence[Tracks], hearing: Hearing, nats: Floats | None = None) -> Heard:
    """The figures of chord tracks, `[draws][songs]`, against the melodies of `pieces`."""
    by_draw = [
        [figures(piece.melody, chord, piece.metre) for piece, chord in zip(pieces, draw, strict=True)]
        for draw in tracks
    ]
    means = [mean_figures(songs) for songs in zip(*by_draw, strict=True)]
    embeddings = {name: np.stack([embed(draw) for draw in tracks]) for name, embed in hearing.embedders.items()}
    return Heard(tracks, means, embeddings, np.zeros(0) if nats is None else nats)


def _played(net: PolicyNet, config: PlayConfig, pieces: Sequence[Piece], number: int) -> list[NDArray[np.int64]]:
    return play(net, pieces, replace(config, seed=config.seed + number))
