"""Voice leading, against every voicing there is."""

from __future__ import annotations

import itertools

from hypothesis import example, given
from hypothesis import strategies as st
from strategies import chords

from bridge.engine.voicer import BASS, UPPER, LeadingVoicer, RootVoicer, motion, voicings
from gapt_core.chords import CHORD_COUNT, QUALITIES, Chord, chord_at

EVERY_CHORD = [chord_at(index) for index in range(CHORD_COUNT)]
PREVIOUS = chords().flatmap(lambda chord: st.sampled_from(voicings(chord)))


def allowed(chord: Chord) -> set[tuple[int, ...]]:
    """By the definition: the root in the bass, and above it each pitch class once, within less than an octave."""
    classes = set(chord.pitch_classes)
    if len(classes) == 5:
        classes.remove(chord.root)
    found = set()
    for lowest in UPPER:
        near = [pitch for pitch in range(lowest, lowest + 12) if pitch in UPPER]
        for upper in itertools.combinations(near, len(classes)):
            if upper[0] == lowest and {pitch % 12 for pitch in upper} == classes:
                found.update((b, *upper) for b in BASS if b % 12 == chord.root and b < lowest)
    return found


def least_upper(one: tuple[int, ...], other: tuple[int, ...]) -> int:
    """The least motion over every way to pair the voices, crossings included."""
    fewer, more = sorted((one, other), key=len)
    return min(
        sum(abs(a - b) for a, b in zip(fewer, order, strict=True)) for order in itertools.permutations(more, len(fewer))
    )


def test_the_voicings_of_every_chord_are_all_that_the_definition_allows() -> None:
    for chord in EVERY_CHORD:
        assert set(voicings(chord)) == allowed(chord)
        assert len(voicings(chord)) >= 3


def test_every_pitch_class_of_every_chord_sounds_and_no_other() -> None:
    for chord in EVERY_CHORD:
        for pitches in voicings(chord):
            assert {pitch % 12 for pitch in pitches} == set(chord.pitch_classes)


@given(PREVIOUS, PREVIOUS)
def test_motion_is_the_least_of_all_pairings(one: tuple[int, ...], other: tuple[int, ...]) -> None:
    assert motion(one, other) == abs(one[0] - other[0]) + least_upper(one[1:], other[1:])
    assert motion(one, other) == motion(other, one)


@given(chords(), PREVIOUS)
def test_no_voice_moves_more_than_it_must(chord: Chord, previous: tuple[int, ...]) -> None:
    led = LeadingVoicer().voice(chord, previous)
    assert led in allowed(chord)
    assert motion(led, previous) == min(motion(pitches, previous) for pitches in allowed(chord))


@given(chords(), PREVIOUS)
@example(Chord(2, "hdim7"), (36, 48, 52, 55, 58))
def test_of_equal_motions_the_one_that_keeps_most(chord: Chord, previous: tuple[int, ...]) -> None:
    led = LeadingVoicer().voice(chord, previous)
    for other in allowed(chord):
        if motion(other, previous) == motion(led, previous):
            assert len(set(other) & set(previous)) <= len(set(led) & set(previous))


@given(st.lists(chords(), min_size=1, max_size=20))
def test_the_same_chords_are_voiced_the_same_and_a_repeated_one_stays(progression: list[Chord]) -> None:
    voicer, previous, again = LeadingVoicer(), (), ()
    for chord in progression:
        previous = voicer.voice(chord, previous)
        again = LeadingVoicer().voice(chord, again)
        assert previous == again == voicer.voice(chord, previous)


def test_a_cadence() -> None:
    previous, led = (), []
    for chord in (Chord(0, "maj"), Chord(5, "maj"), Chord(7, "7"), Chord(0, "maj")):
        previous = LeadingVoicer().voice(chord, previous)
        led.append(previous)
    assert led == [(48, 55, 60, 64), (41, 57, 60, 65), (43, 55, 59, 62, 65), (48, 55, 60, 64)]


def test_root_position_is_a_root_and_the_chord() -> None:
    assert RootVoicer().voice(Chord(9, "min"), ()) == (45, 60, 64, 69)
    for quality in QUALITIES:
        assert len(RootVoicer().voice(Chord(0, quality), ())) == 1 + len(QUALITIES[quality])
