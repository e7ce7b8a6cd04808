"""`gapt finetune`: what it refuses before it reads a file, and what it makes of its options."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from tiny_policy import write_policy_preset
from tiny_tunes import tiny_material, write_tunable_preset

from bridge.cli import gapt
from gapt_core.commands import progress
from gapt_core.data.duet import Duet, write_duet
from gapt_core.finetune import making, workshop
from gapt_core.finetune.making import Wish
from gapt_core.finetune.material import Material
from gapt_core.finetune.recipe import Options
from gapt_core.finetune.watch import Watch


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Songs without chords, and a store with a preset that can be fine-tuned and one that cannot."""
    monkeypatch.setenv("GAPT_PRESETS", str(tmp_path / "presets"))
    monkeypatch.setenv("GAPT_CACHE", str(tmp_path / "cache"))
    write_tunable_preset(tmp_path / "presets" / "tiny")
    write_policy_preset(tmp_path / "presets" / "kitless")
    (tmp_path / "tunes").mkdir()
    material = tiny_material(8, bars=8, chords=False)
    for number, tune in enumerate([*material.train, *material.valid, *material.held_out]):
        write_duet(tmp_path / "tunes" / f"{number}.mid", Duet(tune.song, (), ()))
    return tmp_path / "tunes"


def run(folder: Path, *arguments: object) -> Result:
    return CliRunner().invoke(gapt, ["finetune", str(folder), *map(str, arguments)])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--preset", "kitless"), "has no training kit, which fine-tuning needs; name one that has with --preset: "),
        (("--preset", "tiny", "--name", "kitless"), "There is a preset “kitless” already; give another --name, or"),
        (("--preset", "tiny", "--name", "No Name"), "cannot name a preset"),
        (("--preset", "nowhere"), "There is no preset “nowhere”"),
        (("--preset", "tiny", "--strength", "0"), "0.0 is not in the range"),
        (("--preset", "tiny", "--minutes", "nan"), "is not a number"),
    ],
)
def test_it_refuses_before_it_begins(folder: Path, arguments: tuple[str, ...], said: str) -> None:
    result = run(folder, *arguments)
    assert result.exit_code == 2
    assert said in result.output
    assert sorted(path.name for path in (folder.parent / "presets").iterdir() if path.is_dir()) == ["kitless", "tiny"]
    assert not (folder.parent / "cache").exists()


def test_a_store_that_cannot_be_written_is_refused_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder.parent / "file").write_text("no folder")
    monkeypatch.setenv("GAPT_PRESETS", str(folder.parent / "file" / "presets"))
    result = run(folder)
    assert result.exit_code == 2 and "cannot be written to (" in result.output


def test_a_full_disk_is_a_sentence(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, content: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(workshop, "write_atomically", full)
    result = run(folder, "--preset", "tiny", "--steps", 1)
    assert result.exit_code == 2
    assert "cannot be worked in (No space left on device): see to room and rights there; the" in result.output


def test_its_options_become_a_wish(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Wish, Material, Options]] = []

    def stopped(wish: Wish, material: Material, options: Options, watch: Watch) -> Any:
        asked.append((wish, material, options))
        watch.phase("one", 2)
        watch.step(1, "so far")
        watch.say("[so it is]")
        raise KeyboardInterrupt

    monkeypatch.setattr(making, "make_preset", stopped)
    options = ("--preset", "tiny", "--steps", 7, "--strength", 0.5, "--seed", 3, "--no-kit", "--restart")
    result = run(folder, *options)
    assert result.exit_code == 130
    assert "the same command goes on where it stood" in result.output and "[so it is]" in result.output
    wish, material, chosen = asked[0]
    assert wish == Wish("tiny", "mine", kit=False, replace=False, restart=True)
    assert chosen == Options(minutes=12.0, steps=7, strength=0.5, seed=3, threads=0)
    assert not material.with_chords and len(material.held_out) == 2
    assert "8 songs" in result.output


def test_the_first_interrupt_asks_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    with progress.bars() as watch:
        assert not watch.asked_to_stop()
        watch.stop()  # type: ignore[attr-defined]
        assert watch.asked_to_stop()
