"""Pictures of the report: every song never heard, before and after, and the curves of the training.

Raises:
    TrainingError: on import, where there is no matplotlib.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

from gapt_core.evaluate.measured import LISTENER
from gapt_core.finetune.hearing import Heard
from gapt_core.finetune.stages import LIKELIHOOD, POST_TRAINING
from gapt_core.finetune.tuning import Result
from gapt_core.rl.curves import Floats, Log, curve, read_log, smoothed, steps_of, title
from gapt_core.rl.plot import BLACK, BLUE, STYLE, VERMILION, grid_of_panels, png_bytes
from gapt_core.train.run import LOG

TITLES = {
    "note_in_chord": "note in chord",
    "nats": "surprise (nats a frame)",
    "onsets_per_bar": "chord onsets a bar",
}
CURVES = ("reward", "note_in_chord", "onsets_per_bar", "kl", "unique_chords")
COLOURS = {"anticipate": BLUE, "react": VERMILION}
SMOOTHED = 8


@mpl.rc_context(STYLE)
def songs_picture(result: Result) -> bytes:
    """A line a song from before to after, and the means; last the Vendi scores of all songs together."""
    names = [name for name in TITLES if np.isfinite(result.before["react"].of_songs(name)).any()]
    figure, panels = grid_of_panels(len(names) + 1, columns=len(names) + 1, height=4.2)
    for axes, name in zip(panels, names, strict=False):
        for offset, mode in enumerate(result.before):
            _draw_songs(axes, name, (result.before[mode], result.after[mode]), mode, 3 * offset)
        if result.own is not None and name != "nats":
            own = result.own.mean(name)
            axes.axhline(own, color=BLACK, linestyle="--", linewidth=1.5, label="your own chords")
        axes.set_title(TITLES[name], fontsize=13)
        _mark_ends(axes, result.before)
    _draw_vendi(panels[len(names)], result)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), frameon=False)
    return png_bytes(figure)


@mpl.rc_context(STYLE)
def training_picture(folder: Path) -> bytes | None:
    """The curves of both stages, whose runs are in `folder`; None where no step was logged."""
    likelihood, played = read_log(folder / LIKELIHOOD / LOG), steps_of(read_log(folder / POST_TRAINING / LOG))
    names = CURVES if played else ()
    if not likelihood and not names:
        return None
    figure, panels = grid_of_panels(len(names) + bool(likelihood), columns=3, height=3.4)
    if likelihood:
        _draw_likelihood(panels[0], likelihood)
    for axes, name in zip(panels[bool(likelihood) :], names, strict=True):
        _draw_curve(axes, curve(played, name))
        axes.set_title("KL to the policy before (nats)" if name == "kl" else title(name))
    for axes in panels:
        axes.set_xlabel("step")
    return png_bytes(figure)


def _draw_songs(axes: Any, name: str, both: tuple[Heard, Heard], mode: str, offset: int) -> None:
    before, after = (one.of_songs(name) for one in both)
    places = np.array([offset, offset + 1.6])
    for pair in zip(before, after, strict=True):
        axes.plot(places, pair, color=COLOURS[mode], linewidth=0.8, alpha=0.35)
    means: Sequence[float] = [one.mean(name) for one in both]
    axes.plot(places, means, "o-", color=COLOURS[mode], linewidth=3.0, markersize=9, label=mode)


def _mark_ends(axes: Any, modes: Mapping[str, Heard]) -> None:
    places = [3 * offset + end for offset in range(len(modes)) for end in (0, 1.6)]
    axes.set_xticks(places, ["before", "after"] * len(modes), fontsize=11)
    axes.set_xlim(-0.6, places[-1] + 0.6)


def _draw_vendi(axes: Any, result: Result) -> None:
    for offset, mode in enumerate(result.before):
        heights = [result.before[mode].vendi(), result.after[mode].vendi()]
        axes.bar([3 * offset, 3 * offset + 1.6], heights, width=1.2, color=COLOURS[mode], alpha=0.8)
    if result.own is not None:
        axes.axhline(result.own.vendi(LISTENER), color=BLACK, linestyle="--", linewidth=1.5)
    axes.set_title("diversity (Vendi)", fontsize=13)
    _mark_ends(axes, result.before)


def _draw_likelihood(axes: Any, log: Log) -> None:
    """The loss of each step, and of each validation the mean of both modes."""
    checked = [record for record in log if "validation" in record]
    _draw_curve(axes, curve([record for record in log if "chord_loss" in record], "chord_loss"))
    means = [record["validation"] / 2 for record in checked]
    axes.plot([record["step"] for record in checked], means, "o-", color=VERMILION, label="songs that choose")
    axes.set_title("surprise (nats a frame)")
    axes.legend(frameon=False)


def _draw_curve(axes: Any, line: Floats) -> None:
    steps = np.arange(1.0, len(line) + 1)
    axes.plot(steps, line, color=BLUE, linewidth=0.9, alpha=0.45)
    axes.plot(steps, smoothed(line, SMOOTHED), color=BLUE, linewidth=2.6)
