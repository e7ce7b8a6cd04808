"""Whether runs may stand side by side: one recipe, the same songs and nets to begin with, one way of measuring.

Recipes may differ in what a grid varies, and in nothing else. Where the adversary has no weight, all that is said of it
means nothing. What a recipe of an earlier version could not say yet counts as its default, as it does when a run is
resumed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from gapt_core.errors import TrainingError
from gapt_core.experiment.folder import RECIPE, Run, read_recipe
from gapt_core.experiment.grid import RunSettings
from gapt_core.rl.recipe import GaptConfig, completed

SEED, WEIGHT, SCHEDULE = "seed", "adversary.weight", "adversary.schedule"
VARIED = frozenset({SEED, WEIGHT, SCHEDULE})
"""What a grid varies."""

ADVERSARY = "adversary."

Fields = Mapping[str, Any]
"""Plain values by dotted name."""

NOW = "this version"


class Disagreement(NamedTuple):
    """A field, and each value of it with who has that."""

    field: str
    values: list[tuple[Any, list[str]]]

    def __str__(self) -> str:
        """Part of a sentence."""
        return f"{self.field} is " + ", but ".join(f"{value} in {_named(names)}" for value, names in self.values)


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """The leaves of nested values, by dotted name."""
    leaves: dict[str, Any] = {}
    for name, value in values.items():
        leaves |= flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {prefix + name: value}
    return leaves


def disagreement(told: Mapping[str, Fields]) -> Disagreement | None:
    """The first field on which some of `told`, by name, differ; a field that one does not have differs too."""
    for field in sorted({field for fields in told.values() for field in fields}):
        values: list[tuple[Any, list[str]]] = []
        for name, fields in told.items():
            value = fields.get(field, "missing")
            known = next((names for other, names in values if other == value), None)
            values += [(value, [name])] if known is None else []
            if known is not None:
                known.append(name)
        if len(values) > 1:
            return Disagreement(field, values)
    return None


def shared(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Of a recipe what all runs of an experiment have in common; without an adversary nothing of it."""
    fields = flat(completed(recipe))
    kept = {field: value for field, value in fields.items() if field not in VARIED}
    return kept if fields[WEIGHT] else _without(kept)


def mixed(recipes: Mapping[str, Mapping[str, Any]]) -> Disagreement | None:
    """A field on which recipes, by name, differ and may not."""
    told = {name: shared(recipe) for name, recipe in recipes.items()}
    against = {name: fields for name, fields in told.items() if fields != _without(fields)}
    return disagreement({name: _without(fields) for name, fields in told.items()}) or disagreement(against)


def require_agreement(runs: Sequence[Run]) -> None:
    """Raise if the runs that were begun cannot be compared.

    Raises:
        TrainingError: they were trained by several recipes, stand on several inputs, or one is not what it says.
    """
    begun = [run for run in runs if run.state is not None]
    inputs = {run.settings.name: {"the hash of songs, kit and start": run.state.inputs} for run in begun if run.state}
    if found := disagreement(inputs):
        raise TrainingError(
            f"The runs stand on different songs or nets: {found}; report those alone that belong together."
        )
    if found := mixed({run.settings.name: run.recipe for run in begun if run.recipe}):
        raise TrainingError(
            f"The runs do not share a recipe: {found}; report those of one recipe alone, or train the others anew."
        )
    for run in begun:
        told = {RECIPE: _varied(run.recipe), "its record": _asked(run.settings)} if run.recipe else {}
        if found := disagreement(told):
            raise TrainingError(f"{run.settings.name} is not what it says: {found}; train it anew.")


def require_same_recipe(folder: Path, recipe: GaptConfig) -> None:
    """Raise if the training in `folder` was begun by another recipe than `recipe`; a new one may go on.

    Raises:
        TrainingError: it was.
    """
    begun = read_recipe(folder)
    found = begun and disagreement({folder.name: flat(completed(begun)), NOW: flat(recipe.to_dict())})
    if found:
        raise TrainingError(
            f"{folder} was begun by another recipe: {found}; go on with the version that began it, or remove "
            "the folder."
        )


def require_one_recipe(out: Path, recipes: Iterable[GaptConfig]) -> None:
    """Raise if runs that were begun in `out` have another recipe than those to come.

    Raises:
        TrainingError: they have.
    """
    begun = {place.parent.name: read_recipe(place.parent) or {} for place in sorted(out.glob(f"*/{RECIPE}"))}
    for recipe in recipes:
        if found := mixed(begun | {NOW: recipe.to_dict()}):
            raise TrainingError(
                f"{out} holds runs of another recipe: {found}; choose another --out, or go on with the version that "
                "began them."
            )


def _without(fields: Fields) -> dict[str, Any]:
    """Fields that are not the adversary's."""
    return {field: value for field, value in fields.items() if not field.startswith(ADVERSARY)}


def _varied(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """What the grid varies, as the recipe has it."""
    fields = flat(completed(recipe))
    return {field: fields[field] for field in VARIED if field != SCHEDULE or fields[WEIGHT]}


def _asked(settings: RunSettings) -> dict[str, Any]:
    """The same as the run's settings have it."""
    schedule = {SCHEDULE: settings.schedule} if settings.weight else {}
    return {SEED: settings.seed, WEIGHT: settings.weight, **schedule}


def _named(names: Sequence[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
