"""How chords are laid out in time: every style by itself, and played by the harmony that plays them live."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from strategies import chords

from bridge.controls.parameters import VOICINGS
from bridge.controls.settings import Counters, Settings
from bridge.engine.harmony import Harmony
from bridge.engine.strikes import Strike
from bridge.engine.styles import STYLES, VelocityFollow, style_of
from bridge.engine.voicer import LeadingVoicer, voicings
from bridge.events import EndNote, OutMessage, PlayNote
from bridge.timing.metre import BarGrid
from gapt_core.chords import CHORD_COUNT, Chord
from gapt_core.vocabulary import CHORD_HOLD, CHORD_ONSET, FRAMES_PER_BEAT

FRAME_BEATS = 1 / FRAMES_PER_BEAT
METRES = st.builds(BarGrid, st.integers(1, 13), st.sampled_from([2, 4, 8, 16]))
NAMES = st.sampled_from(VOICINGS)
VOICED = st.builds(voicings, chords(), st.integers(48, 84), NAMES).flatmap(st.sampled_from)
BPMS = st.floats(10, 999)

Laid = list[tuple[int, Strike]]
"""Strikes, each with the frame it belongs to, counted from the chord's onset."""


def lay(name: str, pitches: tuple[int, ...], bars: BarGrid, onset: int, frames: int, bpm: float = 120.0) -> Laid:
    """All that `name` strikes of a chord of so many frames."""
    style = style_of(name)
    laid = [(0, strike) for strike in style.strike(pitches, bars.place(onset), bpm)]
    for since in range(1, frames):
        laid += [(since, strike) for strike in style.tick(pitches, since, bars.place(onset + since))]
    return laid


def drawn(laid: Laid, pitches: tuple[int, ...], frames: int) -> str:
    """One letter a frame: B bass, F another bass, C the chord above, W all of it, a digit one voice above, or a dot."""
    letters = []
    for frame in range(frames):
        struck = tuple(strike.pitch for since, strike in laid if since == frame)
        words = {(): ".", pitches[:1]: "B", pitches[1:]: "C", pitches: "W"}
        words.update({(pitch,): str(number) for number, pitch in enumerate(pitches[1:])})
        letters.append(words.get(struck, "F" if len(struck) == 1 else "?"))
    return "".join(letters)


C_MAJOR = (48, 55, 60, 64)
G_SEVEN = (43, 55, 59, 62, 65)


def test_every_voicing_has_a_style_and_only_pad_ties() -> None:
    assert tuple(STYLES) == VOICINGS
    assert [name for name in VOICINGS if style_of(name).ties] == ["pad"]


@given(NAMES, VOICED, METRES, st.integers(-40, 40), st.integers(1, 80), BPMS)
@example("arpeggio", C_MAJOR, BarGrid(1, 16), 0, 20, 120.0)
@example("bass-chord", C_MAJOR, BarGrid(1, 16), 0, 20, 120.0)
def test_notes_are_the_chords_own_come_in_time_and_do_not_overlap_themselves(
    name: str, pitches: tuple[int, ...], bars: BarGrid, onset: int, frames: int, bpm: float
) -> None:
    free: dict[int, float] = {}
    for since, strike in lay(name, pitches, bars, onset, frames, bpm):
        assert 0 <= strike.pitch <= 127
        assert strike.pitch % 12 in {pitch % 12 for pitch in pitches}
        assert strike.pitch in pitches or strike.pitch < pitches[1]
        assert 0 <= strike.offset_beats < FRAME_BEATS
        assert 0.7 < strike.velocity_scale < 1.2
        at = since * FRAME_BEATS + strike.offset_beats
        assert at >= free.get(strike.pitch, 0.0)
        if strike.duration_beats is None:
            free[strike.pitch] = frames * FRAME_BEATS
        else:
            assert strike.duration_beats > 0
            free[strike.pitch] = at + strike.duration_beats


