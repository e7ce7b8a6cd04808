"""What a fine-tuning shows while it works: a bar for each part of it, its running figures, and the time left."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from gapt_core.errors import TrainingError
from presets.store import Store

if TYPE_CHECKING:
    from rich.progress import Progress

    from gapt_core.finetune.making import Wish
    from gapt_core.finetune.watch import Watch
    from gapt_core.intake.reports import Intake
    from gapt_core.intake.split import Split

STOPPING = (
    "Stopping after this step: what was learned so far is measured, and kept if it is better. Ctrl-C again stops at "
    "once."
)


class Bars:
    """A `Watch` in a terminal; elsewhere a line says that a part of the work begins."""

    def __init__(self, progress: Progress) -> None:
        self.stopping = False
        self._progress = progress
        self._task = progress.add_task("", visible=False, said="")

    def phase(self, name: str, steps: int, done: int = 0) -> None:
        """A new bar; those of the phases before stay."""
        self._task = self._progress.add_task(name, total=steps, completed=done, said="")
        if not self._progress.console.is_terminal:
            self.say(f"{name}: {steps} steps" + (f", {done} of them done" if done else ""))

    def step(self, done: int, said: str = "") -> None:
        """The bar so far, and the running figures."""
        self._progress.update(self._task, completed=done, said=said)

    def say(self, sentence: str) -> None:
        """A line above the bars."""
        self._progress.console.print(sentence, highlight=False, markup=False, soft_wrap=True)

    def asked_to_stop(self) -> bool:
        """Whether Ctrl-C was pressed."""
        return self.stopping

    def stop(self) -> None:
        """Ctrl-C was pressed."""
        self.stopping = True
        self.say(STOPPING)


@contextmanager
def bars() -> Iterator[Watch]:
    """Bars on the error stream, so that what a command prints can be piped; the first Ctrl-C inside asks to stop."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from gapt_core.finetune.watch import first_interrupt

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[said]}"),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        watch = Bars(progress)
        with first_interrupt(watch.stop):
            yield watch


def refuse_first(**given: Any) -> None:
    """Refuse what would be refused after the work.

    Raises:
        TrainingError: a library of an extra is not installed.
        PresetError: the name is none or taken, or the preset to begin as cannot be fine-tuned.
    """
    try:
        from gapt_core.finetune.making import refuse_early
    except ImportError as error:
        raise TrainingError("The report needs scipy and matplotlib: pip install 'gapt-bridge[train]'") from error
    refuse_early(_wish(**given), Store.default())


def make_and_tell(intake: Intake, parts: Split, as_json: bool, **given: Any) -> None:
    """Fine-tune behind bars, and say what came of it; as JSON, all of the report's figures."""
    from gapt_core.finetune.finished import FIGURES
    from gapt_core.finetune.making import make_preset
    from gapt_core.finetune.material import material_of
    from gapt_core.finetune.recipe import Options

    options = Options(**{name: given[name] for name in ("minutes", "steps", "strength", "seed", "threads")})
    try:
        with bars() as watch:
            preset, _ = make_preset(_wish(**given), material_of(parts, intake), options, watch)
    except KeyboardInterrupt:
        click.echo("Stopped; the same command goes on where it stood.", err=True)
        raise
    figures = preset.read(FIGURES).decode()
    if as_json:
        click.echo(figures, nl=False)
        return
    click.echo(json.loads(figures)["said"])
    click.echo(f"“{preset.name}” is in {preset.folder}; `gapt presets show {preset.name} --open` shows its report.")


def _wish(**given: Any) -> Wish:
    from gapt_core.finetune.making import Wish

    return Wish(given["preset"], given["name"], not given["no_kit"], given["replace"], given["restart"])
