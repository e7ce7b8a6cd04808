"""`gapt presets`: what is there, what it says of itself, whether it is whole."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from presets.errors import PresetError
from presets.preset import load_preset
from presets.store import Store

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")


@click.group()
def presets() -> None:
    """List, show and verify presets."""


@presets.command("list")
@json_option
def list_presets(as_json: bool) -> None:
    """List the presets that can be played.

    The user's own folder comes first: a preset there hides a built-in one of the same name. The environment variable
    GAPT_PRESETS names another folder in its place.
    """
    store = Store.default()
    rows = [_row(name, folder) for name, folder in store.folders().items()]
    if as_json:
        _echo_json(rows)
        return
    for row in rows:
        click.echo(f"{row['name']:<20} {row.get('version', '?'):<8} {row.get('description') or row['problem']}")
    click.echo(f"Your own presets belong in {store.user}.")


@presets.command()
@click.argument("name")
@json_option
def show(name: str, as_json: bool) -> None:
    """Show the model card of the preset NAME, a name or a folder.

    With --json, its manifest.
    """
    preset = Store.default().find(name)
    if as_json:
        _echo_json(preset.manifest.to_dict())
        return
    card = "".join(character for character in preset.card() if character in "\n\t" or character.isprintable())
    if sys.stdout.isatty():
        _render(card)
    else:
        click.echo(card.rstrip())


@presets.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@json_option
def verify(names: tuple[str, ...], as_json: bool) -> None:
    """Check that presets are whole: all of them, or each NAME.

    Manifests are held to the schema, members to their size and SHA-256, weights to their own header.
    """
    store = Store.default()
    results = [_result(store, name) for name in names or store.folders()]
    if as_json:
        _echo_json(results)
    else:
        for result in results:
            click.echo(f"{result['name']}: {result['problem'] or 'whole'}")
    damaged = [str(result["name"]) for result in results if result["problem"]]
    if damaged:
        raise PresetError(f"Of {len(results)} checked, these cannot be used: {', '.join(damaged)}.")


def _row(name: str, folder: Path) -> dict[str, Any]:
    row: dict[str, Any] = {"name": name, "folder": str(folder), "problem": None}
    try:
        manifest = load_preset(folder).manifest
    except PresetError as error:
        return {**row, "problem": str(error)}
    described = {"version": manifest.version, "description": manifest.description, "licence": manifest.licence}
    return {**row, **described, "parameters": manifest.parameters}


def _result(store: Store, name: str) -> dict[str, str | None]:
    try:
        store.find(name).verify()
    except PresetError as error:
        return {"name": name, "problem": str(error)}
    return {"name": name, "problem": None}


def _render(card: str) -> None:
    # rich takes a tenth of a second to import, and only a terminal has a use for it.
    from rich.console import Console
    from rich.markdown import Markdown

    Console().print(Markdown(card))


def _echo_json(value: object) -> None:
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))
