"""Commands `gapt train` and `gapt export`. Heavy libraries are imported inside them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import click

from gapt_core.errors import TrainingError


class FiniteRange(click.FloatRange):
    """A range that refuses nan, too, which passes every comparison."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number.

        Raises:
            click.BadParameter: it is none, or outside the range.
        """
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return number


FOLDER = click.Path(file_okay=False, path_type=Path)
EXISTING_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
EXISTING_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def train() -> None:
    """Train nets from a corpus of songs."""


@train.command()
@click.option("--data", type=EXISTING_FOLDER, required=True, help="Corpus: DIR/{train,valid}/SET.jsonl.gz.")
@click.option("--selection", type=click.Choice(["all", "public-domain"]), default="all", show_default=True)
@click.option("--out", type=FOLDER, required=True, help="Folder of the run; a run found there is resumed exactly.")
@click.option("--steps", type=click.IntRange(1), default=8000, show_default=True, help="Gradient steps in all.")
@click.option("--batch", type=click.IntRange(1), default=16, show_default=True, help="Crops of 256 frames a step.")
@click.option("--width", type=click.IntRange(64), default=256, show_default=True, help="Width: a multiple of 64.")
@click.option("--layers", type=click.IntRange(1), default=4, show_default=True, help="Depth of the net.")
@click.option("--rate", type=FiniteRange(0, min_open=True), default=2e-3, show_default=True)
@click.option("--cooldown", type=FiniteRange(0, 1), default=0.4, show_default=True, help="Share of falling rate.")
@click.option("--threads", type=click.IntRange(0), default=0, help="CPU threads; 0 leaves the choice to torch.")
@click.option("--seed", type=click.IntRange(0, (1 << 63) - 1), default=0, show_default=True)
@click.option("--init", type=EXISTING_FILE, help="Weights of another run (its best.pt) to start from.")
def policy(data: Path, selection: str, out: Path, threads: int, init: Path | None, **recipe: Any) -> None:
    """Train the policy by maximum likelihood; on a GPU where there is one.

    Ctrl-C or a kill loses at most the steps since the last validation: call the same command again to go on.
    """
    from gapt_core.train.corpus import load_corpus
    from gapt_core.train.policy import Trainer, load_best, use_threads

    use_threads(threads)
    config = _recipe(selection=selection, **recipe)
    corpus, valid = load_corpus(data, "train", selection), load_corpus(data, "valid", selection)
    trainer = Trainer(corpus, valid, config, out, load_best(init) if init else None)
    if trainer.step:
        click.echo(f"Resuming at step {trainer.step}.")
    best = _train_with_progress(trainer, config.steps)
    click.echo(f"Best validation loss {trainer.best:.4f} nats (both modes); weights in {best}.")


@click.command()
@click.argument("weights", type=EXISTING_FILE)
@click.option("--figures", type=EXISTING_FILE, required=True, help="What `gapt evaluate --weights ... -o` wrote.")
@click.option("--out", type=FOLDER, required=True, help="Folder of the preset; its last part is the name.")
@click.option("--description", required=True, help="One sentence for the list of presets.")
@click.option("--licence", required=True, help="Licence of the weights, an SPDX expression.")
@click.option("--preset-version", default="1.0.0", show_default=True)
@click.option("--temperature", type=FiniteRange(0, min_open=True), default=1.0, show_default=True)
@click.option("--replace", is_flag=True, help="Replace a preset that is there.")
def export(weights: Path, figures: Path, out: Path, temperature: float, replace: bool, **fields: str) -> None:
    """Make a preset of a run's WEIGHTS (its best.pt), with a generated model card."""
    from gapt_core.export.release import release

    preset = release(weights, figures, out, temperature, fields, replace=replace)
    click.echo(f"Preset {preset.name} {preset.manifest.version} is in {preset.folder}.")


def _recipe(batch: int, width: int, layers: int, **recipe: Any) -> Any:
    if width % 64:
        raise TrainingError(f"A width of {width} does not divide into heads of 64; take a multiple of 64.")
    from gapt_core.model.policy import PolicyConfig
    from gapt_core.train.batches import BatchConfig
    from gapt_core.train.policy import TrainConfig

    net = PolicyConfig(width=width, layers=layers, heads=max(1, width // 64), feedforward=2 * width)
    return TrainConfig(net, BatchConfig(size=batch), **recipe)


def _train_with_progress(trainer: Any, steps: int) -> Path:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from gapt_core.train.policy import train_policy

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    with Progress(*columns) as progress:
        task = progress.add_task("", total=steps, completed=trainer.step)

        def show(record: dict[str, Any]) -> None:
            if "validation" in record:
                progress.console.print(
                    f"step {record['step']}: anticipate {record['anticipate_mean']:.4f}, "
                    f"react {record['react_mean']:.4f} nats a frame"
                )
            else:
                progress.update(task, completed=record["step"], description=f"loss {record['chord_loss']:.3f}")

        return train_policy(trainer, show)
