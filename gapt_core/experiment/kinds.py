"""The tables of measurements besides plain play: changes of key, deciding early, long sessions, the melody agent.

Each is a measurement that a run may have or not; a table is empty where no run has it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from gapt_core.evaluate.ahead import AHEAD_BEATS
from gapt_core.evaluate.duet import DUET, DUET_CONTROL
from gapt_core.evaluate.measure import CONTROL, TRUTH
from gapt_core.evaluate.rollout import MODES
from gapt_core.evaluate.sessions import QUARTERS
from gapt_core.evaluate.tables import COLUMNS
from gapt_core.experiment.beats import CHANGES, cold_level, regained
from gapt_core.experiment.grid import ARMS
from gapt_core.experiment.results import SPLITS, Measurement, Results
from gapt_core.experiment.statistics import t_interval
from gapt_core.experiment.tables import markdown, number, plus_minus
from gapt_core.metrics import mean

SESSIONS, AHEAD, AGAINST = "sessions", "ahead", "against"
OPTIONAL = (*CHANGES, SESSIONS, AHEAD, AGAINST)
"""Kinds of measurement that a run need not have."""

COLD_BEATS = (1, 2, 3, 4, 8, 16)
DUET_COLUMNS = ("note_in_chord", "note_in_chord_strict", "onsets_per_bar", "unique_chords", "entropy", "vendi")


def absent(results: Results) -> list[str]:
    """The kinds of measurement that no run has."""
    return [kind for kind in OPTIONAL if not results.measurements(kind)]


def change_table(results: Results, kind: str) -> str:
    """What a change of key costs each arm."""
    rows = []
    for arm, mode, split, _ in _measured(results, kind):
        found = regained(results, arm, mode, split, kind)
        if found:
            one = found.found
            levels = map(number, (one.before, one.drop, one.after, found.chance))
            rows.append([f"{arm}, {mode}, {split}", *levels, found.beats, number(one.area)])
    head = ["arm, mode, split", "before", "drop", "after", "chance", "back at 90 %", "area lost"]
    return markdown(head, rows) if rows else ""


def cold_table(results: Results) -> str:
    """Note in chord of single beats from the start of a song."""
    rows = [
        [f"{arm}, {mode}, {split}", *(number(cold_level(results, arm, mode, split, beat), 2) for beat in COLD_BEATS)]
        for arm in ARMS
        if results.has(arm)
        for mode in MODES
        for split in results.splits
    ]
    return markdown(["arm, mode, split", *(f"beat {beat}" for beat in COLD_BEATS)], rows) if rows else ""


def session_table(results: Results) -> str:
    """Harmony and density of long sessions, a quarter after the other."""
    quarters = [f"{quarter}/{QUARTERS}" for quarter in range(1, QUARTERS + 1)]
    columns = {"note_in_chord": "in chord", "onsets_per_bar": "onsets/bar"}
    rows = [
        [f"{arm}, {mode}, {split}", *(cell(f"{mode} {part}", figure) for figure in columns for part in quarters)]
        for arm, mode, split, several in _measured(results, SESSIONS)
        for cell in [_cells(several, split)]
    ]
    return markdown(["", *(f"{title} {part}" for title in columns.values() for part in quarters)], rows) if rows else ""


def ahead_table(results: Results) -> str:
    """Note in chord where chords are decided early, and how many of those that were shown early come true."""
    ways = ["", *(f" +{beats}" for beats in AHEAD_BEATS), *(f" /{beats}" for beats in AHEAD_BEATS)]
    rows = []
    for arm, mode, split, several in _measured(results, AHEAD):
        cell = _cells(several, split)
        kept = [plus_minus(t_interval([_kept(one, mode, split, beats) for one in several])) for beats in AHEAD_BEATS]
        rows.append([f"{arm}, {mode}, {split}", *(cell(mode + way, "note_in_chord") for way in ways), *kept])
    heads = ["at once", *(f"in chord{way}" for way in ways[1:]), *(f"kept {beats}" for beats in AHEAD_BEATS)]
    return markdown(["arm, mode, split", *heads], rows) if rows else ""


def duet_table(results: Results) -> str:
    """Duets with the melody agent, the same chords under the next duet's melody, and the songs themselves."""
    rows = []
    for arm, several in _by_arm(results, AGAINST):
        for split in _splits(several):
            cell = _cells(several, split)
            for row in (DUET, DUET_CONTROL):
                rows.append([f"{arm}, {row}, {split}", *(cell(row, figure) for figure in DUET_COLUMNS)])
    several = next((several for _, several in _by_arm(results, AGAINST)), [])
    for split in _splits(several):
        cell = _cells(several[:1], split)
        rows += [[f"{row}, {split}", *(cell(row, figure) for figure in DUET_COLUMNS)] for row in (TRUTH, CONTROL)]
    return markdown(["", *(COLUMNS[figure] for figure in DUET_COLUMNS)], rows) if rows else ""


def _measured(results: Results, kind: str) -> Iterator[tuple[str, str, str, list[Measurement]]]:
    """Arm, mode, split and measurements, of what has been measured."""
    for arm, several in _by_arm(results, kind):
        for mode in MODES:
            for split in _splits(several):
                yield arm, mode, split, several


def _by_arm(results: Results, kind: str) -> list[tuple[str, list[Measurement]]]:
    found = results.measurements(kind)
    return [(arm, found[arm]) for arm in ARMS if arm in found]


def _splits(several: Sequence[Measurement]) -> list[str]:
    return [split for split in SPLITS if any(key[0] == split for one in several for key in one.rows)]


def _cells(several: Sequence[Measurement], split: str) -> Callable[[str, str], str]:
    """From row and figure to a cell: the mean over the sets of a split, over seeds."""

    def cell(row: str, figure: str) -> str:
        values = [mean(one.value(key, row, figure) for key in one.rows if key[0] == split) for one in several]
        return plus_minus(t_interval(values))

    return cell


def _kept(one: Measurement, mode: str, split: str, beats: int) -> float:
    """Mean over sets of the songs' mean share of what was shown `beats` before and came true."""
    songs = [one.rows[key][mode].extra.get(f"kept {beats}", []) for key in one.rows if key[0] == split]
    return mean(mean(values) for values in songs)
