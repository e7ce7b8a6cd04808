"""The model card of a preset, generated from its manifest's fields and its measured figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gapt_core.evaluate.measure import ROWS
from gapt_core.evaluate.probes import NOTES as MEASUREMENTS
from gapt_core.evaluate.tables import COLUMNS, Row, SetTable, from_json, mean_table, read_tables

NOTES = """\
*in chord*: share of the time with a note and a chord in which the note's pitch class is in the chord; *strict*
counts silence as a miss; *silent*: share of the melody's time without a chord; *chords*: different chords a song;
*entropy* in nats; *pcs*: pitch classes a chord; *run*: the longest of onsets of one chord; *Vendi*: how many different
chord tracks the set seems to hold, by a trained net that no training of policies uses, and *(histogram)* by the plain
embedding `gapt_core.metrics.chord_embedding`; both grow with the number of songs. `anticipate` chooses
the chord of a frame before hearing it, `react` hears it first. The control puts each melody under the next
song's chords."""

SPLITS = ("test", "ood")
PLAY = "play"
LATENCY = "latency"
STEP = "step"

LATENCY_NOTE = """\
Milliseconds of one step, not compiled, on the machine that measured: median and 95th percentile; ratio: the median over
that of an untrained net of the same dimensions, which took turns with it."""

OWN_KIND = ("adaptation_single", "adaptation_multiple", "cold_start")
"""Measurements of which only the figures of their own kind are kept."""

BRIEF = ("note_in_chord", "onsets_per_bar", "silence", "unique_chords", "entropy")
"""What is kept of the others, beside figures of their own kind."""

COLD_BEATS = ("1", "2", "4", "8", "16")
"""Which of the first quarters a card shows."""

Figures = Mapping[str, Mapping[str, Mapping[str, float | None]]]


def figures_of(measured: Mapping[str, Any]) -> dict[str, dict[str, dict[str, float | None]]]:
    """What `gapt evaluate` wrote, as a manifest keeps it: set, row, metric; undefined is None.

    Plain play is kept set by set, under `SPLIT/SET`; of the other measurements only the mean of each split, under
    `MEASUREMENT/SPLIT/mean`; and the times of a step, in milliseconds, under `latency`.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: it is not what `gapt evaluate` writes.
    """
    tables = from_json(measured)
    found = {f"{table.split}/{table.name}": _plain(table.rows) for table in [*tables, *_means(tables)]}
    for name in (name for name in MEASUREMENTS if name in measured):
        for table in _means(read_tables(measured[name])):
            found[f"{name}/{table.split}/{table.name}"] = _brief(table.rows, () if name in OWN_KIND else BRIEF)
    if LATENCY in measured:
        found[LATENCY] = {STEP: {name: round(float(value), 4) for name, value in measured[LATENCY].items()}}
    return found


def plain_sets(figures: Figures) -> dict[str, Mapping[str, Mapping[str, float | None]]]:
    """Of a manifest's figures those of plain play."""
    return {name: rows for name, rows in figures.items() if name.split("/")[0] in SPLITS}


def model_card(
    name: str,
    fields: Mapping[str, Any],
    protocol: Mapping[str, Any],
    command: str,
    kit: Mapping[str, Mapping[str, Any]] | None = None,
) -> str:
    """Markdown card of a preset.

    Args:
        name: the preset's name.
        fields: the manifest's fields `version`, `description`, `licence`, `training`, `network`, `figures`.
        protocol: songs, frames, temperature, density and seed of the evaluation.
        command: what prints the same figures again.
        kit: of the training kit that rides along, by name of each net the last stage of its training.
    """
    figures = fields["figures"]
    parts = [_head(name, fields), _training(fields["training"])]
    parts += [_kit(kit)] if kit is not None else []
    parts += [_figures(plain_sets(figures), protocol, command), *_measurements(figures)]
    return "\n\n".join(parts) + "\n"


def _means(tables: Sequence[SetTable]) -> list[SetTable]:
    return [table for split in SPLITS if (table := mean_table(tables, split))]


def _plain(rows: Mapping[str, Row]) -> dict[str, dict[str, float | None]]:
    return {name: row.to_json() for name, row in rows.items()}


