"""Folders of a player, whatever lies in them, and what becomes of each file."""

from __future__ import annotations

import gzip
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from midi_files import block, metre, midi_bytes, tempo, track
from playing import TUNES, in_key, played, tune, with_chords, write_melody, write_tunes

from gapt_core.data.duet import Duet, Marker, write_duet
from gapt_core.data.library import Verdict
from gapt_core.errors import TrainingError
from gapt_core.frames import song_to_frames
from gapt_core.intake import reading
from gapt_core.intake.folder import read_folder
from gapt_core.intake.reports import FileReport, Intake, IntakeOptions
from gapt_core.song import ChordEvent, Note, Song

USED, REPAIRED, REFUSED = Verdict.USED, Verdict.REPAIRED, Verdict.REFUSED


def by_name(intake: Intake) -> dict[str, FileReport]:
    return {report.path.name: report for report in intake.files}


def take(song: Song, *markers: Marker) -> Duet:
    """What the bridge writes of a session."""
    chorded = with_chords(song, 2, 9)
    sound = tuple(Note(event.onset_beats, 1.0, 48) for event in chorded.chords or ())
    return Duet(replace(song, chords=None), chorded.chords or (), sound, markers)


def test_every_fate(tmp_path: Path) -> None:
    write_tunes(tmp_path / "tunes")
    (tmp_path / "tunes" / "later").mkdir()
    write_melody(tmp_path / "tunes" / "later" / "joy in another key.mid", in_key(tune("ode-to-joy"), -3))
    write_melody(tmp_path / "played freely.mid", played(tune("londonderry-air"), 108, 0.02))
    (tmp_path / "broken.mid").write_bytes(b"MThd\0\0")
    (tmp_path / "empty.mid").write_bytes(b"")
    (tmp_path / "no midi.mid").write_bytes(b"hello" * 100)
    (tmp_path / "three notes.mid").write_bytes(midi_bytes(track([(i, 1, 60 + i) for i in range(3)])))
    (tmp_path / "packed.zip").write_bytes(b"PK\3\4")
    (tmp_path / "take.mid.part").write_text("{}")
    (tmp_path / "notes.txt").write_text("milk, eggs")
    (tmp_path / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
    (tmp_path / ".hidden").mkdir()
    write_tunes(tmp_path / ".hidden")
    (tmp_path / "折り紙 ♭ e\u0301.mid").write_bytes((tmp_path / "tunes" / "ode-to-joy.mid").read_bytes())

    intake = read_folder([tmp_path])
    reports = by_name(intake)
    verdicts = {name: report.verdict for name, report in reports.items()}
    assert verdicts == {
        **{f"{name}.mid": USED for name in TUNES},
        "ode-to-joy.mid": REFUSED,
        "joy in another key.mid": REFUSED,
        "折り紙 ♭ e\u0301.mid": USED,
        "played freely.mid": REPAIRED,
        **dict.fromkeys(("broken.mid", "empty.mid", "no midi.mid", "three notes.mid"), REFUSED),
        **dict.fromkeys(("packed.zip", "take.mid.part"), REFUSED),
    }
    assert reports["empty.mid"].reason == "is empty; export it again"
    assert reports["packed.zip"].reason == "is an archive: unpack it first"
    assert "gapt jam --record" in reports["take.mid.part"].reason
    assert "too short" in reports["three notes.mid"].reason
    assert reports["joy in another key.mid"].reason == "the same music as 折り紙 ♭ e\u0301.mid, which is taken"
    assert "played freely, 4/4 at 108" in reports["played freely.mid"].reason
    assert intake.passed_over == {".txt": 1}
    assert len(intake.songs) == len({song.group for song in intake.songs}) == len(TUNES) + 1
    assert all("\n" not in report.reason and report.reason for report in intake.files)


def test_links_in_circles_and_to_nothing(tmp_path: Path) -> None:
    write_tunes(tmp_path / "a", TUNES[:1])
    try:
        (tmp_path / "a" / "up").symlink_to(tmp_path, target_is_directory=True)
        (tmp_path / "a" / "me.mid").symlink_to(tmp_path / "a" / "me.mid")
        (tmp_path / "a" / "same.mid").symlink_to(tmp_path / "a" / f"{TUNES[0]}.mid")
        (tmp_path / "gone.mid").symlink_to(tmp_path / "nothing.mid")
    except OSError:
        pytest.skip("this system makes no links")
    reports = by_name(read_folder([tmp_path, tmp_path, tmp_path / "a"]))
    assert {name: report.verdict for name, report in reports.items()} == {
        f"{TUNES[0]}.mid": USED,
        "gone.mid": REFUSED,
        "me.mid": REFUSED,
    }


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read(tmp_path: Path) -> None:
    write_tunes(tmp_path, TUNES[:1])
    (tmp_path / "closed").mkdir(mode=0)
    (tmp_path / f"{TUNES[0]}.mid").chmod(0)
    try:
        reports = by_name(read_folder([tmp_path]))
    finally:
        (tmp_path / "closed").chmod(0o700)
    assert [report.verdict for report in reports.values()] == [REFUSED, REFUSED]


def test_a_folder_that_cannot_be_opened_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "closed").mkdir()

    def scandir(path: str) -> object:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", scandir)
    intake = read_folder([tmp_path])
    assert [(report.verdict, report.reason) for report in intake.files] == [
        (REFUSED, "cannot be opened (Permission denied)")
    ]


