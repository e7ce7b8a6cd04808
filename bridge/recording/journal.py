"""The journal of a take: one line of JSON for each message, in the order in which they were sent.

The file `take.mid.part` grows while the session plays. A kill leaves every line but perhaps the last one whole, and the
lock on the file tells a take that is being played from one whose program has died.
"""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import astuple, fields
from io import FileIO
from pathlib import Path
from typing import Any

from bridge.controls.parameters import FASTEST_BPM
from bridge.recording.entries import KINDS, Entry

SUFFIX = ".part"
VERSION = 1
SYNC_SECONDS = 1.0
"""How often what was written is made to reach the disk: a kill loses nothing, a power cut at most so much."""

LONGEST_SECONDS = 86_400.0
SHORTEST_BAR_BEATS = 0.25
FURTHEST_BEATS = LONGEST_SECONDS * 400 / 60
"""What is beyond a day of music is damage: a take of it would fill the memory with bars."""

_LOCK_PLACE = 1 << 30  # far beyond the text, for Windows lets nobody read what is locked


class Journal:
    """A file that only this process writes to. Lines reach the system at once."""

    def __init__(self, path: Path) -> None:
        """Make the file.

        Raises:
            FileExistsError: there is one of that name.
            OSError: it cannot be made there.
        """
        self.path = path
        self._file = FileIO(path, "x+")
        self._synced = time.monotonic()
        try:
            _lock(self._file)
            self._file.write(_line({"gapt take": VERSION}))
        except OSError:
            self.close()
            with contextlib.suppress(OSError):
                path.unlink()
            raise

    def append(self, entry: Entry) -> None:
        """Write a line.

        Raises:
            OSError: the disk is full, or gone.
        """
        line = _line([type(entry.message).__name__, entry.seconds, entry.beats, *astuple(entry.message)])
        if self._file.write(line) != len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if time.monotonic() - self._synced >= SYNC_SECONDS:
            self._synced = time.monotonic()
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Give the file back. Safe to call twice."""
        self._file.close()


def read_journal(path: Path) -> list[Entry]:
    """The entries of a journal; what is torn or makes no sense is left out.

    Raises:
        OSError: it cannot be read.
    """
    lines = path.read_bytes().split(b"\n")[1:]
    entries = [entry for line in lines if (entry := _entry(line)) is not None]
    middle = statistics.median_low([entry.seconds for entry in entries]) if entries else 0.0
    return [entry for entry in entries if abs(entry.seconds - middle) <= LONGEST_SECONDS]


@contextlib.contextmanager
def adopted(path: Path) -> Iterator[bool]:
    """Whether `path` is the journal of a program that has died; while it lasts nobody else can adopt it."""
    try:
        file = FileIO(path, "r+")
    except OSError:
        yield False
        return
    with file:
        yield _is_journal(file) and _try_to_lock(file)


def _is_journal(file: FileIO) -> bool:
    try:
        head = json.loads(file.read(64).split(b"\n")[0])
    except ValueError:
        return False
    return isinstance(head, dict) and head.get("gapt take") == VERSION


def _try_to_lock(file: FileIO) -> bool:
    try:
        _lock(file)
    except OSError:
        return False
    return True


def _lock(file: FileIO) -> None:
    """Hold `file` until it is closed or this process dies.

    Raises:
        OSError: another one holds it.
    """
    if sys.platform == "win32":
        import msvcrt

        place = file.tell()
        file.seek(_LOCK_PLACE)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        finally:
            file.seek(place)
    else:
        import fcntl

        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)


def _line(content: object) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"


def _entry(line: bytes) -> Entry | None:
    try:
        name, seconds, beats, *values = json.loads(line)
        kind = KINDS[name]
        message = kind(*(tuple(value) if isinstance(value, list) else value for value in values))
        known = {field.name: getattr(message, field.name) for field in fields(kind)}
        return Entry(seconds, beats, message) if _makes_sense(seconds, beats, known) else None
    except (ValueError, TypeError, KeyError):
        return None


def _makes_sense(seconds: Any, beats: Any, known: dict[str, Any]) -> bool:
    """Whether every value can be what its name says.

    Raises:
        TypeError: one is of another type altogether.
    """
    times = (seconds, beats, known["due_beats"])
    bytes_ = [known[name] for name in ("pitch", "velocity", "channel") if name in known]
    numerator, denominator = known.get("metre", (4, 4))
    return (
        all(map(math.isfinite, times))
        and max(abs(beats), abs(known["due_beats"])) <= FURTHEST_BEATS
        and all(isinstance(value, int) and 0 <= value <= 127 for value in bytes_)
        and isinstance(known.get("name", ""), str)
        and 1 <= numerator <= 255
        and denominator in (1, 2, 4, 8, 16, 32, 64)
        and 4 * numerator / denominator >= SHORTEST_BAR_BEATS
        and 0 < known.get("bpm", 1.0) <= FASTEST_BPM
    )
