"""The picture of a run shows what its log says: every component, where the discriminator learned, what is missing."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_hex

from gapt_core.errors import TrainingError
from gapt_core.rl import plot
from gapt_core.rl.curves import components, curve, read_log, smoothed, steps_of, title

COUNT = 24
REWARDS = ("contrastive", "silence")
FIGURES = ("kl", "entropy", "clip_fraction", "explained_variance", "value_loss", "onsets_per_bar", "note_in_chord")


def records(adversary: bool = True, seed: int = 0) -> list[dict[str, Any]]:
    random = np.random.default_rng(seed)
    log: list[dict[str, Any]] = [{"step": 0, "accuracy": 0.8, "explained_variance": 0.1}]
    for step in range(1, COUNT + 1):
        met = {"updated": step % 5 == 0, "accuracy": random.random(), "reward": random.random(), "loss": None}
        rewards = {name: random.random() for name in (*REWARDS, *["adversarial"] * adversary)}
        log.append(
            {name: random.random() for name in (*FIGURES, "silence", "unique_chords")}
            | {"step": step, "reward": sum(rewards.values()), "rewards": rewards, "seconds": {"total": 3.0}}
            | {"adversary": met if adversary else {"updated": False}}
        )
    return log


def write_run(folder: Path, log: list[dict[str, Any]]) -> Path:
    folder.mkdir()
    (folder / "log.jsonl").write_text("".join(json.dumps(record) + "\n" for record in log) + '{"step": 99, "rew')
    recipe = {"adversary": {"schedule": "two-phase", "threshold": 0.9, "warm_steps": 12}}
    (folder / "run.json").write_text(json.dumps(recipe))
    return folder


def test_every_component_gets_a_panel() -> None:
    names = components([records()])
    assert names[:3] == ["reward", "rewards.contrastive", "rewards.silence"]
    assert set(FIGURES) | {"adversary.reward", "adversary.accuracy", "unique_chords", "seconds.total"} < set(names)
    assert "rewards.adversarial" not in names
    assert len({title(name) for name in names}) == len(names)
    without = components([records(adversary=False)])
    assert set(names) - set(without) == {"adversary.reward", "adversary.accuracy"}
    assert components([[{"step": 0, "accuracy": None}]]) == []


def test_curves_are_those_of_the_log() -> None:
    steps = steps_of(records())
    assert len(steps) == COUNT
    assert curve(steps, "kl").tolist() == [step["kl"] for step in steps]
    assert curve(steps, "rewards.silence")[3] == steps[3]["rewards"]["silence"]
    assert curve(steps, "adversary.updated")[[3, 4, 9, -1]].tolist() == [0, 1, 2, 4]
    assert np.isnan(curve(steps, "adversary.loss")).all()


@pytest.mark.parametrize(
    ("line", "width", "expected"),
    [
        ([1.0, 3.0, 5.0, 9.0], 2, [2.0, 3.0, 17 / 3, 7.0]),
        ([1.0, np.nan, 3.0, np.inf], 2, [1.0, 2.0, 3.0, 3.0]),
        ([np.nan, np.nan, np.nan, 4.0], 2, [np.nan, np.nan, 4.0, 4.0]),
        ([1.0, 2.0], 10, [1.5, 1.5]),
        ([7.0], 4, [7.0]),
    ],
)
def test_smoothing_by_hand(line: list[float], width: int, expected: list[float]) -> None:
    np.testing.assert_allclose(smoothed(np.array(line), width), expected)


def test_a_panel_shows_the_steps_and_their_mean() -> None:
    steps = steps_of(records())
    _, panels = plot.draw_panels([plot.Group("gapt", plot.BLUE, [steps])], components([steps]))
    thin, thick = panels["kl"].lines
    np.testing.assert_array_equal(thin.get_ydata(), curve(steps, "kl"))
    np.testing.assert_array_equal(thin.get_xdata(), np.arange(1, COUNT + 1))
    np.testing.assert_allclose(thick.get_ydata(), smoothed(curve(steps, "kl"), plot.SMOOTHED_STEPS))
    assert thick.get_linewidth() > 2 * thin.get_linewidth()
    assert panels["kl"].get_title() == "KL to the anchor (nats)"


def test_groups_have_a_colour_each_and_the_mean_of_their_runs() -> None:
    one, other, shorter = (steps_of(records(seed=seed)) for seed in range(3))
    groups = [plot.Group("rl", plot.VERMILION, [one, other, shorter[:10]]), plot.Group("gapt", plot.BLUE, [shorter])]
    _, panels = plot.draw_panels(groups, ["reward", "adversary.updated"])
    lines = panels["reward"].lines
    assert [to_hex(line.get_color()).upper() for line in lines] == [plot.VERMILION] * 4 + [plot.BLUE] * 2
    means = [smoothed(curve(log, "reward"), plot.SMOOTHED_STEPS)[:10] for log in (one, other, shorter[:10])]
    np.testing.assert_allclose(lines[3].get_ydata(), np.mean(means, axis=0))
    assert lines[3].get_label() == "rl"
    assert list(panels["adversary.updated"].lines[4].get_ydata()) == list(curve(shorter, "adversary.updated"))


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The panels of every picture, as they are drawn."""
    pictures: list[dict[str, Any]] = []
    draw = plot.draw_panels

    def watched(*given: Any) -> Any:
        figure, panels = draw(*given)
        pictures.append(panels)
        return figure, panels

    monkeypatch.setattr(plot, "draw_panels", watched)
    return pictures


