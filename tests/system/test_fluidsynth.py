"""FluidSynth plays a duet of ours: what comes out is sound, and at every chord it has the pitches of that chord."""

from __future__ import annotations

import shutil
import subprocess
import wave
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from rules import onset, quarters

from bridge.controls.settings import Settings
from bridge.offline.accompany import accompany
from gapt_core.data.duet import Duet, write_duet
from gapt_core.song import Note, Tempo
from gapt_core.vocabulary import CHORD_HOLD, FRAMES_PER_BEAT, sounding_chord
from plugin_host.scripted import ScriptedAccompanist

SOUND_FONTS = ("/usr/share/sounds/sf2/TimGM6mb.sf2", "/usr/share/sounds/sf2/default-GM.sf2")
FONT = next((font for font in SOUND_FONTS if Path(font).exists()), None)
RATE = 48000
BPM = 60.0
"""A second a beat, so that low notes can be told apart."""

CHORDS = (onset(0, "maj"), onset(9, "min"), onset(5, "maj"), onset(7, "7"))
CHORD_BEATS = 2
TUNE = (72, 76, 76, 72, 77, 72, 74, 79)

FULL_SCALE = 1 << 15
PARTIALS = 12
"""Overtones of a note that may be strong enough to be mistaken for others."""
THERE, ABSENT = 0.01, 0.003
"""Shares of the strongest pitch: what is played is above one, what is not below the other."""
LOWEST = 24
"""Below this pitch a second of sound tells no semitones apart."""

pytestmark = [
    pytest.mark.skipif(shutil.which("fluidsynth") is None, reason="fluidsynth not installed (Debian: fluidsynth)"),
    pytest.mark.skipif(FONT is None, reason="no General MIDI sound font (Debian: timgm6mb-soundfont)"),
]


def a_chord_every_two_beats(frame: int, metre: tuple[int, int, int], newest: int, before: int) -> int:
    """C, a, F and G7, two beats each."""
    which, within = divmod(frame, CHORD_BEATS * FRAMES_PER_BEAT)
    if within == 0:
        return CHORDS[which % len(CHORDS)]
    chord = sounding_chord(before)
    assert chord is not None
    return CHORD_HOLD + chord


@pytest.fixture(scope="module")
def duet() -> Duet:
    song = quarters(TUNE, tempos=(Tempo(0.0, BPM),))
    return accompany(song, ScriptedAccompanist(a_chord_every_two_beats), Settings(mode="anticipate", entry="free"))


@pytest.fixture(scope="module")
def sound(duet: Duet, tmp_path_factory: pytest.TempPathFactory) -> NDArray[np.float64]:
    """The duet as FluidSynth renders it, from -1 to 1, both channels in one."""
    folder = tmp_path_factory.mktemp("sound")
    write_duet(folder / "duet.mid", duet)
    command = ["fluidsynth", "-ni", "-R", "0", "-C", "0", "-g", "1", "-r", str(RATE), "-F", "duet.wav"]
    subprocess.run([*command, str(FONT), "duet.mid"], cwd=folder, check=True, capture_output=True)
    with wave.open(str(folder / "duet.wav")) as file:
        assert (file.getframerate(), file.getsampwidth(), file.getnchannels()) == (RATE, 2, 2)
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
    return samples.mean(axis=1) / FULL_SCALE


def spectrum(sound: NDArray[np.float64], begin: float, end: float) -> NDArray[np.float64]:
    """How strong each MIDI pitch is between two moments (seconds): what lies within a third of a semitone of it."""
    part = sound[int(begin * RATE) : int(end * RATE)]
    power = np.abs(np.fft.rfft(part * np.hanning(len(part)), 4 * len(part))) ** 2
    frequencies = np.fft.rfftfreq(4 * len(part), 1.0 / RATE)
    pitches = 69.0 + 12.0 * np.log2(np.maximum(frequencies, 1.0) / 440.0)
    near = np.abs(pitches - np.round(pitches)) < 1.0 / 3.0
    found = np.zeros(128)
    np.maximum.at(found, np.clip(np.round(pitches[near]), 0, 127).astype(int), power[near])
    return found


def sounding(notes: tuple[Note, ...], beats: float) -> set[int]:
    return {note.pitch for note in notes if note.onset_beats <= beats < note.end_beats}


def explained(pitches: set[int]) -> set[int]:
    """Pitches that are there when `pitches` are played: these and their overtones."""
    overtones = {round(12.0 * np.log2(n)) for n in range(1, PARTIALS)}
    return {pitch + overtone for pitch in pitches for overtone in overtones}


def test_the_duet_is_to_be_heard_from_its_first_beat_to_its_last(duet: Duet, sound: NDArray[np.float64]) -> None:
    beats = int(duet.song.end_beats)
    assert len(sound) >= beats * RATE * 60.0 / BPM
    assert np.abs(sound).max() < 1.0
    loud = [np.sqrt(np.mean(sound[beat * RATE : (beat + 1) * RATE] ** 2)) for beat in range(beats)]
    assert min(loud) > 0.003


def test_every_beat_has_the_pitches_of_its_chord_and_melody_and_no_others(
    duet: Duet, sound: NDArray[np.float64]
) -> None:
    for beat in range(int(duet.song.end_beats)):
        chord, melody = sounding(duet.chord_notes, beat + 0.5), sounding(duet.song.notes, beat + 0.5)
        assert len(chord) >= 3
        assert melody == {TUNE[beat]}
        heard = spectrum(sound, beat + 0.2, beat + 0.95)
        heard /= heard.max()
        assert min(heard[sorted(chord | melody)]) > THERE, beat
        others = set(range(LOWEST, 128)) - explained(chord | melody)
        assert max(heard[sorted(others)]) < ABSENT, beat


def test_a_chord_a_semitone_away_would_not_pass(duet: Duet, sound: NDArray[np.float64]) -> None:
    heard = spectrum(sound, 0.2, 0.95)
    right = sounding(duet.chord_notes, 0.5)
    wrong = {pitch + 1 for pitch in right} - explained(right | {TUNE[0]})
    assert wrong
    assert max(heard[sorted(wrong)]) < ABSENT * heard.max()