@pytest.mark.parametrize(
    "error", [MemoryError(), RecursionError("too deep"), OSError(5, "I/O error"), ValueError("bad")]
)
def test_one_file_does_not_cost_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    write_tunes(tmp_path, TUNES[:3])
    genuine = reading.parse_midi

    def parse(data: bytes, name: str) -> object:
        if TUNES[1] in name:
            raise error
        return genuine(data, name)

    monkeypatch.setattr(reading, "parse_midi", parse)
    reports = by_name(read_folder([tmp_path]))
    assert [report.verdict for report in reports.values()] == [USED, REFUSED, USED]
    assert reports[f"{TUNES[1]}.mid"].reason.startswith("cannot be read")


@given(st.data())
def test_whatever_is_in_a_file_it_is_reported(data: st.DataObject) -> None:
    """Bytes of a good file overwritten, cut off and repeated."""
    with TemporaryDirectory() as folder:
        path = write_melody(Path(folder) / "a.mid", tune("ode-to-joy"))
        content = bytearray(path.read_bytes())
        for _ in range(data.draw(st.integers(1, 12))):
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
        path.write_bytes(content[: data.draw(st.integers(20, len(content)))])
        report = read_folder([folder_path := Path(folder)]).files[0]
        assert report.path.parent == folder_path
        assert bool(report.songs) == (report.verdict is not REFUSED)
        for song in report.songs:
            frames = song_to_frames(song.song)
            assert len(frames) > 0 and frames.melody.any()
            assert (frames.metre[:, 0] < frames.metre[:, 1]).all()


def test_interrupting_is_not_an_error_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(data: bytes, name: str) -> object:
        raise KeyboardInterrupt

    write_tunes(tmp_path, TUNES[:1])
    monkeypatch.setattr(reading, "parse_midi", interrupted)
    with pytest.raises(KeyboardInterrupt):
        read_folder([tmp_path])


def test_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "huge.mid").open("wb") as file:
        file.truncate(9 << 20)
    with gzip.open(tmp_path / "bomb.jsonl.gz", "wb") as lines:
        lines.write(b" " * 300_000)
    monkeypatch.setattr(reading, "MOST_UNPACKED", 100_000)
    reasons = [report.reason for report in read_folder([tmp_path]).files]
    assert reasons[0].startswith("unpacks to more than")
    assert reasons[1] == "is larger than 8 MB; cut it up"


