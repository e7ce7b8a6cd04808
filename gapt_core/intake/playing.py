"""What somebody played, brought onto the grid: by the file's own beats where they kept to them, else by ear."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gapt_core.intake.accents import Line
from gapt_core.intake.bars import Bars, Told, find_bars
from gapt_core.intake.beats import TOGETHER, Beats, find_beats
from gapt_core.intake.grid import on_grid, reading, seconds_of
from gapt_core.intake.patterns import Pattern, Patterns
from gapt_core.intake.reports import Assumed, IntakeOptions
from gapt_core.intake.trust import Timing, lateness_of, timing_of
from gapt_core.song import Song, Tempo
from gapt_core.vocabulary import FRAMES_PER_BEAT

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SURER = 0.3
"""Nats an onset by which beats found by ear must be likelier than the file's for the file's not to be believed."""

TOLD_METRE, TOLD_LINES = 3.0, 1.0
"""Nats: what it is worth that a file says its metre, and where its bar lines are; many leave a pickup untold."""

LEAST_ONSETS = 3
"""Of fewer nothing can be heard."""

AS_WRITTEN, TO_THE_BEATS, FREELY = "as written", "played to the file's beats", "played freely"


class Settled(NamedTuple):
    """A song on the grid, what was assumed, and what had to be repaired, one clause each."""

    song: Song
    assumed: Assumed
    repairs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Claim:
    """What a file says of a song's bars: `metre` whether it says one at all, `lines` whether its bar lines are beyond
    doubt."""

    metre: bool
    lines: bool


def settle(song: Song, claim: Claim, options: IntakeOptions, patterns: Patterns) -> Settled:
    """The song on the grid of frames, as the options say or as it sounds.

    Raises:
        TrainingError: beats cannot be found in the metre asked for.
    """
    asked = [patterns.wished(options.metre)] if options.metre else []
    timing = timing_of(np.array([note.onset_beats for note in song.notes]))
    onsets, groups = onsets_of(song)
    if options.trust_file or claim.lines:
        return _by_the_file(song, timing, replace(claim, lines=True), [], patterns)
    if len(onsets) < LEAST_ONSETS or (options.tempo is None and _believed(song, timing, onsets, patterns)):
        return _by_the_file(song, timing, claim, asked, patterns)
    return _by_ear(
        song, find_beats(onsets, asked or patterns.heard(), options.tempo), groups, asked or patterns.heard()
    )


def onsets_of(song: Song) -> tuple[Floats, Ints]:
    """Seconds at which something begins, rising, and to which of these each note belongs."""
    seconds = seconds_of(song, [note.onset_beats for note in song.notes])
    groups = np.concatenate([[0], np.cumsum(np.diff(seconds) > TOGETHER)])
    return np.bincount(groups, weights=seconds) / np.bincount(groups), groups


def _believed(song: Song, timing: Timing, onsets: Floats, patterns: Patterns) -> bool:
    """Whether notes keep to the file's beats, and beats found by ear explain them little better."""
    if timing is not Timing.PLAYED or len(song.tempos) > 1:
        return timing is not Timing.FREE
    heard = patterns.heard()[:1]
    return find_beats(onsets, heard).score - find_beats(onsets, heard, song.tempos[0].bpm).score < SURER


def _by_the_file(song: Song, timing: Timing, claim: Claim, asked: Sequence[Pattern], patterns: Patterns) -> Settled:
    """The song by its file's beats, and by its bar lines unless it sounds as if they lay elsewhere."""
    metre = song.metres[0]
    own = patterns.of(metre.numerator, metre.denominator) if len(song.metres) == 1 else None
    how = AS_WRITTEN if timing is Timing.EXACT else TO_THE_BEATS
    as_it_is = Settled(song, Assumed(how, (song.tempos[0].bpm,) * 3, _metres(song), _downbeat(song)))
    if own is None and not asked:
        return as_it_is
    shift = max(own.bar - round(song.bars[0].duration_beats * FRAMES_PER_BEAT), 0) if own else 0
    claimed = Bars(own or asked[0], shift, 1.0)
    bars = claimed
    if asked or not (claim.lines or shift):
        choice = asked or ([claimed.pattern] if claim.metre else patterns.heard())
        told = Told(claimed.pattern.signature, shift, TOLD_METRE, TOLD_LINES)
        bars = find_bars(_line(song), _changes(song), choice, told=told)
    moved = (bars.pattern.signature, bars.shift) != (claimed.pattern.signature, claimed.shift)
    if timing is Timing.EXACT and not moved:
        return as_it_is._replace(assumed=replace(as_it_is.assumed, sure=bars.sure))
    late = 0.0 if timing is Timing.EXACT else lateness_of(np.array([note.onset_beats for note in song.notes]))
    placed = on_grid(song, reading(song, lambda beats: FRAMES_PER_BEAT * (beats - late)), bars)
    line = _next_line(song.notes[0].onset_beats * FRAMES_PER_BEAT, bars) / FRAMES_PER_BEAT
    downbeat = float(seconds_of(song, [line + late])[0])
    assumed = Assumed(how, as_it_is.assumed.tempo, _signature(bars.pattern), downbeat, bars.sure)
    return Settled(placed, assumed, (_told_of(bars, claimed),) if moved else ())


