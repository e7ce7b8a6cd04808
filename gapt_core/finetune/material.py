"""A player's songs as what is learned from, what chooses between weights, and what only judges the outcome."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gapt_core.data.library import Verdict
from gapt_core.frames import song_to_frames
from gapt_core.intake.reports import Intake
from gapt_core.intake.split import Split
from gapt_core.song import Song
from gapt_core.train.corpus import Corpus, Piece
from gapt_core.vocabulary import STYLES

MINE = "mine"
ANCHOR = "anchor"
"""Names of the sets: the player's own chords, and the anchor's over the same melodies."""

PART_FRAMES = 512
"""How much of a melody the anchor hears at once, at most."""

LEAST_OWN = 3
"""Of more songs than this, fewer with chords are no way of putting chords: they are taken as melodies."""


@dataclass(frozen=True)
class Tune:
    """A song on the grid; `own` says whether it has chords of the player's, else its chord track is empty."""

    piece: Piece
    song: Song
    own: bool


@dataclass(frozen=True)
class Material:
    """Songs by what they are for; no group of similar melodies is in two parts.

    Attributes:
        train: what is learned from.
        valid: what chooses between weights.
        held_out: what is looked at once, at the end.
        gentle: whether they are few.
        notes: what was done and assumed on the way in, a line each.
        seconds: how long the files took to read.
    """

    train: Sequence[Tune]
    valid: Sequence[Tune]
    held_out: Sequence[Tune]
    gentle: bool = False
    notes: Sequence[str] = ()
    seconds: float = 0.0

    @property
    def with_chords(self) -> bool:
        """Whether there are chords of the player's to learn from, to choose by and to judge by."""
        enough = len(owned(self.train)) >= min(LEAST_OWN, len(self.train))
        return enough and bool(owned(self.valid)) and bool(owned(self.held_out))

    def digest(self) -> str:
        """SHA-256 of all that is learned from and measured."""
        hashed = hashlib.sha256()
        for part in (self.train, self.valid, self.held_out):
            for tune in part:
                piece = tune.piece
                for track in (piece.melody, piece.chord, piece.metre):
                    hashed.update(np.ascontiguousarray(track).tobytes())
                hashed.update(bytes([tune.own, piece.style]))
            hashed.update(b"|")
        return hashed.hexdigest()


def material_of(split: Split, intake: Intake) -> Material:
    """What an intake's songs, split, are for; what was done and assumed on the way in goes into the report."""
    by_use = (split.train, split.valid, split.held_out)
    train, valid, held_out = ([tune_of(taken.song) for taken in songs] for songs in by_use)
    notes = [*notes_of(intake), *([split.warning] if split.gentle else [])]
    return Material(train, valid, held_out, split.gentle, notes, intake.seconds)


def notes_of(intake: Intake) -> list[str]:
    """How many files and songs there are, how their beats were taken, and why files were refused."""
    verdicts = Counter(report.verdict for report in intake.files)
    counts = ", ".join(f"{verdicts[verdict]} {verdict.value}" for verdict in Verdict)
    beats = Counter(song.assumed.how for song in intake.songs)
    refused = [report for report in intake.files if report.verdict is Verdict.REFUSED]
    return [
        f"{len(intake.files)} files ({counts}), {len(intake.songs)} songs.",
        "Beats and bar lines: " + ", ".join(f"{how} ({songs})" for how, songs in beats.most_common()) + ".",
        *(f"{report.path.name}: refused, {report.reason}" for report in refused),
    ]


def tune_of(song: Song) -> Tune:
    """A song on the grid; chords that never sound are none."""
    frames = song_to_frames(song)
    chord = np.zeros_like(frames.melody) if frames.chord is None else frames.chord
    style = STYLES.index(song.style) if song.style in STYLES else 0
    return Tune(Piece(song.title, style, frames.melody, chord, frames.metre), song, bool(chord.any()))


def owned(tunes: Iterable[Tune]) -> list[Piece]:
    """The pieces that have chords of the player's."""
    return [tune.piece for tune in tunes if tune.own]


def melodies(tunes: Iterable[Tune]) -> list[Piece]:
    """All pieces."""
    return [tune.piece for tune in tunes]


def parts(pieces: Iterable[Piece], most: int) -> list[Piece]:
    """The pieces in parts of at most `PART_FRAMES` frames, and of too many parts `most`, spread over all of them."""
    cut = [
        piece.part(slice(first, first + PART_FRAMES)) for piece in pieces for first in range(0, len(piece), PART_FRAMES)
    ]
    if len(cut) <= most:
        return cut
    return [cut[place * len(cut) // most] for place in range(most)]


def answered(pieces: Sequence[Piece], draws: Sequence[Sequence[NDArray[np.int64]]]) -> list[Piece]:
    """The pieces under each of the chord tracks that an anchor gave them."""
    return [replace(piece, chord=chord) for draw in draws for piece, chord in zip(pieces, draw, strict=True)]


def mixed(own: Sequence[Piece], hindsight: Sequence[Piece], share: float) -> Corpus:
    """A corpus of which a `share` of the crops is the player's own, the rest the anchor's.

    Sets are drawn by the square root of their frames, so the own songs stand there as often as that needs.
    """
    if not own:
        return {ANCHOR: list(hindsight)}
    frames = [sum(map(len, pieces)) for pieces in (own, hindsight)]
    times = (share / (1 - share)) ** 2 * frames[1] / frames[0]
    return {MINE: list(own) * max(1, round(times)), ANCHOR: list(hindsight)}
