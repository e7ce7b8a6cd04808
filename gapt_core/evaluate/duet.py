"""Two policies play with each other: one the chords, one the melody (GAPT §4.3, table 2).

Both act at the same time. Either knows all that was played before a frame, and neither what the other does in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from gapt_core.evaluate.draw import Drawer, Sounded
from gapt_core.evaluate.embedding import Embedder
from gapt_core.evaluate.measure import Meter
from gapt_core.evaluate.measured import Measured
from gapt_core.evaluate.sets import EvaluateConfig, SongSet
from gapt_core.metrics import shuffled
from gapt_core.model.policy import HIDDEN, PolicyNet
from gapt_core.model.step import Stepper
from gapt_core.train.corpus import Piece
from gapt_core.train.crops import side_by_side

DUET = "duet"
DUET_CONTROL = "shuffled duet"


@dataclass(frozen=True)
class DuetConfig:
    """How either part is drawn: temperatures, density of the chords, luck."""

    temperature: float = 1.0
    melody_temperature: float = 1.0
    density: float = 0.0
    seed: int = 0


@torch.inference_mode()
def duet(
    chords: PolicyNet, melody: PolicyNet, metres: Sequence[NDArray[np.int64]], config: DuetConfig
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Melody and chord tokens, `[frames]` each, for each metre `[frames, 3]`.

    Args:
        chords: plays the chords with its chord head; it anticipates, for it cannot hear what is played at once.
        melody: plays the melody with its melody head.
        metres: the bars in which they play.
        config: temperatures and seed.
    """
    device = chords.norm.device
    length = max(map(len, metres))
    metre = side_by_side(metres, length).to(device)
    steppers = [Stepper(net, batch=len(metres), spare=1).to(device).eval() for net in (chords, melody)]
    note = torch.zeros_like(metre[:, 0, 0])
    style, hidden, sounded = torch.zeros_like(note), torch.full_like(note, HIDDEN), Sounded(note, note)
    temperatures = config.temperature, config.melody_temperature
    harmonist, melodist = (
        Drawer(degree, config.density, config.seed, len(metres), length, device) for degree in temperatures
    )
    played = torch.zeros((2, *metre.shape[:2]), dtype=torch.long, device=device)
    for frame in range(length):
        shown = (note, sounded.token, hidden, metre[:, frame], style)
        (logits, _), (_, notes) = (stepper.step(*shown) for stepper in steppers)
        note = melodist.melody(notes, note, frame)
        sounded = harmonist.chord(logits, sounded, frame)
        played[:, :, frame] = torch.stack((note, sounded.token))
        harmonist.forget(frame)
        melodist.forget(frame)
    tracks = played.cpu().numpy()
    return [(tracks[0, i, : len(metre)], tracks[1, i, : len(metre)]) for i, metre in enumerate(metres)]


def measure_against(
    chords: PolicyNet, melody: PolicyNet, sets: Sequence[SongSet], config: EvaluateConfig, embedder: Embedder | None
) -> Measured:
    """Duets in the bars of each set's songs, as long as these; beside them the songs, and controls of both."""
    meter = Meter(embedder)
    how = DuetConfig(config.temperature, config.temperature, config.density, config.seed)
    measured = []
    for entry in sets:
        tracks = duet(chords, melody, [piece.metre for piece in entry.pieces], how)
        played = [
            Piece(piece.title, 0, notes, answer, piece.metre)
            for piece, (notes, answer) in zip(entry.pieces, tracks, strict=True)
        ]
        rows = meter.measured_set(entry, {})
        answers = [piece.chord for piece in played]
        rows.rows[DUET] = meter.row(played, answers)
        rows.rows[DUET_CONTROL] = meter.row(played, shuffled(answers, [len(piece) for piece in played]))
        measured.append(rows)
    return Measured("against", config, meter.embedders, measured)