def _by_ear(song: Song, beats: Beats, groups: Ints, patterns: Sequence[Pattern]) -> Settled:
    """The song on beats that were found by ear; `groups` is to which of their onsets each note belongs."""
    read = reading(song, lambda places: beats.frames_at(seconds_of(song, places)))
    lengths = read.ends - read.onsets
    longest = np.lexsort((lengths, groups))[np.append(np.diff(groups), 1) > 0]
    line = Line(beats.frame, np.array([song.notes[i].pitch for i in longest]), lengths[longest])
    bars = find_bars(line, np.round(read.chords).astype(np.int64), patterns, float(np.median(beats.period)))
    placed = on_grid(replace(song, tempos=(Tempo(0.0, beats.bpm),)), read, bars)
    low, high = (15.0 / float(np.quantile(beats.period, share)) for share in (0.95, 0.05))
    downbeat = float(np.interp(_next_line(beats.frame[0], bars), beats.frame, beats.grid))
    assumed = Assumed(FREELY, (beats.bpm, low, high), _signature(bars.pattern), downbeat, bars.sure)
    return Settled(placed, assumed, ("put on beats found by ear",))


def _line(song: Song) -> Line:
    """The melody in frames of the song's own beats; of notes in one frame the longest."""
    best = {
        round(note.onset_beats * FRAMES_PER_BEAT): note
        for note in sorted(song.notes, key=lambda note: note.duration_beats)
    }
    place = sorted(best)
    pitch, length = [best[at].pitch for at in place], [best[at].duration_beats * FRAMES_PER_BEAT for at in place]
    return Line(np.array(place), np.array(pitch), np.array(length))


def _changes(song: Song) -> Ints:
    """Frames at which a chord begins."""
    at = [round(event.onset_beats * FRAMES_PER_BEAT) for event in song.chords or () if event.chord]
    return np.array(at, np.int64)


def _next_line(frame: float, bars: Bars) -> int:
    """The first frame of a bar line that is not before another frame."""
    return -int(-(round(frame) + bars.shift) // bars.pattern.bar) * bars.pattern.bar - bars.shift


def _told_of(bars: Bars, claimed: Bars) -> str:
    if bars.pattern.signature != claimed.pattern.signature:
        return f"taken as {_signature(bars.pattern)}, not {_signature(claimed.pattern)}"
    pickup = (bars.pattern.bar - bars.shift) % bars.pattern.bar / FRAMES_PER_BEAT
    return f"bar lines moved by {pickup:g} quarter{'' if pickup == 1 else 's'}"


def _signature(pattern: Pattern) -> str:
    return f"{pattern.signature[0]}/{pattern.signature[1]}"


def _metres(song: Song) -> str:
    first = f"{song.metres[0].numerator}/{song.metres[0].denominator}"
    return first if len(song.metres) == 1 else f"{first} and others"


def _downbeat(song: Song) -> float:
    """Seconds to the first bar line that is not before the first note."""
    short = song.bars[0].duration_beats < song.metres[0].bar_beats - 1e-6
    lines = [bar.onset_beats for bar in song.bars[int(short) :] if bar.onset_beats >= song.notes[0].onset_beats - 1e-6]
    return float(seconds_of(song, lines[:1] or [song.notes[0].onset_beats])[0])
