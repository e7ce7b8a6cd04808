"""Writes `commands.md` from the `--help` of every command.

Run `python docs/make_commands.py` after a change of a command; a test holds the page.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
from click.testing import CliRunner

from bridge.cli import gapt

HEAD = "# Commands\n\n*Written by `docs/make_commands.py` from `--help`; do not edit.*\n"
WIDTH = 100


def page() -> str:
    """The whole page, as it should stand in `commands.md`."""
    sections = [f"## `{' '.join(path)}`\n\n```text\n{_help(path)}```\n" for path in _paths(gapt, ("gapt",))]
    return "\n".join([HEAD, *sections])


def _paths(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    yield path
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            subcommand = command.get_command(context, name)
            assert subcommand is not None
            yield from _paths(subcommand, (*path, name))


def _help(path: tuple[str, ...]) -> str:
    result = CliRunner().invoke(gapt, [*path[1:], "--help"], prog_name="gapt", terminal_width=WIDTH)
    assert result.exit_code == 0, result.output
    return result.stdout


if __name__ == "__main__":
    Path(__file__).with_name("commands.md").write_text(page(), encoding="utf-8")
