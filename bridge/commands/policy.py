"""The options that say which policy plays and how, shared by the commands that play."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

from gapt_core.cli import FiniteRange

if TYPE_CHECKING:
    from bridge.engine.settings import Mode, Settings
    from plugin_host.accompanist import Sampling
    from plugin_host.proxy import WorkerAccompanist

Result = TypeVar("Result")


@dataclass(frozen=True)
class PolicyChoice:
    """What the user chose, with the preset's own values where they chose nothing."""

    preset: str
    mode: Mode
    sampling: Sampling
    style: str

    def worker(self) -> WorkerAccompanist:
        """The policy's process, not started yet."""
        from plugin_host.proxy import WorkerAccompanist

        return WorkerAccompanist(self.preset, self.sampling, self.style)

    def settings(self, **others: Any) -> Settings:
        """Settings for the engine; `others` are fields of `Settings`."""
        from bridge.engine.settings import Settings

        return Settings(mode=self.mode, sampling=self.sampling, **others)


def policy_options(command: Callable[..., Result]) -> Callable[..., Result]:
    """Add `--preset`, `--mode`, `--temperature`, `--density`, `--seed`, `--style`: `command` gets them as `policy`."""

    @functools.wraps(command)
    def with_policy(*arguments: Any, **options: Any) -> Result:
        chosen = {name: options.pop(name) for name in ("preset", "mode", "temperature", "density", "seed", "style")}
        return command(*arguments, policy=policy_choice(**chosen), **options)

    for option in reversed(_OPTIONS):
        with_policy = option(with_policy)
    return with_policy


def policy_choice(
    preset: str, mode: Mode | None, temperature: float | None, density: float | None, seed: int, style: str
) -> PolicyChoice:
    """Fill in what was left open from the preset.

    Raises:
        PresetError: there is no such preset, or its manifest is damaged.
    """
    from plugin_host.accompanist import Sampling
    from presets.store import Store

    own = Store.default().find(preset).manifest.sampling
    sampling = Sampling(
        temperature=own.temperature if temperature is None else temperature,
        density=own.density if density is None else density,
        seed=seed,
    )
    return PolicyChoice(preset, mode or own.mode, sampling, style)  # type: ignore[arg-type]  # the schema knows both


def _known_style(context: click.Context, option: click.Parameter, value: str) -> str:
    from gapt_core.vocabulary import STYLES

    if value not in STYLES:
        raise click.BadParameter(f"{value!r} is not one of {', '.join(STYLES)}.", context, option)
    return value


_OPTIONS = (
    click.option("--preset", default="default", show_default=True, help="A preset's name, or its folder."),
    click.option(
        "--mode",
        type=click.Choice(["react", "anticipate"]),
        help="Listen to each note for some milliseconds before answering, or answer ahead. Default: the preset's.",
    ),
    click.option(
        "--temperature",
        type=FiniteRange(0.0, 10.0),
        help="0 plays the likeliest chord; the higher, the bolder. Default: the preset's.",
    ),
    click.option(
        "--density",
        type=FiniteRange(-10.0, 10.0),
        help="Above 0 chords change more often, below 0 less often. Default: the preset's.",
    ),
    click.option(
        "--seed",
        type=click.IntRange(0, (1 << 63) - 1),
        default=1,
        show_default=True,
        help="The same seed and melody give the same chords.",
    ),
    click.option(
        "--style", default="unknown", show_default=True, callback=_known_style, help="What to play like, such as folk."
    ),
)
