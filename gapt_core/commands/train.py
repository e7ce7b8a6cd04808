"""`gapt train`: the policy, the anchors, the rewards and the kit. Heavy libraries are imported inside them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from gapt_core.cli import EXISTING_FILE, EXISTING_FOLDER, FOLDER, FiniteRange
from gapt_core.errors import TrainingError

if TYPE_CHECKING:
    from gapt_core.rl.gapt import Gapt
    from gapt_core.rl.recipe import GaptConfig
    from gapt_core.train.run import Run

Command = TypeVar("Command", bound=Callable[..., Any])
Record = dict[str, Any]

RATE = FiniteRange(0, min_open=True)
SEED = click.IntRange(0, (1 << 63) - 1)
REWARD_SEEDS = click.IntRange(1, 7)
"""Seed 7 made the listener, which must be none of the rewards."""


def corpus_options(command: Command) -> Command:
    """What every training is told: its songs, its folder, its threads."""
    for option in (
        click.option("--threads", type=click.IntRange(0), default=0, help="CPU threads; 0: as torch likes."),
        click.option("--out", type=FOLDER, required=True, help="Folder of the run; one found there is resumed."),
        click.option("--selection", type=click.Choice(["all", "public-domain"]), default="all", show_default=True),
        click.option("--data", type=EXISTING_FOLDER, required=True, help="Corpus: DIR/{train,valid}/SET.jsonl.gz."),
    ):
        command = option(command)
    return command


@click.group()
def train() -> None:
    """Train nets from a corpus of songs."""


@train.command()
@corpus_options
@click.option("--steps", type=click.IntRange(1), default=8000, show_default=True, help="Gradient steps in all.")
@click.option("--batch", type=click.IntRange(1), default=16, show_default=True, help="Crops of 256 frames a step.")
@click.option("--width", type=click.IntRange(64), default=256, show_default=True, help="Width: a multiple of 64.")
@click.option("--layers", type=click.IntRange(1), default=4, show_default=True, help="Depth of the net.")
@click.option("--rate", type=RATE, default=2e-3, show_default=True)
@click.option("--cooldown", type=FiniteRange(0, 1), default=0.4, show_default=True, help="Share of falling rate.")
@click.option("--seed", type=SEED, default=0, show_default=True)
@click.option("--init", type=EXISTING_FILE, help="Weights of another run (its best.pt) to start from.")
def policy(data: Path, selection: str, out: Path, threads: int, init: Path | None, **recipe: Any) -> None:
    """Train the policy by maximum likelihood; on a GPU where there is one.

    Its melody head is the melody agent: the melody that answers chords. Ctrl-C or a kill loses at most the steps since
    the last validation: call the same command again to go on.
    """
    from gapt_core.train.corpus import load_corpus
    from gapt_core.train.policy import Trainer, load_best, use_threads

    use_threads(threads)
    config = _policy_recipe(selection=selection, **recipe)
    corpus, valid = load_corpus(data, "train", selection), load_corpus(data, "valid", selection)
    trainer = Trainer(corpus, valid, config, out, load_best(init) if init else None)
    best = _follow(trainer, _both_modes)
    click.echo(f"Best validation loss {trainer.best:.4f} nats (both modes); weights in {best}.")


@train.command()
@corpus_options
@click.option("--part", type=click.Choice(["chord", "melody"]), required=True, help="The part it answers with.")
@click.option("--init", default="default-mle", show_default=True, help="Policy to begin as: a preset, or a best.pt.")
@click.option("--steps", type=click.IntRange(1), default=1500, show_default=True, help="Gradient steps in all.")
@click.option("--batch", type=click.IntRange(1), default=16, show_default=True, help="Crops of 256 frames a step.")
@click.option("--rate", type=RATE, default=5e-4, show_default=True)
@click.option("--cooldown", type=FiniteRange(0, 1), default=0.8, show_default=True, help="Share of falling rate.")
@click.option("--seed", type=SEED, default=0, show_default=True)
def anchor(data: Path, selection: str, out: Path, threads: int, init: str, batch: int, **recipe: Any) -> None:
    """Train the anchor of post-training: it sees the whole other part, and begins as a policy.

    A kill loses at most the steps since the last validation: call the same command again to go on.
    """
    from gapt_core.export.start import load_start
    from gapt_core.train.anchor import AnchorConfig, anchor_run
    from gapt_core.train.batches import BatchConfig
    from gapt_core.train.corpus import load_corpus
    from gapt_core.train.policy import use_threads

    use_threads(threads)
    start = load_start(init)
    config = AnchorConfig(net=start.net.config, batch=BatchConfig(size=batch), selection=selection, **recipe)
    corpus, valid = load_corpus(data, "train", selection), load_corpus(data, "valid", selection)
    run = anchor_run(corpus, valid, config, out, start)
    best = _follow(run, lambda record: f"{record['validation']:.4f} nats a frame")
    click.echo(f"Best validation loss {run.best:.4f} nats; weights in {best}.")


@train.command()
@corpus_options
@click.option("--seeds", type=REWARD_SEEDS, default=2, show_default=True, help="Nets of each kind; the paper has 2.")
@click.option("--only", metavar="NAME", multiple=True, help="Train this net alone, e.g. contrastive_rhythm-0.")
@click.option("--steps", type=click.IntRange(1), help="Gradient steps a net; by default as many as its kind needs.")
def rewards(
    data: Path, selection: str, out: Path, threads: int, seeds: int, only: tuple[str, ...], steps: int | None
) -> None:
    """Train the coherence rewards: contrastive and discriminative, with pitch and of the rhythm alone.

    Each is a run in a folder of its own below --out. A kill loses at most the steps since the last validation: call the
    same command again to go on.
    """
    from dataclasses import replace

    from gapt_core.rl.make_kit import judge_recipes
    from gapt_core.train.corpus import load_corpus
    from gapt_core.train.policy import use_threads
    from gapt_core.train.rewards import judge_run

    use_threads(threads)
    recipes = judge_recipes(seeds, selection)
    unknown = set(only) - set(recipes)
    if unknown:
        raise TrainingError(f"There is no net {', '.join(sorted(unknown))}; choose from {', '.join(recipes)}.")
    corpus, valid = load_corpus(data, "train", selection), load_corpus(data, "valid", selection)
    for name in only or recipes:
        config = replace(recipes[name], steps=steps) if steps else recipes[name]
        run = judge_run(corpus, valid, config, out / name)
        best = _follow(run, lambda record: f"mAP@10 or F1 {-record['validation']:.3f}")
        click.echo(f"{name}: {-run.best:.3f} on the validation songs; weights in {best}.")


@train.command()
@click.option("--anchor", "anchors", type=EXISTING_FOLDER, multiple=True, required=True, help="Its run; one a part.")
@click.option("--rewards", "judges", type=EXISTING_FOLDER, required=True, help="Folder of `gapt train rewards`.")
@click.option("--data", type=EXISTING_FOLDER, required=True, help="Corpus: DIR/test/SET.jsonl.gz, to score them on.")
@click.option("--selection", type=click.Choice(["all", "public-domain"]), default="all", show_default=True)
@click.option("--out", type=FOLDER, required=True, help="Folder of the kit.")
def kit(anchors: tuple[Path, ...], judges: Path, data: Path, selection: str, out: Path) -> None:
    """Put anchors and rewards together into the kit that post-training needs.

    It needs an anchor of each part that is to be post-trained, and of each seed all four rewards.
    """
    from gapt_core.rl.kit import save_kit
    from gapt_core.rl.make_kit import KINDS, SEEDS, make_kit
    from gapt_core.train.corpus import load_corpus

    made = make_kit(anchors, judges, load_corpus(data, "test", selection))
    save_kit(made, out)
    parts = " and ".join(made.anchors)
    click.echo(f"The kit in {out} has {len(made.judges)} rewards, and anchors to post-train: {parts}.")
    if len(made.judges) < SEEDS * len(KINDS):
        way = f"`gapt train rewards --seeds {SEEDS}`"
        click.echo(
            f"The method has {SEEDS} rewards of each kind, this kit has one; train the others with {way}.", err=True
        )


@train.command()
@corpus_options
@click.option("--kit", metavar="DIR|PRESET", required=True, help="Training kit: anchor and rewards.")
@click.option("--init", default="default-mle", show_default=True, help="Policy to begin as: a preset, or a best.pt.")
@click.option("--part", type=click.Choice(["chord", "melody"]), default="chord", show_default=True)
@click.option("--steps", type=click.IntRange(1), help="Steps in all; 150, or the paper's 1000.")
@click.option("--rollouts", type=click.IntRange(2), help="Episodes a step and process; 48, or the paper's 384.")
@click.option("--frames", type=click.IntRange(16), help="Frames of an episode at most; 192, or the paper's 256.")
@click.option("--rate", type=RATE, help="Peak learning rate of the policy; 4e-4, or the paper's 5e-6.")
@click.option("--adversary", type=FiniteRange(0), default=1.0, show_default=True, help="Its weight; 0 is without.")
@click.option("--schedule", type=click.Choice(["two-phase", "fixed", "every"]), default="two-phase", show_default=True)
@click.option("--paper", is_flag=True, help="The constants of the paper's own code; made for a large GPU.")
@click.option("--seed", type=SEED, default=0, show_default=True)
@click.option("--plot", type=click.Path(dir_okay=False, path_type=Path), help="Draw the run's log as PNG at the end.")
def gapt(
    data: Path,
    selection: str,
    out: Path,
    threads: int,
    kit: str,
    init: str,
    plot: Path | None,
    **recipe: Any,
) -> None:
    """Post-train a policy with PPO against coherence rewards, rules and a discriminator.

    A kill loses at most ten steps: call the same command again to go on. On several GPUs, start it with torchrun; each
    process rolls out --rollouts episodes of its own.
    """
    from gapt_core.export.start import find_kit, load_start
    from gapt_core.rl.gapt import Gapt
    from gapt_core.rl.ranks import Ranks
    from gapt_core.train.corpus import load_corpus
    from gapt_core.train.policy import use_threads

    if plot:
        # Here, because a missing matplotlib must be told before the training and not after it.
        from gapt_core.rl.plot import draw_log

    if plot and not plot.parent.is_dir():
        raise TrainingError(f"There is no folder {plot.parent}; make it first, or name another file with --plot.")
    use_threads(threads)
    config = _gapt_recipe(selection=selection, **recipe)
    corpus = load_corpus(data, "train", selection)
    with Ranks.joined() as ranks:
        run = Gapt(corpus, find_kit(kit), load_start(init), out, config, ranks=ranks)
        weights = _follow_gapt(run)
        if ranks.rank == 0:
            click.echo(f"Weights in {weights}.")
            if plot:
                draw_log(out, plot)


def _gapt_recipe(
    paper: bool, part: str, adversary: float, schedule: str, rate: float | None, **given: Any
) -> GaptConfig:
    from dataclasses import replace

    from gapt_core.rl.recipe import GaptConfig, as_published, for_part

    config = for_part(as_published(GaptConfig()) if paper else GaptConfig(), part)
    ppo = replace(config.ppo, rate=rate) if rate else config.ppo
    against = replace(config.adversary, weight=adversary, schedule=schedule)
    chosen = {name: value for name, value in given.items() if value is not None}
    return replace(config, ppo=ppo, adversary=against, **chosen)


def _follow_gapt(run: Gapt) -> Path:
    """Post-train to the end behind a progress bar; the path of the weights."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from gapt_core.rl.gapt import train_gapt

    if run.step:
        click.echo(f"Resuming at step {run.step}.")
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    with Progress(*columns, disable=run.ranks.rank > 0) as progress:
        task = progress.add_task("warming up", total=run.config.steps, completed=run.step)

        def show(record: Record) -> None:
            if record.get("diverged"):
                raise TrainingError(
                    f"The run came apart at step {record['step']}: take a smaller --rate and another --out."
                )
            if record["step"]:
                said = f"reward {record['reward']:.2f}, in chord {record['note_in_chord']:.2f}"
                progress.update(task, completed=record["step"], description=said)

        return train_gapt(run, show)


