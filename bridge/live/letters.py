"""Chord names as musicians write them, and letters three lines tall for those who stand away from the screen."""

from __future__ import annotations

from itertools import zip_longest

NO_CHORD = "N"

SYMBOLS = {
    "maj": "",
    "min": "m",
    "minmaj7": "mMaj7",
    "min6": "m6",
    "min7": "m7",
    "min9": "m9",
    "maj6": "6",
    "hdim7": "m7b5",
    "7(b9)": "7b9",
    "aug(b7)": "aug7",
    "sus4(b7)": "7sus4",
}
"""What follows the root where it is not Harte's own shorthand."""

PITCHES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")

_PIXELS = {
    "A": ".#. #.# ### #.# #.#",
    "B": "##. #.# ##. #.# ##.",
    "C": ".## #.. #.. #.. .##",
    "D": "##. #.# #.# #.# ##.",
    "E": "### #.. ##. #.. ###",
    "F": "### #.. ##. #.. #..",
    "G": ".## #.. #.# #.# .##",
    "M": "#...# ##.## #.#.# #...# #...#",
    "a": "... .## #.# #.# .##",
    "b": "#.. #.. ##. #.# ##.",
    "d": "..# ..# .## #.# .##",
    "g": ".## #.# .## ..# ##.",
    "i": "# . # # #",
    "j": ".# .. .# .# #.",
    "m": "..... ##.#. #.#.# #.#.# #.#.#",
    "s": "... .## ##. ..# ##.",
    "u": "... #.# #.# #.# .##",
    "#": "#.# ### #.# ### #.#",
    "-": "... ... ### ... ...",
    "2": "##. ..# .#. #.. ###",
    "4": "#.# #.# ### ..# ..#",
    "5": "### #.. ##. ..# ##.",
    "6": ".## #.. ### #.# ###",
    "7": "### ..# .#. .#. .#.",
    "9": "### #.# ### ..# ##.",
}

_BLOCKS = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}


def symbol(name: str) -> str:
    """The chord of a Harte name as on a lead sheet: `Am7` of `A:min7`; `-` for no chord."""
    root, _, quality = name.partition(":")
    return "-" if name == NO_CHORD else root + SYMBOLS.get(quality, quality)


def pitch_name(pitch: int) -> str:
    """Name and octave of a MIDI pitch; 60 is C4."""
    return f"{PITCHES[pitch % 12]}{pitch // 12 - 1}"


def large(text: str) -> tuple[str, ...]:
    """`text` in three lines of blocks; what has no letter is left out."""
    glyphs = [_PIXELS[letter].split() for letter in text if letter in _PIXELS]
    rows = ["..".join(glyph[i] for glyph in glyphs) for i in range(5)]
    return tuple(
        _line(upper, lower) for upper, lower in zip_longest(rows[::2], rows[1::2], fillvalue="." * len(rows[0]))
    )


def _line(upper: str, lower: str) -> str:
    return "".join(_BLOCKS[above == "#", below == "#"] for above, below in zip(upper, lower, strict=True))
