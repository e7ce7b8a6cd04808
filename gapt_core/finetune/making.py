"""From a preset's name and a player's songs to a preset of their own; what can be refused is refused first."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gapt_core.errors import TrainingError
from gapt_core.export.script import cache_folder
from gapt_core.export.start import load_start
from gapt_core.finetune.finished import Target, finish
from gapt_core.finetune.material import Material
from gapt_core.finetune.recipe import Options, Recipe
from gapt_core.finetune.report import Told
from gapt_core.finetune.tuning import Result, Start, fine_tune
from gapt_core.finetune.watch import Watch
from gapt_core.finetune.workshop import Workshop
from gapt_core.rl.kit import preset_kit
from presets.errors import PresetError
from presets.manifest import KIT, KIT_PREFIX
from presets.preset import Preset, check_name
from presets.store import ENVIRONMENT, Store

WORK = "finetune"
"""The folder, below that for caches, with a folder for each fine-tuning that is not finished."""


@dataclass(frozen=True)
class Wish:
    """Which preset is to be made.

    Attributes:
        preset: name or folder of the one to begin as.
        name: of the new one.
        kit: whether the training kit rides along, so that it can be fine-tuned again.
        replace: whether a preset of that name gives way, in the end.
        restart: whether work that an earlier call left gives way.
    """

    preset: str
    name: str
    kit: bool = True
    replace: bool = False
    restart: bool = False


def refuse_early(wish: Wish, store: Store) -> Preset:
    """The preset to begin as; what would be refused in the end is refused now.

    Raises:
        PresetError: the name is none or taken, the preset to begin as is not there or has no training kit, or presets
            cannot be written.
    """
    check_name(wish.name)
    if wish.name in store.folders() and not wish.replace:
        raise PresetError(f"There is a preset “{wish.name}” already; give another --name, or add --replace.")
    preset = store.find(wish.preset)
    if KIT not in preset.manifest.members:
        able = ", ".join(f"“{other.name}”" for other in store.all() if KIT in other.manifest.members)
        way = f"name one that has with --preset: {able}" if able else "install one that has"
        raise PresetError(f"Preset “{preset.name}” has no training kit, which fine-tuning needs; {way}.")
    _refuse_closed(store.user)
    return preset


def make_preset(
    wish: Wish, material: Material, options: Options, watch: Watch, recipe: Recipe | None = None
) -> tuple[Preset, Result]:
    """Fine-tune and write the preset, with its report; the same call goes on where an earlier one was killed.

    Raises:
        PresetError: see `refuse_early`; the preset cannot be written.
        TrainingError: see `fine_tune` and `Workshop.opened`; the disk refuses what the work needs.
    """
    workshop = Workshop(cache_folder() / WORK / wish.name)
    try:
        return _made(workshop, wish, material, options, watch, recipe or Recipe())
    except OSError as error:
        raise TrainingError(
            f"{workshop.folder} cannot be worked in ({error.strerror or error}): see to room and rights there; the "
            "same command then goes on where it stood."
        ) from error


def _made(
    workshop: Workshop, wish: Wish, material: Material, options: Options, watch: Watch, recipe: Recipe
) -> tuple[Preset, Result]:
    store = Store.default()
    preset = refuse_early(wish, store)
    sampling = asdict(preset.manifest.sampling)
    trained, kit = load_start(str(preset.folder.resolve())), preset_kit(preset)
    start = Start(trained, kit, sampling["temperature"], sampling["density"])
    with workshop.opened(_request(preset, material, options, recipe), restart=wish.restart) as resumed:
        if resumed:
            watch.say("Going on where an earlier call stood.")
        result = fine_tune(start, material, options, workshop, watch, recipe)
        members = _kit_members(preset) if wish.kit else {}
        target = Target(store.user / wish.name, trained, kit, members, sampling, wish.replace)
        written = finish(Told(wish.name, preset.name, material, options, result), workshop.folder, target)
        workshop.remove()
    return written, result


def _refuse_closed(folder: Path) -> None:
    """Refuse a folder for presets that nothing can be written to.

    Raises:
        PresetError: it is one.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise PresetError(
            f"{folder} cannot be written to ({error.strerror or error}): see to room and rights there, or name another "
            f"folder in {ENVIRONMENT}."
        ) from error


def _request(preset: Preset, material: Material, options: Options, recipe: Recipe) -> dict[str, Any]:
    """Everything that the outcome depends on, but for the number of threads, which is fixed with the plan."""
    of_kit = {name: preset.manifest.members[name].sha256 for name in _kit_names(preset)}
    length = {"minutes": options.minutes} if options.steps is None else {"steps": options.steps}
    return {
        "preset": preset.weights_sha256,
        "kit": of_kit,
        "songs": material.digest(),
        "strength": options.strength,
        "seed": options.seed,
        **length,
        "recipe": recipe.to_dict() | {"gentle": material.gentle},
    }


def _kit_names(preset: Preset) -> list[str]:
    return [name for name in preset.manifest.members if name == KIT or name.startswith(KIT_PREFIX)]


def _kit_members(preset: Preset) -> Mapping[str, bytes]:
    return {name: preset.read(name) for name in _kit_names(preset)}
