"""The files of folders, whatever lies in them: links in circles, folders that may not be opened, unknown kinds."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from gapt_core.data.library import READERS, Verdict
from gapt_core.intake.audio import SUFFIXES
from gapt_core.intake.reports import FileReport

MIDI, ABC, MUSICXML, JSONL, AUDIO = "midi", "abc", "musicxml", "jsonl", "audio"

KINDS = READERS | dict.fromkeys(SUFFIXES, AUDIO)
"""How a file is read, by the end of its name."""

TOLD = {
    ".zip": "is an archive: unpack it first",
    ".7z": "is an archive: unpack it first",
    ".rar": "is an archive: unpack it first",
    ".tar": "is an archive: unpack it first",
    ".tgz": "is an archive: unpack it first",
    ".gz": "is an archive: unpack it first",
    ".part": "is a session that was cut off: the next `gapt jam --record` in its folder makes a MIDI file of it",
    ".m4a": "is sound of a kind that is not read: save it as WAV or FLAC",
    ".aac": "is sound of a kind that is not read: save it as WAV or FLAC",
    ".wma": "is sound of a kind that is not read: save it as WAV or FLAC",
    ".mscz": "is a project of MuseScore: export it as MusicXML",
    ".sib": "is a project of Sibelius: export it as MusicXML",
    ".musx": "is a project of Finale: export it as MusicXML",
    ".als": "is a project of Live: export its MIDI clips",
    ".rpp": "is a project of REAPER: export its MIDI",
}
"""What of other kinds is worth a word, by the end of its name."""

SKIPPED = frozenset({"__MACOSX"})


@dataclass
class Found:
    """Files to read; those that cannot be, with the reason; and how many of no interest, by the ends of their names."""

    files: list[Path] = field(default_factory=list)
    refused: list[FileReport] = field(default_factory=list)
    passed_over: Counter[str] = field(default_factory=Counter)


def kind_of(path: Path) -> str | None:
    """How a file is read, by its name."""
    name = path.name.lower()
    return next((kind for end, kind in KINDS.items() if name.endswith(end)), None)


def find_files(paths: Iterable[Path]) -> Found:
    """Files as named, and all of folders and below but hidden ones, links followed, in the order of their names."""
    found = Found()
    seen: set[tuple[int, int]] = set()
    for path in paths:
        if path.is_dir():
            _walk(path, found, seen)
        elif _is_new(path, seen):
            found.files.append(path)
    return found


def _walk(folder: Path, found: Found, seen: set[tuple[int, int]]) -> None:
    def told(error: OSError) -> None:
        found.refused.append(_refused(Path(error.filename or folder), f"cannot be opened ({error.strerror})"))

    for place, folders, names in os.walk(folder, onerror=told, followlinks=True):
        if not _is_new(Path(place), seen):
            folders.clear()
            continue
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in SKIPPED)
        for name in sorted(names):
            if not name.startswith("."):
                _take(Path(place) / name, found, seen)


def _take(path: Path, found: Found, seen: set[tuple[int, int]]) -> None:
    suffix = path.suffix.lower()
    if kind_of(path) is None:
        if suffix in TOLD:
            found.refused.append(_refused(path, TOLD[suffix]))
        else:
            found.passed_over[suffix or "no ending"] += 1
    elif not path.is_file():
        found.refused.append(_refused(path, "is no file, or a link to nothing"))
    elif _is_new(path, seen):
        found.files.append(path)


def _is_new(path: Path, seen: set[tuple[int, int]]) -> bool:
    """Whether it is met for the first time, by whatever name."""
    try:
        status = path.stat()
    except OSError:
        return True
    here = (status.st_dev, status.st_ino)
    if here in seen and status.st_ino:
        return False
    seen.add(here)
    return True


def _refused(path: Path, reason: str) -> FileReport:
    return FileReport(path, Verdict.REFUSED, reason)
