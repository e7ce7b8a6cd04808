"""Counts and fits the tables by which beats and bar lines are found, and writes `gapt_core/intake/metres.json`.

Usage: bench/intake_tables.py --data DIR [--out FILE]. DIR holds train/SET.jsonl.gz. Needs the `train` extra (scipy).
Rhythms and places of chords are counted; the weights of accents are those of greatest likelihood over all metres and
bar lines of the training songs, with a quadratic penalty.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from gapt_core.data.jsonl import read_songs
from gapt_core.frames import frame_of
from gapt_core.intake import accents
from gapt_core.intake.accents import Line
from gapt_core.intake.patterns import HEARD, TABLES, Pattern, pattern_of
from gapt_core.song import Song

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ALIKE = {(2, 2): (4, 4)}
PRIOR = {(4, 4): 0.6, (3, 4): 0.17, (6, 8): 0.23}
"""What a player's metres are thought to be: the training sets have too few jigs."""

KINDS = {
    (4, 4): [0, 4, 3, 4, 1, 4, 3, 4, 2, 4, 3, 4, 1, 4, 3, 4],
    (3, 4): [0, 4, 3, 4, 1, 4, 3, 4, 2, 4, 3, 4],
    (6, 8): [0, 4, 2, 4, 3, 4, 1, 4, 2, 4, 3, 4],
}
LEAST_NOTES = 16
BACK_OFF = 10.0
"""Songs' worth of what is known without the place, where few songs tell of a place."""

PENALTY = 3.0

FAR = 0.004
"""The share of gaps of two to four bars."""

STYLES = 2
"""Ways of rhythm a metre has, such as eighths alone and sixteenths off the beat."""

ROUNDS = 15


@dataclass(frozen=True)
class Example:
    """A song with its bar lines at multiples of the bar."""

    signature: tuple[int, int]
    line: Line
    chords: Ints


def examples(files: Iterable[Path]) -> Iterator[Example]:
    """The songs of one metre that is told apart by ear, long enough to tell."""
    for file in files:
        for song in read_songs(file):
            signature = (song.metres[0].numerator, song.metres[0].denominator)
            signature = ALIKE.get(signature, signature)
            if len(song.metres) == 1 and signature in HEARD:
                found = example(song, signature)
                if len(found.line.place) >= LEAST_NOTES:
                    yield found


def example(song: Song, signature: tuple[int, int]) -> Example:
    """A song on the grid, a pickup counted from the end of its bar."""
    missing = frame_of(max(song.metres[0].bar_beats - song.bars[0].duration_beats, 0.0))
    highest: dict[int, tuple[int, float]] = {}
    for note in song.notes:
        frame = frame_of(note.onset_beats) + missing
        highest[frame] = max(highest.get(frame, (0, 0.0)), (note.pitch, note.duration_beats * 4))
    place = sorted(highest)
    line = Line(np.array(place), np.array([highest[at][0] for at in place]), np.array([highest[at][1] for at in place]))
    chords = [frame_of(event.onset_beats) + missing for event in song.chords or () if event.chord]
    return Example(signature, line, np.array(chords, np.int64))


def counted(signature: tuple[int, int], songs: list[Example]) -> dict[str, Any]:
    """Rhythms by style, onsets and chords by place, each song weighing the square root of its notes."""
    bar = len(KINDS[signature])
    pairs = np.stack([_pairs(song.line.place, bar) for song in songs])
    chord = np.zeros(bar)
    for song in songs:
        if len(song.chords):
            np.add.at(chord, song.chords % bar, len(song.chords) ** -0.5)
    weighed = pairs / np.sqrt(pairs.sum(axis=(1, 2), keepdims=True) + 1)
    onset = _landing(weighed.sum(axis=0)) + 0.002
    styles = mixed(pairs, weighed)
    return {
        "rhythm": np.stack([np.log(_rhythm(style)) for style in styles]), "onset": np.log(onset / onset.sum()),
        "chord": np.log((chord + 0.01 * chord.sum() / bar) / (1.01 * chord.sum())), "kinds": KINDS[signature],
    }  # fmt: skip


