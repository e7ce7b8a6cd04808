"""A player's folder as songs to learn from: each file read, the same music taken once, what is alike put together."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from gapt_core.data.library import Verdict
from gapt_core.intake.patterns import Patterns
from gapt_core.intake.reading import read_file
from gapt_core.intake.reports import FileReport, Intake, IntakeOptions, TakenSong
from gapt_core.intake.similar import SAME, Likeness, groups, likenesses
from gapt_core.intake.split import FEW_SONGS
from gapt_core.intake.walk import find_files
from gapt_core.song import Song

Files = Callable[[Sequence[Path]], Iterable[Path]]

SAME_CHORDS = 0.8
"""The share of chord changes that two songs of the same melody have in common if they are the same music."""


def read_folder(paths: Iterable[Path], options: IntakeOptions | None = None, each: Files = iter) -> Intake:
    """All songs of files and folders; `each` passes files on one by one, and may show how far it has come.

    Raises:
        TrainingError: the options ask for what cannot be done.
    """
    started = time.perf_counter()
    found = find_files(paths)
    patterns = Patterns()
    options = options or IntakeOptions()
    if options.metre:
        patterns.wished(options.metre)
    reports = [read_file(path, options, patterns) for path in each(found.files)]
    files = _put_together([*reports, *found.refused])
    return Intake(files, dict(found.passed_over.most_common()), time.perf_counter() - started)


def _put_together(reports: Sequence[FileReport]) -> list[FileReport]:
    """The reports without music that is there twice, and each song with the number of its group."""
    songs = [song for report in reports for song in report.songs]
    pairs = likenesses([song.song for song in songs])
    numbers = _numbers(reports, len(songs), pairs)
    copies = _copies(songs, pairs)
    alike = _alike(songs, pairs, copies)
    result, first = [], 0
    for report in reports:
        mine = range(first, first + len(report.songs))
        first += len(report.songs)
        kept = tuple(replace(songs[i], group=numbers[i]) for i in mine if i not in copies)
        result.append(_told(replace(report, songs=kept), {i: copies[i] for i in mine if i in copies}, songs, alike))
    return _renumbered(result)


def _numbers(reports: Sequence[FileReport], count: int, pairs: Sequence[Likeness]) -> list[int]:
    """The group of each song: what is alike, and what was played in one sitting unless too few groups would be left."""
    sitting, first = list(pairs), 0
    for report in reports:
        last = first + len(report.songs) - 1
        sitting += [Likeness(i, i + 1, 0.0) for i in range(first, last) if report.session]
        first = last + 1
    numbers = groups(count, sitting)
    return numbers if len(set(numbers)) >= FEW_SONGS else groups(count, pairs)


def _copies(songs: Sequence[TakenSong], pairs: Sequence[Likeness]) -> dict[int, int]:
    """Songs that are left out, and the song that each is the same as: of equals those with chords stay, of these the
    earliest, and all whose chords are others."""
    same: dict[int, list[int]] = {}
    for i, number in enumerate(groups(len(songs), [pair for pair in pairs if pair.jaccard >= SAME])):
        same.setdefault(number, []).append(i)
    copies: dict[int, int] = {}
    for equals in same.values():
        stay: list[int] = []
        for i in sorted(equals, key=lambda i: not songs[i].with_chords):
            twin = next((other for other in stay if _same_chords(songs[i].song, songs[other].song)), None)
            if twin is None:
                stay.append(i)
            else:
                copies[i] = twin
    return copies


def _same_chords(one: Song, other: Song) -> bool:
    """Whether a song has no chords of its own beside another's."""
    return not one.chords or _common_changes(one, other) >= SAME_CHORDS


def _common_changes(one: Song, other: Song) -> float:
    """Jaccard likeness of the chord changes of two songs, in whatever key."""
    changes = [_changes(one), _changes(other)]
    return len(changes[0] & changes[1]) / max(len(changes[0] | changes[1]), 1)


def _changes(song: Song) -> frozenset[tuple[int, str, str]]:
    chords = [event.chord for event in song.chords or () if event.chord]
    steps = pairwise(chords)
    return frozenset(((b.root - a.root) % 12, a.quality, b.quality) for a, b in steps if a != b)


def _alike(songs: Sequence[TakenSong], pairs: Sequence[Likeness], copies: dict[int, int]) -> dict[int, int]:
    """The later of two songs that are alike and in different files, and the earlier."""
    alike: dict[int, int] = {}
    for one, other, _ in pairs:
        if one not in copies and other not in copies and songs[one].path != songs[other].path:
            alike.setdefault(other, one)
    return alike


def _told(report: FileReport, copied: dict[int, int], songs: Sequence[TakenSong], alike: dict[int, int]) -> FileReport:
    """The report with what its songs are the same as, or like."""
    names = list(dict.fromkeys(songs[stays].path.name for stays in copied.values()))
    if copied and not report.songs:
        return replace(report, verdict=Verdict.REFUSED, reason=f"the same music as {names[0]}, which is taken")
    clauses = [report.reason]
    if copied:
        clauses.append(f"{len(copied)} there already ({names[0]})")
    like = [songs[alike[i]].path.name for i in alike if songs[i].path == report.path]
    if like:
        clauses.append(f"like {like[0]}")
    return replace(report, reason="; ".join(clauses))


def _renumbered(reports: Sequence[FileReport]) -> list[FileReport]:
    """Groups numbered from 0 without a gap."""
    numbers: dict[int, int] = {}
    return [
        replace(
            report,
            songs=tuple(replace(song, group=numbers.setdefault(song.group, len(numbers))) for song in report.songs),
        )
        for report in reports
    ]
