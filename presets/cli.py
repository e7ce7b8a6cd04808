"""`gapt presets`: what is there, what it says of itself, whether it is whole; sharing, installing and removing."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from presets.archive import SUFFIX, unpack
from presets.errors import PresetError
from presets.keeper import check_removable, export, install, remove, use
from presets.manifest import CARD, REPORT
from presets.preset import Preset, load_preset
from presets.store import Store, is_path
from presets.text import plain

IN_USE = "the one in use"

Command = TypeVar("Command", bound=Callable[..., Any])

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
replace_option = click.option("--replace", is_flag=True, help="Replace what is there already.")


def complete_names(
    context: click.Context, parameter: click.Parameter, incomplete: str, own: bool = False
) -> list[CompletionItem]:
    """What a shell offers for `incomplete`: names of presets, or of the user's `own` alone, or that it is a path."""
    if is_path(incomplete):
        return [CompletionItem(incomplete, type="file")]
    store = Store.default()
    rows = [row for row in _rows(store) if row["name"].startswith(incomplete) and not (own and row["builtin"])]
    return [CompletionItem(row["name"], help=row.get("description")) for row in rows]


def complete_own(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The same of the user's own presets."""
    return complete_names(context, parameter, incomplete, own=True)


def preset_option(help_text: str) -> Callable[[Command], Command]:
    """The option `--preset` of a command that takes one: completed by shells, the one in use where it is not given."""
    return click.option(
        "--preset",
        metavar="NAME|FOLDER",
        default=lambda: Store.default().in_use(),
        show_default=IN_USE,
        shell_complete=complete_names,
        help=help_text,
    )


name_argument = click.argument("name", shell_complete=complete_names)


@click.group()
def presets() -> None:
    """Keep presets: list, show, compare, share, install and remove them, and choose the one to play."""


@presets.command("list")
@json_option
def list_presets(as_json: bool) -> None:
    """List the presets that can be played; a star marks the one in use.

    The user's own folder comes first: a preset there hides a built-in one of the same name. The environment variable
    GAPT_PRESETS names another folder in its place.
    """
    store = Store.default()
    rows = _rows(store)
    if as_json:
        _echo_json(rows)
        return
    for row in rows:
        mark = "*" if row["in_use"] else " "
        said = row["problem"] or row["description"]
        click.echo(f"{mark} {row['name']:<20} {row.get('version', '?'):<8} {plain(said, 500)}")
    click.echo(f"Your own presets belong in {store.user}.")


@presets.command()
@name_argument
@click.option("--open", "open_it", is_flag=True, help="Open its report, or else its card, in the system's viewer.")
@json_option
def show(name: str, open_it: bool, as_json: bool) -> None:
    """Show the model card of the preset NAME, a name or a folder.

    With --json, its manifest.
    """
    preset = Store.default().find(name)
    if open_it:
        _open(preset)
    if as_json:
        _echo_json(preset.manifest.to_dict())
    elif not open_it:
        card = "".join(character for character in preset.card() if character in "\n\t" or character.isprintable())
        _render(card) if sys.stdout.isatty() else click.echo(card.rstrip())


@presets.command("use")
@name_argument
@json_option
def use_preset(name: str, as_json: bool) -> None:
    """Let the preset NAME play wherever none is named.

    A `preset` in the settings file comes before it, and an option before both.
    """
    use(Store.default(), name)
    _tell({"in_use": name}, f"“{name}” plays wherever no preset is named.", as_json)


@presets.command("export")
@name_argument
@click.argument("file", required=False, type=click.Path(path_type=Path))
@replace_option
@json_option
def export_preset(name: str, file: Path | None, replace: bool, as_json: bool) -> None:
    """Write the preset NAME as one FILE to pass on; NAME.gapt, here, if no FILE is named."""
    store = Store.default()
    if file is None or file.is_dir():
        file = (file or Path()) / f"{store.find(name).name}{SUFFIX}"
    preset = export(store, name, file, overwrite=replace)
    size = file.stat().st_size
    told = {"name": preset.name, "version": preset.manifest.version, "file": str(file), "bytes": size}
    _tell(told, f"“{preset.name}” {preset.manifest.version} is in {file}, {size / 1e6:.1f} MB.", as_json)


@presets.command("install")
@click.argument("source", metavar="FILE|FOLDER", type=click.Path(exists=True, path_type=Path))
@click.option("--name", metavar="NEW", help="What to call it; its own name if this is not given.")
@replace_option
@json_option
def install_preset(source: Path, name: str | None, replace: bool, as_json: bool) -> None:
    """Install a preset from a .gapt file, or from a preset's folder.

    All of it is checked before anything is written, and nothing in it is ever run.
    """
    store = Store.default()
    preset = install(store, source, name, hide=replace)
    manifest = preset.manifest
    told = {"name": preset.name, "version": manifest.version, "folder": str(preset.folder)}
    sentence = f"“{preset.name}” {manifest.version} is installed: {manifest.description} ({plain(manifest.licence)})"
    _tell(told, f"{sentence}\n`gapt jam --preset {preset.name}` plays it.", as_json)


@presets.command("remove")
@click.argument("name", shell_complete=complete_own)
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def remove_preset(name: str, yes: bool, as_json: bool) -> None:
    """Remove the preset NAME of your own; those that came with the program stay."""
    store = Store.default()
    check_removable(store, name)
    if not yes:
        click.confirm(f"Remove “{name}” and all of {store.user / name}?", abort=True, err=True)
    was_in_use = store.in_use() == name
    remove(store, name)
    in_use = store.in_use()
    sentence = f"“{name}” is removed."
    if was_in_use:
        sentence += f" It was the preset in use; now “{in_use}” is{', which came with the program' * (in_use == name)}."
    _tell({"removed": name, "in_use": in_use}, sentence, as_json)


@presets.command()
@click.argument("names", nargs=-1, metavar="[NAME|FILE]...", shell_complete=complete_names)
@json_option
def verify(names: tuple[str, ...], as_json: bool) -> None:
    """Check that presets are whole: all of them, or each NAME, or each .gapt FILE.

    Manifests are held to the schema, members to their size and SHA-256, weights to their own header, and every number
    in them must be finite.
    """
    store = Store.default()
    results = [_result(store, name) for name in names or store.folders()]
    if as_json:
        _echo_json(results)
    else:
        for result in results:
            click.echo(f"{result['name']}: {(result['problem'] or 'whole').removeprefix(str(result['name']) + ' ')}")
    damaged = [str(result["name"]) for result in results if result["problem"]]
    if damaged:
        raise PresetError(f"Of {len(results)} checked, these cannot be used: {', '.join(damaged)}.")


@presets.command()
@click.argument("name", required=False, shell_complete=complete_names)
@json_option
def path(name: str | None, as_json: bool) -> None:
    """Print the folder of the preset NAME, or the one that your own presets are in."""
    store = Store.default()
    folder = str(store.user if name is None else store.find(name).folder)
    _tell({"folder": folder}, folder, as_json)


def _rows(store: Store) -> list[dict[str, Any]]:
    in_use = store.in_use()
    return [
        {**_row(name, folder), "builtin": folder.parent == store.builtin, "in_use": name == in_use}
        for name, folder in store.folders().items()
    ]


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
        if name.endswith(SUFFIX) and not Path(name).is_dir():
            unpack(Path(name))
        else:
            store.find(name).verify()
    except PresetError as error:
        return {"name": name, "problem": str(error)}
    return {"name": name, "problem": None}


def _open(preset: Preset) -> None:
    page = REPORT if REPORT in preset.manifest.members else CARD
    preset.read(page)
    place = preset.folder / page
    click.echo(f"Opening {place}", err=True)
    if click.launch(str(place)):
        raise PresetError(f"The system has nothing to open {place} with: look at it yourself, or leave out --open.")


def _render(card: str) -> None:
    # rich takes a tenth of a second to import, and only a terminal has a use for it.
    from rich.console import Console
    from rich.markdown import Markdown

    Console().print(Markdown(card))


def _tell(values: dict[str, Any], sentence: str, as_json: bool) -> None:
    if as_json:
        _echo_json(values)
    else:
        click.echo(sentence)


def _echo_json(value: object) -> None:
    text = json.dumps(value, indent=2, ensure_ascii=False)
    # What would steer a terminal is written as an escape, which means the same.
    click.echo("".join(part if part.isprintable() or part == "\n" else json.dumps(part)[1:-1] for part in text))
