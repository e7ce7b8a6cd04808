"""Random crops of songs: the sets by their weights, the songs by their length, all keys, three octaves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gapt_core.chords import CHORD_COUNT, QUALITY_NAMES
from gapt_core.train.corpus import Corpus, Piece, set_weights
from gapt_core.vocabulary import CHORD_HOLD, CHORD_ONSET, NO_CHORD, NOTE_HOLD, NOTE_ONSET, PITCH_COUNT, SILENCE

Tokens = NDArray[np.int64]

OCTAVES = (0, -12, 12)
OCTAVE_SHARES = (0.6, 0.3, 0.1)


class Crop(NamedTuple):
    """Part of a song: tokens `[frames]`, metre `[frames, 3]`; `ended` where the song ends in it."""

    melody: Tokens
    chord: Tokens
    metre: Tokens
    style: int
    ended: bool


class CropSource:
    """Draws crops; `from_start` is the share that begin with their song."""

    def __init__(self, corpus: Corpus, random: np.random.Generator, from_start: float = 0.2) -> None:
        self.random = random
        self.from_start = from_start
        self._sets = list(corpus.values())
        weights = set_weights(corpus)
        self._set_shares = [weights[name] for name in corpus]
        self._piece_shares = [_shares(pieces) for pieces in self._sets]

    def draw(self, frames: int) -> Crop:
        """A crop of at most `frames` frames, its first note and chord with an onset."""
        chosen = self.random.choice(len(self._sets), p=self._set_shares)
        piece = self._sets[chosen][self.random.choice(len(self._sets[chosen]), p=self._piece_shares[chosen])]
        start = self._start(piece, frames)
        window = slice(start, start + frames)
        key = int(self.random.integers(-5, 7))
        octave = int(self.random.choice(OCTAVES, p=OCTAVE_SHARES))
        melody = transpose_melody(start_with_onset(piece.melody[window], NOTE_ONSET, NOTE_HOLD), key + octave)
        chord = transpose_chords(start_with_onset(piece.chord[window], CHORD_ONSET, CHORD_HOLD), key)
        return Crop(melody, chord, piece.metre[window], piece.style, start + frames >= len(piece))

    def _start(self, piece: Piece, frames: int) -> int:
        room = len(piece) - frames
        if room <= 0 or self.random.random() < self.from_start:
            return 0
        return int(self.random.integers(0, room + 1))


def transpose_melody(tokens: Tokens, semitones: int) -> Tokens:
    """Melody tokens `semitones` higher, folded back by octaves where they leave the MIDI range."""
    kind, pitch = np.divmod(tokens - NOTE_ONSET, PITCH_COUNT)
    moved = pitch + semitones
    moved = np.where(moved < 0, moved + 12, np.where(moved >= PITCH_COUNT, moved - 12, moved))
    return np.where(tokens == SILENCE, SILENCE, NOTE_ONSET + kind * PITCH_COUNT + moved)


def transpose_chords(tokens: Tokens, semitones: int) -> Tokens:
    """Chord tokens `semitones` higher."""
    kind, chord = np.divmod(tokens - CHORD_ONSET, CHORD_COUNT)
    moved = (chord + semitones * len(QUALITY_NAMES)) % CHORD_COUNT
    return np.where(tokens == NO_CHORD, NO_CHORD, CHORD_ONSET + kind * CHORD_COUNT + moved)


def start_with_onset(tokens: Tokens, onset: int, hold: int) -> Tokens:
    """A crop may begin in the middle of a note or chord: its leading hold becomes an onset."""
    if tokens[0] >= hold:
        tokens = tokens.copy()
        tokens[0] += onset - hold
    return tokens


def pad(track: Tokens, frames: int, fill: int = 0) -> Tokens:
    """A track of exactly `frames` frames, `[frames, ...]`: cut, or filled up."""
    width = [(0, max(0, frames - len(track)))] + [(0, 0)] * (track.ndim - 1)
    return np.pad(track[:frames], width, constant_values=fill)


def side_by_side(tracks: Sequence[Tokens], frames: int) -> Tensor:
    """One row a track, each cut or filled up with zeros; `[tracks, frames, ...]`."""
    return torch.from_numpy(np.stack([pad(track, frames) for track in tracks]))


def _shares(pieces: list[Piece]) -> NDArray[np.float64]:
    lengths = np.array([len(piece) for piece in pieces], dtype=np.float64)
    return lengths / lengths.sum()
