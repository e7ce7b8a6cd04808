"""A take survives whatever ends its session: a kill, a torn line, a full disk, a name that is taken."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recorded import Stage, tune

from bridge.errors import BridgeError
from bridge.events import ChordStarts, PlayNote, Start, Stop, TransportChanged
from bridge.recording.entries import Entry, Selection
from bridge.recording.journal import Journal, adopted, read_journal
from bridge.recording.recorder import open_recorder, recover
from bridge.recording.take import take_of
from gapt_core.data.midi import read_midi

HELPERS = Path(__file__).parents[1] / "helpers"
PATIENCE = 20.0

# A child that stands in for a disk which takes so many bytes and no more.
SMALL_DISK = """
import resource, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from recorded import Stage, tune
from bridge.events import Start, Stop
from bridge.recording.recorder import open_recorder
def say(line):
    sys.stdout.write(line + "\\n")  # print writes the line's end apart, and two threads speak
with open_recorder(Path(sys.argv[2]), say) as recorder:
    stage = Stage(recorder.send)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), resource.RLIM_INFINITY))
    stage.play(Start(1000.0), *tune(1000.0, 64), Stop(1032.0))
    say(f"{len(stage.sent)} messages sent")
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[4]), resource.RLIM_INFINITY))
"""


def session() -> list[Entry]:
    """What a session with a loop, a stop and a start leaves."""
    stage, selection = Stage(), Selection()
    stage.play(Start(1000.0), *tune(1000.0, 8), Start(1004.0), *tune(1004.0, 2), Stop(1005.0))
    stage.play(Start(1006.0, 8.0), *tune(1006.0, 3), Stop(1008.0))
    return [entry for sent in stage.sent if (entry := selection.entry(*sent)) is not None]


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, list[Entry]]:
    path = tmp_path_factory.mktemp("journal") / "take.mid.part"
    entries = session()
    journal = Journal(path)
    for entry in entries:
        journal.append(entry)
    journal.close()
    return path.read_bytes(), entries


def play(target: Path, said: list[str]) -> None:
    with open_recorder(target, said.append) as recorder:
        Stage(recorder.send).play(Start(1000.0), *tune(1000.0, 4), Stop(1002.0))


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_journal_reads_back(journal: tuple[bytes, list[Entry]], tmp_path: Path) -> None:
    content, entries = journal
    (tmp_path / "j").write_bytes(content)
    assert read_journal(tmp_path / "j") == entries


@given(data=st.data())
def test_a_journal_cut_anywhere_keeps_every_whole_line(
    journal: tuple[bytes, list[Entry]], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    content, entries = journal
    cut = data.draw(st.integers(content.index(b"\n") + 1, len(content)))
    path = tmp_path_factory.mktemp("cut") / "take.mid.part"
    path.write_bytes(content[:cut])
    whole = content[:cut].count(b"\n") - 1
    kept = read_journal(path)
    # A cut right before a line's end leaves the line whole.
    assert kept == entries[: len(kept)] and len(kept) - whole in (0, 1)
    said: list[str] = []
    recover(path.parent, said.append)
    duet = take_of(kept, "take-recovered")
    if duet is None:
        assert names(path.parent) == set() and said == []
    else:
        assert names(path.parent) == {"take-recovered.mid"}
        assert said[0].endswith(f"is in {path.parent / 'take-recovered.mid'}.")
        if duet.song.notes:
            song = read_midi(path.parent / "take-recovered.mid", "Melody").songs[0]
            assert [note.pitch for note in song.notes] == [note.pitch for note in duet.song.notes]


@settings(max_examples=200)
@given(data=st.data())
def test_damage_anywhere_costs_a_line_and_never_the_take(
    journal: tuple[bytes, list[Entry]], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    content, entries = journal
    damaged = bytearray(content)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(content.index(b"\n") + 1, len(content) - 1))
        damaged[place : place + data.draw(st.integers(1, 6))] = data.draw(st.binary(max_size=6))
    path = tmp_path_factory.mktemp("damaged") / "take.mid.part"
    path.write_bytes(bytes(damaged))
    kept = read_journal(path)
    assert len(kept) >= len(entries) - 4 * 7
    said: list[str] = []
    recover(path.parent, said.append)
    assert not path.exists()


@pytest.mark.parametrize(
    ("name", "value"), [("seconds", 3e11), ("beats", 4e9), ("due_beats", -4e9), ("bpm", 1e9), ("metre", [1, 64])]
)
def test_a_line_far_outside_of_any_session_is_left_out(
    journal: tuple[bytes, list[Entry]], name: str, value: object, tmp_path: Path
) -> None:
    content, entries = journal
    head, *lines = content.splitlines()
    place = next(i for i, entry in enumerate(entries) if isinstance(entry.message, TransportChanged))
    columns = ["kind", "seconds", "beats", *(field.name for field in fields(TransportChanged))]
    line = json.loads(lines[place])
    line[columns.index(name)] = value
    lines[place] = json.dumps(line).encode()
    (tmp_path / "j").write_bytes(b"\n".join((head, *lines, b"")))
    assert read_journal(tmp_path / "j") == entries[:place] + entries[place + 1 :]


def test_a_killed_session_is_recovered_by_the_next_one(tmp_path: Path) -> None:
    target = tmp_path / "take.mid"
    command = [sys.executable, str(HELPERS / "recorded.py"), str(target)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as session:
        assert session.stdout is not None
        heard = [session.stdout.readline().strip() for _ in range(9)]
        with adopted(tmp_path / "take.mid.part") as ours:
            assert not ours, "the journal of a session that plays is nobody else's"
        # The journal is some messages behind what is printed, and a chord that begins where it ends lasts no time.
        until = time.monotonic() + PATIENCE
        while sum(isinstance(entry.message, ChordStarts) for entry in read_journal(tmp_path / "take.mid.part")) < 11:
            assert time.monotonic() < until
        session.kill()
    assert names(tmp_path) == {"take.mid.part"}
    said: list[str] = []
    play(target, said)
    assert names(tmp_path) == {"take-recovered.mid", "take.mid"}
    assert said[0].startswith("The take that broke off on ")
    assert said[0].endswith(f" is in {tmp_path / 'take-recovered.mid'}.")
    assert said[1] == f"The take is in {target}."
    song = read_midi(tmp_path / "take-recovered.mid").songs[0]
    assert song.chords is not None
    recovered = [event.chord.name for event in song.chords if event.chord]
    assert recovered[:9] == heard


def test_two_sessions_at_once_have_a_take_each(tmp_path: Path) -> None:
    target = tmp_path / "take.mid"
    first: list[str] = []
    second: list[str] = []
    with open_recorder(target, first.append) as recorder:
        Stage(recorder.send).play(Start(1000.0), *tune(1000.0, 4), Stop(1002.0))
        play(target, second)
        assert names(tmp_path) == {"take.mid.part", "take-2.mid"}
    assert second == [
        f"{target} exists already: this take will be {tmp_path / 'take-2.mid'}.",
        f"The take is in {tmp_path / 'take-2.mid'}.",
    ]
    assert first == [f"The take is in {target}."]
    assert names(tmp_path) == {"take.mid", "take-2.mid"}


def test_a_file_is_never_written_over(tmp_path: Path) -> None:
    target = tmp_path / "take.mid"
    target.write_text("mine")
    for name in ("take-2.mid", "take-3.mid"):
        said: list[str] = []
        play(target, said)
        assert said[-1] == f"The take is in {tmp_path / name}."
    assert target.read_text() == "mine"


def test_a_file_that_came_meanwhile_is_not_written_over(tmp_path: Path) -> None:
    target = tmp_path / "take.mid"
    said: list[str] = []
    with open_recorder(target, said.append) as recorder:
        Stage(recorder.send).play(Start(1000.0), *tune(1000.0, 4), Stop(1002.0))
        target.write_text("mine")
    assert said == [f"The take is in {tmp_path / 'take-2.mid'}."]
    assert target.read_text() == "mine"


def test_what_is_no_journal_of_ours_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "take.mid.part").write_bytes(b"a download under way")
    (tmp_path / "other.part").mkdir()
    said: list[str] = []
    play(tmp_path / "take.mid", said)
    assert names(tmp_path) == {"take.mid.part", "other.part", "take-2.mid"}


def test_an_exception_in_the_session_still_writes_the_take(tmp_path: Path) -> None:
    said: list[str] = []
    with contextlib.suppress(BridgeError), open_recorder(tmp_path / "take.mid", said.append) as recorder:
        Stage(recorder.send).play(Start(1000.0), *tune(1000.0, 4))
        raise BridgeError("the port has gone.")
    assert said == [f"The take is in {tmp_path / 'take.mid'}."]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows limits no file's size")
def test_a_full_disk_ends_the_recording_and_not_the_music(tmp_path: Path) -> None:
    target = tmp_path / "take.mid"
    command = [sys.executable, "-c", SMALL_DISK, str(HELPERS), str(target)]
    done = subprocess.run([*command, "6000", "6000"], capture_output=True, text=True, timeout=PATIENCE, check=True)
    lines = sorted(done.stdout.splitlines())
    assert len(lines) == 3, done
    assert int(lines[0].split()[0]) > 500
    assert lines[1] == "The recording has stopped (No space left on device); the music goes on."
    assert lines[2] == f"The take is in {target}."
    assert 5 < len(read_midi(target).songs[0].notes) < 64


@pytest.mark.skipif(sys.platform == "win32", reason="Windows limits no file's size")
def test_a_disk_too_full_for_the_take_keeps_the_journal(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SMALL_DISK, str(HELPERS), str(tmp_path / "take.mid")]
    done = subprocess.run([*command, "6000", "100"], capture_output=True, text=True, timeout=PATIENCE, check=True)
    assert "The take is not written yet (File too large): make room and record there again" in done.stdout
    assert names(tmp_path) == {"take.mid.part"}
    said: list[str] = []
    recover(tmp_path, said.append)
    assert names(tmp_path) == {"take-recovered.mid"}


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        (lambda folder: folder, "is a folder; name a file in it with --record."),
        (lambda folder: folder / "no" / "take.mid", "no; make it first, or name another file with --record."),
    ],
)
def test_where_nothing_can_be_recorded_is_one_sentence(
    target: Callable[[Path], Path], sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(BridgeError, match=sentence), open_recorder(target(tmp_path), print):
        pytest.fail("it opened")
    assert names(tmp_path) == set()


def test_the_take_sounds_what_was_sent_even_if_closed_twice(tmp_path: Path) -> None:
    with open_recorder(tmp_path / "take.mid", lambda line: None) as recorder:
        stage = Stage(recorder.send)
        stage.play(Start(1000.0), *tune(1000.0, 16), Stop(1008.0))
        recorder.close()
    sent = sorted(message.pitch for message in stage.port.messages if isinstance(message, PlayNote))
    song = read_midi(tmp_path / "take.mid", "Chords").songs[0]
    assert song.notes
    assert {note.pitch for note in song.notes} <= set(sent)
