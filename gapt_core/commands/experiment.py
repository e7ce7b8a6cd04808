"""`gapt experiment`: run a grid of post-trainings, look at how it stands, write its report."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from gapt_core.cli import EXISTING_FOLDER, FOLDER, FiniteRange
from gapt_core.errors import TrainingError

if TYPE_CHECKING:
    from gapt_core.experiment.grid import RunSettings
    from gapt_core.experiment.runner import Outcome, Task

LOCAL_OPTIONS, CLUSTER_OPTIONS = ("jobs", "threads"), ("gpus",)
"""Options of `run` that say something of this machine alone, or of a cluster alone."""


@click.group()
def experiment() -> None:
    """Compare post-training with and without the adversary, over seeds, weights and schedules."""


@experiment.command()
@click.argument("grid")
@click.option("--out", type=FOLDER, required=True, help="Folder of the experiment; it gets a folder a run.")
@click.option("--data", type=EXISTING_FOLDER, required=True, help="Corpus: DIR/{train,test,ood}/SET.jsonl.gz.")
@click.option("--kit", metavar="DIR|PRESET", required=True, help="Training kit: anchor and rewards.")
@click.option("--init", default="default-mle", show_default=True, help="Policy to begin as: a preset, or a best.pt.")
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, help="Runs at once on this machine.")
@click.option("--threads", type=click.IntRange(1), default=1, show_default=True, help="CPU threads a run; here alone.")
@click.option("--cluster", metavar="ADDRESS", help="Run on Ray instead: HOST:PORT, auto, or local.")
@click.option("--gpus", type=FiniteRange(0), default=0.0, show_default=True, help="With --cluster: GPUs a run.")
@click.pass_context
def run(context: click.Context, /, grid: str, out: Path, data: Path, kit: str, init: str, **way: Any) -> None:
    """Train and measure every run of GRID: full, arms, smoke, or a JSON file (docs/experiment.md).

    A kill loses little: call the same command again, and what is done is kept. Ends with exit code 2 if a run failed.
    """
    _refuse_idle_options(context)
    from gapt_core.experiment.folder import write_grid
    from gapt_core.experiment.grid import find_grid
    from gapt_core.experiment.runner import refuse_others, tasks_of
    from gapt_core.experiment.stages import STAGES, refuse_other_recipes

    chosen = find_grid(grid)
    inputs = {"songs": data, "kit": _place(kit), "start": _place(init)}
    tasks = tasks_of(chosen, out, inputs, STAGES)
    refuse_others(tasks)
    refuse_other_recipes(out, tasks)
    write_grid(out, chosen)
    outcomes = _perform(tasks, **way)
    failed = [name for name, outcome in outcomes.items() if outcome.name == "FAILED"]
    if failed:
        raise TrainingError(f"{', '.join(failed)} failed; `gapt experiment list {out}` says why.")


@experiment.command()
@click.argument("folder", type=EXISTING_FOLDER)
@click.argument("kinds", nargs=-1, required=True)
@click.option("--data", type=EXISTING_FOLDER, required=True, help="Corpus: DIR/{test,ood}/SET.jsonl.gz.")
@click.option("--against", metavar="PRESET|WEIGHTS", help="The melody agent of duets, for the kind against.")
@click.option("--run", "names", multiple=True, metavar="RUN", help="Only this run; for several say it again.")
def measure(folder: Path, kinds: Sequence[str], data: Path, against: str | None, names: Sequence[str]) -> None:
    """Measure the trained runs of the experiment in FOLDER in KINDS that they lack.

    KINDS are play, adaptation-single, adaptation-multiple, sessions, ahead and against.
    """
    from gapt_core.experiment.folder import open_experiment
    from gapt_core.experiment.locks import locked
    from gapt_core.experiment.stages import measure_kinds

    inputs = {"songs": data} | ({"agent": _place(against)} if against else {})
    wanted = [kind.replace("-", " ") for kind in kinds]
    runs = {run.settings.name: run for run in open_experiment(folder)[1]}
    if unknown := sorted(set(names) - set(runs)):
        raise TrainingError(f"{folder} has no run {unknown[0]}; `gapt experiment list {folder}` shows those it has.")
    for run in (runs[name] for name in names or runs):
        if run.state is None or "train" not in run.state.done:
            click.echo(f"{run.settings.name}: is not trained yet")
            continue
        with locked(run.folder) as got:
            if got:
                measure_kinds(run.folder, run.settings, inputs, wanted)
            click.echo(f"{run.settings.name}: {'done' if got else 'is being done by another process'}")


@experiment.command("list")
@click.argument("folder", type=EXISTING_FOLDER)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def list_runs(folder: Path, as_json: bool) -> None:
    """Show how the runs of the experiment in FOLDER stand."""
    from gapt_core.experiment.folder import standings

    rows = standings(folder)
    if as_json:
        click.echo(json.dumps(rows, indent=1))
    else:
        _print_standings(rows)


@experiment.command()
@click.argument("folder", type=EXISTING_FOLDER)
@click.option(
    "-o",
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="The page, e.g. docs/results.md; its pictures go to a folder beside it.",
)
def report(folder: Path, out: Path) -> None:
    """Write the report of the experiment in FOLDER from the files of its runs; what is missing it names."""
    try:
        from gapt_core.experiment.report import write_report
    except ImportError as error:
        raise TrainingError("The report needs scipy and matplotlib: pip install 'gapt-bridge[train]'") from error
    if not out.parent.is_dir():
        raise TrainingError(f"There is no folder {out.parent}; make it first, or name another file with -o.")
    write_report(folder, out)
    click.echo(f"The report is in {out}.")


def _refuse_idle_options(context: click.Context) -> None:
    """Refuse options that nothing would come of."""
    given = ParameterSource.COMMANDLINE
    told = [name for name in LOCAL_OPTIONS + CLUSTER_OPTIONS if context.get_parameter_source(name) is given]
    if context.params["cluster"]:
        if idle := [name for name in told if name in LOCAL_OPTIONS]:
            raise click.UsageError(f"--{idle[0]} is of no use with --cluster, where a run gets a core; leave it out.")
    elif idle := [name for name in told if name in CLUSTER_OPTIONS]:
        raise click.UsageError(f"--{idle[0]} is of no use without --cluster; name a cluster, or leave it out.")


def _place(name: str) -> Path:
    """The folder of the preset of that name, else the file or folder itself."""
    from presets.store import Store

    path = Store.default().folders().get(name, Path(name))
    if not path.exists():
        raise TrainingError(f"There is no preset, file or folder {name}; `gapt presets list` shows the presets.")
    return path.resolve()


def _perform(tasks: Sequence[Task], jobs: int, threads: int, cluster: str | None, gpus: float) -> dict[str, Outcome]:
    if cluster:
        from gapt_core.experiment.cluster import run_cluster

        return run_cluster(tasks, cluster, gpus, _say)
    from gapt_core.experiment.runner import run_local

    return run_local(tasks, jobs, threads, _say)


def _say(settings: RunSettings, outcome: Outcome) -> None:
    click.echo(f"{settings.name}: {outcome.sentence}")


def _print_standings(rows: Sequence[dict[str, Any]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    shown = Table(box=box.SIMPLE_HEAD)
    for title in ("run", "state", "steps", "seconds", "note"):
        shown.add_column(title, justify="right" if title in {"steps", "seconds"} else "left")
    for row in rows:
        shown.add_row(row["run"], row["state"], str(row["steps"]), f"{row['seconds']:.0f}", row["note"])
    Console(width=112).print(shown)