@given(NAMES, VOICED, METRES, st.integers(-40, 40), BPMS)
def test_all_of_a_chord_sounds_that_has_the_time_and_its_bass_at_once(
    name: str, pitches: tuple[int, ...], bars: BarGrid, onset: int, bpm: float
) -> None:
    _, full, _ = bars.place(onset)
    laid = lay(name, pitches, bars, onset, 3 * max(full, 2 * len(pitches)), bpm)
    assert laid[0][0] == 0
    assert laid[0][1].pitch == pitches[0]
    assert laid[0][1].offset_beats == 0
    assert {strike.pitch for _, strike in laid} >= set(pitches)


@pytest.mark.parametrize("name", ["block", "pad", "shell", "strum"])
@given(pitches=VOICED, bars=METRES, onset=st.integers(0, 40), bpm=BPMS)
def test_what_is_held_is_struck_once_and_whole(
    name: str, pitches: tuple[int, ...], bars: BarGrid, onset: int, bpm: float
) -> None:
    laid = lay(name, pitches, bars, onset, 40, bpm)
    assert [(since, strike.pitch, strike.duration_beats) for since, strike in laid] == [(0, p, None) for p in pitches]


def test_block_is_as_loud_as_is_set() -> None:
    assert {strike.velocity_scale for _, strike in lay("block", C_MAJOR, BarGrid(), 2, 8)} == {1.0}


@pytest.mark.parametrize("name", ["strum", "arpeggio", "bass-chord", "shell"])
def test_the_bass_stands_out_and_most_of_all_on_the_bar_line(name: str) -> None:
    by_onset = {onset: lay(name, C_MAJOR, BarGrid(), onset, 16) for onset in (0, 4, 6)}
    for laid in by_onset.values():
        assert laid[0][1].velocity_scale == max(strike.velocity_scale for since, strike in laid if since == 0)
    basses = [laid[0][1].velocity_scale for laid in by_onset.values()]
    assert basses[0] > basses[1] > basses[2]


@given(VOICED, st.floats(40, 100))
def test_a_strum_goes_up_with_milliseconds_between_its_notes(pitches: tuple[int, ...], bpm: float) -> None:
    offsets = [strike.offset_beats * 60 / bpm for _, strike in lay("strum", pitches, BarGrid(), 0, 1, bpm)]
    steps = [after - before for before, after in itertools.pairwise(offsets)]
    assert all(0.012 <= step <= 0.025 for step in steps)


@given(VOICED, BPMS)
def test_a_strum_is_over_in_half_a_frame(pitches: tuple[int, ...], bpm: float) -> None:
    offsets = [strike.offset_beats for _, strike in lay("strum", pitches, BarGrid(), 0, 1, bpm)]
    assert offsets == sorted(set(offsets))
    assert offsets[-1] <= FRAME_BEATS / 2 + 1e-9


@pytest.mark.parametrize(
    ("metre", "pitches", "onset", "wanted"),
    [
        ((4, 4), C_MAJOR, 0, "B.0.1.2.1.0.1.2.B.0.1.2.1.0.1.2."),
        ((4, 4), G_SEVEN, 0, "B.0.1.2.3.2.1.0.B.0.1.2.3.2.1.0."),
        ((3, 4), C_MAJOR, 0, "B.0.1.2.1.0.B.0.1.2.1.0."),
        ((6, 8), C_MAJOR, 0, "B.0.1.2.1.0.B.0.1.2.1.0."),
        ((12, 8), C_MAJOR, 0, "B.0.1.2.1.0.B.0.1.2.1.0."),
        ((5, 4), C_MAJOR, 0, "B.0.1.2.1.0.1.2.1.0.B."),
        ((7, 8), C_MAJOR, 0, "B.0.1.2.1.0.1.B.0.1.2.1.0.1."),
        ((6, 16), C_MAJOR, 0, "B01210B01210"),
        ((3, 8), C_MAJOR, 0, "B01210B01210"),
        ((1, 8), C_MAJOR, 0, "B01210B01210"),
        ((4, 4), C_MAJOR, 8, "B.0.1.2.B.0.1.2.1.0.1.2."),
        ((4, 4), C_MAJOR, 11, "B0.1.B.0.1.2.1.0.1.2."),
    ],
)
def test_an_arpeggio_goes_up_and_down_on_the_grid_from_the_bass_at_each_bar(
    metre: tuple[int, int], pitches: tuple[int, ...], onset: int, wanted: str
) -> None:
    assert drawn(lay("arpeggio", pitches, BarGrid(*metre), onset, len(wanted)), pitches, len(wanted)) == wanted