def mixed(pairs: Floats, weighed: Floats) -> list[Floats]:
    """Weighed counts of each style, from what is least off the eighths to what is most.

    A mixture of Markov chains by expectation and maximisation (Cadez and others, Data Mining and Knowledge Discovery 7,
    2003), begun with equal parts of the songs in that order.
    """
    bar = pairs.shape[1]
    off = np.array([_landing(song)[1::2].sum() for song in pairs]).argsort().argsort() * STYLES // len(pairs)
    share = np.eye(STYLES)[off]
    for _ in range(ROUNDS):
        styles = [np.einsum("n,npd->pd", share[:, style], weighed) for style in range(STYLES)]
        scores = [np.einsum("npd,pd->n", pairs, np.log(_rhythm(style)[:, : 2 * bar + 1])) for style in styles]
        score = np.stack(scores, axis=1) + np.log(share.mean(axis=0) + 1e-3)
        share = np.exp(score - score.max(axis=1, keepdims=True))
        share /= share.sum(axis=1, keepdims=True)
    print("styles", np.round(share.mean(axis=0), 2), [np.round(_landing(style)[1::2].sum(), 3) for style in styles])
    return styles


def _pairs(place: Ints, bar: int) -> Floats:
    """How often an onset follows another so many frames later, by the other's place; `[bar, 2 bars + 1]`."""
    counts, gaps = np.zeros((bar, 2 * bar + 1)), np.diff(place)
    near = gaps <= 2 * bar
    np.add.at(counts, (place[:-1][near] % bar, gaps[near]), 1.0)
    return counts


def _landing(counts: Floats) -> Floats:
    """Shares of the places where onsets land; `[bar]`."""
    bar = len(counts)
    there = (np.arange(bar)[:, None] + np.arange(counts.shape[1])) % bar
    landed = np.bincount(there.ravel(), weights=counts.ravel(), minlength=bar)
    return landed / max(landed.sum(), 1e-9)


def _rhythm(counts: Floats) -> Floats:
    """Probabilities of gaps by place, up to four bars; `[bar, 4 bars + 1]`."""
    bar = len(counts)
    gap, onset = counts.sum(axis=0), _landing(counts) + 0.002
    gap[1:] += 0.0005 * gap.sum()
    rows = np.arange(bar)[:, None]
    without = gap * onset[(rows + np.arange(2 * bar + 1)) % bar]
    without /= without.sum(axis=1, keepdims=True)
    rhythm = (counts + BACK_OFF * without) / (counts.sum(axis=1, keepdims=True) + BACK_OFF)
    rhythm[:, 0] = 1e-5
    far = onset[(rows + np.arange(2 * bar + 1, 4 * bar + 1)) % bar]
    return np.hstack([rhythm * (1 - FAR), FAR * far / far.sum(axis=1, keepdims=True)])


def blank(signature: tuple[int, int], table: dict[str, Any], width: int) -> Pattern:
    """A pattern of what was counted, its weights all nought."""
    kinds = max(table["kinds"]) + 1
    zeros = {"accents": np.zeros((kinds, width)), "repeats": np.zeros(len(accents.LAGS))}
    return pattern_of(signature, {**table, **zeros, "flow": 0.0, "harmony": 0.0, "bias": 0.0})


def design(song: Example, patterns: list[Pattern]) -> tuple[Floats, Floats]:
    """What each weight is multiplied with, `[hypotheses, weights]`, and the same of harmony, `[hypotheses]`."""
    told, back = accents.features(song.line), accents.comings_back(song.line)
    blocks, harmony = [], []
    for number, pattern in enumerate(patterns):
        summed = accents.tallies(told, song.line.place, pattern)
        count = len(summed)
        own = np.column_stack(
            [
                summed.reshape(count, -1),
                accents.flows(song.line.place, pattern),
                np.tile(back, (count, 1)),
                np.ones(count),
            ]
        )
        blocks.append((number, own))
        harmony.append(accents.changes(song.chords, pattern))
    widths = [own.shape[1] for _, own in blocks]
    rows = []
    for number, own in blocks:
        before, behind = sum(widths[:number]), sum(widths[number + 1 :])
        rows.append(np.hstack([np.zeros((len(own), before)), own, np.zeros((len(own), behind))]))
    return np.vstack(rows), np.concatenate(harmony)


