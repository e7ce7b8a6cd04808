"""ABC tune books as text: cut into tunes, and cleared of what a reader of notes stumbles over.

Chord symbols are read here (`gapt_core.chord_names`) and handed on in spellings that `music21` knows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from gapt_core.chord_names import parse_chord
from gapt_core.chords import PITCH_CLASSES, Chord
from gapt_core.errors import ChordNameError

SUFFIXES = {
    "maj": "",
    "min": "m",
    "dim": "dim",
    "aug": "+",
    "sus2": "sus2",
    "sus4": "sus",
    "7": "7",
    "maj7": "maj7",
    "min7": "m7",
    "minmaj7": "mM7",
    "dim7": "dim7",
    "hdim7": "m7b5",
    "maj6": "6",
    "min6": "m6",
    "9": "9",
    "maj9": "M9",
    "min9": "m9",
    "7(b9)": "7b9",
    "aug(b7)": "+7",
    "sus4(b7)": "7sus",
}
"""Each quality as `music21` writes it after a root."""

_TUNE = re.compile(r"^X:", re.MULTILINE)
_FIELD = re.compile(r"^[A-Za-z]:")
_DEFAULTS = re.compile(r"^[LMQ]:.*$", re.MULTILINE)
_UNIT = re.compile(r"[LM]:\s*\S")
_COMMENT = re.compile(r"(?<!\\)%.*")
_QUOTED = re.compile(r'"([^"\n]*)"')
_SPACER = re.compile(r"y\d*")
_DECORATION = re.compile(r"![^!\n]*!|\+[a-z.>]+\+")


@dataclass(frozen=True)
class AbcTune:
    """One tune, ready to be parsed. `dropped` are chord symbols that are not understood and were left out."""

    number: str
    title: str
    text: str
    dropped: tuple[str, ...]


def decode_abc(data: bytes) -> str:
    """The text of an ABC file: UTF-8, or else Latin-1, with plain line ends."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def tunes_in(text: str) -> Iterator[AbcTune]:
    """The tunes of a book, each with the length, metre and tempo that the book's head sets for all."""
    starts = [match.start() for match in _TUNE.finditer(text)]
    head = text[: starts[0]] if starts else ""
    defaults = "\n".join(_DEFAULTS.findall(head))
    for start, end in pairwise([*starts, len(text)]):
        yield _tune(text[start:end], defaults)


def _tune(text: str, defaults: str) -> AbcTune:
    dropped: list[str] = []
    lines = [_COMMENT.sub("", line).rstrip() for line in text.split("\n\n")[0].splitlines()]
    clean = [line if _FIELD.match(line) else _music(line, dropped) for line in lines]
    unit = [] if any(_UNIT.match(line) for line in [*lines, *defaults.splitlines()]) else ["L:1/8"]
    clean[1:1] = [*unit, defaults]
    return AbcTune(
        number=lines[0].removeprefix("X:").strip(),
        title=next((line[2:].strip() for line in lines if line.startswith("T:") and line[2:].strip()), ""),
        text="\n".join(line for line in clean if line) + "\n",
        dropped=tuple(dropped),
    )


def _music(line: str, dropped: list[str]) -> str:
    """A line of notes with chord symbols respelled and with annotations, decorations and spacers left out."""
    pieces = _QUOTED.split(line)
    pieces[::2] = [_SPACER.sub("", _DECORATION.sub("", notes)) for notes in pieces[::2]]
    pieces[1::2] = [_symbol(words, dropped) for words in pieces[1::2]]
    return "".join(pieces)


def _symbol(words: str, dropped: list[str]) -> str:
    if not words.strip() or words[0] in "^_<>@":
        return ""
    for reading in (words, words.partition("(")[0]):  # the second leaves out an alternative: `Em (A)`
        try:
            chord = parse_chord(reading)
        except ChordNameError:
            continue
        return '"NC"' if chord is None else f'"{spelled(chord)}"'
    dropped.append(words)
    return ""


def spelled(chord: Chord) -> str:
    """A chord as `music21` reads it."""
    return PITCH_CLASSES[chord.root] + SUFFIXES[chord.quality]
