"""Files and folders of every kind, and what `gapt songs check` says of them."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner
from midi_files import block, midi_bytes, track

from gapt_core.data.cli import songs
from gapt_core.data.library import Verdict, expand, files_in, read_folder, read_outcome, read_song
from gapt_core.errors import SongError

MIDI = midi_bytes(track([(0, 1, 72), (1, 1, 74)], "Melody"), track(block(0, 2, 48, 52, 55), "Chords"))
RECORD = {
    "id": "1", "set": "s", "style": "folk", "title": "A tune", "ts": [[0, 4, 4]], "bars": [[0, 4]], "tempo": None,
    "mel": [[0, 1, 60], [1, float("nan"), 62]], "end": 4,
    "ch": [[0, 0, [0, 4, 7, 10], 0, "C:maj7"], [1, -1, [], -1, "N"], [2, 7, [7, 11, 2], 7, "047"]],
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one file of every fate."""
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "a.mid").write_bytes(MIDI)
    (tmp_path / "deep" / "er" / "b.MID").write_bytes(MIDI[: len(MIDI) - 30])
    (tmp_path / "deep" / "c.mid").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("not a song")
    (tmp_path / ".hidden.mid").write_bytes(b"")
    with gzip.open(tmp_path / "d.jsonl.gz", "wt", encoding="utf-8") as lines:
        lines.write(json.dumps(RECORD) + "\n" + json.dumps(RECORD) + "\n")
    return tmp_path


def test_a_folder_is_read_to_its_depths(folder: Path) -> None:
    outcomes = {outcome.path.relative_to(folder).as_posix(): outcome for outcome in read_folder(folder)}
    verdicts = {name: outcome.verdict for name, outcome in outcomes.items()}
    assert verdicts == {
        "a.mid": Verdict.USED,
        "d.jsonl.gz": Verdict.USED,
        "deep/c.mid": Verdict.REFUSED,
        "deep/er/b.MID": Verdict.REPAIRED,
    }
    assert outcomes["deep/c.mid"].reason == "is empty; export it again." and not outcomes["deep/c.mid"].songs
    assert outcomes["deep/er/b.MID"].reason.startswith("the file breaks off") and outcomes["deep/er/b.MID"].songs
    assert len(outcomes["d.jsonl.gz"].songs) == 2


def test_json_lines_trust_labels_before_pitch_classes_and_survive_notes_without_length(folder: Path) -> None:
    song = read_song(folder / "d.jsonl.gz").songs[0]
    assert [event.chord and event.chord.name for event in song.chords or ()] == ["C:maj7", None, "G:maj"]
    assert [note.duration_beats for note in song.notes] == [1.0, 3.0]


def test_a_file_of_another_name_is_judged_by_its_first_bytes(tmp_path: Path) -> None:
    odd = tmp_path / "recording"
    odd.write_bytes(MIDI)
    assert read_song(odd).songs[0].chords is not None
    odd.write_bytes(b"\x89PNG")
    with pytest.raises(SongError, match="is no song that is read here; give a file of"):
        read_song(odd)
    with pytest.raises(SongError, match="cannot be read"):
        read_song(tmp_path / "missing")


@pytest.mark.parametrize("content", [b"", b"{}\n", b"not json\n", b"\xff\xfe\n", b'{"title": 1}\n'])
def test_broken_json_lines_are_refused_in_one_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "songs.jsonl"
    path.write_bytes(content)
    outcome = read_outcome(path)
    assert outcome.verdict is Verdict.REFUSED and "\n" not in outcome.reason


def test_named_files_are_taken_as_they_are_and_folders_opened(folder: Path) -> None:
    assert expand([folder / "notes.txt", folder]) == [folder / "notes.txt", *files_in(folder)]


def test_the_table_says_what_became_of_each_file(folder: Path) -> None:
    result = CliRunner().invoke(songs, ["check", str(folder)], env={"COLUMNS": "160"})
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert any(line.split()[:3] == ["a.mid", "used", "1"] and "by name" in line for line in lines)
    assert any("refused" in line and "is empty" in line for line in lines)
    assert lines[-1] == "4 files: 2 used, 1 repaired, 1 refused; 4 songs, 3 of them with chords."


def test_the_table_as_json(folder: Path) -> None:
    result = CliRunner().invoke(songs, ["check", "--json", str(folder / "a.mid")])
    assert json.loads(result.stdout) == [
        {
            "path": str(folder / "a.mid"),
            "outcome": "used",
            "songs": 1,
            "with_chords": 1,
            "notes": 2,
            "reason": "track 1 'Melody', by name",
        }
    ]


@pytest.mark.parametrize("name", ["deep/c.mid", "."])
def test_nothing_usable_is_an_error_after_the_table(tmp_path: Path, name: str) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "c.mid").write_bytes(b"")
    result = CliRunner().invoke(songs, ["check", str(tmp_path / name)])
    assert isinstance(result.exception, SongError) and "None of the files can be used" in str(result.exception)
    assert "is empty" in result.stdout and "1 refused" in result.stdout


def test_an_empty_folder_is_told_apart_from_files_that_cannot_be_used(tmp_path: Path) -> None:
    result = CliRunner().invoke(songs, ["check", str(tmp_path)])
    assert isinstance(result.exception, SongError) and "There is no file of songs" in str(result.exception)


@pytest.mark.skipif("GAPT_DATA" not in os.environ, reason="needs the data sets: set GAPT_DATA to their folder")
def test_every_file_people_have_is_used_repaired_or_refused() -> None:
    outcomes = read_folder(Path(os.environ["GAPT_DATA"]) / "raw")
    fates = {verdict: [o for o in outcomes if o.verdict is verdict] for verdict in Verdict}
    assert len(outcomes) > 300 and len(fates[Verdict.USED]) > 0.85 * len(outcomes)
    assert all(outcome.songs for outcome in outcomes if outcome.verdict is not Verdict.REFUSED)
    assert all(outcome.path.suffix == ".abc" for outcome in fates[Verdict.REFUSED])
    assert all(outcome.reason and "\n" not in outcome.reason for outcome in outcomes)
