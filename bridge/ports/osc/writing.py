"""The messages by which we tell what the engine lets out. No sockets here."""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch

from bridge.controls.parameters import PARAMETERS
from bridge.events import (
    ChordStarts,
    ClockOut,
    EndNote,
    MelodyHeard,
    OutMessage,
    ParameterChanged,
    PlannedChord,
    PlanShown,
    PlayNote,
    Silence,
    Status,
    TransportChanged,
)
from bridge.ports.osc.codec import Argument
from bridge.ports.osc.namespace import outgoing

Line = tuple[str, list[Argument]]
"""An address and its arguments."""


@singledispatch
def lines(message: OutMessage) -> Sequence[Line]:
    """The addresses and arguments that tell `message`, in order."""
    raise TypeError(f"{type(message).__name__} is no message that goes out")


@lines.register
def _play(message: PlayNote) -> Sequence[Line]:
    return [("/gapt/play", [message.pitch, message.velocity, message.channel + 1])]


@lines.register
def _end(message: EndNote) -> Sequence[Line]:
    return [("/gapt/play", [message.pitch, 0, message.channel + 1])]


@lines.register
def _silence(message: Silence) -> Sequence[Line]:
    return [("/gapt/silence", [message.channel + 1])]


@lines.register
def _chord(message: ChordStarts) -> Sequence[Line]:
    return [("/gapt/chord", [message.name, float(message.due_beats), *message.pitches])]


@lines.register
def _plan(message: PlanShown) -> Sequence[Line]:
    now, count = message.due_beats, len(message.chords)
    if not message.chords:
        return [("/gapt/plan", [0, 0, "N", float(now), 0.0, 0.0, 0])]
    return [("/gapt/plan", [index, count, *_planned(chord, now)]) for index, chord in enumerate(message.chords)]


def _planned(chord: PlannedChord, now_beats: float) -> list[Argument]:
    times = [float(chord.beats), float(chord.duration_beats), float(chord.beats - now_beats)]
    return [chord.name, *times, int(chord.final), *chord.pitches]


@lines.register
def _melody(message: MelodyHeard) -> Sequence[Line]:
    return [("/gapt/melody", [message.pitch, message.velocity])]


@lines.register
def _transport(message: TransportChanged) -> Sequence[Line]:
    place = [int(message.rolling), float(message.due_beats), float(message.bpm)]
    return [("/gapt/transport", [*place, *message.metre])]


@lines.register
def _parameter(message: ParameterChanged) -> Sequence[Line]:
    parameter = PARAMETERS[message.name]
    return [(parameter.address, [outgoing(parameter, message.value)])]


@lines.register
def _status(message: Status) -> Sequence[Line]:
    bar, beat = message.bar
    return [
        (
            "/gapt/status",
            [
                "playing" if message.playing else "waiting",
                float(message.bpm),
                bar,
                float(beat),
                message.chords,
                message.late,
                message.step_seconds * 1000.0,
                message.preset,
                message.worker,
                message.sync,
            ],
        )
    ]


@lines.register
def _clock(message: ClockOut) -> Sequence[Line]:
    return []
