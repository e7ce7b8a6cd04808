"""A corpus small enough to learn in seconds: every bar holds one chord, and the melody plays its notes."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np

TRIADS = ((0, "maj", (0, 4, 7)), (5, "maj", (5, 9, 0)), (7, "maj", (7, 11, 2)), (9, "min", (9, 0, 4)))


def write_corpus(folder: Path, songs: int = 6, bars: int = 8, seed: int = 0) -> Path:
    """Write `folder/{train,valid,test}/tiny.jsonl.gz`; the folder."""
    random = np.random.default_rng(seed)
    for split in ("train", "valid", "test"):
        (folder / split).mkdir(parents=True)
        with gzip.open(folder / split / "tiny.jsonl.gz", "wt", encoding="utf-8") as file:
            for number in range(songs):
                file.write(json.dumps(song_record(f"{split} {number}", bars, random)) + "\n")
    return folder


def song_record(title: str, bars: int, random: np.random.Generator) -> dict[str, object]:
    melody, chords = [], []
    for bar in range(bars):
        root, quality, pitch_classes = TRIADS[int(random.integers(len(TRIADS)))]
        chords.append([4.0 * bar, root, list(pitch_classes), root, quality])
        for beat in range(4):
            pitch_class = pitch_classes[0] if beat == 0 else int(random.choice(pitch_classes))
            melody.append([4.0 * bar + beat, 1.0, 60 + pitch_class])
    return {
        "id": title,
        "set": "tiny",
        "style": "folk",
        "title": title,
        "ts": [[0.0, 4, 4]],
        "bars": [[4.0 * bar, 4.0] for bar in range(bars)],
        "tempo": None,
        "mel": melody,
        "ch": chords,
        "end": 4.0 * bars,
    }
