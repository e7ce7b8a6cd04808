"""`gapt daw list`, `install` and `path`: what lives inside each host, and how it gets there.

`bridge/commands/daw.py` puts `gapt daw test` beside them, which needs a bridge.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from plugin_host.daw.hosts import HOSTS, Host, host_of
from plugin_host.daw.installer import Deed, Item, Ledger, State, bases, install, items, state_of, targets
from plugin_host.daw.places import TITLES, System, SystemName
from plugin_host.errors import HostError

CONSOLE_WIDTH = 120

SHORT: dict[State, str] = {
    "missing": "not installed",
    "installed": "installed",
    "outdated": "an earlier version",
    "changed": "changed by you",
}

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
to_option = click.option(
    "--to",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="The host's own folder, where it is not the usual one, such as a User Library that you have moved.",
)


def complete_hosts(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """What a shell offers for `incomplete`."""
    return [CompletionItem(host.name, help=host.title) for host in HOSTS.values() if host.name.startswith(incomplete)]


host_argument = click.argument("host", shell_complete=complete_hosts)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a host's files are on this computer.

    Attributes:
        folders: its folders that are there.
        states: the state of each file in them.
        problem: why that cannot be told.
    """

    host: Host
    system: SystemName
    folders: list[Path]
    states: list[tuple[Item, State]]
    problem: str = ""

    @property
    def word(self) -> str:
        """The state of all of them together."""
        if self.problem:
            return "cannot be told"
        if not self.folders and not self.host.creates:
            return "not found here" if self.system in self.host.bases else f"not on {TITLES[self.system]}"
        states = {state for _, state in self.states}
        if "changed" in states or len(states) < 2:
            return SHORT["changed" if "changed" in states else next(iter(states), "missing")]
        return SHORT["outdated"]


@click.group()
def daw() -> None:
    """Put our parts into your music software, and test the way from there to the bridge and back."""


@daw.command("list")
@json_option
def list_hosts(as_json: bool) -> None:
    """List the hosts, what there is for each, and whether it is installed."""
    system = System.here()
    ledger = Ledger.of(system)
    standings = [_standing(host, system, ledger) for host in HOSTS.values()]
    if as_json:
        click.echo(json.dumps([_as_data(standing) for standing in standings], indent=2, ensure_ascii=False))
        return
    _show(standings)
    for standing in standings:
        if standing.problem:
            click.echo(f"{standing.host.name}: {standing.problem}")
    click.echo("`gapt daw install HOST` copies them, `gapt daw test HOST` tries the way there and back.")


@daw.command("install")
@host_argument
@to_option
@click.option("--force", is_flag=True, help="Write over files that you have changed, too.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
def install_host(host: str, to: Path | None, force: bool, dry_run: bool) -> None:
    """Copy what there is for HOST into its folders; `gapt daw list` names the hosts.

    May be called again at any time: what is there already stays, earlier versions of ours are replaced, and a file that
    you have changed is kept unless --force is given.
    """
    found, system = host_of(host), System.here()
    ledger = Ledger.of(system)
    kept = False
    for deed in install(items(found, targets(found, system, ledger, to)), ledger, force, dry_run):
        click.echo(_told(deed, dry_run))
        kept = kept or (deed.state == "changed" and not deed.written)
    if kept:
        click.echo("What you have changed was kept; --force replaces it by ours.")
    click.echo(f"Then: {found.after}")


@daw.command("path")
@host_argument
@to_option
@json_option
def path_of(host: str, to: Path | None, as_json: bool) -> None:
    """Say where the files for HOST have gone, or would go: a line each, with how they are."""
    found, system = host_of(host), System.here()
    ledger = Ledger.of(system)
    states = [(item, state_of(item, ledger)) for item in items(found, targets(found, system, ledger, to))]
    if as_json:
        click.echo(json.dumps([_file(item, state) for item, state in states], indent=2, ensure_ascii=False))
        return
    for item, state in states:
        click.echo(f"{item.target}  ({SHORT[state]})")


def _standing(host: Host, system: System, ledger: Ledger) -> Standing:
    folders = bases(host, system, ledger)
    try:
        states = [(item, state_of(item, ledger)) for item in items(host, folders)]
    except HostError as error:
        return Standing(host, system.name, folders, [], str(error))
    return Standing(host, system.name, folders, states)


def _told(deed: Deed, dry_run: bool) -> str:
    if not deed.written:
        said = "is there already" if deed.state == "installed" else "is kept: you have changed it"
        return f"{deed.item.target} {said}."
    would = "would be" if dry_run else "is"
    done = {"missing": "copied", "outdated": "brought up to date", "changed": "replaced by ours; your changes are lost"}
    return f"{deed.item.target} {would} {done[deed.state]}."


def _show(standings: Sequence[Standing]) -> None:
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for head in ("host", "what there is", "here", "where"):
        table.add_column(head, overflow="fold")
    for standing in standings:
        what = "\n".join(part.what for part in standing.host.parts)
        where = "\n".join(map(str, standing.folders))
        table.add_row(*map(escape, (standing.host.name, what, standing.word, where)))
    Console(width=CONSOLE_WIDTH, highlight=False).print(table, end="")


def _as_data(standing: Standing) -> dict[str, Any]:
    host = standing.host
    return {
        "host": host.name,
        "title": host.title,
        "parts": [part.what for part in host.parts],
        "state": standing.word,
        "folders": [str(folder) for folder in standing.folders],
        "files": [_file(item, state) for item, state in standing.states],
        "problem": standing.problem,
    }


def _file(item: Item, state: State) -> dict[str, str]:
    return {"file": str(item.target), "state": state}
