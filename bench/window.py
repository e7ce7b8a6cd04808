"""How long `react` should listen: what a longer window hears and what it is worth, on melodies as people play them.

`python bench/window.py FOLDER [--windows 0 0.5 2 5 10 20 30 40] [--songs 24] [--preset default]`, FOLDER with MIDI
files of played melodies, off the grid. First how far from their sixteenth's line the notes were played; then for each
window the share of notes that are heard before their own frame is answered, the share of melody time whose pitch class
is in the chord (the engine plays the file as if it came in live, in virtual time), and how often chords change. A chord
leaves a step (`bench/step.py`) after its note, or where none comes a window after its line.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from bridge.controls.settings import Settings
from bridge.offline.accompany import accompany
from bridge.timing.beatmap import BeatMap
from gapt_core.data.library import read_song
from gapt_core.frames import frame_of, song_to_frames
from gapt_core.metrics import figures, mean_figures
from gapt_core.song import Song
from gapt_core.vocabulary import FRAMES_PER_BEAT
from plugin_host.accompanist import Sampling
from plugin_host.proxy import WorkerAccompanist
from presets.errors import GaptError

WINDOWS = (0.0, 0.5, 2.0, 5.0, 10.0, 20.0, 30.0, 40.0)


def songs_of(folder: Path, most: int) -> list[Song]:
    """The first songs that can be read, in order of name."""
    songs: list[Song] = []
    for path in sorted(folder.rglob("*.mid")):
        try:
            songs += read_song(path).songs
        except GaptError as error:
            print(f"{path.name}: {error}")
        if len(songs) >= most:
            break
    return songs[:most]


def deviations(song: Song) -> list[float]:
    """Milliseconds from the nearest sixteenth's line to each onset, above 0 for late."""
    beat_map = BeatMap.of_tempos(song.tempos)
    lines = [frame_of(note.onset_beats) / FRAMES_PER_BEAT for note in song.notes]
    return [
        1000.0 * (beat_map.seconds_at(note.onset_beats) - beat_map.seconds_at(line))
        for note, line in zip(song.notes, lines, strict=True)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--windows", type=float, nargs="*", default=WINDOWS)
    parser.add_argument("--songs", type=int, default=24)
    parser.add_argument("--preset", default="default")
    options = parser.parse_args()
    songs = songs_of(options.folder, options.songs)
    off = np.array([each for song in songs for each in deviations(song)])
    quantiles = ", ".join(f"p{q} {np.percentile(off, q):+.0f}" for q in (5, 25, 50, 75, 95))
    print(f"{len(songs)} songs, {len(off)} notes; milliseconds after their line: {quantiles}")
    print(f"{'window ms':>9} {'heard':>6} {'in chord':>8} {'±':>5} {'chords a bar':>12}")
    settings = Settings(temperature=0.9)
    with WorkerAccompanist(options.preset, Sampling(0.9)) as accompanist:
        for window in options.windows:
            rows = []
            for song in songs:
                duet = accompany(song, accompanist, replace(settings, window_ms=window))
                frames = song_to_frames(replace(song, chords=duet.chords))
                rows.append(figures(frames.melody, frames.chord, frames.metre))
            mean = mean_figures(rows)
            spread = 1.96 * np.std([row.note_in_chord for row in rows]) / len(rows) ** 0.5
            heard = float((off <= window).mean())
            print(
                f"{window:9g} {heard:6.3f} {mean.note_in_chord:8.3f} {spread:5.3f} {mean.onsets_per_bar:12.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