def test_a_run_becomes_the_same_picture_every_time(tmp_path: Path, drawn: list[dict[str, Any]]) -> None:
    run = write_run(tmp_path / "run", records())
    for name in ("one.png", "other.png"):
        plot.draw_log(run, tmp_path / name)
    content = (tmp_path / "one.png").read_bytes()
    assert content.startswith(b"\x89PNG") and content == (tmp_path / "other.png").read_bytes()
    width, height = (int.from_bytes(content[place : place + 4], "big") for place in (16, 20))
    assert width == 1200 and height > width
    lines = {line.get_label(): line for line in drawn[0]["adversary.reward"].lines}
    assert lines["D learns"].get_xdata().tolist() == [5, 10, 15, 20]
    assert set(lines["threshold"].get_ydata()) == {0.9}
    assert set(lines["phase 2"].get_xdata()) == {12.5}
    assert 0.5 in {line.get_ydata()[0] for line in drawn[0]["adversary.accuracy"].lines}
    assert "adversary.updated" not in drawn[0]


def test_a_run_without_adversary_that_came_apart_can_be_drawn(tmp_path: Path, drawn: list[dict[str, Any]]) -> None:
    log = records(adversary=False)
    run = write_run(tmp_path / "run", [*log, log[-1] | {"kl": float("nan"), "reward": float("inf"), "diverged": True}])
    (run / "run.json").unlink()
    plot.draw_log(run, tmp_path / "run.png")
    assert (tmp_path / "run.png").stat().st_size > 10_000
    assert len(drawn[0]["kl"].lines[0].get_xdata()) == COUNT + 1
    assert "adversary.reward" not in drawn[0]


def test_a_folder_without_a_log_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no log of post-training"):
        plot.draw_log(tmp_path, tmp_path / "run.png")
    assert read_log(tmp_path / "log.jsonl") == []


def test_a_picture_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", [{"step": 1, "reward": 1.0}])
    with pytest.raises(TrainingError, match="name another file"):
        plot.draw_log(run, tmp_path / "nowhere" / "run.png")


def test_without_matplotlib_the_way_out_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "gapt_core.rl.plot")
    with pytest.raises(TrainingError, match=r"pip install 'gapt-bridge\[train\]'"):
        importlib.import_module("gapt_core.rl.plot")
