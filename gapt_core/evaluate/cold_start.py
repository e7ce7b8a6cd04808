"""Cold start: how good a song's first chords are, when little or nothing has been heard (GAPT §3.1, fig. 7)."""

from __future__ import annotations

import numpy as np

from gapt_core.evaluate.measured import Measured
from gapt_core.evaluate.tables import SetTable, set_table
from gapt_core.metrics import mean

FIRST_BEATS = 16


def cold_start_tables(measured: Measured) -> list[SetTable]:
    """From a plain measurement a table for each set, with note in chord of each of the first `FIRST_BEATS` quarters.

    A quarter's level is the mean over the songs that sound in it, NaN where there is none.
    """
    return [
        set_table(
            entry, measured.config.vendi_songs, {name: _first_beats(row.beats) for name, row in entry.rows.items()}
        )
        for entry in measured.sets
    ]


def _first_beats(beats: np.ndarray) -> dict[str, float]:
    return {str(number): mean(column) for number, column in enumerate(beats.T[:FIRST_BEATS], start=1)}
