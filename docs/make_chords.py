"""Writes `chords.md`: the vocabulary and what every richer chord becomes, from the code itself.

Run `python docs/make_chords.py` after a change of the qualities or of their distances; a test holds the page.
"""

from __future__ import annotations

from pathlib import Path

from gapt_core.chord_names import KINDS, chord_intervals
from gapt_core.chords import CHORD_COUNT, PITCH_CLASSES, QUALITIES, nearest_quality

RICHER = """
5 add9 madd9 add4 6 69 m69 9 11 13 m11 m13 maj7#11 maj7#5 maj13 7b5 7#5 7#9 7#11 7b13 7alt 7b9b5 7b9#9 13b9
9sus4 13sus4 sus24 m7b9 mmaj9 dimmaj7 m#5 7no5 7no3
"""

INTERVALS = ("1", "b2", "2", "b3", "3", "4", "b5", "5", "#5", "6", "b7", "7")

HEAD = """\
# Chords

*Written by `docs/make_chords.py`; do not edit.*

A chord of GAPT Bridge is one of 12 roots ({roots}) with one of {count} qualities, {total} in all, or no chord (`N`).
It is written as Harte (2005) does, `Eb:min7`, and `mir_eval.chord` reads every name as meant here (the ninths with
`reduce_extended_chords=True`). Inversions and doublings are the voicer's business, so a bass after a slash is
checked and left out. Transposition is exact.

## The qualities

| quality | intervals above the root |
|---|---|
"""

NEAREST = """
## What richer chords become

Whatever is written is read into intervals, and they become the quality at the least distance: leaving out an interval
that was written and adding one that was not each have a price (`gapt_core/chords.py`; a third or a major seventh
is dear, a fifth cheap). Where two are equally near, the one further up in the table above is taken.

| written | intervals | becomes |
|---|---|---|
"""

SYMBOLS = """
## What can be written

| dialect | examples |
|---|---|
| Harte | `C:min7`, `C:min7/b3`, `Bb:sus4(b7,9)`, `C:(3,5,b7)` |
| ABC | `Am7`, `F#m7b5`, `D7/F#`, `Bbdim` |
| jazz | `C-7`, `Cj7`, `CΔ`, `C^7`, `Co7`, `Cø7`, `Ch7`, `C7b9`, `C7alt`, `C+7`, `C69`, `C7sus` |
| MusicXML | a root and a kind: `C minor-seventh`; degrees that are added, altered or subtracted |

No chord is `N`, `NC` or `N.C.`. Roots are capital letters `A` to `G` with `#` or `b` (`♯`, `♭`); a lower-case root
(minor to some, a slip to others) and the German `H` are refused rather than guessed.

| MusicXML kind | becomes |
|---|---|
"""


def page() -> str:
    """The whole page, as it should stand in `chords.md`."""
    head = HEAD.format(roots=", ".join(f"`{root}`" for root in PITCH_CLASSES), count=len(QUALITIES), total=CHORD_COUNT)
    qualities = [_row(f"`{name}`", _spelled(intervals)) for name, intervals in QUALITIES.items()]
    richer = [_row(f"`C{suffix}`", _spelled(chord_intervals(suffix)), _nearest(suffix)) for suffix in RICHER.split()]
    kinds = [_row(f"`{kind}`", _nearest(suffix)) for kind, suffix in KINDS.items()]
    return head + "".join(qualities) + NEAREST + "".join(richer) + SYMBOLS + "".join(kinds)


def _nearest(suffix: str) -> str:
    return f"`C:{nearest_quality(chord_intervals(suffix))}`"


def _spelled(intervals: tuple[int, ...] | frozenset[int]) -> str:
    return " ".join(INTERVALS[interval] for interval in sorted(intervals))


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |\n"


if __name__ == "__main__":
    Path(__file__).with_name("chords.md").write_text(page(), encoding="utf-8")
