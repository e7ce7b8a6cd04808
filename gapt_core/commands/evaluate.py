"""`gapt evaluate`: figures of a policy over test songs."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gapt_core.cli import EXISTING_FILE, EXISTING_FOLDER, FiniteRange
from gapt_core.errors import EvaluationError
from presets.cli import preset_option
from presets.files import write_atomically

if TYPE_CHECKING:
    from gapt_core.evaluate.embedding import Embedder
    from gapt_core.evaluate.tables import SetTable
    from gapt_core.model.policy import PolicyNet

CONSOLE_WIDTH = 116

PROBES = {
    "adaptation": ("adaptation_single", "adaptation_multiple"),
    "cold_start": ("cold_start",),
    "sessions": ("sessions",),
    "ahead": ("ahead",),
}
"""Option to the measurements that it asks for."""

LATENCY_FRAMES = 512


@dataclass(frozen=True)
class Output:
    """Where the figures go."""

    as_json: bool
    out: Path | None


@click.command()
@preset_option("Preset by name or folder.")
@click.option("--weights", type=EXISTING_FILE, help="A run's best.pt, instead of a preset.")
@click.option("--data", type=EXISTING_FOLDER, required=True, help="Corpus: DIR/{test,ood}/SET.jsonl.gz.")
@click.option("--songs", type=click.IntRange(2), default=48, show_default=True, help="Songs a set, at most.")
@click.option("--frames", type=click.IntRange(16), default=512, show_default=True, help="Frames a song, at most.")
@click.option("--temperature", type=FiniteRange(0), help="Default: the preset's own; 1 with --weights.")
@click.option(
    "--density",
    type=FiniteRange(-10, 10),
    help="Above 0 chords change more often. Default: the preset's own; 0 with --weights.",
)
@click.option("--seed", type=click.IntRange(0, (1 << 63) - 1), default=0, show_default=True)
@click.option("--adaptation", is_flag=True, help="Also: the songs change their key; how fast harmony recovers.")
@click.option("--cold-start", is_flag=True, help="Also: harmony of each of the first 16 beats.")
@click.option("--sessions", is_flag=True, help="Also: sessions four times as long as training crops, in quarters.")
@click.option(
    "--ahead", is_flag=True, help="Also: chords decided 1, 2 and 4 beats ahead, and what a look ahead is worth."
)
@click.option("--latency", is_flag=True, help="Also: how long a step takes on this machine.")
@click.option("--against", metavar="PRESET|WEIGHTS", help="Also: duets with this melody agent.")
@click.option(
    "--all", "everything", is_flag=True, help="All of these; the policy itself is the agent if none is named."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
@click.option("-o", "--out", type=click.Path(dir_okay=False, path_type=Path), help="Also write the JSON to a file.")
def evaluate(
    preset: str, weights: Path | None, data: Path, against: str | None, as_json: bool, out: Path | None, **more: Any
) -> None:
    """Let a policy play over test melodies and print its figures, in both modes.

    Beside them stand the ground truth and a control: each melody under the next song's chords.
    """
    from gapt_core.evaluate.probes import Probes, Subject, chosen
    from gapt_core.evaluate.sets import EvaluateConfig

    if out and not out.parent.is_dir():
        raise EvaluationError(f"There is no folder {out.parent}; make it first, or name another file with -o.")
    net, own = _load(preset, weights)
    agent = _agent(against)[0] if against else net
    drawn = {name: value for name in ("temperature", "density") if (value := more[name]) is not None}
    config = EvaluateConfig(more["songs"], more["frames"], seed=more["seed"], **{**own, **drawn})
    names = {probe for option, probes in PROBES.items() if more[option] for probe in probes}
    names |= {"against"} if against else set()
    probes = Probes(Subject(net, agent, config, _embedder()))
    output = Output(as_json, out)
    result = _run(probes, chosen(names, more["everything"]), config, data, output)
    if more["latency"] or more["everything"]:
        result["latency"] = _latency(net, output)
    _write(result, output)


def _run(probes: Any, names: Sequence[str], config: Any, data: Path, output: Output) -> dict[str, Any]:
    """Measure, and print each table as soon as it is there; all of it as plain values."""
    from gapt_core.evaluate.probes import LONGEST, NOTES
    from gapt_core.evaluate.sets import load_test_sets
    from gapt_core.evaluate.tables import plain_tables, to_json

    sets = load_test_sets(data, replace(config, frames=max(config.frames, LONGEST)))
    result: dict[str, Any] = {}
    for name in names:
        if not output.as_json:
            _print_head(name, NOTES[name])
        tables: list[SetTable] = []
        for entry in sets:
            found = probes.tables(name, entry)
            tables += found
            if not output.as_json:
                _print_tables(found, config.vendi_songs)
        if not output.as_json:
            _print_tables(_means(tables), None)
        result |= to_json(tables, config) if name == "play" else {name: plain_tables(tables)}
    return result


def _latency(net: PolicyNet, output: Output) -> dict[str, float]:
    from gapt_core.evaluate.card import LATENCY_NOTE
    from gapt_core.experiment.latency import measure_latency

    times = measure_latency(net, LATENCY_FRAMES)
    if not output.as_json:
        _print_head("latency", LATENCY_NOTE)
        _print_table({name: name for name in times}, {"step": times}, decimals=3)
    return times


def _write(result: dict[str, Any], output: Output) -> None:
    text = json.dumps(result, indent=1, allow_nan=False)
    if output.out:
        write_atomically(output.out, (text + "\n").encode())
    if output.as_json:
        click.echo(text)


def _load(preset: str, weights: Path | None) -> tuple[PolicyNet, dict[str, float]]:
    """The net, and the temperature and density it likes to be played at."""
    if weights:
        from gapt_core.train.policy import load_best

        return load_best(weights).net, {}
    from gapt_core.export.load import load_policy
    from presets.store import Store

    found = Store.default().find(preset)
    own = found.manifest.sampling
    return load_policy(found), {"temperature": own.temperature, "density": own.density}


def _agent(name: str) -> tuple[PolicyNet, dict[str, float]]:
    path = Path(name)
    return _load(name, path if path.is_file() else None)


def _embedder() -> Embedder:
    from gapt_core.evaluate.listener import Listener

    return Listener()


def _means(tables: list[SetTable]) -> list[SetTable]:
    from gapt_core.evaluate.tables import mean_table

    return [mean for split in ("test", "ood") if (mean := mean_table(tables, split)) is not None]


def _print_head(name: str, note: str) -> None:
    from rich.console import Console
    from rich.rule import Rule

    console = Console(width=CONSOLE_WIDTH)
    console.print(Rule(name.replace("_", " "), align="left"))
    console.print(note, highlight=False)


def _print_tables(tables: list[SetTable], vendi_songs: int | None) -> None:
    from gapt_core.evaluate.tables import COLUMNS

    for table in tables:
        title = f"{table.split} / {table.name}, {table.songs} songs"
        if vendi_songs is not None:
            few = f", fewer than {vendi_songs}" if table.vendi_songs < vendi_songs else ""
            title += f"; Vendi over {table.vendi_songs}{few}"
        click.echo(title)
        rows = {name: row.extra for name, row in table.rows.items() if row.extra}
        if rows:
            heads = {name: name for extra in rows.values() for name in extra}
            _print_table(heads, rows, decimals=2)
        _print_table(COLUMNS, {name: row.to_dict() for name, row in table.rows.items()}, decimals=3)


def _print_table(heads: Mapping[str, str], rows: Mapping[str, Mapping[str, float]], decimals: int) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    shown = Table(box=box.SIMPLE_HEAD, padding=(0, 0, 0, 1))
    shown.add_column("", no_wrap=True)
    for head in heads.values():
        shown.add_column(head, justify="right")
    for name, values in rows.items():
        shown.add_row(name, *(_shown(values[figure], decimals) for figure in heads))
    Console(width=CONSOLE_WIDTH).print(shown)


def _shown(value: float, decimals: int) -> str:
    if math.isnan(value):
        return "-"
    return f"{value:.{decimals if value < 10 else 1}f}"
