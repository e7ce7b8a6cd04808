"""`gapt accompany`: a file in, a duet out, by a real policy in a real process; and one sentence where it cannot be."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from midi_files import block, metre, midi_bytes, tempo, track
from rules import QUARTERS, quarters
from tiny_policy import write_policy_preset

from bridge.cli import gapt
from gapt_core.data.duet import Duet, write_duet
from gapt_core.data.midi import read_midi

SCALE = [(float(beat), 1.0, pitch) for beat, pitch in enumerate(QUARTERS)]


@pytest.fixture
def tune(tmp_path: Path) -> Path:
    path = tmp_path / "tune.mid"
    write_duet(path, Duet(quarters(), (), ()))
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(gapt, ["accompany", *map(str, arguments)])


def refusal(*arguments: object) -> str:
    """The sentence that a run ends with."""
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    return result.stderr.removeprefix("Error: ").rstrip()


# --- what works


@pytest.mark.parametrize("mode", ["react", "anticipate"])
def test_a_duet_has_the_melody_as_it_was_and_chords_by_name(tune: Path, preset: Path, mode: str) -> None:
    result = run(tune, "--preset", preset, "--mode", mode, "--density", 3)
    assert result.exit_code == 0, result.output
    duet, before = read_midi(tune.with_name("tune-duet.mid")).songs[0], read_midi(tune).songs[0]
    assert duet.notes == before.notes
    assert (duet.bars, duet.metres, duet.tempos) == (before.bars, before.metres, before.tempos)
    assert duet.chords
    assert all(event.onset_beats * 4 % 1 == 0 for event in duet.chords)
    count = sum(event.chord is not None for event in duet.chords)
    assert result.stdout.startswith(f"{tune.with_name('tune-duet.mid')}: 2 bars, {count} chords, in ")
    assert sorted(path.name for path in tune.parent.iterdir()) == ["tune-duet.mid", "tune.mid"]


def test_the_same_seed_gives_the_same_file_and_an_old_duet_is_replaced(tune: Path, preset: Path) -> None:
    out = tune.with_name("out.mid")
    out.write_bytes(b"an older duet")
    played = []
    for seed in (1, 1, 2):
        assert run(tune, "-o", out, "--preset", preset, "--seed", seed).exit_code == 0
        played.append(out.read_bytes())
    assert played[0] == played[1] != played[2]


def test_a_polyphonic_track_in_seven_eight_at_tempo_999(tmp_path: Path, preset: Path) -> None:
    path = tmp_path / "odd.mid"
    chords = [span for beat in range(7) for span in block(beat / 2, 0.5, 48 + beat, 60, 67 + beat)]
    path.write_bytes(midi_bytes(track(chords, metas=[metre(0, 7, 8), tempo(0, 999), tempo(2, 4)])))
    result = run(path, "--preset", preset)
    assert result.exit_code == 0, result.output
    duet = read_midi(tmp_path / "odd-duet.mid").songs[0]
    assert (duet.metres[0].numerator, duet.metres[0].denominator) == (7, 8)
    assert [round(change.bpm) for change in duet.tempos] == [999, 4]
    assert {note.pitch for note in duet.notes} == set(range(67, 74))


def test_abc_is_played_to_as_well(tmp_path: Path, preset: Path) -> None:
    pytest.importorskip("music21")
    path = tmp_path / "tune.abc"
    path.write_text("X:1\nT:Test\nM:3/4\nL:1/4\nK:C\nC E G|c3|\n", encoding="utf-8")
    assert run(path, "--preset", preset).exit_code == 0
    assert [note.pitch for note in read_midi(tmp_path / "tune-duet.mid").songs[0].notes] == [60, 64, 67, 72]


def test_of_a_file_that_breaks_off_what_there_is_is_played_to(tmp_path: Path, preset: Path) -> None:
    path = tmp_path / "broken.mid"
    path.write_bytes(midi_bytes(track(SCALE))[:-20])
    result = run(path, "--preset", preset)
    assert result.exit_code == 0, result.output
    assert "breaks off" in result.stderr
    assert 0 < len(read_midi(tmp_path / "broken-duet.mid").songs[0].notes) < len(SCALE)


# --- what does not


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"MThd",
        b"This is a letter, not a song.\n",
        midi_bytes(track(SCALE))[:22],
        midi_bytes(track(metas=[tempo(0, 120)])),
        midi_bytes(track(SCALE, channel=9)),
    ],
    ids=["empty", "truncated", "no-midi", "cut-before-the-notes", "no-notes", "drums-only"],
)
def test_a_bad_file_is_one_sentence_and_leaves_nothing(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.mid"
    path.write_bytes(content)
    assert str(path) in refusal(path)
    assert list(tmp_path.iterdir()) == [path]


def test_files_that_are_not_there_or_are_no_files(tmp_path: Path, tune: Path) -> None:
    assert "cannot be read" in refusal(tmp_path / "none.mid")
    assert "cannot be read" in refusal(tmp_path)
    assert "is a folder" in refusal(tune, "-o", tmp_path)
    assert "no folder" in refusal(tune, "-o", tmp_path / "none" / "out.mid")
    assert "check the path" in refusal(tune, "-o", tmp_path / ("x" * 300 + ".mid"))


def test_the_input_is_not_written_over(tmp_path: Path, tune: Path) -> None:
    before = tune.read_bytes()
    assert "is not written over" in refusal(tune, "-o", tune)
    link = tmp_path / "link.mid"
    os.link(tune, link)
    assert "is not written over" in refusal(tune, "-o", link)
    assert tune.read_bytes() == before


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_to(tmp_path: Path, tune: Path) -> None:
    shut = tmp_path / "shut"
    shut.mkdir(0o500)
    assert "may not be written to" in refusal(tune, "-o", shut / "out.mid")


def test_a_track_that_is_not_there(tune: Path) -> None:
    assert "choose from" in refusal(tune, "--track", "Violin")
    assert "choose from" in refusal(tune, "--track", "9")


def test_presets_that_cannot_be_played(tmp_path: Path, tune: Path) -> None:
    assert "no preset “nonsense”" in refusal(tune, "--preset", "nonsense")
    write_policy_preset(tmp_path / "flipped")
    weights = tmp_path / "flipped" / "policy.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    assert "policy.safetensors" in refusal(tune, "--preset", tmp_path / "flipped")
    assert not tune.with_name("tune-duet.mid").exists()


def test_of_many_tunes_one_has_to_be_chosen(tmp_path: Path, preset: Path) -> None:
    path = tmp_path / "two.jsonl"
    line = '{"title": "t", "style": "folk", "ts": [[0, 4, 4]], "bars": [[0, 4]], "tempo": 90, '
    lines = [line + f'"mel": [[0, 4, {pitch}]], "ch": [], "end": 4}}' for pitch in (60, 72)]
    path.write_text("\n".join(lines), encoding="utf-8")
    assert "--tune 1 to --tune 2" in refusal(path)
    assert "no number 3" in refusal(path, "--tune", 3)
    assert run(path, "--tune", 2, "--preset", preset).exit_code == 0
    assert [note.pitch for note in read_midi(tmp_path / "two-duet.mid").songs[0].notes] == [72]


@pytest.mark.parametrize(
    "options", [["--style", "polka"], ["--mode", "guess"], ["--temperature", "-1"], ["--tune", "0"]]
)
def test_options_of_no_meaning(tune: Path, options: list[str]) -> None:
    result = run(tune, *options)
    assert result.exit_code == 2
    assert options[0] in result.stderr