@given(VOICED, METRES, st.integers(-3, 3))
def test_an_arpeggio_from_the_bar_line_has_each_note_once_before_any_comes_again(
    pitches: tuple[int, ...], bars: BarGrid, bar: int
) -> None:
    _, full, _ = bars.place(0)
    struck = [strike.pitch for _, strike in lay("arpeggio", pitches, bars, bar * full, 2 * len(pitches))]
    assert tuple(struck[: len(pitches)]) == pitches


@given(VOICED, METRES, st.integers(-40, 40), st.integers(2, 80))
def test_an_arpeggio_strikes_one_note_at_a_time(
    pitches: tuple[int, ...], bars: BarGrid, onset: int, frames: int
) -> None:
    counts = Counter(since for since, _ in lay("arpeggio", pitches, bars, onset, frames))
    assert set(counts.values()) == {1}


@pytest.mark.parametrize(
    ("metre", "onset", "wanted"),
    [
        ((4, 4), 0, "B...C...F...C...B...C...F...C..."),
        ((2, 4), 0, "B...C...F...C...B...C..."),
        ((3, 4), 0, "B...C...C...F...C...C...B...C...C..."),
        ((5, 4), 0, "B...C...C...F...C...B..."),
        ((6, 4), 0, "B...C...C...F...C...C..."),
        ((7, 8), 0, "B.C.C.F.C.B.C.B.C."),
        ((6, 8), 0, "B...C.F...C.B...C."),
        ((9, 8), 0, "B...C.F...C.B...C.B...C."),
        ((3, 8), 0, "B.C.C.F.C.C."),
        ((2, 2), 0, "B...C...F...C...B...C..."),
        ((1, 4), 0, "B.C.F.C.B.C."),
        ((4, 4), 8, "B...C...B...C...F...C..."),
        ((4, 4), 4, "W...F...C...B...C..."),
        ((4, 4), 14, "W.B...C...F...C..."),
        ((3, 4), 8, "W...B...C...C...F...C...C..."),
    ],
)
def test_bass_and_chord_take_turns_by_the_beat(metre: tuple[int, int], onset: int, wanted: str) -> None:
    laid = lay("bass-chord", C_MAJOR, BarGrid(*metre), onset, len(wanted))
    assert drawn(laid, C_MAJOR, len(wanted)) == wanted


@given(st.builds(voicings, chords(), st.integers(48, 84)).flatmap(st.sampled_from))
@example((40, 45, 47, 52))
def test_the_other_bass_is_the_fifth_below_the_chord_or_the_root(pitches: tuple[int, ...]) -> None:
    root, *upper = pitches
    struck = {strike.pitch for since, strike in lay("bass-chord", pitches, BarGrid(), 0, 9) if since == 8}
    fifths = {pitch for pitch in (root - 5, root + 7) if pitch % 12 in {other % 12 for other in upper}}
    assert struck <= {root, *fifths}
    assert 28 <= min(struck) <= max(struck) < upper[0]
    assert struck != {root} or not fifths or root - 5 < 28 or upper[0] <= root + 7


def tokens_of(parts: list[tuple[int | None, int]]) -> list[int]:
    """Chord tokens of (chord or none, frames)."""
    tokens = []
    for chord, frames in parts:
        tokens += [0] * frames if chord is None else [CHORD_ONSET + chord, *[CHORD_HOLD + chord] * (frames - 1)]
    return tokens


def harmony_of(settings: Settings, bars: BarGrid | None = None) -> Harmony:
    return Harmony(LeadingVoicer(), settings, Counters(), (bars or BarGrid()).place)


def play(harmony: Harmony, until_beats: float) -> list[OutMessage]:
    out = []
    while harmony.next_beats() < until_beats:
        out += harmony.act()
    return out


def sounding(messages: list[OutMessage]) -> set[int]:
    """What `messages` leave sounding; no note may be struck while it sounds, or ended while it does not."""
    on: set[int] = set()
    for message in messages:
        if isinstance(message, PlayNote):
            assert message.pitch not in on
            assert 1 <= message.velocity <= 127
            on.add(message.pitch)
        elif isinstance(message, EndNote):
            assert message.pitch in on
            on.remove(message.pitch)
    return on