def test_songs_in_json_lines_up_to_the_first_bad_one(tmp_path: Path) -> None:
    record = {
        "id": "1", "set": "s", "style": "folk", "title": "A tune", "ts": [[0, 4, 4]], "bars": [[0, 4], [4, 4]],
        "tempo": None, "mel": [[i, 1, 60 + i * i % 7] for i in range(8)], "end": 8, "ch": [[0, 0, [0, 4, 7], 0, "C"]],
    }  # fmt: skip
    silent = record | {"ch": [[0, -1, [], -1, "N"]], "mel": [[i, 1, 60 - i * i % 5] for i in range(8)]}
    lines = [json.dumps(record), json.dumps(silent), "not a song"]
    (tmp_path / "book.jsonl").write_text("\n".join(lines), "utf-8")
    (tmp_path / "bad.jsonl").write_text("{}", "utf-8")
    reports = by_name(read_folder([tmp_path]))
    assert reports["bad.jsonl"].verdict is REFUSED
    assert (
        reports["book.jsonl"].verdict is REPAIRED and "the 2 songs before it are used" in reports["book.jsonl"].reason
    )
    assert [song.with_chords for song in reports["book.jsonl"].songs] == [True, False]


def test_of_the_same_music_the_one_with_chords_stays(tmp_path: Path) -> None:
    write_melody(tmp_path / "1.mid", tune("ode-to-joy"))
    chords = [span for bar in range(16) for span in block(4.0 * bar, 4.0, 50 + bar % 3, 54 + bar % 3, 57 + bar % 3)]
    notes = [(note.onset_beats, note.duration_beats, note.pitch + 2) for note in tune("ode-to-joy").notes]
    data = midi_bytes(track(metas=[metre(0, 4, 4), tempo(0, 90)]), track(notes, "Melody"), track(chords, "Chords", 1))
    (tmp_path / "2.mid").write_bytes(data)
    reports = by_name(read_folder([tmp_path]))
    assert reports["1.mid"].reason == "the same music as 2.mid, which is taken"
    assert reports["2.mid"].songs[0].with_chords
    assert reports["2.mid"].reason.endswith("track 2 'Melody', by name")


def test_the_same_melody_with_other_chords_is_another_song(tmp_path: Path) -> None:
    notes = [(note.onset_beats, note.duration_beats, note.pitch) for note in tune("ode-to-joy").notes]
    write_melody(tmp_path / "bare.mid", tune("ode-to-joy"))
    for name, roots in (("one", (2, 9)), ("other", (11, 4, 7)), ("one again", (2, 9))):
        events = [
            span
            for bar in range(16)
            for r in [roots[bar % len(roots)]]
            for span in block(4.0 * bar, 4, 48 + r, 52 + r, 55 + r)
        ]
        data = midi_bytes(track(metas=[metre(0, 4, 4)]), track(notes, "Melody"), track(events, "Chords", 1))
        (tmp_path / f"{name}.mid").write_bytes(data)
    reports = by_name(read_folder([tmp_path]))
    assert {name: report.verdict for name, report in reports.items()} == {
        "bare.mid": REFUSED, "one.mid": REFUSED, "one again.mid": USED, "other.mid": USED,
    }  # fmt: skip
    assert reports["one.mid"].reason == "the same music as one again.mid, which is taken"
    assert len({song.group for report in reports.values() for song in report.songs}) == 1


def test_a_recorded_session(tmp_path: Path) -> None:
    joy, sailor = tune("ode-to-joy"), tune("drunken-sailor")
    second = tuple(replace(note, onset_beats=note.onset_beats + 80) for note in sailor.notes)
    bars = tuple(replace(joy.bars[0], onset_beats=4.0 * bar) for bar in range(40))
    both = replace(joy, title="jam", notes=(*joy.notes, *second), bars=bars, end_beats=160.0)
    write_duet(tmp_path / "take.mid", take(both, Marker(80.0, "start at bar 1")))
    write_duet(tmp_path / "accompanied.mid", take(tune("amazing-grace")))
    reports = by_name(read_folder([tmp_path]))
    songs = reports["take.mid"].songs
    assert [song.song.title for song in songs] == ["jam, bar 1", "jam, bar 21"]
    assert [len(song.song.notes) for song in songs] == [len(joy.notes), len(sailor.notes)]
    assert songs[1].song.notes[0].onset_beats == 0.0 and songs[1].song.notes == sailor.notes
    assert not any(song.with_chords for song in songs)
    assert "its chords are the bridge's, not taken" in reports["take.mid"].reason
    assert "its chords are the bridge's" in reports["accompanied.mid"].reason
    trusted = by_name(read_folder([tmp_path], IntakeOptions(trust_chords=True)))["take.mid"]
    assert all(song.with_chords for song in trusted.songs)
    first = trusted.songs[1].song.chords
    assert first and first[0] == ChordEvent(0.0, first[0].chord)


