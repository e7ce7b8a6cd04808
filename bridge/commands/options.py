"""Options of the command line, made from the table of parameters, and the settings that come of them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

from bridge.controls.parameters import PARAMETERS, Parameter, Value
from bridge.errors import BridgeError
from gapt_core.cli import FiniteRange
from presets.cli import IN_USE, complete_names

if TYPE_CHECKING:
    from bridge.controls.settings import Settings
    from plugin_host.proxy import WorkerAccompanist

Result = TypeVar("Result")

LIVE = tuple(name for name, parameter in PARAMETERS.items() if parameter.kind != "trigger")

OFFLINE = (
    *("preset", "style", "mode", "temperature", "density", "seed", "commit", "listen", "entry"),
    *("voicing", "register", "velocity", "velocity_follow", "key", "scale", "chord_set"),
)
"""Parameters that mean something to a file."""


def parameter_options(names: Iterable[str]) -> Callable[[Callable[..., Result]], Callable[..., Result]]:
    """Add an option for each parameter: the command gets those that were given as `given`, by name."""
    names = tuple(names)

    def decorate(command: Callable[..., Result]) -> Callable[..., Result]:
        def with_given(*arguments: Any, **options: Any) -> Result:
            chosen = {name: options.pop(name) for name in names}
            given = {name: value for name, value in chosen.items() if value is not None}
            return command(*arguments, given=given, **options)

        decorated: Callable[..., Result] = functools.wraps(command)(with_given)
        for name in reversed(names):
            decorated = _option(PARAMETERS[name])(decorated)
        return decorated

    return decorate


def settings_of(given: Mapping[str, Value], usual: Mapping[str, Value] | None = None) -> Settings:
    """What was `given`, else what the user has as `usual`, else the preset's own, else the table's default.

    The preset itself, where nobody names one, is the one in use.

    Raises:
        PresetError: there is no such preset, or its manifest is damaged.
        BridgeError: a value is not one that its parameter can have.
    """
    from bridge.controls.settings import Settings
    from presets.store import Store

    store = Store.default()
    wanted = {**(usual or {}), **given}
    wanted.setdefault("preset", store.in_use())
    own = store.find(str(wanted["preset"])).manifest.sampling
    settings = Settings()
    values = {"mode": own.mode, "temperature": own.temperature, "density": own.density, **wanted}
    for name, value in values.items():
        settings = settings.changed(name, value)
    return settings


def worker_of(settings: Settings) -> WorkerAccompanist:
    """The policy's process, not started yet."""
    from plugin_host.proxy import WorkerAccompanist

    return WorkerAccompanist(settings.preset, settings.sampling, settings.style)


def _option(parameter: Parameter) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    if parameter.kind == "switch":
        spelling = f"{parameter.option}/{parameter.option.replace('--', '--no-', 1)}"
        return click.option(spelling, parameter.name, default=None, help=_help(parameter))
    return click.option(
        parameter.option,
        parameter.name,
        default=None,
        type=_type(parameter),
        metavar="TEXT" if parameter.kind == "text" else None,
        shell_complete=complete_names if parameter.name == "preset" else None,
        callback=_checked(parameter),
        help=_help(parameter),
    )


def _type(parameter: Parameter) -> Any:
    if parameter.kind == "number":
        return FiniteRange(parameter.low, parameter.high)
    if parameter.kind == "whole":
        return click.IntRange(int(parameter.low), int(parameter.high))
    if parameter.kind == "choice":
        return click.Choice(parameter.choices, case_sensitive=False)
    return str


def _checked(parameter: Parameter) -> Callable[[click.Context, click.Parameter, Any], Any]:
    def check(context: click.Context, option: click.Parameter, value: Any) -> Any:
        if value is None:
            return None
        try:
            return parameter.checked(value)
        except BridgeError as error:
            raise click.BadParameter(str(error), context, option) from None

    return check


def _help(parameter: Parameter) -> str:
    unit = f", in {parameter.unit}" if parameter.unit else ""
    default = IN_USE if parameter.name == "preset" else parameter.default
    if parameter.kind == "switch":
        return parameter.help
    shown = "the preset's" if default is None else f"{default:g}" if isinstance(default, float) else str(default)
    return f"{parameter.help.removesuffix('.')}{unit}. Default: {shown}."