PARTS = st.lists(st.tuples(st.none() | st.integers(0, CHORD_COUNT - 1), st.integers(1, 20)), min_size=1, max_size=8)


@given(PARTS, METRES, NAMES, NAMES, st.integers(1, 127), st.integers(0, 60))
def test_played_every_note_ends_whatever_the_chords_and_the_change_of_style(
    parts: list[tuple[int | None, int]], bars: BarGrid, name: str, other: str, velocity: int, change: int
) -> None:
    tokens = tokens_of(parts)
    settings = Settings(voicing=name, velocity=velocity)
    harmony = harmony_of(settings, bars)
    harmony.take(0, tokens, -1.0)
    at = min(change, len(tokens)) * FRAME_BEATS
    out = play(harmony, at)
    out += harmony.configure(settings.changed("voicing", other), min(change, len(tokens)), at)
    out += play(harmony, len(tokens) * FRAME_BEATS)
    out += harmony.clear(len(tokens) * FRAME_BEATS)
    assert not sounding(out)
    assert all(before.due_beats <= after.due_beats for before, after in itertools.pairwise(out))


@given(st.lists(st.tuples(chords(), st.integers(1, 20)), min_size=2, max_size=6), NAMES)
def test_played_every_chord_sounds_with_its_bass_and_a_rest_is_silent(
    parts: list[tuple[Chord, int]], name: str
) -> None:
    harmony = harmony_of(Settings(voicing=name))
    harmony.take(0, tokens_of([*[(chord.index, frames) for chord, frames in parts], (None, 4)]), -1.0)
    out: list[OutMessage] = []
    line = 0.0
    for chord, frames in parts:
        out += play(harmony, line + FRAME_BEATS / 2)
        assert min(sounding(out)) % 12 == chord.root
        line += frames * FRAME_BEATS
        out += play(harmony, line)
    assert not sounding(out + play(harmony, line + 1.0))


@given(chords(), chords())
def test_a_pad_holds_common_tones_over_and_strikes_only_what_is_new(first: Chord, second: Chord) -> None:
    assume(first != second)
    harmony = harmony_of(Settings(voicing="pad"))
    harmony.take(0, tokens_of([(first.index, 8), (second.index, 8)]), -1.0)
    opening = play(harmony, 1.9)
    change = play(harmony, 3.9)
    before = sounding(opening)
    after = sounding([*opening, *change])
    assert {message.pitch for message in change if isinstance(message, EndNote)} == before - after
    assert {message.pitch for message in change if isinstance(message, PlayNote)} == after - before
    assert {pitch % 12 for pitch in after} == set(second.pitch_classes)


@given(st.integers(1, 127), st.floats(0, 1), st.lists(st.integers(1, 127), min_size=1))
def test_the_force_lies_between_what_is_set_and_what_the_player_gives(
    base: int, follow: float, heard: list[int]
) -> None:
    force = VelocityFollow()
    assert force.velocity(base, follow) == base
    for velocity in heard:
        force.hear(velocity)
    player = force.velocity(base, 1.0)
    assert min(heard) * force.BELOW_MELODY - 1e-9 <= player <= max(heard) * force.BELOW_MELODY + 1e-9
    assert force.velocity(base, 0.0) == base
    assert force.velocity(base, follow) == pytest.approx(base + follow * (player - base))


def test_the_force_goes_with_a_swell_and_not_with_one_note() -> None:
    force = VelocityFollow()
    for _ in range(20):
        force.hear(50)
    steady = force.velocity(64, 1.0)
    force.hear(110)
    accent = force.velocity(64, 1.0)
    for _ in range(10):
        force.hear(110)
    swell = force.velocity(64, 1.0)
    assert steady == pytest.approx(50 * force.BELOW_MELODY)
    assert accent - steady < (swell - steady) / 3
    assert swell == pytest.approx(110 * force.BELOW_MELODY, rel=0.05)


def test_every_style_is_explained() -> None:
    page = (Path(__file__).parents[2] / "docs" / "voicing.md").read_text("utf-8")
    assert re.findall(r"^\| `([a-z-]+)` \|", page, re.MULTILINE) == list(VOICINGS)
