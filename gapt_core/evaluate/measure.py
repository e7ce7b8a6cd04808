"""Let a net play over sets of songs and keep what came of it, song by song, beside ground truth and control."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gapt_core.evaluate.embedding import Embedder, histogram_rows
from gapt_core.evaluate.measured import HISTOGRAM, LISTENER, PLAY, Measured, MeasuredRow, MeasuredSet
from gapt_core.evaluate.rollout import MODES, PlayConfig, play
from gapt_core.evaluate.sets import EvaluateConfig, SongSet
from gapt_core.metrics import figures, harmony_by_beat, note_in_chord, shuffled
from gapt_core.model.policy import PolicyNet
from gapt_core.train.corpus import Piece
from gapt_core.vocabulary import FRAMES_PER_BEAT

TRUTH = "ground truth"
CONTROL = "shuffled control"
ROWS = (TRUTH, CONTROL, *MODES)
"""Rows of a plain measurement."""

Tracks = Sequence[NDArray[np.int64]]
"""Chord tokens of each song, `[frames]`."""

Curves = Callable[[Sequence[Piece], Tracks], NDArray[np.floating]]
"""Songs and chord tracks to note in chord by quarter, `[songs, beats]`."""


def measure(net: PolicyNet, sets: Sequence[SongSet], config: EvaluateConfig, embedder: Embedder | None) -> Measured:
    """Free play over whole pieces, in both modes; without an `embedder` only the histogram stands for diversity."""
    meter = Meter(embedder)
    measured = []
    for entry in sets:
        tracks = both_modes(net, entry.pieces, config.playing)
        measured.append(meter.measured_set(entry, tracks))
    return Measured(PLAY, config, meter.embedders, measured)


def both_modes(net: PolicyNet, pieces: Sequence[Piece], config: PlayConfig) -> dict[str, Tracks]:
    """What the net plays over `pieces`, by mode."""
    return {mode: play(net, pieces, replace(config, mode=mode)) for mode in MODES}


class Meter:
    """Measures chord tracks against melodies; `embedders` are the names of what it embeds with."""

    def __init__(self, embedder: Embedder | None) -> None:
        self._embedders = ({LISTENER: embedder} if embedder else {}) | {HISTOGRAM: histogram_rows}
        self.embedders = tuple(self._embedders)

    def measured_set(self, entry: SongSet, played: Mapping[str, Tracks], curves: Curves | None = None) -> MeasuredSet:
        """The set's own chords, the next song's, and what was played; all against the set's melodies."""
        truth = [piece.chord for piece in entry.pieces]
        control = shuffled(truth, [len(piece) for piece in entry.pieces])
        rows = {
            name: self.row(entry.pieces, chords, curves)
            for name, chords in ({TRUTH: truth, CONTROL: control} | dict(played)).items()
        }
        return MeasuredSet(entry.split, entry.name, [piece.title for piece in entry.pieces], rows)

    def row(self, pieces: Sequence[Piece], chords: Tracks, curves: Curves | None = None) -> MeasuredRow:
        """One row: chord tracks as long as the melodies of `pieces`, with the beats that `curves` gives."""
        others = shuffled(chords, [len(piece) for piece in pieces])
        return MeasuredRow(
            [figures(piece.melody, chord, piece.metre) for piece, chord in zip(pieces, chords, strict=True)],
            {name: embed(chords).astype(np.float32) for name, embed in self._embedders.items()},
            (curves or _by_beat)(pieces, chords).astype(np.float32),
            shuffled=[note_in_chord(piece.melody, chord) for piece, chord in zip(pieces, others, strict=True)],
        )


def _by_beat(pieces: Sequence[Piece], chords: Tracks) -> NDArray[np.floating]:
    beats = math.ceil(max(map(len, pieces)) / FRAMES_PER_BEAT)
    pairs = zip(pieces, chords, strict=True)
    return np.array([harmony_by_beat(piece.melody, chord, beats) for piece, chord in pairs])