def fit(matrix: Floats, truth: Ints, weight: Floats, penalty: float) -> Floats:
    """Weights of greatest likelihood of `truth` among the hypotheses; `matrix` is `[songs, hypotheses, weights]`."""
    rows = np.arange(len(matrix))

    def loss(weights: Floats) -> tuple[float, Floats]:
        score = matrix @ weights
        score -= score.max(axis=1, keepdims=True)
        share = np.exp(score)
        share /= share.sum(axis=1, keepdims=True)
        value = -(weight * np.log(share[rows, truth] + 1e-12)).sum() + penalty * (weights**2).sum()
        expected = np.einsum("n,ns,nsp->p", weight, share, matrix)
        slope = expected - np.einsum("n,np->p", weight, matrix[rows, truth]) + 2 * penalty * weights
        return float(value), slope

    begin = np.zeros(matrix.shape[2])
    return minimize(loss, begin, jac=True, method="L-BFGS-B", options={"maxiter": 200}).x


def fitted(patterns: list[Pattern], songs: list[Example]) -> list[Pattern]:
    """The same patterns with weights."""
    designed = [design(song, patterns) for song in songs]
    matrix = np.stack([own for own, _ in designed])
    harmony = np.stack([own for _, own in designed])
    starts = np.cumsum([0, *(len(accents.shifts(pattern)) for pattern in patterns)])
    truth = np.array([starts[HEARD.index(song.signature)] for song in songs])
    counts = {signature: sum(song.signature == signature for song in songs) for signature in HEARD}
    weight = np.array([PRIOR[song.signature] / counts[song.signature] for song in songs]) * len(songs)
    weights = fit(matrix, truth, weight, PENALTY)
    with_harmony = np.stack([matrix @ weights, harmony], axis=2)
    both = fit(with_harmony, truth, weight, 0.0)
    return list(_with_weights(patterns, weights, float(both[1] / both[0])))


def _with_weights(patterns: list[Pattern], weights: Floats, harmony: float) -> Iterator[Pattern]:
    for pattern in patterns:
        size = pattern.accents.size
        own, weights = weights[: size + 2 + len(accents.LAGS)], weights[size + 2 + len(accents.LAGS) :]
        yield replace(
            pattern, accents=own[:size].reshape(pattern.accents.shape), flow=float(own[size]),
            repeats=own[size + 1 : -1], bias=float(own[-1]), harmony=harmony,
        )  # fmt: skip


def written(patterns: list[Pattern]) -> str:
    """The file."""
    names = ("rhythm", "onset", "chord", "kinds", "accents", "repeats", "flow", "harmony", "bias")
    tables = {
        f"{pattern.signature[0]}/{pattern.signature[1]}": {name: _plain(getattr(pattern, name)) for name in names}
        for pattern in patterns
    }
    return (
        json.dumps(tables, separators=(",", ":"))
        .replace("]],", "]],\n")
        .replace("]],\n[[", "]],[[")
        .replace("},", "},\n")
        + "\n"
    )


def _plain(value: Any) -> Any:
    return np.round(value, 3).tolist() if isinstance(value, np.ndarray) else round(value, 3)


def main() -> None:
    """Read, count, fit, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="holds train/SET.jsonl.gz")
    parser.add_argument("--out", type=Path, default=TABLES)
    given = parser.parse_args()
    songs = list(examples(sorted((given.data / "train").glob("*.jsonl.gz"))))
    width = accents.features(songs[0].line).shape[1]
    patterns = [
        blank(signature, counted(signature, [song for song in songs if song.signature == signature]), width)
        for signature in HEARD
    ]
    given.out.write_text(written(fitted(patterns, songs)), "utf-8")
    print(f"{len(songs)} songs; {given.out} has {given.out.stat().st_size} bytes.")


if __name__ == "__main__":
    main()
