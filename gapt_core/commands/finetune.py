"""`gapt finetune`: a preset adapted to a player's own songs. Heavy libraries are imported inside."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gapt_core.cli import FiniteRange
from gapt_core.commands.progress import make_and_tell, refuse_first
from gapt_core.errors import TrainingError
from presets.cli import preset_option

if TYPE_CHECKING:
    from gapt_core.intake.reports import Intake, IntakeOptions
    from gapt_core.intake.split import Split

PATHS = click.Path(exists=True, path_type=Path)
SEED = click.IntRange(0, (1 << 63) - 1)


@click.command()
@click.argument("paths", metavar="FOLDER...", nargs=-1, required=True, type=PATHS)
@click.option("--tempo", type=FiniteRange(0, min_open=True), help="Quarters a minute of what you recorded.")
@click.option("--grid", metavar="METRE|file", help="Metre of what you recorded, such as 3/4; file: as the files say.")
@click.option(
    "--trust-chords", is_flag=True, help="In sessions recorded by the bridge, its chords are as good as yours."
)
@click.option("--name", default="mine", show_default=True, help="Name of the new preset.")
@preset_option("Preset to begin as, with a training kit.")
@click.option(
    "--minutes",
    type=FiniteRange(0, min_open=True),
    default=12.0,
    show_default=True,
    help="How long it may take in all; the first steps are timed.",
)
@click.option("--steps", type=click.IntRange(1), help="Steps of each stage of training, instead of --minutes.")
@click.option(
    "--strength",
    type=FiniteRange(0, 2, min_open=True),
    default=1.0,
    show_default=True,
    help="How far it may go: multiplies the rates, and loosens what holds it to the preset.",
)
@click.option("--threads", type=click.IntRange(0), default=0, help="CPU threads; 0: one a core, at most four.")
@click.option("--replace", is_flag=True, help="Replace a preset of that name, when the new one is whole.")
@click.option("--restart", is_flag=True, help="Begin anew where an earlier call was stopped.")
@click.option("--no-kit", is_flag=True, help="A small preset, without what fine-tuning it again needs.")
@click.option("--seed", type=SEED, default=0, show_default=True, help="Of all draws; decides which songs are held out.")
@click.option("--dry-run", is_flag=True, help="Only read the files and say what is made of them.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def finetune(
    paths: tuple[Path, ...],
    tempo: float | None,
    grid: str | None,
    trust_chords: bool,
    dry_run: bool,
    as_json: bool,
    **more: Any,
) -> None:
    """Adapt a preset to your own songs: all files in each FOLDER, or files that you name.

    Reads MIDI, recorded sessions and songs in JSON lines; ABC and MusicXML with the `scores` extra, a solo line as WAV,
    FLAC or MP3 with the `audio` extra. Beats are found by ear where a file's own do not hold.

    Some songs are held out, and the new preset is kept only if it does better on them; its report says so. Ctrl-C keeps
    the best so far; after a kill, or a second Ctrl-C, the same command goes on where it stood.
    """
    from gapt_core.intake.reports import options_of

    if not dry_run:
        refuse_first(**more)
    intake = take_in(paths, options_of(tempo, grid, trust_chords))
    parts, refusal = shared_out(intake, more["seed"])
    if dry_run or refusal or not as_json:
        click.echo(shown(intake, parts, str(refusal or ""), as_json), nl=as_json)
    if refusal:
        raise refusal
    if not dry_run and parts:
        make_and_tell(intake, parts, as_json, **more)


def take_in(paths: Sequence[Path], options: IntakeOptions) -> Intake:
    """All songs, with a bar on the error stream where a person is looking."""
    from rich.console import Console
    from rich.progress import track

    from gapt_core.intake.folder import read_folder

    screen = Console(stderr=True)

    def each(files: Sequence[Path]) -> Iterable[Path]:
        return track(files, "Reading", console=screen, transient=True, disable=not screen.is_terminal)

    return read_folder(paths, options, each)


def shared_out(intake: Intake, seed: int) -> tuple[Split | None, TrainingError | None]:
    """The songs apart, or why they cannot be."""
    from gapt_core.intake.split import split

    try:
        return split(intake.songs, seed), None
    except TrainingError as error:
        return None, error


def shown(intake: Intake, parts: Split | None, refusal: str, as_json: bool) -> str:
    """What was read: JSON, a table where a person is looking, or plain lines."""
    from gapt_core.commands import intake_view

    if as_json:
        return intake_view.as_json(intake, parts, refusal)
    return (intake_view.table if sys.stdout.isatty() else intake_view.plain)(intake, parts)
