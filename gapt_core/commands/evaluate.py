"""`gapt evaluate`: figures of a policy over test songs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gapt_core.cli import EXISTING_FILE, EXISTING_FOLDER, FiniteRange
from gapt_core.errors import EvaluationError
from presets.files import write_atomically

if TYPE_CHECKING:
    from gapt_core.evaluate.tables import SetTable
    from gapt_core.model.policy import PolicyNet


@click.command()
@click.option("--preset", default="default", show_default=True, help="Preset by name or folder.")
@click.option("--weights", type=EXISTING_FILE, help="A run's best.pt, instead of a preset.")
@click.option("--data", type=EXISTING_FOLDER, required=True, help="Corpus: DIR/{test,ood}/SET.jsonl.gz.")
@click.option("--songs", type=click.IntRange(2), default=48, show_default=True, help="Songs a set, at most.")
@click.option("--frames", type=click.IntRange(16), default=512, show_default=True, help="Frames a song, at most.")
@click.option("--temperature", type=FiniteRange(0), help="Default: the preset's own; 1 with --weights.")
@click.option("--seed", type=click.IntRange(0, (1 << 63) - 1), default=0, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
@click.option("-o", "--out", type=click.Path(dir_okay=False, path_type=Path), help="Also write the JSON to a file.")
def evaluate(
    preset: str,
    weights: Path | None,
    data: Path,
    temperature: float | None,
    as_json: bool,
    out: Path | None,
    **size: int,
) -> None:
    """Let a policy play over test melodies and print its figures, in both modes.

    Beside them stand the ground truth and a control: each melody under the next song's chords.
    """
    from gapt_core.evaluate.measure import measure
    from gapt_core.evaluate.sets import EvaluateConfig, load_test_sets
    from gapt_core.evaluate.tables import tables_of, to_json

    if out and not out.parent.is_dir():
        raise EvaluationError(f"There is no folder {out.parent}; make it first, or name another file with -o.")
    net, own_temperature = _load(preset, weights)
    config = EvaluateConfig(**size, temperature=own_temperature if temperature is None else temperature)
    tables: list[SetTable] = []
    for entry in load_test_sets(data, config):
        tables += tables_of(measure(net, [entry], config, None))
        if not as_json:
            _print_table(tables[-1])
    result = json.dumps(to_json(tables, config), indent=1, allow_nan=False)
    if out:
        write_atomically(out, (result + "\n").encode())
    if as_json:
        click.echo(result)
    else:
        _print_means(tables)


def _load(preset: str, weights: Path | None) -> tuple[PolicyNet, float]:
    """The net and the temperature it likes to be played at."""
    if weights:
        from gapt_core.train.policy import load_best

        return load_best(weights).net, 1.0
    from gapt_core.export.load import load_policy
    from presets.store import Store

    found = Store.default().find(preset)
    return load_policy(found), found.manifest.sampling.temperature


def _print_table(table: SetTable) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from gapt_core.evaluate.tables import COLUMNS

    shown = Table(title=f"{table.split} / {table.name}, {table.songs} songs", title_justify="left", box=box.SIMPLE_HEAD)
    shown.add_column("", no_wrap=True)
    for title in COLUMNS.values():
        shown.add_column(title, justify="right")
    for name, row in table.rows.items():
        values = row.to_dict()
        shown.add_row(
            name, *(f"{values[figure]:.3f}" if values[figure] < 10 else f"{values[figure]:.1f}" for figure in COLUMNS)
        )
    Console(width=112).print(shown)


def _print_means(tables: list[SetTable]) -> None:
    from gapt_core.evaluate.tables import mean_table

    for split in ("test", "ood"):
        mean = mean_table(tables, split)
        if mean is not None:
            _print_table(mean)
