"""`gapt export`, and the kinds of values that options of several commands have."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import click


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


@click.command()
@click.argument("weights", metavar="WEIGHTS|PRESET")
@click.option("--figures", type=EXISTING_FILE, required=True, help="What `gapt evaluate -o` wrote of the same weights.")
@click.option("--out", type=FOLDER, required=True, help="Folder of the preset; its last part is the name.")
@click.option("--description", required=True, help="One sentence for the list of presets.")
@click.option("--licence", required=True, help="Licence of the weights, an SPDX expression.")
@click.option("--preset-version", default="1.0.0", show_default=True)
@click.option("--temperature", type=FiniteRange(0, min_open=True), help="Default: that of the figures.")
@click.option(
    "--density", type=FiniteRange(-10, 10), help="Above 0 chords change more often. Default: that of the figures."
)
@click.option("--kit", metavar="DIR|PRESET", help="Training kit that is to ride along, or the preset that has it.")
@click.option("--replace", is_flag=True, help="Replace a preset that is there.")
def export(
    weights: str,
    figures: Path,
    out: Path,
    temperature: float | None,
    density: float | None,
    kit: str | None,
    replace: bool,
    **fields: str,
) -> None:
    """Make a preset of a run's WEIGHTS (its best.pt or policy.pt), or anew of a PRESET.

    Its model card is generated.
    """
    from gapt_core.export.release import release
    from gapt_core.export.start import find_kit, load_start

    found = find_kit(kit) if kit else None
    given = {"temperature": temperature, "density": density}
    drawn = {name: value for name, value in given.items() if value is not None}
    preset = release(load_start(weights), figures, out, fields, drawn=drawn, kit=found, replace=replace)
    click.echo(f"Preset {preset.name} {preset.manifest.version} is in {preset.folder}.")
