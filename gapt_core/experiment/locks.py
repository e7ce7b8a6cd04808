"""A lock on a run's folder that dies with the process that holds it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

LOCK = "lock"


@contextmanager
def locked(folder: Path) -> Iterator[bool]:
    """Whether this process has got the run in `folder`, which it then keeps until the end of the block.

    The system holds the lock and lets go of it when the process ends in whatever way, so none is ever stale.
    The file stays; it says which process was the last to have it.
    """
    with (folder / LOCK).open("ab") as file:
        got = _take(file)
        if got:
            file.truncate(0)
            file.write(f"{os.getpid()}\n".encode())
            file.flush()
        yield got


def owner(folder: Path) -> str:
    """Number of the process that last had the run, or an empty text."""
    try:
        return (folder / LOCK).read_text("ascii").strip()
    except OSError:
        return ""


def _take(file: IO[bytes]) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            # A byte far behind the text: on Windows nobody else could read one that is locked.
            file.seek(1 << 30)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
