"""`gapt presets compare`: two presets over the same melodies."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from tiny_corpus import write_corpus
from tiny_policy import write_policy_preset

from bridge.cli import gapt
from gapt_core.finetune.contest import TUNES

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("presets")
    for seed, name in enumerate(("one", "two")):
        write_policy_preset(home / name, seed)
    return home


@pytest.fixture
def run(home: Path, monkeypatch: pytest.MonkeyPatch):
    """Compare; options are added."""
    monkeypatch.setenv("GAPT_PRESETS", str(home))
    tunes = [EXAMPLES / f"{name}.mid" for name in ("amazing-grace", "scarborough-fair", "ode-to-joy")]

    def call(first: str, second: str, *options: str, songs: list[Path] = tunes) -> Result:
        named = [part for song in songs for part in ("--songs", str(song))]
        return CliRunner().invoke(gapt, ["presets", "compare", first, second, "--draws", "2", *named, *options])

    return call


def figures(result: Result) -> dict[tuple[str, str], dict[str, Any]]:
    assert result.exit_code == 0, result.output
    return {(row["figure"], row["mode"]): row for row in json.loads(result.stdout)["figures"]}


def test_a_preset_does_not_differ_from_itself(run) -> None:
    rows = figures(run("one", "one", "--json"))
    assert {mode for _, mode in rows} == {"anticipate", "react", "both"}
    for (figure, _), row in rows.items():
        assert row["before"] == row["after"] and row["own"] is None, "the tunes have no chords"
        if figure in ("listener", "histogram"):
            assert row["test"] is None and row["ratio"]["value"] == pytest.approx(1.0)
        else:
            assert row["ratio"] is None and row["test"]["difference"]["value"] == 0 and row["test"]["p"] == 1


def test_presets_that_differ_are_paired_by_song(run, home: Path) -> None:
    result = run("one", str(home / "two"), "--json")
    told = json.loads(result.stdout)
    assert told["presets"] == [{"name": "one", "version": "1.0.0"}, {"name": "two", "version": "1.0.0"}]
    assert (told["songs"], told["draws"], told["seed"]) == (3, 2, 0)
    assert result.stderr == "3 melodies, 2 times each and in both modes.\n"
    row = figures(result)["unique_chords", "both"]
    assert row["test"]["pairs"] == 3
    difference = row["test"]["difference"]
    assert difference["value"] == pytest.approx(row["after"] - row["before"])
    assert difference["low"] <= difference["value"] <= difference["high"]
    assert figures(run("two", "one", "--json"))["unique_chords", "both"]["before"] == row["after"]


def test_songs_with_chords_say_how_those_are_foretold(run, tmp_path: Path) -> None:
    songs = write_corpus(tmp_path / "songs", songs=3, bars=4)
    (book,) = (songs / "test").iterdir()
    rows = figures(run("one", "two", "--json", "--most", "2", songs=[book]))
    assert rows["nats", "react"]["before"] != rows["nats", "react"]["after"]
    assert rows["note_in_chord", "both"]["own"] is not None
    assert "songs' own" in run("one", "two", songs=[book]).stdout


def test_the_table_has_every_figure_and_both_names(run) -> None:
    shown = run("one", "two").stdout
    for text in (
        "A one",
        "B two",
        "note in chord",
        "chord onsets a bar",
        "Vendi",
        "95 %",
        "both",
        "3 songs show large",
    ):
        assert text in shown
    assert "songs' own" not in shown and "…" not in shown


def test_what_cannot_be_read_is_told(run, tmp_path: Path) -> None:
    (tmp_path / "bad.mid").write_bytes(b"no song")
    good = [EXAMPLES / "amazing-grace.mid", EXAMPLES / "ode-to-joy.mid"]
    result = run("one", "two", "--json", songs=[*good, tmp_path])
    assert json.loads(result.stdout)["songs"] == 2 and str(tmp_path / "bad.mid") in result.stderr
    alone = run("one", "two", songs=[tmp_path, good[0]])
    assert alone.exit_code == 2 and "needs two melodies at least" in alone.stderr


def test_a_preset_that_is_not_there(run) -> None:
    result = run("one", "three")
    assert result.exit_code == 2 and "There is no preset “three”" in result.stderr


def test_without_the_statistics(run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gapt_core.finetune.comparison", None)
    result = run("one", "two")
    assert result.exit_code == 2 and "pip install 'gapt-bridge[train]'" in result.stderr


def test_the_tunes_that_come_along_are_those_of_the_examples() -> None:
    ours, theirs = ({path.name: path.read_bytes() for path in folder.glob("*.mid")} for folder in (TUNES, EXAMPLES))
    assert ours == theirs and len(ours) == 7
