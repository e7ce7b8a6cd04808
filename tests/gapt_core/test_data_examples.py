"""The tunes in `examples/`: whole bars, a sensible length, and MIDI files that are current."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from gapt_core.data.library import read_song
from gapt_core.frames import song_to_frames
from gapt_core.metrics import figures

EXAMPLES = Path(__file__).parents[2] / "examples"
TUNES = sorted(path.stem for path in EXAMPLES.glob("*.abc"))


def test_there_are_some() -> None:
    assert len(TUNES) >= 6 and {path.stem for path in EXAMPLES.glob("*.mid")} == set(TUNES)


@pytest.mark.parametrize("tune", TUNES)
def test_the_melody_is_of_a_length_to_listen_to(tune: str) -> None:
    result = read_song(EXAMPLES / f"{tune}.mid")
    [song] = result.songs
    seconds = song.end_beats * 60 / song.tempos[0].bpm
    assert result.repairs == () and 25 < seconds < 60
    assert len(song.tempos) == len(song.metres) == 1


@pytest.mark.parametrize("tune", TUNES)
def test_the_tune_fills_its_bars_and_fits_its_chords(tune: str) -> None:
    pytest.importorskip("music21", reason="needs the scores extra")
    result = read_song(EXAMPLES / f"{tune}.abc")
    [song] = result.songs
    assert result.repairs == ()
    assert {bar.duration_beats for bar in song.bars[1:-1]} == {song.metres[0].bar_beats}
    frames = song_to_frames(song)
    harmony = figures(frames.melody, frames.chord, frames.metre)
    assert harmony.note_in_chord > 0.7 and harmony.unique_chords >= 4


def test_the_midi_files_are_current() -> None:
    pytest.importorskip("music21", reason="needs the scores extra")
    spec = importlib.util.spec_from_file_location("make_midi", EXAMPLES / "make_midi.py")
    assert spec is not None and spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    for tune in TUNES:
        made = script.midi_bytes(EXAMPLES / f"{tune}.abc")
        assert made == (EXAMPLES / f"{tune}.mid").read_bytes(), "run: python examples/make_midi.py"
