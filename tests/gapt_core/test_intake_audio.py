"""A recorded solo line, from sound to songs on the grid."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from playing import frames_between, tune

from gapt_core.errors import SongError
from gapt_core.intake.audio import Span, mended, read_audio
from gapt_core.intake.folder import read_folder
from gapt_core.song import Song

RATE = 16000
BPM = 104


def sung(song: Song, cents: float = 0.0) -> np.ndarray:
    """Its notes as seven partials each that fade, with a little noise."""
    random = np.random.default_rng(0)
    sound = random.normal(0, 0.0005, int((song.end_beats * 60 / BPM + 1) * RATE))
    for note in song.notes:
        start, length = note.onset_beats * 60 / BPM + random.normal(0, 0.01), note.duration_beats * 0.92 * 60 / BPM
        seconds = np.arange(int(length * RATE)) / RATE
        fade = np.minimum(seconds / 0.01, 1) * np.clip((length - seconds) / 0.03, 0, 1) * np.exp(-1.5 * seconds)
        hertz = 440 * 2 ** ((note.pitch - 69 + cents / 100) / 12)
        first = max(int(start * RATE), 0)
        tone = sum(np.sin(2 * np.pi * hertz * part * seconds) / part**1.5 for part in range(1, 8))
        sound[first : first + len(seconds)] += 0.2 * tone * fade
    return sound.astype(np.float32)


@pytest.mark.parametrize(("kind", "cents"), [("wav", 0.0), ("flac", 30.0), ("mp3", -20.0)])
def test_a_line_is_heard(tmp_path: Path, kind: str, cents: float) -> None:
    soundfile = pytest.importorskip("soundfile")
    pytest.importorskip("swift_f0")
    song = tune("auld-lang-syne")
    soundfile.write(tmp_path / f"take.{kind}", sung(song, cents), RATE)
    report = read_folder([tmp_path]).files[0]
    found = report.songs[0]
    assert [note.pitch for note in found.song.notes] == [note.pitch for note in song.notes]
    assert frames_between(found.song) == frames_between(song)
    assert found.assumed.tempo[0] == pytest.approx(BPM, rel=0.03)
    assert "played freely" in report.reason


def test_slips_of_an_octave_are_mended() -> None:
    spans = [
        Span(0.0, 0.1, 72.0, 0.9, -18), Span(0.1, 0.4, 84.0, 0.7, -19), Span(0.4, 0.5, 72.0, 0.9, -25),
        Span(0.5, 1.0, 74.0, 0.9, -20), Span(1.0, 1.5, 86.0, 0.91, -20), Span(2.0, 2.5, 74.0, 0.8, -20),
    ]  # fmt: skip
    assert [(span.start, span.end, span.pitch) for span in mended(spans)] == [
        (0.0, 0.5, 72.0), (0.5, 1.0, 74.0), (1.0, 1.5, 86.0), (2.0, 2.5, 74.0),
    ]  # fmt: skip
    assert mended([]) == []


def test_sounds_that_are_no_melody(tmp_path: Path) -> None:
    soundfile = pytest.importorskip("soundfile")
    pytest.importorskip("swift_f0")
    soundfile.write(tmp_path / "silence.wav", np.zeros(RATE, np.float32), RATE)
    soundfile.write(tmp_path / "nothing.wav", np.zeros(0, np.float32), RATE)
    soundfile.write(tmp_path / "noise.wav", np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32), RATE)
    (tmp_path / "text.mp3").write_text("not a sound")
    reasons = {report.path.name: report.reason for report in read_folder([tmp_path]).files}
    assert "holds no melody" in reasons["silence.wav"]
    assert "is empty" in reasons["nothing.wav"]
    assert "no sound file that can be read" in reasons["text.mp3"]
    assert "noise.wav" in reasons


@pytest.mark.parametrize("library", ["soundfile", "swift_f0"])
def test_without_the_extra_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, library: str) -> None:
    soundfile = pytest.importorskip("soundfile")
    soundfile.write(tmp_path / "a.wav", np.ones(RATE, np.float32), RATE)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(SongError, match=r'pip install "gapt-bridge\[audio\]"'):
        read_audio(tmp_path / "a.wav")
