"""Rules for the scripted accompanist, and songs to play to it."""

from __future__ import annotations

from gapt_core.chords import Chord
from gapt_core.song import Metre, Note, Song, Tempo, bars_from_metres
from gapt_core.vocabulary import CHORD_HOLD, CHORD_ONSET, NO_CHORD, SILENCE, sounding_chord

Place = tuple[int, int, int]

QUARTERS = (60, 62, 64, 65, 67, 69, 71, 72)


def onset(root: int, quality: str = "maj") -> int:
    """The token that begins a chord."""
    return CHORD_ONSET + Chord(root, quality).index


def hold(token: int) -> int:
    """The token that lets the chord of `token` go on."""
    chord = sounding_chord(token)
    return NO_CHORD if chord is None else CHORD_HOLD + chord


def triad_each_bar(frame: int, metre: Place, newest: int, before: int) -> int:
    """A major triad on the newest note at every bar line, held through the bar; nothing while no note was heard."""
    if metre[0] == 0 and newest != SILENCE:
        return onset((newest - 1) % 128 % 12)
    return hold(before)


def triad_each_beat(frame: int, metre: Place, newest: int, before: int) -> int:
    """A major triad on the newest note at every beat, no chord where the melody rests there."""
    if metre[0] % metre[2] == 0:
        return NO_CHORD if newest == SILENCE else onset((newest - 1) % 128 % 12)
    return hold(before)


def quarters(
    pitches: tuple[int, ...] = QUARTERS,
    metres: tuple[Metre, ...] = (Metre(0.0, 4, 4),),
    tempos: tuple[Tempo, ...] = (Tempo(0.0, 120.0),),
    pickup_beats: float = 0.0,
) -> Song:
    """A song of quarter notes."""
    notes = tuple(Note(float(beat), 1.0, pitch) for beat, pitch in enumerate(pitches))
    end = float(len(pitches))
    return Song("quarters", notes, None, metres, bars_from_metres(metres, end, pickup_beats), tempos, end)
