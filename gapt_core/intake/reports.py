"""What an intake is asked and what it answers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gapt_core.data.library import Verdict
from gapt_core.errors import TrainingError
from gapt_core.song import Song

FILE = "file"
"""The grid that a file itself has."""

LEAST_NOTES = 8
"""A shorter song tells nothing."""

SLOWEST, FASTEST = 20.0, 400.0


@dataclass(frozen=True)
class IntakeOptions:
    """What the player says of the files.

    Attributes:
        tempo: quarters a minute of what was recorded; None: by the file, or by ear.
        metre: numerator and denominator of what was recorded; None: by the file, or by ear.
        trust_file: take the files' own tempo maps and bar lines as they stand.
        trust_chords: take the chords in recorded sessions as the player's own.
    """

    tempo: float | None = None
    metre: tuple[int, int] | None = None
    trust_file: bool = False
    trust_chords: bool = False


def options_of(tempo: float | None = None, grid: str | None = None, trust_chords: bool = False) -> IntakeOptions:
    """Options from what is written on a command line; `grid` is a metre such as 3/4, or `file`.

    Raises:
        TrainingError: they are no such thing, or contradict each other.
    """
    if tempo is not None and not SLOWEST <= tempo <= FASTEST:
        raise TrainingError(f"A tempo of {tempo:g} is not played; give {SLOWEST:g} to {FASTEST:g} quarters a minute.")
    if grid is None:
        return IntakeOptions(tempo, None, False, trust_chords)
    if grid == FILE:
        if tempo is not None:
            raise TrainingError("A tempo and --grid file contradict each other; give one of them.")
        return IntakeOptions(None, None, True, trust_chords)
    found = re.fullmatch(r"(\d{1,2})/(2|4|8|16)", grid)
    if not found or found[1].strip("0") == "":
        raise TrainingError(f"“{grid}” is no metre; write one such as 4/4, 3/4 or 6/8, or {FILE}.")
    return IntakeOptions(tempo, (int(found[1]), int(found[2])), False, trust_chords)


@dataclass(frozen=True)
class Assumed:
    """What was taken for the beats and bar lines of a song.

    Attributes:
        how: in words: "as written", "played to the file's beats", "played freely".
        tempo: quarters a minute; its lowest and highest where it wanders, else three times the same.
        metre: such as 4/4.
        downbeat: seconds from the file's beginning to the first bar line that is not before the music.
        sure: of metre and bar lines, 0 to 1; 1 where nobody had to ask.
    """

    how: str
    tempo: tuple[float, float, float]
    metre: str
    downbeat: float
    sure: float = 1.0


@dataclass(frozen=True)
class TakenSong:
    """A song to learn from.

    Attributes:
        song: on the grid; its chords are None where it has none of the player's.
        path: the file it comes from.
        assumed: what its beats were taken to be.
        group: songs of one number are so alike that they must stay together; from 0.
    """

    song: Song
    path: Path
    assumed: Assumed
    group: int = -1

    @property
    def with_chords(self) -> bool:
        """Whether it has chords of the player's."""
        return self.song.chords is not None

    @property
    def bars(self) -> int:
        """How many bars it has."""
        return len(self.song.bars)


@dataclass(frozen=True)
class FileReport:
    """What became of one file, and in one line why; its songs; whether they were played in one sitting."""

    path: Path
    verdict: Verdict
    reason: str
    songs: tuple[TakenSong, ...] = ()
    session: bool = False


@dataclass(frozen=True)
class Intake:
    """All files, and what can be learned from them.

    Attributes:
        files: one report a file, in the order in which they were found.
        passed_over: how many files of other kinds there were, by the ends of their names.
        seconds: how long it took.
    """

    files: Sequence[FileReport]
    passed_over: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def songs(self) -> list[TakenSong]:
        """The songs of all files."""
        return [song for report in self.files for song in report.songs]