def _brief(rows: Mapping[str, Row], kept: Sequence[str]) -> dict[str, dict[str, float | None]]:
    """Some of the usual figures, and all that belong to the measurement alone."""
    values = {name: row.to_json() for name, row in rows.items()}
    return {name: {key: row[key] for key in kept} | row.get("extra", {}) for name, row in values.items()}


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
    stages = training["recipe"]["stages"]
    way = "maximum likelihood"
    if any(stage.get("kind") == "gapt" for stage in stages):
        way += ", then post-training by PPO against coherence rewards and rules"
    numbered = [f"{number}. {_stage(stage)}" for number, stage in enumerate(stages, start=1)]
    return "\n".join([*lines, "", f"Selection `{training['selection']}`, {way}, in stages:", "", *numbered])


def _stage(stage: Mapping[str, Any]) -> str:
    told = _post_training(stage) if stage.get("kind") == "gapt" else stage
    return ", ".join(f"{key} {value}" for key, value in told.items())


def _post_training(stage: Mapping[str, Any]) -> dict[str, Any]:
    """What a card tells of it; the manifest has every constant."""
    ppo, adversary = stage["ppo"], stage["adversary"]
    against = {"lambda": adversary["weight"], "schedule": adversary["schedule"]} if adversary["weight"] else {}
    rates = {"rate": ppo["rate"], "value rate": ppo["value_rate"]}
    return {
        "post-training": "GAPT" if adversary["weight"] else "without the adversary",
        "part": stage["part"],
        **against,
        "steps": f"{stage['step']} of {stage['steps']}",
        "rollouts": f"{stage['rollouts']} x {stage['frames']} frames",
        **(rates | ({"discriminator rate": adversary["rate"]} if against else {})),
        "seed": stage["seed"],
        "selection": stage["selection"],
    }


def _kit(nets: Mapping[str, Mapping[str, Any]]) -> str:
    lines = [
        "## Training kit",
        "",
        "| net | trained on | steps | seed | scores on test songs |",
        "|---|---|---|---|---|",
    ]
    for name, stage in nets.items():
        scores = ", ".join(f"{key} {_score(value)}" for key, value in stage.get("test", {}).items())
        told = (stage.get("selection", "-"), stage.get("step", "-"), stage.get("seed", "-"), scores or "-")
        lines.append(f"| {name} | " + " | ".join(map(str, told)) + " |")
    return "\n".join(lines)


def _figures(figures: Figures, protocol: Mapping[str, Any], command: str) -> str:
    said = ", ".join(f"{key} {value}" for key, value in protocol.items())
    heads = [
        "## Figures",
        "",
        f"`{command}`: free-running, style unknown; {said} (songs a set and frames a song are at most so many).",
        "",
        NOTES,
        "",
    ]
    rows = [(name, row, rows[row]) for name, rows in figures.items() for row in ROWS if row in rows]
    return "\n".join([*heads, *_table(rows, COLUMNS)])


def _measurements(figures: Figures) -> Iterable[str]:
    """A section for each measurement besides plain play: the mean over the sets of a split, each counting once."""
    for name in (name for name in MEASUREMENTS if name != PLAY):
        tables = {key.removeprefix(f"{name}/"): rows for key, rows in figures.items() if key.startswith(f"{name}/")}
        if tables:
            rows = [(key, row, values) for key, rows in tables.items() for row, values in rows.items()]
            shown = {head: COLUMNS.get(head, head) for _, _, values in rows for head in values}
            if name == "cold_start":
                shown = {beat: f"beat {beat}" for beat in COLD_BEATS if beat in shown}
            yield "\n".join([f"### {_title(name)}", "", MEASUREMENTS[name], "", *_table(rows, shown)])
    if LATENCY in figures:
        times = figures[LATENCY][STEP]
        rows = [(STEP, "milliseconds", times)]
        yield "\n".join([f"### {_title(LATENCY)}", "", LATENCY_NOTE, "", *_table(rows, {name: name for name in times})])


def _table(rows: Iterable[tuple[str, str, Mapping[str, float | None]]], columns: Mapping[str, str]) -> list[str]:
    head = "| set | row | " + " | ".join(columns.values()) + " |"
    lines = [head, "|" + "---|" * (len(columns) + 2)]
    for name, row, values in rows:
        lines.append(f"| {name} | {row} | " + " | ".join(_shown(values.get(column)) for column in columns) + " |")
    return lines


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _score(value: float) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _shown(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" if value < 10 else f"{value:.1f}"
