"""What `gapt presets use` chose plays wherever no preset is named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete
from tiny_presets import write_tiny

from bridge.cli import gapt
from bridge.commands.options import settings_of
from presets.keeper import use
from presets.store import ENVIRONMENT, Store


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path))
    sampling = {"mode": "anticipate", "temperature": 0.5, "density": -1.0}
    write_tiny(tmp_path / "tiny", sampling=sampling)
    return Store.default()


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        yield (*path, name), command


def preset_options() -> Iterator[tuple[tuple[str, ...], click.Command, click.Parameter]]:
    for path, command in commands(gapt):
        for parameter in command.params:
            if "--preset" in parameter.opts:
                yield path, command, parameter


def test_a_session_plays_the_one_in_use(store: Store) -> None:
    assert settings_of({}).preset == "default"
    use(store, "tiny")
    settings = settings_of({})
    assert (settings.preset, settings.mode, settings.temperature, settings.density) == ("tiny", "anticipate", 0.5, -1.0)


def test_the_settings_file_comes_before_it_and_an_option_before_both(store: Store) -> None:
    use(store, "tiny")
    assert settings_of({}, {"preset": "public-domain"}).preset == "public-domain"
    assert settings_of({"preset": "default"}, {"preset": "public-domain"}).preset == "default"


def test_every_other_command_takes_it(store: Store) -> None:
    use(store, "tiny")
    found = {path: parameter.get_default(click.Context(command)) for path, command, parameter in preset_options()}
    assert {("doctor",), ("bench", "live"), ("evaluate",)} <= set(found)
    for path, default in found.items():
        assert default == (None if path in {("jam",), ("accompany",)} else "tiny"), path


def test_shells_complete_every_one_of_them() -> None:
    for path, _, _ in preset_options():
        completed = ShellComplete(gapt, {}, "gapt", "_GAPT_COMPLETE").get_completions([*path, "--preset"], "ti")
        assert [item.value for item in completed] == ["tiny"], path
