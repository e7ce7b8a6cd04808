"""Long sessions: four times as many frames as a training crop has, in quarters, to see whether anything wears off.

A session is songs of a set one after the other, each in its own key and as long as it is, until there are
`SESSION_FRAMES`; the last one is cut. Sessions begin at songs spread evenly over the set, whose songs go round.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gapt_core.evaluate.embedding import Embedder
from gapt_core.evaluate.measure import Meter, both_modes
from gapt_core.evaluate.measured import Measured, MeasuredRow, MeasuredSet
from gapt_core.evaluate.sets import EvaluateConfig, SongSet
from gapt_core.model.policy import PolicyNet
from gapt_core.train.corpus import Piece

SESSION_FRAMES = 1024
"""Four crops of `gapt_core.train.batches.BatchConfig`."""

QUARTERS = 4
MOST_SESSIONS = 16


def measure_sessions(
    net: PolicyNet,
    sets: Sequence[SongSet],
    config: EvaluateConfig,
    embedder: Embedder | None,
    frames: int = SESSION_FRAMES,
) -> Measured:
    """Free play over sessions of `frames` frames; rows are `ROW q/4`, and the Vendi scores are over sessions."""
    meter = Meter(embedder)
    how = config.playing
    measured = []
    for entry in sets:
        pieces = sessions_of(entry.pieces, frames)
        tracks = both_modes(net, pieces, how)
        parts = [slice(q * frames // QUARTERS, (q + 1) * frames // QUARTERS) for q in range(QUARTERS)]
        quarters = [
            meter.measured_set(
                entry._replace(pieces=[piece.part(part) for piece in pieces]),
                {mode: [track[part] for track in played] for mode, played in tracks.items()},
            )
            for part in parts
        ]
        measured.append(_joined(quarters))
    return Measured("sessions", config, meter.embedders, measured)


def sessions_of(pieces: Sequence[Piece], frames: int) -> list[Piece]:
    """As many sessions of `frames` frames as there are songs, but at most `MOST_SESSIONS`."""
    count = min(len(pieces), MOST_SESSIONS)
    return [_session(pieces, number * len(pieces) // count, frames) for number in range(count)]


def _session(pieces: Sequence[Piece], first: int, frames: int) -> Piece:
    chosen: list[Piece] = []
    while sum(map(len, chosen)) < frames:
        chosen.append(pieces[(first + len(chosen)) % len(pieces)])
    melody, chord, metre = (
        np.concatenate([getattr(piece, part) for piece in chosen])[:frames] for part in ("melody", "chord", "metre")
    )
    return Piece(chosen[0].title, chosen[0].style, melody, chord, metre)


def _joined(quarters: Sequence[MeasuredSet]) -> MeasuredSet:
    first = quarters[0]
    rows: dict[str, MeasuredRow] = {
        f"{name} {number}/{QUARTERS}": quarter.rows[name]
        for name in first.rows
        for number, quarter in enumerate(quarters, start=1)
    }
    return MeasuredSet(first.split, first.name, first.titles, rows)
