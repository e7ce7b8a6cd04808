"""How fast songs become frames: each kernel against its plain Python twin, and a whole corpus.

Usage: bench/tokens.py [--data DIR] [--frames N]. DIR holds train/SET.jsonl.gz; without it an
invented corpus of the same size is used. Ratios are of the best of several runs, both in this process.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gapt_core import kernels
from gapt_core.chords import CHORD_COUNT, chord_at
from gapt_core.data.jsonl import read_songs
from gapt_core.frames import song_to_frames
from gapt_core.metrics import figures
from gapt_core.song import ChordEvent, Metre, Note, Song, Tempo, bars_from_metres
from gapt_core.vocabulary import CHORD_HOLD, CHORD_ONSET, NOTE_HOLD, NOTE_ONSET, pitch_class_table

GOAL_RATIO, GOAL_SECONDS = 30.0, 5.0
REPEATS = 7
SONGS, SONG_FRAMES = 2670, 800
"""The size of the invented corpus, which is that of the training sets."""


def best_seconds(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """The shortest of several runs, each long enough to be timed."""
    begun = time.perf_counter()
    work()
    rounds = max(1, int(0.005 / max(time.perf_counter() - begun, 1e-7)))
    runs = []
    for _ in range(repeats):
        begun = time.perf_counter()
        for _ in range(rounds):
            work()
        runs.append((time.perf_counter() - begun) / rounds)
    return min(runs)


def kernel_calls(frames: int) -> dict[str, tuple[Any, Sequence[Any]]]:
    """Every kernel with arguments as a song of `frames` has them: a note each 2 frames, a chord each 12, bars of 16."""
    random = np.random.default_rng(0)
    notes, chords, bars = np.arange(0, frames, 2), np.arange(0, frames, 12), np.arange(0, frames, 16)
    pitches = random.integers(48, 84, len(notes))
    indices = random.integers(0, CHORD_COUNT, len(chords))
    zeros, full = np.zeros_like(bars), np.full_like(bars, 16)
    melody, chord = np.zeros(frames, np.int64), np.zeros(frames, np.int64)
    kernels.paint_notes(notes, notes + 2, pitches, NOTE_ONSET, NOTE_HOLD, melody)
    kernels.paint_chords(chords, indices, CHORD_ONSET, CHORD_HOLD, chord)
    tokens, metre = np.zeros(frames, np.int64), np.zeros((frames, 3), np.int64)
    return {
        "paint_notes": (kernels.paint_notes, (notes, notes + 2, pitches, NOTE_ONSET, NOTE_HOLD, tokens)),
        "paint_chords": (kernels.paint_chords, (chords, indices, CHORD_ONSET, CHORD_HOLD, tokens)),
        "paint_bars": (kernels.paint_bars, (bars, zeros, full, full // 4, metre)),
        "count_harmony": (kernels.count_harmony, (melody, chord, pitch_class_table())),
        "longest_run": (kernels.longest_run, (chord,)),
    }


def bench_kernels(frames: int) -> None:
    """Print a line a kernel."""
    print(f"{'kernel':<16}{'numba/twin':>12}{'million tokens/s':>18}   ({frames} frames)")
    for name, (kernel, arguments) in kernel_calls(frames).items():
        fast = best_seconds(lambda kernel=kernel, arguments=arguments: kernel(*arguments))
        slow = best_seconds(lambda kernel=kernel, arguments=arguments: kernel.py_func(*arguments), repeats=3)
        verdict = "" if slow / fast >= GOAL_RATIO else f"   below the goal of {GOAL_RATIO:.0f}"
        print(f"{name:<16}{slow / fast:>11.0f}x{frames / fast / 1e6:>18.1f}{verdict}")


def invented_song(seed: int) -> Song:
    """A song of `SONG_FRAMES`."""
    random = np.random.default_rng(seed)
    beats = SONG_FRAMES / 4
    metres = (Metre(0.0, 4, 4),)
    pitches = random.integers(55, 80, SONG_FRAMES // 2).tolist()
    chords = random.integers(0, CHORD_COUNT, SONG_FRAMES // 12).tolist()
    return Song(
        title="",
        notes=tuple(Note(i / 2, 0.5, pitch) for i, pitch in enumerate(pitches)),
        chords=tuple(ChordEvent(i * 3.0, chord_at(chord)) for i, chord in enumerate(chords)),
        metres=metres,
        bars=bars_from_metres(metres, beats),
        tempos=(Tempo(0.0, 120.0),),
        end_beats=beats,
    )


def bench_corpus(data: Path | None) -> None:
    """Print how long loading, frames and metrics of a whole corpus take."""
    begun = time.perf_counter()
    if data is None:
        songs = [invented_song(seed) for seed in range(SONGS)]
    else:
        songs = [song for path in sorted((data / "train").glob("*.jsonl.gz")) for song in read_songs(path)]
    loaded = time.perf_counter()
    frames = [song_to_frames(song) for song in songs]
    framed = time.perf_counter()
    for song in frames:
        figures(song.melody, song.chord, song.metre)
    measured = time.perf_counter()
    tokens = 2 * sum(len(song) for song in frames)
    print(f"\ncorpus: {data or 'invented'}, {len(songs)} songs, {tokens / 1e6:.2f} million tokens")
    print(f"  loading  {loaded - begun:6.2f} s")
    print(f"  frames   {framed - loaded:6.2f} s   {tokens / (framed - loaded) / 1e6:.1f} million tokens/s", end="")
    print(f"   (goal: {GOAL_SECONDS:.0f} s)")
    print(f"  metrics  {measured - framed:6.2f} s")


def main() -> None:
    """Run both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="corpus, as for `gapt train`: DIR/train/SET.jsonl.gz")
    parser.add_argument("--frames", type=int, default=20_000, help="length of what the kernels are given")
    chosen = parser.parse_args()
    bench_kernels(chosen.frames)
    bench_corpus(Path(chosen.data) if chosen.data else None)


if __name__ == "__main__":
    main()
