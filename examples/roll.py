"""Draw a duet as a piano roll: melody, chords, bar lines and chord names. Usage: examples/roll.py duet.mid -o duet.png

Needs matplotlib (`pip install "gapt-bridge[train]"`).
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import matplotlib
import mido

matplotlib.use("Agg")

from matplotlib import pyplot

BARS_A_LINE = 8
COLOURS = {"Melody": "#d1495b", "Chords": "#30638e"}
ORDER = {"Melody": 3, "Chords": 2}


def notes_of(track: Any, division: int) -> list[tuple[float, float, int]]:
    """(onset, end, pitch) in beats."""
    clock, sounding, notes = 0, {}, []
    for message in track:
        clock += message.time
        if message.type == "note_on" and message.velocity:
            sounding[message.note] = clock
        elif message.type in ("note_on", "note_off") and message.note in sounding:
            notes.append((sounding.pop(message.note) / division, clock / division, message.note))
    return notes


def names_of(track: Any, division: int) -> list[tuple[float, str]]:
    """(onset in beats, text) of a track's text events."""
    clock, names = 0, []
    for message in track:
        clock += message.time
        if message.type == "text":
            names.append((clock / division, message.text))
    return names


def bar_lines(file: mido.MidiFile, end: float) -> list[float]:
    """Onsets of bars in beats, from the file's metres."""
    changes, clock = [], 0
    for message in file.tracks[0]:
        clock += message.time
        if message.type == "time_signature":
            changes.append((clock / file.ticks_per_beat, message.numerator * 4 / message.denominator))
    changes = changes or [(0.0, 4.0)]
    lines, onset = [], 0.0
    while onset < end:
        lines.append(onset)
        onset += [length for start, length in changes if start <= onset + 1e-6][-1]
    return lines


def draw(file: mido.MidiFile, title: str) -> Any:
    """A figure with eight bars a line."""
    division = file.ticks_per_beat
    tracks = {name: track for track in file.tracks for name in COLOURS if track.name == name}
    notes = {name: notes_of(track, division) for name, track in tracks.items()}
    end = max(stop for part in notes.values() for _, stop, _ in part)
    names, lines = names_of(tracks["Chords"], division), bar_lines(file, end)
    starts = lines[::BARS_A_LINE]
    figure, axes = pyplot.subplots(len(starts), 1, figsize=(18, 2.6 * len(starts)), squeeze=False)
    for axis, start, stop in zip(axes[:, 0], starts, [*starts[1:], end], strict=True):
        for name, part in notes.items():
            for onset, finish, pitch in part:
                if onset < stop and finish > start:
                    axis.barh(pitch, finish - onset, left=onset, height=0.9, color=COLOURS[name], zorder=ORDER[name])
        for onset, text in names:
            if start <= onset < stop:
                axis.text(onset, 92, text, fontsize=8, rotation=35)
        for line in lines:
            if start <= line < stop:
                axis.axvline(line, color="#999999", linewidth=0.7)
        axis.set(xlim=(start, max(stop, start + 1)), ylim=(34, 98), yticks=range(36, 97, 12))
    figure.suptitle(title)
    figure.tight_layout()
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("duet", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True)
    arguments = parser.parse_args()
    draw(mido.MidiFile(arguments.duet), arguments.duet.stem).savefig(arguments.out, dpi=70)


if __name__ == "__main__":
    main()
