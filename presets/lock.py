"""A lock for one process at a time: it goes with its process, however that ends, and leaves no file behind.

filelock, the usual choice, leaves its file in folders that are the user's, or removes it, as its version has it; and
where both it and its caller remove it, two processes can hold the lock.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

POLL_SECONDS = 0.02
NO_LOCKS = frozenset({errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK})
"""What file systems say that know no locks, such as some of networks."""

logger = logging.getLogger(__name__)


@contextlib.contextmanager
def locked(path: Path, patience_seconds: float) -> Iterator[None]:
    """Hold the lock whose file is `path`, made for the purpose and removed afterwards.

    Raises:
        TimeoutError: another process held it all the while.
        OSError: the file cannot be made.
    """
    deadline = time.monotonic() + patience_seconds
    while (file := _tried(path)) is None:
        if time.monotonic() >= deadline:
            raise TimeoutError(errno.ETIMEDOUT, "another process holds the lock", str(path))
        time.sleep(POLL_SECONDS)
    try:
        yield
    finally:
        _release(path, file)


def _tried(path: Path) -> int | None:
    """The open file, if it could be locked, and is still the one that others find there."""
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if _lock(file) and os.path.samestat(os.fstat(file), path.stat()):
            return file
    except FileNotFoundError:
        pass  # whoever held it has removed it
    except BaseException:
        os.close(file)
        raise
    os.close(file)
    return None


if sys.platform == "win32":
    import msvcrt

    def _lock(file: int) -> bool:
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True

    def _release(path: Path, file: int) -> None:
        os.close(file)
        # What another process has opened by now Windows does not remove.
        with contextlib.suppress(OSError):
            path.unlink()

else:
    import fcntl

    def _lock(file: int) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise
            logger.debug("there are no locks here, so nothing keeps two processes apart: %s", error)
        return True

    def _release(path: Path, file: int) -> None:
        # Removed while it is held: who waits for it sees that it is gone, and makes a new one.
        with contextlib.suppress(OSError):
            path.unlink()
        os.close(file)
