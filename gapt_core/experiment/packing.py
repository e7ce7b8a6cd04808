"""A folder as bytes, so that runs and their inputs travel between machines that share no disk.

A folder may be packed while a run works in it, and unpacking may be cut short. So files that tell of others come
first and are unpacked last, and logs, which grow, the other way round: whatever a record claims is there.
"""

from __future__ import annotations

import io
import tarfile
from pathlib import Path, PurePosixPath

from gapt_core.errors import TrainingError
from gapt_core.experiment.locks import LOCK
from presets.files import write_atomically

TELLING = ("state.json", "figures.json", "kit.json")
"""Names of files that stand for the wholeness of others, as `gapt_core.evaluate.measured` says of its own."""


def pack(path: Path) -> bytes:
    """The file, or the files of the folder but for locks and what is half written; the same files, the same bytes."""
    files = [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]
    kept = [file for file in files if not file.name.startswith(".") and file.name != LOCK]
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for file in sorted(kept, key=_rank):
            content = file.read_bytes()
            name = file.relative_to(path).as_posix() if path.is_dir() else path.name
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def unpack(packed: bytes, folder: Path) -> None:
    """Write the packed files into `folder`, each whole or not at all.

    Raises:
        TrainingError: a file would stand outside the folder.
    """
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        for member in reversed(archive.getmembers()):
            name, content = PurePosixPath(member.name), archive.extractfile(member)
            if content is None or name.is_absolute() or ".." in name.parts:
                raise TrainingError(f"A packed run holds “{member.name}”, which is no file of it; run it anew.")
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            write_atomically(folder / name, content.read())


def _rank(file: Path) -> tuple[int, str]:
    place = 0 if file.name in TELLING else 2 if file.suffix == ".jsonl" else 1
    return place, file.as_posix()
