"""Chord symbols of four dialects to chords of the vocabulary: Harte, ABC, MusicXML kinds, jazz.

A symbol is a root, what is written after it, and perhaps a bass. What follows the root is read word by
word into intervals, and the intervals go to the nearest quality, so no dialect needs a table of its own.
The bass is checked and then left out: inversions are the voicer's business.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from gapt_core.chords import Chord, distance, nearest_chord, nearest_quality
from gapt_core.errors import ChordNameError

KINDS = {
    "major": "",
    "minor": "m",
    "augmented": "+",
    "diminished": "dim",
    "dominant": "7",
    "dominant-seventh": "7",
    "major-seventh": "maj7",
    "minor-seventh": "m7",
    "diminished-seventh": "dim7",
    "augmented-seventh": "+7",
    "augmented-major-seventh": "+maj7",
    "half-diminished": "hdim",
    "half-diminished-seventh": "hdim",
    "major-minor": "mmaj7",
    "minor-major": "mmaj7",
    "minor-major-seventh": "mmaj7",
    "minor-major-ninth": "mmaj9",
    "major-sixth": "6",
    "minor-sixth": "m6",
    "dominant-ninth": "9",
    "major-ninth": "maj9",
    "minor-ninth": "m9",
    "augmented-ninth": "+9",
    "dominant-11th": "11",
    "major-11th": "maj11",
    "minor-11th": "m11",
    "dominant-13th": "13",
    "major-13th": "maj13",
    "minor-13th": "m13",
    "suspended-second": "sus2",
    "suspended-fourth": "sus4",
    "suspended-fourth-seventh": "7sus4",
    "power": "5",
    "pedal": "5",
    "Neapolitan": "",
    "Italian": "7no5",
    "French": "7b5",
    "German": "7",
    "Tristan": "m7b5",
}
"""MusicXML chord kinds, and the longer names some programs write, as jazz suffixes."""

_NO_CHORD = {"N", "NC", "N.C.", "N.C", "n.c.", "nc", "X", "none", "No Chord"}
_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_DEGREES = {1: 0, 2: 2, 3: 4, 4: 5, 5: 7, 6: 9, 7: 11, 8: 0, 9: 2, 10: 4, 11: 5, 12: 7, 13: 9}
_STACKS = {"9": (2,), "11": (2, 5), "13": (2, 9)}
_ACCIDENTALS = {"#": 1, "+": 1, "b": -1, "-": -1, "": 0}
_SPELLINGS = str.maketrans("♯♭Δ△∆øØ°º\u2212\u2013", "#b^^^hhoo--")
_NOT_IN_THE_BASS = 0.4
"""What it costs a root not to be the lowest note (`gapt_core.chords.distance`): less than any tone added."""

_SYMBOL = re.compile(r"(?P<root>[A-G][#b]*)(?P<rest>.*)", re.DOTALL)
_BASS = re.compile(r"/(?:[A-Ga-g][#b+]*|[#b]*(?:1[0-3]|[1-9]))$")
_WORD = re.compile(
    r"(?P<open>\()|(?P<close>\))|(?P<gap>[,\s]+)"
    r"|(?P<remove>(?:no|omit|\*)(?P<removed>[#b]?(?:1[0-3]|[1-9])))"
    r"|(?P<add>add(?P<added>[#b]?(?:1[0-3]|[2-9])))"
    r"|(?P<sus>[Ss]us(?P<third>[24]?))"
    r"|(?P<alt>alt)"
    r"|(?P<halfdim>hdim7?|h7?)|(?P<dim>[Dd]im|^o|d(?![a-z]))|(?P<aug>[Aa]ug|a(?![a-z])|\+(?![59]|1[13]))"
    r"|(?P<delta>\^|j)|(?P<major>[Mm]aj|MAJ|[Mm]a(?!dd)|M|dom)"
    r"|(?P<minor>[Mm]in|MIN|mi|m|^-(?!5))"
    r"|(?P<altered>[#b+-](?P<degree>1[0-3]|[2-9]))"
    r"|(?P<number>69|6/9|1[13]|[245679])(?P<after>(?<=[139])[#b](?!\d)|(?<=[139])[#b](?=1[13][#b](?!\d)))?"
    r"|(?P<one>1(?=[,)]))|(?P<natural>[38])"
)


@lru_cache(maxsize=4096)
def parse_chord(symbol: str) -> Chord | None:
    """The chord nearest to what `symbol` says, or None where it says that there is none.

    Raises:
        ChordNameError: the symbol is of none of the dialects; it is quoted in the sentence.
    """
    text = symbol.strip().strip("\x01").translate(_SPELLINGS)
    if text in _NO_CHORD:
        return None
    if text.startswith("(") and text.endswith(")"):
        text = text[1:-1]
    match = _SYMBOL.fullmatch(text)
    if match is None:
        raise ChordNameError(f"'{symbol}' is not a chord symbol; write one such as C:min7, Am7 or F-7, or N for none.")
    intervals = chord_intervals(match["rest"], symbol)
    return Chord(parse_root(match["root"]), nearest_quality(intervals))


def parse_root(name: str) -> int:
    """Pitch class of a note name such as `Bb` or `F##`; 0 is C."""
    return (_LETTERS[name[0]] + name.count("#") - name.count("b")) % 12


def chord_intervals(suffix: str, symbol: str = "") -> frozenset[int]:
    """Intervals above the root, in semitones below 12, that what follows a root means; `m7b5`, `:min7/b3`.

    Raises:
        ChordNameError: a part of it is not understood; `symbol`, or else `suffix`, is quoted.
    """
    text = suffix.strip().lstrip("?")
    harte = text.startswith(":")
    text = text.removeprefix(":").strip()
    if harte or not text.endswith("6/9"):
        text = _BASS.sub("", text).strip()
    text = KINDS.get(text, text)
    reading = _Reading(tones={0} if harte and text.startswith("(") else {0, 4, 7})
    place = 0
    while place < len(text):
        match = _WORD.match(text, place)
        if match is None:
            raise ChordNameError(
                f"'{symbol or suffix}' is not understood from '{text[place:]}' on; see docs/chords.md."
            )
        reading.take(match)
        place = match.end()
    return frozenset(reading.tones)


def chord_of_kind(root: int, kind: str, degrees: Iterable[tuple[str, int, int]] = ()) -> Chord | None:
    """The chord nearest to a MusicXML `<harmony>`: kind, and degrees as (add|alter|subtract, degree, semitones).

    Raises:
        ChordNameError: a kind that MusicXML does not know.
    """
    if kind == "none":
        return None
    tones = {0} if kind == "other" else set(chord_intervals(f" {kind}"))
    for action, degree, semitones in degrees:
        natural = 10 if degree == 7 else _DEGREES[degree]
        if action != "add":
            tones -= _replaced(degree)
        if action != "subtract":
            tones.add((natural + semitones) % 12)
    return Chord(root % 12, nearest_quality(frozenset(tones | {0})))


def chord_of_pitches(pitches: Iterable[int]) -> Chord:
    """The chord nearest to the MIDI pitches that sound together; the lowest is its root unless another fits better.

    Raises:
        ValueError: no pitches.
    """
    sounding = sorted(set(pitches))
    if not sounding:
        raise ValueError("a chord needs at least one pitch")
    bass = sounding[0] % 12
    pitch_classes = frozenset(pitch % 12 for pitch in sounding)

    def cost(root: int) -> tuple[float, int]:
        intervals = frozenset((pitch_class - root) % 12 for pitch_class in pitch_classes)
        misfit = distance(intervals, nearest_quality(intervals))
        return misfit + (_NOT_IN_THE_BASS if root != bass else 0.0), (root - bass) % 12

    roots = pitch_classes if len(pitch_classes) > 2 else [bass]
    return nearest_chord(min(roots, key=cost), pitch_classes)


def _replaced(degree: int) -> set[int]:
    """What an altered or removed degree takes the place of."""
    return {3: {3, 4}, 5: {6, 7, 8}, 7: {9, 10, 11}}.get(degree, {_DEGREES[degree]})


@dataclass
class _Reading:
    """What has been read of one suffix so far."""

    tones: set[int]
    seventh: int = 10
    bracket: bool = False
    altered_fifth: bool = field(default=False)

    def take(self, match: re.Match[str]) -> None:
        """Read one word."""
        kind = next(name for name in _READERS if match[name] is not None)
        _READERS[kind](self, match)

    def open(self, _: re.Match[str]) -> None:
        self.bracket = True

    def close(self, _: re.Match[str]) -> None:
        self.bracket = False

    def nothing(self, _: re.Match[str]) -> None:
        pass

    def remove(self, match: re.Match[str]) -> None:
        self.tones -= _replaced(int(match["removed"].lstrip("#b")))

    def add(self, match: re.Match[str]) -> None:
        degree = int(match["added"].lstrip("#b"))
        natural = 10 if degree == 7 else _DEGREES[degree]
        self.tones.add((natural + _ACCIDENTALS[match["added"].rstrip("0123456789")]) % 12)

    def suspend(self, match: re.Match[str]) -> None:
        self.tones -= {3, 4}
        self.tones.add(2 if match["third"] == "2" else 5)

    def alter_all(self, _: re.Match[str]) -> None:
        self.tones -= {7}
        self.tones |= {1, 3, 8, 10}

    def half_diminish(self, _: re.Match[str]) -> None:
        self.tones = {0, 3, 6, 10}

    def diminish(self, _: re.Match[str]) -> None:
        self.tones, self.seventh = {0, 3, 6}, 9

    def augment(self, _: re.Match[str]) -> None:
        self.tones = self.tones - {7} | {8}

    def add_major_seventh(self, _: re.Match[str]) -> None:
        self.seventh = 11
        self.tones.add(11)

    def raise_seventh(self, match: re.Match[str]) -> None:
        self.seventh = 10 if match["major"] == "dom" else 11

    def flatten_third(self, _: re.Match[str]) -> None:
        self.tones = self.tones - {4} | {3}

    def alter(self, match: re.Match[str]) -> None:
        self.change(int(match["degree"]), _ACCIDENTALS[match["altered"][0]])

    def natural(self, match: re.Match[str]) -> None:
        self.tones.add(_DEGREES[int(match["natural"])])

    def change(self, degree: int, semitones: int) -> None:
        """An altered degree stands for the plain one, but a second altered fifth for nothing."""
        plain = {3: {4}, 5: set() if self.altered_fifth else {7}, 9: {2}, 11: {5}, 13: {9}}.get(degree, set())
        self.altered_fifth = self.altered_fifth or degree == 5
        self.tones = self.tones - plain | {(_DEGREES[degree] + semitones) % 12}

    def number(self, match: re.Match[str]) -> None:
        number = match["number"]
        if match["after"]:
            self.change(int(number), _ACCIDENTALS[match["after"]])
            self.tones |= set() if 9 in self.tones else {self.seventh}
        elif self.bracket:
            self.tones.add(_DEGREES[int(number)])
        elif number == "5":
            self.tones -= {3, 4}
        elif number in ("7", "9", "11", "13"):
            self.tones |= {self.seventh, *_STACKS.get(number, ())}
        else:
            self.tones |= {2, 9} if number in ("69", "6/9") else {_DEGREES[int(number)]}


_READERS = {
    "open": _Reading.open,
    "close": _Reading.close,
    "gap": _Reading.nothing,
    "one": _Reading.nothing,
    "remove": _Reading.remove,
    "add": _Reading.add,
    "sus": _Reading.suspend,
    "alt": _Reading.alter_all,
    "halfdim": _Reading.half_diminish,
    "dim": _Reading.diminish,
    "aug": _Reading.augment,
    "delta": _Reading.add_major_seventh,
    "major": _Reading.raise_seventh,
    "minor": _Reading.flatten_third,
    "altered": _Reading.alter,
    "number": _Reading.number,
    "natural": _Reading.natural,
}
