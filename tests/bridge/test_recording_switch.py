"""Takes that begin and end while the music plays: what was going on begins with them, and a full disk ends them."""

from __future__ import annotations

from pathlib import Path

import pytest
from recorded import FREE, Stage, tune

from bridge.errors import BridgeError
from bridge.events import ChordStarts, EndNote, MelodyHeard, PlayNote, Set, Silence, Start, Stop, TransportChanged
from bridge.recording.moment import Moment
from bridge.recording.switch import RecordingSwitch, Told
from gapt_core.data.midi import read_midi

ROLLING = TransportChanged(0.0, True, 120.0, (4, 4), True)


class Player:
    """Who is told."""

    def __init__(self) -> None:
        self.sentences: list[str] = []
        self.files: list[str | None] = []
        self.offs = 0

    @property
    def told(self) -> Told:
        return Told(self.sentences.append, self._off, lambda path: self.files.append(path and path.name))

    def _off(self) -> None:
        self.offs += 1


def test_what_goes_on_at_a_moment_begins_there() -> None:
    moment = Moment()
    assert moment.messages(1.0) == []
    for message in (
        ROLLING,
        ChordStarts(0.0, 0, "C:maj", (48,)),
        PlayNote(0.0, 48, 70, 0),
        PlayNote(0.0, 50, 70, 1),
        EndNote(1.0, 48, 0),
        PlayNote(1.0, 52, 70, 0),
        MelodyHeard(1.0, 60, 90, 0),
        MelodyHeard(1.5, 62, 90, 0),
        MelodyHeard(2.0, 60, 0, 0),
    ):
        moment.take(message)
    assert moment.messages(2.5) == [
        TransportChanged(2.5, True, 120.0, (4, 4), True),
        ChordStarts(2.5, 0, "C:maj", (48,)),
        PlayNote(2.5, 50, 70, 1),
        PlayNote(2.5, 52, 70, 0),
        MelodyHeard(2.5, 62, 90, 0),
    ]
    moment.take(Silence(3.0, 0))
    assert [message.pitch for message in moment.messages(3.0) if isinstance(message, PlayNote)] == [50]
    moment.take(TransportChanged(4.0, False, 120.0, (4, 4)))
    assert moment.messages(4.0) == []


def test_a_take_is_what_was_played_while_it_was_on(tmp_path: Path) -> None:
    player = Player()
    switch = RecordingSwitch(tmp_path / "take.mid", False, player.told)
    stage = Stage(switch.send, settings=FREE)
    notes = tune(1000.01, 16)
    on, off = Set(1002.02, "recording", True), Set(1005.8, "recording", False)
    stage.play(Start(1000.0), *sorted([*notes, on, off], key=lambda event: event.seconds), Stop(1008.0))
    switch.close()
    assert player.files == ["take.mid", None] and player.offs == 0
    assert player.sentences == [f"The take is in {tmp_path / 'take.mid'}."]
    song = read_midi(tmp_path / "take.mid").songs[0]
    # On at the fifth note, which had begun by then, and off within the twelfth.
    assert [note.pitch for note in song.notes] == [60, 64, 67, 65] * 2
    assert song.chords and song.chords[0].onset_beats <= 0.25


def test_a_second_take_has_another_name_and_the_end_of_the_session_ends_it(tmp_path: Path) -> None:
    player = Player()
    switch = RecordingSwitch(tmp_path / "take.mid", True, player.told)
    stage = Stage(switch.send, settings=FREE)
    off, on = Set(1002.0, "recording", False), Set(1004.0, "recording", True)
    stage.play(Start(1000.0), *sorted([*tune(1000.01, 16), off, on], key=lambda event: event.seconds))
    switch.close()
    switch.close()
    assert player.files == ["take.mid", None, "take-2.mid", None]
    assert [len(read_midi(tmp_path / name).songs[0].notes) for name in ("take.mid", "take-2.mid")] == [4, 8]


def test_without_a_name_a_take_is_called_by_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    player = Player()
    switch = RecordingSwitch(None, True, player.told)
    Stage(switch.send, settings=FREE).play(Start(1000.0), *tune(1000.01, 4), Stop(1003.0))
    switch.close()
    (take,) = tmp_path.iterdir()
    assert take.match("gapt-20[0-9][0-9]-[01][0-9]-[0-3][0-9]-[0-9][0-9][0-9][0-9].mid")


def test_where_nothing_can_be_recorded_nothing_starts(tmp_path: Path) -> None:
    with pytest.raises(BridgeError, match="There is no folder"):
        RecordingSwitch(tmp_path / "none" / "take.mid", True, Player().told)


def test_a_take_that_cannot_begin_is_said_and_turned_off(tmp_path: Path) -> None:
    player = Player()
    switch = RecordingSwitch(tmp_path / "none" / "take.mid", False, player.told)
    Stage(switch.send, settings=FREE).play(Start(1000.0), Set(1000.5, "recording", True), *tune(1001.01, 2))
    switch.close()
    assert player.offs == 1 and player.files == [] and "There is no folder" in player.sentences[0]


def test_a_full_disk_ends_the_take_and_turns_it_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    player = Player()
    switch = RecordingSwitch(tmp_path / "take.mid", True, player.told)
    stage = Stage(switch.send, settings=FREE)
    stage.play(Start(1000.0), *tune(1000.01, 4))

    def full(*ignored: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("bridge.recording.journal.Journal.append", full)
    stage.play(*tune(1002.01, 400))
    switch.close()
    assert player.offs == 1 and player.files == ["take.mid", None]
    assert "The recording has stopped (No space left on device); the music goes on." in player.sentences