@pytest.mark.parametrize(("others", "groups"), [(6, 8), (7, 8)])
def test_a_session_is_one_group_where_others_are_enough(tmp_path: Path, others: int, groups: int) -> None:
    """Two songs in one take: with six more they are needed apart, with seven more they stay together."""
    joy, sailor = tune("ode-to-joy"), tune("drunken-sailor")
    second = tuple(replace(note, onset_beats=note.onset_beats + 80) for note in sailor.notes)
    bars = tuple(replace(joy.bars[0], onset_beats=4.0 * bar) for bar in range(40))
    both = replace(joy, title="jam", notes=(*joy.notes, *second), bars=bars, end_beats=160.0)
    write_duet(tmp_path / "take.mid", take(both, Marker(80.0, "start at bar 1")))
    random = np.random.default_rng(0)
    for number in range(others):
        notes = tuple(replace(note, pitch=int(random.integers(60, 80))) for note in joy.notes)
        write_melody(tmp_path / f"{number}.mid", replace(joy, title=f"{number}", notes=notes))
    intake = read_folder([tmp_path])
    assert len({song.group for song in intake.songs}) == groups
    assert len({song.group for song in by_name(intake)["take.mid"].songs}) == (2 if others == 6 else 1)


def test_a_file_with_chords_of_somebody_else_is_no_session(tmp_path: Path) -> None:
    chords = [span for bar in range(16) for span in block(4.0 * bar, 4.0, 48, 52, 55)]
    notes = [(note.onset_beats, note.duration_beats, note.pitch) for note in tune("ode-to-joy").notes]
    data = midi_bytes(track(metas=[metre(0, 4, 4)]), track(notes, "Melody"), track(chords, "Chords", 1))
    (tmp_path / "mine.mid").write_bytes(data)
    assert read_folder([tmp_path]).songs[0].with_chords


def test_scores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = Path(__file__).parents[2] / "examples" / "greensleeves.abc"
    (tmp_path / "score.abc").write_bytes(source.read_bytes())
    monkeypatch.setitem(sys.modules, "music21", None)
    assert 'pip install "gapt-bridge[scores]"' in read_folder([tmp_path]).files[0].reason
    monkeypatch.undo()
    pytest.importorskip("music21")
    song = read_folder([tmp_path]).songs[0]
    assert song.with_chords and song.assumed.metre == "6/8" and song.song.bars[0].duration_beats == 0.5


def test_a_named_file_is_read_whatever_its_name(tmp_path: Path) -> None:
    path = write_melody(tmp_path / "tune.mid", tune("ode-to-joy")).rename(tmp_path / "tune.xyz")
    assert read_folder([path]).files[0].verdict is USED
    assert read_folder([tmp_path]).passed_over == {".xyz": 1}
    (tmp_path / "words").write_text("no song at all")
    assert "is no song that is read here" in read_folder([tmp_path / "words"]).files[0].reason


def test_a_metre_that_cannot_be_heard_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="7/8"):
        read_folder([tmp_path], IntakeOptions(metre=(7, 8)))


def test_many_files(tmp_path: Path) -> None:
    data = write_melody(tmp_path / "0.mid", tune("ode-to-joy")).read_bytes()
    for number in range(1, 300):
        (tmp_path / f"{number}.mid").write_bytes(data)
    passed: list[Path] = []

    def each(files: Sequence[Path]) -> Sequence[Path]:
        passed.extend(files)
        return files

    intake = read_folder([tmp_path], each=each)
    assert len(passed) == len(intake.files) == 300
    assert len(intake.songs) == 1
