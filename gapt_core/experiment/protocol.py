"""How the experiment was done, and what its judges are worth: all of it from the runs' own files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from gapt_core.evaluate.measured import HISTOGRAM, PLAY
from gapt_core.experiment import prose
from gapt_core.experiment.agreement import SEED, shared
from gapt_core.experiment.folder import Run
from gapt_core.experiment.kinds import OPTIONAL, absent
from gapt_core.experiment.origin import Origin, Stage
from gapt_core.experiment.results import Key, Measurement, Results
from gapt_core.experiment.tables import UNKNOWN, markdown, number

RETRIEVAL = {
    "recall_1": "R@1",
    "recall_5": "R@5",
    "recall_10": "R@10",
    "mean_average_precision_10": "mAP@10",
    "gallery": "gallery",
}
DECISION = {"precision": "precision", "recall": "recall", "f1": "F1", "f1_hard": "F1, hard", "pairs": "pairs"}
"""Score in a kit's record to the head of its column: of contrastive and of discriminative nets."""

COUNTS = frozenset({"gallery", "pairs"})


def protocol(results: Results, origin: Origin) -> str:
    """The section on how it was done."""
    lines = ["## How it was done", ""]
    lines += [f"* **{title}**: {told}" for title, told in _facts(results, origin).items() if told]
    table = _set_table(results)
    return "\n".join([*lines, "", *([table] if table else []), *_recipe(results)])


def judges(origin: Origin) -> str:
    """The section on the reward nets."""
    nets = origin.kit.get("judges", {})
    parts = ["## The judges", "", prose.JUDGES, ""]
    tables = [_score_table(nets, columns) for columns in (RETRIEVAL, DECISION)]
    parts += [table for table in tables if table] or ["The runs' files do not tell what the judges score.", ""]
    return "\n".join(parts)


def _facts(results: Results, origin: Origin) -> dict[str, str]:
    return {
        "Runs": _seeds(results),
        "Training": _steps(results.runs),
        "Start": _start(origin),
        "Kit": _kit(origin),
        "Songs of post-training": ", ".join(f"{one.get('name')} ({one.get('songs')})" for one in origin.data),
        "Inputs": _inputs(results.runs),
        "Playing": _playing(results),
        "Vendi": _vendi(results),
        "Measured besides plain play": _kinds(results),
    }


def _seeds(results: Results) -> str:
    conditions = dict.fromkeys(run.settings.condition for run in results.runs)
    told = {name: results.seeds(name) for name in conditions}
    return "; ".join(f"`{name}` seeds {', '.join(map(str, sorted(seeds)))}" for name, seeds in told.items() if seeds)


def _steps(runs: Sequence[Run]) -> str:
    recipe = next((run.recipe for run in runs if run.state and run.recipe), None)
    if recipe is None:
        return ""
    done = {run.steps for run in runs if run.state and "train" in run.state.done and run.recipe}
    short = f"; done {min(done)} to {max(done)}" if done and done != {recipe["steps"]} else ""
    return f"{recipe['steps']} steps{short}, each of {recipe['rollouts']} rollouts of {recipe['frames']} frames"


def _start(origin: Origin) -> str:
    stages = "; ".join(f"stage {number}: {_stage(stage)}" for number, stage in enumerate(origin.start, start=1))
    return _as(origin.start_presets) + stages


def _kit(origin: Origin) -> str:
    told = [f"anchor of the {part} part ({_stage(stage)})" for part, stage in origin.kit.get("anchors", {}).items()]
    told += [f"{len(origin.kit['judges'])} judges, see below"] if origin.kit.get("judges") else []
    return _as(origin.kit_presets) + "; ".join(told)


def _as(presets: Sequence[str]) -> str:
    return f"as in the preset {' and in '.join(f'`{name}`' for name in presets)}; " if presets else ""


def _stage(stage: Stage) -> str:
    told = {"": stage.get("selection"), "steps ": stage.get("step"), "seed ": stage.get("seed")}
    return ", ".join(f"{name}{value}" for name, value in told.items() if value is not None)


def _inputs(runs: Sequence[Run]) -> str:
    digest = next((run.state.inputs for run in runs if run.state), "")
    return f"songs, kit and start of all runs have the hash `{digest}`" if digest else ""


def _playing(results: Results) -> str:
    one = results.any_play
    if one is None:
        return ""
    config = {name: value for name, value in asdict(one.measured.config).items() if name not in {SEED, "vendi_songs"}}
    named = {"songs": "at most {} songs a set", "frames": "at most {} frames a song"}
    told = [named.get(name, name.replace("_", " ") + " {:g}").format(value) for name, value in config.items()]
    return ", ".join(told) + "; style unknown; the luck of the playing is the run's seed"


def _vendi(results: Results) -> str:
    one = results.any_play
    if one is None:
        return ""
    embedder = prose.PLAIN if results.embedder == HISTOGRAM else prose.LISTENER
    return f"over the first {one.measured.config.vendi_songs} songs of a set or fewer, N in the table; by {embedder}"


def _kinds(results: Results) -> str:
    lacking = absent(results)
    told = []
    for kind in (kind for kind in OPTIONAL if kind not in lacking):
        several = results.measurements(kind)
        frames = next(iter(several.values()))[0].measured.config.frames
        told.append(f"{kind} ({', '.join(several)}; {frames} frames)")
    return "; ".join([*told, *([f"in no run: {', '.join(lacking)}"] if lacking else [])])


def _set_table(results: Results) -> str:
    """Songs of each set by kind of measurement, and N of the Vendi scores of plain play."""
    measured = {kind: results.measurements(kind) for kind in (PLAY, *OPTIONAL)}
    kinds = {kind: next(iter(found.values()))[0] for kind, found in measured.items() if found}
    rows = [
        [" / ".join(key), *(_songs(one, key) for one in kinds.values()), _vendi_songs(kinds[PLAY], key)]
        for split in results.splits
        for key in results.keys(split)
    ]
    return markdown(["songs", *kinds, "N of Vendi"], rows) if rows else ""


def _songs(one: Measurement, key: Key) -> str:
    return str(len(next(iter(one.rows[key].values())).figures)) if key in one.rows else UNKNOWN


def _vendi_songs(one: Measurement, key: Key) -> str:
    return str(min(one.measured.config.vendi_songs, len(next(iter(one.rows[key].values())).figures)))


def _recipe(results: Results) -> Iterable[str]:
    told = [shared(run.recipe) for run in results.runs if run.state and run.recipe]
    if told:
        fields = ", ".join(f"`{name}` {value}" for name, value in max(told, key=len).items())
        yield f"All post-trained runs have one recipe, but for {prose.VARIED}: {fields}.\n"


def _score_table(nets: Mapping[str, Any], columns: Mapping[str, str]) -> str:
    """A row for each net that has the first of the scores."""
    rows = []
    for name, stage in nets.items():
        scores = stage.get("test", {})
        if next(iter(columns)) in scores:
            cells = [_score(score, scores.get(score)) for score in columns]
            rows.append([name, str(stage.get("step", UNKNOWN)), *cells])
    return markdown(["net", "steps", *columns.values()], rows) if rows else ""


def _score(name: str, value: float | None) -> str:
    if value is None:
        return UNKNOWN
    return f"{value:.0f}" if name in COUNTS else number(value)
