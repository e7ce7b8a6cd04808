"""Pictures of post-training: a panel a component, large letters, the colours of Okabe and Ito.

Raises:
    TrainingError: on import, where there is no matplotlib, so that no run works for hours towards a picture that
        cannot be drawn.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from gapt_core.errors import TrainingError
from gapt_core.rl.curves import (
    UPDATES,
    Floats,
    Log,
    components,
    curve,
    is_known,
    read_log,
    smoothed,
    steps_of,
    title,
)
from presets.files import write_atomically

try:
    import matplotlib as mpl
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
except ImportError as error:
    raise TrainingError("Pictures need matplotlib; install it with: pip install 'gapt-bridge[train]'") from error

WIDTH = 12.0
"""Inches; at a page's width letters come out at half their size."""

STYLE: dict[Any, Any] = {
    "font.size": 15,
    "axes.titlesize": 16,
    "axes.labelsize": 15,
    "legend.fontsize": 14,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.xmargin": 0.02,
    "grid.alpha": 0.3,
    "axes.formatter.useoffset": False,
}

BLUE, VERMILION, BLACK = "#0072B2", "#D55E00", "#000000"

SMOOTHED_STEPS = 10


@dataclass(frozen=True)
class Group:
    """Runs that are drawn in one colour."""

    label: str
    colour: str
    logs: Sequence[Log]


def draw_log(folder: Path, png: Path) -> None:
    """Draw the log of the run in `folder`: thin lines are the steps, thick ones a running mean.

    Raises:
        TrainingError: there is no log of post-training yet, or `png` cannot be written.
    """
    steps = steps_of(read_log(folder / "log.jsonl"))
    if not steps:
        raise TrainingError(f"{folder} holds no log of post-training; give the folder of `gapt train gapt`.")
    with mpl.rc_context(STYLE):
        names = [name for name in components([steps]) if name != UPDATES]
        figure, panels = draw_panels([Group("", BLUE, [steps])], names)
        _mark_adversary(panels, steps, _recipe(folder))
        content = png_bytes(figure)
    try:
        write_atomically(png, content)
    except OSError as error:
        raise TrainingError(f"{png} cannot be written ({error.strerror}); name another file.") from error


def draw_panels(groups: Sequence[Group], names: Sequence[str]) -> tuple[Figure, dict[str, Axes]]:
    """A panel a component, by name: a thin line a run, and a thick one, smoothed, for the mean of each group.

    A run that is alone in its group shows its steps as they are; of several, each is smoothed.
    """
    figure, panels = grid_of_panels(len(names), columns=3, height=3.2)
    for axes, name in zip(panels, names, strict=False):
        for group in groups:
            _draw_group(axes, group, name)
        axes.set_title(title(name))
    for axes in panels[max(0, len(names) - 3) : len(names)]:
        axes.set_xlabel("step")
    return figure, dict(zip(names, panels, strict=False))


def grid_of_panels(count: int, columns: int, height: float) -> tuple[Figure, list[Axes]]:
    """A figure as wide as a page with `count` panels, `height` inches each, and at least one."""
    lines = max(1, -(-count // columns))
    figure = Figure(figsize=(WIDTH, height * lines), layout="constrained")
    panels: list[Axes] = list(figure.subplots(lines, columns, squeeze=False).flat)
    for axes in panels[count:]:
        axes.set_visible(False)
    return figure, panels[: max(1, count)]


def png_bytes(figure: Figure) -> bytes:
    """The picture as a file; the same bytes for the same picture."""
    content = BytesIO()
    figure.savefig(content, format="png", dpi=100, metadata={"Software": None})
    return content.getvalue()


def _draw_group(axes: Axes, group: Group, name: str) -> None:
    lines = [line for log in group.logs if is_known(line := curve(steps_of(log), name))]
    if not lines:
        return
    even = lines if name == UPDATES else [smoothed(line, SMOOTHED_STEPS) for line in lines]
    for line in lines if len(lines) == 1 else even:
        axes.plot(_steps(line), line, color=group.colour, linewidth=0.9, alpha=0.45)
    mean = _mean_line(even)
    axes.plot(_steps(mean), mean, color=group.colour, linewidth=2.6, label=group.label)


def _mark_adversary(panels: dict[str, Axes], steps: Log, recipe: dict[str, Any]) -> None:
    """Where the discriminator learned, what opens its gate, and what a guess would score."""
    if axes := panels.get("adversary.reward"):
        updated = np.array([bool(step["adversary"].get("updated")) for step in steps])
        rewards = curve(steps, "adversary.reward")
        axes.plot(_steps(rewards)[updated], rewards[updated], "v", color=VERMILION, markersize=7, label="D learns")
        if recipe.get("schedule") == "two-phase":
            axes.axhline(recipe["threshold"], color=BLACK, linestyle="--", linewidth=1.5, label="threshold")
            if recipe["warm_steps"] < len(steps):
                axes.axvline(recipe["warm_steps"] + 0.5, color=BLACK, linestyle=":", label="phase 2")
        bottom, top = axes.get_ylim()
        axes.set_ylim(bottom, top + 0.35 * (top - bottom))
        axes.legend(loc="upper left", handlelength=1.5, frameon=False, ncols=2, columnspacing=1, borderpad=0)
    if axes := panels.get("adversary.accuracy"):
        axes.axhline(0.5, color=BLACK, linestyle="--", linewidth=1.5)


def _recipe(folder: Path) -> dict[str, Any]:
    """What the run's own record says of its adversary; nothing where it cannot be read."""
    try:
        adversary: dict[str, Any] = json.loads((folder / "run.json").read_text("utf-8"))["adversary"]
    except (OSError, ValueError, KeyError):
        return {}
    return adversary


def _steps(line: Floats) -> Floats:
    return np.arange(1.0, len(line) + 1)


def _mean_line(lines: Sequence[Floats]) -> Floats:
    """Mean of curves as far as the shortest goes."""
    shortest = min(map(len, lines))
    return np.array([line[:shortest] for line in lines]).mean(0)
