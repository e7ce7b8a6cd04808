"""`gapt presets compare`, which needs the nets, and the group with all commands of presets."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gapt_core.errors import EvaluationError
from presets.cli import complete_names, json_option
from presets.cli import presets as kept

if TYPE_CHECKING:
    from gapt_core.experiment.statistics import Interval
    from gapt_core.finetune.comparison import Comparison
    from presets.preset import Preset

CONSOLE_WIDTH = 116
FEW = 20
"""With fewer songs only large differences show."""


@click.command()
@click.argument("first", metavar="A", shell_complete=complete_names)
@click.argument("second", metavar="B", shell_complete=complete_names)
@click.option(
    "--songs",
    type=click.Path(exists=True, path_type=Path),
    multiple=True,
    help="File or folder of songs to play over; may be given again. Default: seven tunes of ours.",
)
@click.option("--most", type=click.IntRange(2), default=48, show_default=True, help="Songs to play over, at most.")
@click.option("--draws", type=click.IntRange(1, 64), default=4, show_default=True, help="Times to play each song.")
@click.option("--seed", type=click.IntRange(0, (1 << 31) - 1), default=0, show_default=True)
@json_option
def compare(first: str, second: str, songs: tuple[Path, ...], most: int, draws: int, seed: int, as_json: bool) -> None:
    """Let the presets A and B play over the same melodies, and print their figures side by side.

    Each plays at the temperature and density that it asks for, in both modes.
    """
    from presets.store import Store

    try:
        from gapt_core.finetune.comparison import comparisons
        from gapt_core.finetune.contest import TUNES, Contest, read_tunes
        from gapt_core.finetune.contest import compare as compare_presets
    except ImportError as error:
        raise EvaluationError("Comparing needs scipy: pip install 'gapt-bridge[train]'") from error
    from gapt_core.evaluate.listener import Listener

    both = [Store.default().find(name) for name in (first, second)]
    tunes, refused = read_tunes(songs or (TUNES,), most)
    for line in refused:
        click.echo(line, err=True)
    click.echo(f"{len(tunes)} melodies, {draws} times each and in both modes.", err=True)
    rows = comparisons(compare_presets(both[0], both[1], tunes, Contest(draws, seed=seed), Listener()))
    if as_json:
        told = {"presets": [_named(preset) for preset in both], "songs": len(tunes), "draws": draws, "seed": seed}
        click.echo(json.dumps({**told, "figures": [_plain(asdict(row)) for row in rows]}, indent=1, allow_nan=False))
        return
    _print(rows, both)
    few = f" {len(tunes)} songs show large differences alone; --songs takes yours." if len(tunes) < FEW else ""
    click.echo(
        "B - A and its 95 % interval are over songs, p is Wilcoxon's, paired by song; of Vendi scores it is the ratio "
        f"B / A.{few}"
    )


presets = click.Group("presets", {**kept.commands, "compare": compare}, help=kept.help)


def _named(preset: Preset) -> dict[str, str]:
    return {"name": preset.name, "version": preset.manifest.version}


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """The same with None for what is not finite."""
    plain = {name: _plain(value) if isinstance(value, dict) else value for name, value in values.items()}
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value for name, value in plain.items()
    }


def _print(rows: Sequence[Comparison], both: Sequence[Preset]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 0, 0, 1))
    heads = [f"{letter} {preset.name}" for letter, preset in zip("AB", both, strict=True)]
    own = ["songs' own"] if any(math.isfinite(row.own) for row in rows) else []
    for head in ("", "mode", *heads, "B - A", "95 %", "p", *own):
        table.add_column(head, justify="left" if head in ("", "mode") else "right")
    for row in rows:
        table.add_row(*_cells(row)[: len(table.columns)], end_section=row.mode == rows[-1].mode)
    Console(width=CONSOLE_WIDTH).print(table)


def _cells(row: Comparison) -> list[str]:
    from gapt_core.finetune.comparison import DIVERSITY, FIGURES

    name, digits = (DIVERSITY[row.figure], 2) if row.figure in DIVERSITY else FIGURES[row.figure]
    before, after, own = (_shown(level, digits) for level in (row.before, row.after, row.own))
    if row.test is None:
        return [name, row.mode, before, after, *_interval(row.ratio, 2, "ratio "), "", own]
    return [name, row.mode, before, after, *_interval(row.test.difference, digits, ""), _shown(row.test.p, 3), own]


def _interval(interval: Interval | None, digits: int, kind: str) -> list[str]:
    if interval is None:
        return ["", ""]
    value, low, high = (_shown(number, digits) for number in (interval.value, interval.low, interval.high))
    return [f"{kind}{value}", f"{low} to {high}"]


def _shown(number: float, digits: int) -> str:
    return f"{number:.{digits}f}" if math.isfinite(number) else "-"
