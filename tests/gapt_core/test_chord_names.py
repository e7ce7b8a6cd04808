"""Chord symbols in: four dialects, what is refused, and that names read back."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import chords

from gapt_core.chord_names import KINDS, chord_intervals, chord_of_kind, chord_of_pitches, parse_chord
from gapt_core.chords import QUALITIES, Chord
from gapt_core.errors import ChordNameError

DOCS = Path(__file__).parents[2] / "docs"

SAME = {
    "maj": "C:maj C CM Cmaj Cma C/G C/e C:maj/3 C:maj/b7 C? Cdom (C)",
    "min": "C:min Cm Cmin Cmi C- C:min/b3 C-/Eb",
    "dim": "C:dim Cdim Co C° Cd",
    "aug": "C:aug Caug C+ C(#5) Ca",
    "sus2": "C:sus2 Csus2",
    "sus4": "C:sus4 Csus Csus4",
    "7": "C:7 C7 Cdom7 C7/Bb C7/f+ C:7/b7 C7#9",
    "maj7": "C:maj7 Cmaj7 CM7 Cma7 Cj7 Cj CΔ CΔ7 C^7 C^ CMaj7 C:maj(7) Cmaj7/E",
    "min7": "C:min7 Cm7 C-7 Cmin7 Cmi7 C\u22127 C:min(b7) C:min7/b3",
    "minmaj7": "C:minmaj7 CmM7 Cm(maj7) C-Δ7 C-j7 C-^7 CmMaj7 C:min(7)",
    "dim7": "C:dim7 Cdim7 Co7 C°7 Cd7",
    "hdim7": "C:hdim7 Cø Cø7 Ch7 Cm7b5 C-7b5 Cmin7(b5) C-7(b5) Cm7-5 C:min7(b5) C:(b3,b5,b7)",
    "maj6": "C:maj6 C6 Cmaj6 C69 C6/9 C6(9)",
    "min6": "C:min6 Cm6 C-6 Cm69",
    "9": "C:9 C9 C7(9) C13 C:7(9) C913 C9#11",
    "maj9": "C:maj9 Cmaj9 CΔ9 CM9 Cj9 Cmaj911#",
    "min9": "C:min9 Cm9 C-9 Cm11",
    "7(b9)": "C:7(b9) C7b9 C7-9 C7(b9) C13b9 C9b",
    "aug(b7)": "C:aug(b7) C+7 C7+ C7#5 C7+5 Caug7 C7alt C7b9#5",
    "sus4(b7)": "C:sus4(b7) C7sus4 C7sus C9sus4 C13sus C:sus4(b7,9) C:(4,5,b7) C7sus4413",
}


@pytest.mark.parametrize(("quality", "symbol"), [(q, symbol) for q in SAME for symbol in SAME[q].split()])
def test_dialects(quality: str, symbol: str) -> None:
    assert parse_chord(symbol) == Chord(0, quality)


def test_every_quality_is_tried() -> None:
    assert set(SAME) == set(QUALITIES)


@pytest.mark.parametrize(
    ("symbol", "root"),
    [("Cb", 11), ("C#m", 1), ("Db-7", 1), ("F##", 7), ("Bbb7", 9), ("B♭7", 10), ("F♯ø7", 6), (" G ", 7), ("E#:min", 5)],
)
def test_roots(symbol: str, root: int) -> None:
    chord = parse_chord(symbol)
    assert chord is not None and chord.root == root


@pytest.mark.parametrize("symbol", ["N", "NC", "N.C.", "n.c.", "X", "none"])
def test_no_chord(symbol: str) -> None:
    assert parse_chord(symbol) is None


@pytest.mark.parametrize(
    "symbol",
    ["", "H7", "am", "Hello", "Coda", "Cmaj7sharp11", "C/", "C7/Hb", "D.C.", "Fine", "047a", "G$7"],
)
def test_what_is_no_chord_symbol_is_refused_by_name(symbol: str) -> None:
    with pytest.raises(ChordNameError) as refused:
        parse_chord(symbol)
    assert f"'{symbol}'" in str(refused.value) and "\n" not in str(refused.value)


@given(chords())
def test_names_read_back(chord: Chord) -> None:
    assert parse_chord(chord.name) == chord


@given(st.text(max_size=12) | st.text("ABCDEFGmajind7b9#sus4(),/:+-o^h115", max_size=10))
def test_any_text_is_a_chord_or_no_chord_or_refused(text: str) -> None:
    try:
        chord = parse_chord(text)
    except ChordNameError:
        return
    assert chord is None or chord.quality in QUALITIES


@pytest.mark.parametrize(
    ("suffix", "intervals"),
    [
        ("7#9", {0, 3, 4, 7, 10}),
        ("maj7#11", {0, 4, 6, 7, 11}),
        ("13", {0, 2, 4, 7, 9, 10}),
        ("m11", {0, 2, 3, 5, 7, 10}),
        ("add9", {0, 2, 4, 7}),
        ("madd9", {0, 2, 3, 7}),
        ("5", {0, 7}),
        ("7no3", {0, 7, 10}),
        (":maj(9,*5)", {0, 2, 4}),
        ("(1,3,#5,b7,9,11)", {0, 2, 4, 5, 8, 10}),
        ("7b5#5", {0, 4, 6, 8, 10}),
        (":maj6(7)", {0, 4, 7, 9, 11}),
    ],
)
def test_intervals(suffix: str, intervals: set[int]) -> None:
    assert chord_intervals(suffix) == intervals


@pytest.mark.parametrize("kind", [*KINDS, "none", "other"])
def test_every_music_xml_kind_is_known(kind: str) -> None:
    assert (chord_of_kind(7, kind) is None) == (kind == "none")
    assert kind in ("none", "other") or parse_chord(f"G {kind}") == chord_of_kind(7, kind)


def test_music_xml_degrees() -> None:
    assert chord_of_kind(0, "dominant", [("add", 9, -1)]) == Chord(0, "7(b9)")
    assert chord_of_kind(2, "minor-seventh", [("alter", 5, -1)]) == Chord(2, "hdim7")
    assert chord_of_kind(0, "suspended-fourth", [("add", 7, 0)]) == Chord(0, "sus4(b7)")
    assert chord_of_kind(0, "dominant-ninth", [("subtract", 9, 0)]) == Chord(0, "7")
    assert chord_of_kind(0, "other", [("add", 3, -1), ("add", 5, 0)]) == Chord(0, "min")
    with pytest.raises(ChordNameError, match="polychord"):
        chord_of_kind(0, "polychord")


@given(chords(), st.integers(2, 5), st.sets(st.integers(0, 11)))
def test_pitches_over_their_root_name_the_chord(chord: Chord, octave: int, doubled: set[int]) -> None:
    root = 12 * octave + chord.root
    pitches = [root + interval for interval in QUALITIES[chord.quality]]
    assert chord_of_pitches([*pitches, *(pitch + 12 for pitch in pitches if pitch % 12 in doubled)]) == chord


@pytest.mark.parametrize(
    ("pitches", "chord"),
    [
        ([52, 55, 60], Chord(0, "maj")),
        ([55, 60, 64], Chord(0, "maj")),
        ([48, 52, 57], Chord(9, "min")),
        ([53, 55, 59, 62], Chord(7, "7")),
        ([48, 52, 55, 57], Chord(0, "maj6")),
        ([45, 48, 52, 55], Chord(9, "min7")),
        ([36, 43], Chord(0, "maj")),
    ],
)
def test_inversions_are_heard_and_the_bass_decides_between_equals(pitches: list[int], chord: Chord) -> None:
    assert chord_of_pitches(pitches) == chord


def test_the_page_on_chords_is_current() -> None:
    page = _script("make_chords").page()
    assert (DOCS / "chords.md").read_text(encoding="utf-8") == page, "run: python docs/make_chords.py"


def _script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