def _policy_recipe(batch: int, width: int, layers: int, **recipe: Any) -> Any:
    if width % 64:
        raise TrainingError(f"A width of {width} does not divide into heads of 64; take a multiple of 64.")
    from gapt_core.model.policy import PolicyConfig
    from gapt_core.train.batches import BatchConfig
    from gapt_core.train.policy import TrainConfig

    net = PolicyConfig(width=width, layers=layers, heads=max(1, width // 64), feedforward=2 * width)
    return TrainConfig(net, BatchConfig(size=batch), **recipe)


def _both_modes(record: Record) -> str:
    return f"anticipate {record['anticipate_mean']:.4f}, react {record['react_mean']:.4f} nats a frame"


def _follow(run: Run, sentence: Callable[[Record], str]) -> Path:
    """Train to the end behind a progress bar, saying `sentence` of every validation; the path of the best weights."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    if run.step:
        click.echo(f"Resuming at step {run.step}.")
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    with Progress(*columns) as progress:
        task = progress.add_task("", total=run.learner.config.steps, completed=run.step)

        def show(record: Record) -> None:
            if "validation" in record:
                progress.console.print(f"step {record['step']}: {sentence(record)}")
            else:
                loss = next(value for name, value in record.items() if name.endswith("loss"))
                progress.update(task, completed=record["step"], description=f"loss {loss:.3f}")

        return run.to_end(show)
