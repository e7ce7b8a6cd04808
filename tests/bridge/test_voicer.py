"""Voicings against every one that the definitions allow, and the leading between them."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from strategies import chords

from bridge.controls.parameters import PARAMETERS, VOICINGS
from bridge.engine.voicer import LeadingVoicer, RootVoicer, bass_range, motion, voicings
from gapt_core.chords import CHORD_COUNT, QUALITIES, Chord, chord_at

EVERY_CHORD = [chord_at(index) for index in range(CHORD_COUNT)]
LOWEST, HIGHEST = int(PARAMETERS["register"].low), int(PARAMETERS["register"].high)
SPARSE = (LOWEST, 57, 60, HIGHEST)
"""Registers for tests that go through every chord."""

REGISTERS = st.integers(LOWEST, HIGHEST)
STYLES = st.sampled_from(VOICINGS)
PREVIOUS = st.builds(voicings, chords(), REGISTERS, STYLES).flatmap(st.sampled_from)

SHELLS = {
    "maj": {4, 7},
    "min": {3, 7},
    "dim": {3, 6},
    "aug": {4, 8},
    "sus2": {2, 7},
    "sus4": {5, 7},
    "7": {4, 10},
    "maj7": {4, 11},
    "min7": {3, 10},
    "minmaj7": {3, 11},
    "dim7": {3, 9},
    "hdim7": {3, 10},
    "maj6": {4, 9},
    "min6": {3, 9},
    "9": {4, 10},
    "maj9": {4, 11},
    "min9": {3, 10},
    "7(b9)": {4, 10},
    "aug(b7)": {4, 10},
    "sus4(b7)": {5, 10},
}
"""What a shell has above the root, written out."""


def classes_above(chord: Chord, voicing: str) -> set[int]:
    """By the definition: the pitch classes above the bass."""
    if voicing == "shell":
        return {(chord.root + interval) % 12 for interval in SHELLS[chord.quality]}
    classes = set(chord.pitch_classes)
    return classes - {chord.root} if len(classes) == 5 else classes


def allowed(chord: Chord, register: int, voicing: str) -> set[tuple[int, ...]]:
    """By the definition: root in the bass, then each class once within an octave, the mean around the register."""
    classes = classes_above(chord, voicing)
    found = set()
    for lowest in range(register - 18, register + 7):
        for upper in itertools.combinations(range(lowest, lowest + 12), len(classes)):
            near = -6 <= sum(upper) / len(upper) - register < 6
            if upper[0] == lowest and near and {pitch % 12 for pitch in upper} == classes:
                found.update((b, *upper) for b in bass_range(register) if b % 12 == chord.root and b + 5 <= lowest)
    return found


def least_upper(one: tuple[int, ...], other: tuple[int, ...]) -> int:
    """The least motion over every way to pair the voices, crossings included."""
    fewer, more = sorted((one, other), key=len)
    return min(
        sum(abs(a - b) for a, b in zip(fewer, order, strict=True)) for order in itertools.permutations(more, len(fewer))
    )


@pytest.mark.parametrize("voicing", ["block", "shell"])
@given(chord=chords(), register=REGISTERS)
@example(chord=Chord(11, "maj"), register=LOWEST)
def test_close_voicings_are_all_that_the_definition_allows(chord: Chord, register: int, voicing: str) -> None:
    found = voicings(chord, register, voicing)
    assert len(found) == len(set(found))
    assert set(found) == allowed(chord, register, voicing)


@pytest.mark.parametrize("voicing", VOICINGS)
@pytest.mark.parametrize("register", SPARSE)
def test_every_chord_has_a_voicing_with_all_its_pitch_classes_and_no_other(register: int, voicing: str) -> None:
    for chord in EVERY_CHORD:
        found = voicings(chord, register, voicing)
        assert found
        for bass, *upper in found:
            assert bass % 12 == chord.root
            assert {pitch % 12 for pitch in upper} | {chord.root} == classes_above(chord, voicing) | {chord.root}
            if voicing != "shell":
                assert {pitch % 12 for pitch in (bass, *upper)} == set(chord.pitch_classes)


@given(chords(), REGISTERS, STYLES)
def test_the_bass_is_below_the_rest_and_the_rest_around_the_register(chord: Chord, register: int, voicing: str) -> None:
    for pitches in voicings(chord, register, voicing):
        bass, *upper = pitches
        assert 28 <= bass <= 55
        assert bass + 5 <= upper[0]
        assert list(pitches) == sorted(set(pitches))
        assert pitches[-1] <= 127
        assert abs(sum(upper) / len(upper) - register) <= 6


@given(chords(), st.integers(60, HIGHEST))
def test_a_pad_is_wider_than_an_octave_and_has_five_voices(chord: Chord, register: int) -> None:
    for pitches in voicings(chord, register, "pad"):
        assert len(pitches) == 5
        assert pitches[-1] - pitches[1] > 12
        classes = [pitch % 12 for pitch in pitches[1:]]
        if len(chord.pitch_classes) == 3:
            assert classes.count(chord.pitch_classes[1]) == 1


@given(chords(), PREVIOUS, REGISTERS)
def test_a_change_of_register_is_followed_at_once(chord: Chord, previous: tuple[int, ...], register: int) -> None:
    _, *upper = LeadingVoicer().voice(chord, previous, register)
    assert abs(sum(upper) / len(upper) - register) <= 6


@given(PREVIOUS, PREVIOUS)
def test_motion_is_the_least_of_all_pairings(one: tuple[int, ...], other: tuple[int, ...]) -> None:
    assert motion(one, other) == abs(one[0] - other[0]) + least_upper(one[1:], other[1:])
    assert motion(one, other) == motion(other, one)


@given(chords(), PREVIOUS, REGISTERS, STYLES)
def test_no_voice_moves_more_than_it_must(chord: Chord, previous: tuple[int, ...], register: int, voicing: str) -> None:
    led = LeadingVoicer().voice(chord, previous, register, voicing)
    others = voicings(chord, register, voicing)
    assert led in others
    assert motion(led, previous) == min(motion(pitches, previous) for pitches in others)


@given(chords(), PREVIOUS, REGISTERS, STYLES)
@example(Chord(2, "hdim7"), (36, 48, 52, 55, 58), 60, "block")
def test_of_equal_motions_the_one_that_keeps_most(
    chord: Chord, previous: tuple[int, ...], register: int, voicing: str
) -> None:
    led = LeadingVoicer().voice(chord, previous, register, voicing)
    for other in voicings(chord, register, voicing):
        if motion(other, previous) == motion(led, previous):
            assert len(set(other) & set(previous)) <= len(set(led) & set(previous))


@given(st.lists(chords(), min_size=1, max_size=20), REGISTERS, STYLES)
def test_the_same_chords_are_voiced_the_same_and_a_repeated_one_stays(
    progression: list[Chord], register: int, voicing: str
) -> None:
    voicer, previous, again = LeadingVoicer(), (), ()
    for chord in progression:
        previous = voicer.voice(chord, previous, register, voicing)
        again = LeadingVoicer().voice(chord, again, register, voicing)
        assert previous == again == voicer.voice(chord, previous, register, voicing)


CADENCES = {
    "block": [(48, 55, 60, 64), (41, 57, 60, 65), (43, 55, 59, 62, 65), (48, 55, 60, 64)],
    "pad": [(48, 55, 60, 64, 72), (41, 57, 60, 65, 72), (43, 55, 62, 65, 71), (48, 55, 60, 64, 72)],
    "shell": [(48, 55, 64), (41, 57, 60), (43, 53, 59), (48, 55, 64)],
}


@pytest.mark.parametrize("voicing", CADENCES)
def test_a_cadence(voicing: str) -> None:
    previous, led = (), []
    for chord in (Chord(0, "maj"), Chord(5, "maj"), Chord(7, "7"), Chord(0, "maj")):
        previous = LeadingVoicer().voice(chord, previous, voicing=voicing)
        led.append(previous)
    assert led == CADENCES[voicing]


def test_root_position_is_a_root_and_the_chord() -> None:
    assert RootVoicer().voice(Chord(9, "min"), ()) == (45, 60, 64, 69)
    for quality in QUALITIES:
        assert len(RootVoicer().voice(Chord(0, quality), ())) == 1 + len(QUALITIES[quality])
