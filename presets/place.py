"""Puts folders in their place and takes them away, each whole or not at all, whatever is killed when.

Beside the folder NAME there may be, while it changes or after a kill:

    .gapt-lock              held by the process that changes anything here
    .gapt-new-XXXX/NAME     being written; nothing as yet
    .gapt-next-NAME/NAME    whole: from this rename on it is the folder NAME, whatever else stands in its place
    .gapt-old-XXXX/NAME     given up

Every state is that before a change or that after it, and `tidy` finishes what was begun. No step renames onto
something, which Windows would refuse.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from presets.errors import PresetError
from presets.lock import locked

PREFIX = ".gapt-"
LOCK, NEW, NEXT, OLD = (PREFIX + what for what in ("lock", "new-", "next-", "old-"))

PATIENCE_SECONDS = 60.0
"""How long to wait for another process: writing the largest preset takes a fraction of it."""

logger = logging.getLogger(__name__)


def current(folder: Path) -> Path:
    """Where the content of `folder` stands: beside its place, if that was the last thing that could be done."""
    ready = folder.parent / f"{NEXT}{folder.name}" / folder.name
    return ready if ready.is_dir() else folder


def names(root: Path) -> set[str]:
    """The names of all folders in `root`, where they stand beside their place too; hidden ones are left out."""
    found = {path.name for path in root.iterdir() if path.is_dir()} if root.is_dir() else set()
    return {name.removeprefix(NEXT) for name in found if name.startswith(NEXT) or not name.startswith(".")}


def put(folder: Path, fill: Callable[[Path], None], gives_way: Callable[[Path], bool]) -> None:
    """Let `fill` write the content of `folder`, then put it in its place.

    Args:
        fill: gets a new, empty folder of the same name.
        gives_way: told what is there already, says whether it gives way.

    Raises:
        PresetError: something is there and does not give way, or another process keeps changing what is beside it.
        OSError: the disk refuses, and all is as it was.
    """
    root = folder.parent
    root.mkdir(parents=True, exist_ok=True)
    with _changing(root):
        if folder.exists() and not gives_way(folder):
            raise PresetError(f"{folder} is there already: give another name, or remove it first.")
        workshop = Path(tempfile.mkdtemp(prefix=NEW, dir=root))
        try:
            (workshop / folder.name).mkdir()
            fill(workshop / folder.name)
            ready = workshop.rename(root / f"{NEXT}{folder.name}")
        except BaseException:
            shutil.rmtree(workshop, ignore_errors=True)
            raise
        # It is done; a program on Windows that still has the old one open only keeps it from moving in.
        with contextlib.suppress(OSError):
            _settle(ready)
        _sweep(root)


def take_away(folder: Path) -> None:
    """Remove `folder` and all that is in it.

    Raises:
        PresetError: another process keeps changing what is beside it.
        OSError: it is not there, or the disk refuses, and all is as it was.
    """
    with _changing(folder.parent):
        _discard(folder)
        _sweep(folder.parent)


def tidy(root: Path) -> None:
    """Finish what a killed process began in `root`; where one is at work, or nothing may be written, change nothing."""
    if not root.is_dir() or not any(path.name.startswith(PREFIX) for path in root.iterdir()):
        return
    try:
        with locked(root / LOCK, 0.0):
            _finish(root)
    except OSError as error:
        logger.debug("%s is left as it is: %s", root, error)


@contextlib.contextmanager
def _changing(root: Path) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(locked(root / LOCK, PATIENCE_SECONDS))
        except TimeoutError:
            raise PresetError(f"Another program is changing {root}: wait until it is done, then try again.") from None
        _finish(root)
        yield


def _finish(root: Path) -> None:
    for ready in root.glob(f"{NEXT}*"):
        _settle(ready)
    _sweep(root)


def _settle(ready: Path) -> None:
    name = ready.name.removeprefix(NEXT)
    place = ready.with_name(name)
    if (ready / name).exists():
        if place.exists():
            _discard(place)
        (ready / name).rename(place)
    ready.rmdir()


def _discard(folder: Path) -> None:
    grave = Path(tempfile.mkdtemp(prefix=OLD, dir=folder.parent))
    try:
        folder.rename(grave / folder.name)
    except OSError:
        grave.rmdir()
        raise


def _sweep(root: Path) -> None:
    for prefix in (NEW, OLD):
        for folder in root.glob(f"{prefix}*"):
            shutil.rmtree(folder, ignore_errors=True)
