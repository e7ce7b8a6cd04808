"""From what came of a fine-tuning to a preset: weights, kit, card, report, pictures and duets, written at once."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from gapt_core.evaluate.card import model_card
from gapt_core.evaluate.measure import TRUTH
from gapt_core.evaluate.measured import HISTOGRAM, LISTENER
from gapt_core.evaluate.sets import cut
from gapt_core.export.origin import training_of
from gapt_core.export.preset import export_preset
from gapt_core.finetune.comparison import comparisons
from gapt_core.finetune.copied import Copied, copied
from gapt_core.finetune.duets import duet_bytes
from gapt_core.finetune.hearing import Heard
from gapt_core.finetune.material import melodies, owned
from gapt_core.finetune.pictures import songs_picture, training_picture
from gapt_core.finetune.report import Told, report, summary
from gapt_core.metrics import mean_figures
from gapt_core.rl.kit import Kit
from gapt_core.train.policy import Trained
from presets.manifest import REPORT
from presets.preset import Preset

FIGURES = "report.json"
SONGS_PICTURE, TRAINING_PICTURE = "report-songs.png", "report-training.png"
DUETS = 3

VERSION = "1.0.0"
LICENCE = "LicenseRef-private"
OWN_SONGS = {"name": "own-songs", "style": "unknown", "licence": "private"}
"""What a manifest says of a player's songs: not even their titles."""

HELD_OUT, BEFORE = "test/held-out", "before/held-out"


@dataclass(frozen=True)
class Target:
    """Where the preset goes, and what it takes over from the one that it began as.

    Attributes:
        folder: its last part is the name.
        start: the weights that it began as.
        kit: the kit that was used; `members` its content by name of member, empty if it is not to ride along.
        sampling: how chords are drawn where the player says nothing else.
        replace: whether a preset that is there gives way.
    """

    folder: Path
    start: Trained
    kit: Kit
    members: Mapping[str, bytes]
    sampling: Mapping[str, Any]
    replace: bool = False


def finish(told: Told, runs: Path, target: Target) -> Preset:
    """Write the preset with its report, whole or not at all.

    Args:
        told: what the report is written from; copies, pictures and duets are worked out here.
        runs: the folder with the runs of both stages, for their curves.

    Raises:
        ExportError: a weight is not finite in half precision.
        PresetError: the preset cannot be written.
    """
    pictures = _pictures(told, runs)
    duets = _duets(told)
    shown = {title: member for member, (title, _) in pictures.items()}
    told = replace(
        told,
        copied=_copied(told),
        pictures=shown,
        duets={title: member for member, (title, _) in duets.items()},
    )
    members = {name: content for name, (_, content) in [*pictures.items(), *duets.items()]}
    members |= {REPORT: report(told).encode(), FIGURES: _json(_figures_of(told))}
    fields = _fields(told, target)
    origins = target.kit.origins() if target.members else None
    card = model_card(told.name, fields, _protocol(told, target), f"gapt finetune ... --name {told.name}", origins)
    card += f"\nWhat the fine-tuning did, before and after: [{REPORT}]({REPORT}).\n"
    extra = {**target.members, **members}
    return export_preset(told.result.trained.net, target.folder, fields, card, kit=extra, replace=target.replace)


def _fields(told: Told, target: Target) -> dict[str, Any]:
    result, material = told.result, told.material
    learned = len(material.train) + len(material.valid)
    did = f"fine-tuned on {learned} songs of one player" if result.kept else "unchanged: its fine-tuning did not help"
    earlier = len(target.start.stages)
    own = {"data": [OWN_SONGS | {"songs": learned}]}
    stages = [stage if place < earlier else {**stage, **own} for place, stage in enumerate(result.trained.stages)]
    return {
        "version": VERSION,
        "description": f"{told.start}, {did}."[:200],
        "licence": LICENCE,
        "training": training_of(stages, target.kit.record if target.members else None),
        "network": result.trained.net.config.to_dict(),
        "figures": _manifest_figures(told),
        "sampling": dict(target.sampling),
    }


def _manifest_figures(told: Told) -> dict[str, dict[str, dict[str, float | None]]]:
    result = told.result
    now = result.after if result.kept else result.before
    rows = {} if result.own is None else {TRUTH: _plain(result.own)}
    before = {mode: _plain(heard) for mode, heard in result.before.items()}
    return {HELD_OUT: rows | {mode: _plain(heard) for mode, heard in now.items()}, BEFORE: before}


def _plain(heard: Heard) -> dict[str, float | None]:
    values = asdict(mean_figures(heard.figures))
    values |= {"vendi": heard.vendi(LISTENER), "vendi_histogram": heard.vendi(HISTOGRAM), "nats": heard.mean("nats")}
    return {name: _known(value) for name, value in values.items() if name != "nats" or math.isfinite(value)}


def _protocol(told: Told, target: Target) -> dict[str, Any]:
    drawn = {name: target.sampling[name] for name in ("temperature", "density")}
    recipe = told.result.recipe
    return {"songs": told.heard, "frames": recipe.frames, "draws": recipe.heard, **drawn, "seed": told.options.seed}


def _copied(told: Told) -> Copied | None:
    material, result = told.material, told.result
    recipe = result.recipe
    if not material.with_chords:
        return None
    played = [cut(piece, recipe.frames) for piece in melodies(material.held_out[: recipe.songs])]
    return copied(owned(material.train), played, result.before, result.after)


def _pictures(told: Told, runs: Path) -> dict[str, tuple[str, bytes]]:
    found = {SONGS_PICTURE: ("Every song held out, before and after", songs_picture(told.result))}
    curves = training_picture(runs)
    return found | ({} if curves is None else {TRAINING_PICTURE: ("The training", curves)})


def _duets(told: Told) -> dict[str, tuple[str, bytes]]:
    """The first songs held out, as the preset that is written plays them with the note heard."""
    result = told.result
    tracks = (result.after if result.kept else result.before)["react"].tracks[0]
    return {
        f"duet-{number}.mid": (f"{number}. {tune.piece.title or 'untitled'}", duet_bytes(tune, chord))
        for number, (tune, chord) in enumerate(zip(told.material.held_out[:DUETS], tracks, strict=False), start=1)
    }


def _figures_of(told: Told) -> dict[str, Any]:
    """The report's figures as plain values, for programs."""
    result, runs = told.result, told.copied
    return {
        "format": 1,
        "start": told.start,
        "kept": result.kept,
        "said": summary(told),
        "judged": result.judged._asdict(),
        "checks": [check._asdict() for check in result.checks],
        "tried": [candidate._asdict() | _known_all(asdict(reached)) for candidate, reached in result.tried],
        "figures": [_known_all(asdict(one)) for one in comparisons(result)],
        "copied": None
        if runs is None
        else {name: [_known(run) for run in values] for name, values in asdict(runs).items()},
        "songs": {
            "train": len(told.material.train),
            "valid": len(told.material.valid),
            "held_out": len(told.material.held_out),
            "with_chords": told.material.with_chords,
        },
        "options": asdict(told.options),
        "steps": asdict(result.steps),
        "threads": result.plan.threads,
        "seconds": {part: round(seconds, 1) for part, seconds in result.seconds.items()},
    }


def _known_all(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _known_all(value) if isinstance(value, dict) else _known(value) for name, value in values.items()}


def _known(value: Any) -> Any:
    """The same to six decimals, None where undefined."""
    if not isinstance(value, float | np.floating):
        return value
    return round(float(value), 6) if math.isfinite(value) else None


def _json(values: Mapping[str, Any]) -> bytes:
    return (json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()
