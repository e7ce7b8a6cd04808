"""The model card of a preset, generated from its manifest's fields and its measured figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gapt_core.evaluate.measure import ROWS
from gapt_core.evaluate.tables import COLUMNS, SetTable, mean_table

NOTES = """\
*in chord*: share of the time with a note and a chord in which the note's pitch class is in the chord; *strict*
counts silence as a miss; *silent*: share of the melody's time without a chord; *chords*: different chords a song;
*entropy* in nats; *pcs*: pitch classes a chord; *run*: the longest of onsets of one chord; *Vendi*: how many different
chord tracks the set seems to hold, by a trained net that no training of policies uses, and *(histogram)* by the plain
embedding `gapt_core.metrics.chord_embedding`; both grow with the number of songs. `anticipate` chooses
the chord of a frame before hearing it, `react` hears it first. The control puts each melody under the next
song's chords."""


def figures_of(tables: list[SetTable]) -> dict[str, dict[str, dict[str, float | None]]]:
    """The tables as a manifest keeps them: set, row, metric; undefined is None."""
    means = [table for split in ("test", "ood") if (table := mean_table(tables, split))]
    return {
        f"{table.split}/{table.name}": {name: row.to_json() for name, row in table.rows.items()}
        for table in [*tables, *means]
    }


def model_card(name: str, fields: Mapping[str, Any], protocol: Mapping[str, Any], command: str) -> str:
    """Markdown card of a preset.

    Args:
        name: the preset's name.
        fields: the manifest's fields `version`, `description`, `licence`, `training`, `network`, `figures`.
        protocol: songs, frames, temperature and seed of the evaluation.
        command: what prints the same figures again.
    """
    parts = [_head(name, fields), _training(fields["training"]), _figures(fields["figures"], protocol, command)]
    return "\n\n".join(parts) + "\n"


def _head(name: str, fields: Mapping[str, Any]) -> str:
    size = ", ".join(f"{key} {value}" for key, value in fields["network"].items())
    return (
        f"# Preset `{name}` {fields['version']}\n\n{fields['description']}\n\n"
        f"* Licence of the weights: {fields['licence']}\n* Net: {size}\n"
        "* Use: chords for a melody, live or from a file, sixteenth by sixteenth; no audio, no song structure."
    )


def _training(training: Mapping[str, Any]) -> str:
    lines = ["## Training", "", "| set | style | songs | licence |", "|---|---|---|---|"]
    lines += [f"| {d['name']} | {d.get('style', '')} | {d['songs']} | {d['licence']} |" for d in training["data"]]
    stages = [", ".join(f"{key} {value}" for key, value in stage.items()) for stage in training["recipe"]["stages"]]
    numbered = [f"{number}. {stage}" for number, stage in enumerate(stages, start=1)]
    return "\n".join(
        [*lines, "", f"Selection `{training['selection']}`, maximum likelihood, in stages:", "", *numbered]
    )


def _figures(figures: Mapping[str, Any], protocol: Mapping[str, Any], command: str) -> str:
    said = ", ".join(f"{key} {value}" for key, value in protocol.items())
    head = "| set | row | " + " | ".join(COLUMNS.values()) + " |"
    lines = [
        "## Figures",
        "",
        f"`{command}`: free-running, style unknown; {said} (songs a set and frames a song are at most so many).",
        "",
        NOTES,
        "",
        head,
    ]
    lines.append("|" + "---|" * (len(COLUMNS) + 2))
    for table, rows in figures.items():
        for row in ROWS:
            values = " | ".join(_shown(rows[row][metric]) for metric in COLUMNS)
            lines.append(f"| {table} | {row} | {values} |")
    return "\n".join(lines)


def _shown(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" if value < 10 else f"{value:.1f}"
