"""Two presets over the same melodies, each as it likes to be played: figures side by side, and whether they differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gapt_core.data.library import expand, read_outcome
from gapt_core.errors import EvaluationError
from gapt_core.evaluate.embedding import Embedder
from gapt_core.evaluate.rollout import PlayConfig
from gapt_core.evaluate.sets import cut
from gapt_core.export.load import load_policy
from gapt_core.finetune.copied import By
from gapt_core.finetune.hearing import Heard, Hearing, embedders, hear, heard_of
from gapt_core.finetune.material import Tune, melodies, owned, tune_of
from presets.preset import Preset

TUNES = Path(__file__).parents[1] / "data" / "tunes"
"""Melodies that come along, those of `examples/`."""


@dataclass(frozen=True)
class Contest:
    """How presets are compared: at most `frames` of each song, each played `draws` times, with the same `seed`."""

    draws: int = 4
    frames: int = 512
    seed: int = 0


@dataclass(frozen=True)
class Compared:
    """Songs as heard from one preset (`before`) and another (`after`), and their `own` chords, if all have some."""

    before: By
    after: By
    own: Heard | None


def read_tunes(paths: Sequence[Path], most: int) -> tuple[list[Tune], list[str]]:
    """The songs in files and folders, the first `most` of them, and a line for each file that cannot be used.

    Raises:
        EvaluationError: there are fewer than two that have a melody.
    """
    outcomes = [read_outcome(path) for path in expand(paths)]
    refused = [f"{outcome.path}: {outcome.reason}" for outcome in outcomes if not outcome.songs]
    tunes = [tune_of(song) for outcome in outcomes for song in outcome.songs]
    heard = [tune for tune in tunes if tune.piece.melody.any()]
    if len(heard) < 2:
        raise EvaluationError("A comparison needs two melodies at least: name more files or folders with --songs.")
    return heard[:most], refused


def compare(first: Preset, second: Preset, tunes: Sequence[Tune], contest: Contest, listener: Embedder) -> Compared:
    """What both presets play over `tunes`, at the temperature and density that each asks for.

    Raises:
        PresetError: one of them cannot be played.
    """
    pieces = [cut(piece, contest.frames) for piece in melodies(tunes)]
    own = [cut(piece, contest.frames) for piece in owned(tunes)]
    nets = [load_policy(preset) for preset in (first, second)]
    ways = [_hearing(preset, contest, listener) for preset in (first, second)]
    before, after = (hear(net, pieces, own, way) for net, way in zip(nets, ways, strict=True))
    chords = [[piece.chord for piece in own]]
    return Compared(before, after, heard_of(own, chords, ways[0]) if len(own) == len(pieces) else None)


def _hearing(preset: Preset, contest: Contest, listener: Embedder) -> Hearing:
    asked = preset.manifest.sampling
    play = PlayConfig(temperature=asked.temperature, density=asked.density, seed=contest.seed)
    return Hearing(play, contest.draws, embedders(listener))
