"""Any file of songs, and whole folders of them: what is used, what is repaired, what is refused and why."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from gapt_core.data.jsonl import read_songs
from gapt_core.data.midi import read_midi
from gapt_core.data.reading import ReadResult
from gapt_core.data.scores import read_abc, read_musicxml
from gapt_core.errors import SongError
from gapt_core.song import Song

READERS = {
    ".mid": "midi",
    ".midi": "midi",
    ".smf": "midi",
    ".kar": "midi",
    ".rmi": "midi",
    ".abc": "abc",
    ".xml": "musicxml",
    ".musicxml": "musicxml",
    ".mxl": "musicxml",
    ".jsonl": "jsonl",
    ".jsonl.gz": "jsonl",
}
"""How a file is read, by the end of its name. A folder's files of other names are passed over."""

REASONS = 3
"""How many repairs of one file are told; a tune book may have many."""

_LOOKS = (
    (b"MThd", "midi"),
    (b"RIFF", "midi"),
    (b"PK", "musicxml"),
    (b"<?xml", "musicxml"),
    (b"X:", "abc"),
    (b"%abc", "abc"),
)


class Verdict(Enum):
    """What became of a file."""

    USED = "used"
    REPAIRED = "repaired"
    REFUSED = "refused"


@dataclass(frozen=True)
class Outcome:
    """What became of one file: its songs, and in one line why it was repaired or refused, or how it was read."""

    path: Path
    verdict: Verdict
    reason: str
    songs: tuple[Song, ...] = ()


def read_song(path: Path, track: str | int | None = None, channel: int | None = None) -> ReadResult:
    """The songs of one file of any kind in `READERS`; a file of another name is judged by its first bytes.

    `track` and `channel` choose the melody of a MIDI file (`gapt_core.data.midi`).

    Raises:
        SongError: the file is of no such kind or holds nothing usable; the sentence names it.
    """
    kind = _kind(path) or _look(path)
    if kind == "midi":
        return read_midi(path, track, channel)
    return _OTHERS[kind](path)


def expand(paths: Iterable[Path]) -> list[Path]:
    """The files among `paths`, and for each folder its files of a known kind (`files_in`)."""
    return [file for path in paths for file in (files_in(path) if path.is_dir() else [path])]


def read_folder(folder: Path) -> list[Outcome]:
    """One outcome for each file of a known kind in `folder` and below it, in the order of their names."""
    return [read_outcome(file) for file in files_in(folder)]


def read_outcome(path: Path) -> Outcome:
    """What becomes of one file; never raises a `SongError`."""
    try:
        result = read_song(path)
    except SongError as error:
        return Outcome(path, Verdict.REFUSED, str(error).removeprefix(f"{path} ").removeprefix(f"{path}, "))
    verdict = Verdict.REPAIRED if result.repairs else Verdict.USED
    reasons = result.repairs or result.remarks
    more = [f"and {len(reasons) - REASONS} more"] if len(reasons) > REASONS else []
    return Outcome(path, verdict, "; ".join([*reasons[:REASONS], *more]), result.songs)


def files_in(folder: Path) -> list[Path]:
    """The files of a known kind in `folder` and below it, hidden ones left out, in the order of their names."""
    found = (path for path in folder.rglob("*") if _kind(path) is not None and path.is_file())
    return sorted(path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts))


def _kind(path: Path) -> str | None:
    name = path.name.lower()
    return next((kind for end, kind in READERS.items() if name.endswith(end)), None)


def _look(path: Path) -> str:
    try:
        with path.open("rb") as file:
            first = file.read(8).lstrip(b"\xef\xbb\xbf")
    except OSError as error:
        raise SongError(f"{path} cannot be read ({error.strerror}); check the name and the permissions.") from error
    for look, kind in _LOOKS:
        if first.startswith(look):
            return kind
    raise SongError(f"{path} is no song that is read here; give a file of {', '.join(READERS)}.")


def _read_jsonl(path: Path) -> ReadResult:
    songs = tuple(read_songs(path))
    if not songs:
        raise SongError(f"{path} holds no songs.")
    return ReadResult(songs, (), (f"{len(songs)} songs",))


_OTHERS: dict[str, Callable[[Path], ReadResult]] = {"abc": read_abc, "musicxml": read_musicxml, "jsonl": _read_jsonl}
