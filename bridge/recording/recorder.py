"""Records a session into a MIDI file, whatever ends it: `gapt jam --record take.mid`."""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Union

from bridge.errors import BridgeError
from bridge.events import OutMessage
from bridge.recording.entries import Selection
from bridge.recording.journal import SUFFIX, Journal, adopted, read_journal
from bridge.recording.take import take_of
from gapt_core.data.duet import write_duet
from gapt_core.errors import SongError

PATIENCE_SECONDS = 5.0
"""How long a disk may take over the last lines before we leave what there is to the next start."""

MOST_NAMES = 10_000

Tell = Callable[[str], None]
"""Takes a sentence for the player, on any thread."""

_Sent = tuple[OutMessage, float, float]

logger = logging.getLogger(__name__)


class Recorder:
    """Takes what is sent and keeps it in a journal, from which `close` makes the MIDI file.

    `send` belongs to the sender's thread, everything else to the one that made the recorder. A disk that is full ends
    the recording with a sentence; the music knows nothing of it.
    """

    def __init__(self, journal: Journal, target: Path, tell: Tell) -> None:
        """Write into `journal`; the take goes to `target`, or beside it where that exists by then."""
        self.target = target
        self.broken = False
        """Whether it has stopped, for the disk takes no more."""
        self._journal = journal
        self._tell = tell
        self._selection = Selection()
        self._queue: queue.SimpleQueue[Union[_Sent, None]] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._closed = False
        self._thread.start()

    def send(self, message: OutMessage, seconds: float, beats: float) -> None:
        """Keep `message`, sent at `seconds` of the session's clock when the music stood at `beats`; never blocks."""
        self._queue.put((message, seconds, beats))

    def close(self) -> None:
        """Write the take and say where it is. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        self._queue.put(None)
        self._thread.join(PATIENCE_SECONDS)
        if self._thread.is_alive():
            self._tell(f"The disk does not answer: what was played is in {self._journal.path}.")
            return
        try:
            written = _finished(self._journal.path, self.target)
        except (SongError, OSError) as error:
            self._tell(
                f"The take is not written yet ({_reason(error)}): make room and record there again, "
                f"and it is made from {self._journal.path}."
            )
        else:
            self._tell(f"The take is in {written}." if written else "No note was played, so there is no take.")
            _remove(self._journal)
        finally:
            self._journal.close()

    def _run(self) -> None:
        try:
            while (sent := self._queue.get()) is not None:
                entry = self._selection.entry(*sent)
                if entry is not None:
                    self._journal.append(entry)
        except OSError as error:
            self.broken = True
            logger.debug("the recording ends", exc_info=True)
            self._tell(f"The recording has stopped ({_reason(error)}); the music goes on.")


@contextlib.contextmanager
def open_recorder(target: Path, tell: Tell) -> Iterator[Recorder]:
    """A recorder as `begin_recorder` makes it; on the way out the take is written.

    Raises:
        BridgeError: nothing can be written there.
    """
    with contextlib.closing(begin_recorder(target, tell)) as recorder:
        yield recorder


def begin_recorder(target: Path, tell: Tell) -> Recorder:
    """A recorder for the MIDI file `target`; finishes first what a program that died has left beside it.

    A file that exists is never written over: the take of `take.mid` is then called `take-2.mid`.

    Args:
        tell: told in a sentence what was recovered, another name, a full disk, and where the take is.

    Raises:
        BridgeError: nothing can be written there.
    """
    recover(target.parent, tell)
    recorder = Recorder(*_begun(target), tell)
    if recorder.target != target:
        tell(f"{target} exists already: this take will be {recorder.target}.")
    return recorder


def recover(folder: Path, tell: Tell) -> None:
    """Finish every take in `folder` whose program has died."""
    for path in sorted(folder.glob(f"*{SUFFIX}")) if folder.is_dir() else ():
        with adopted(path) as ours:
            if not ours:
                continue
            try:
                _recover(path, tell)
            except (SongError, OSError) as error:
                tell(f"The take in {path} is not recovered yet ({_reason(error)}): make room and record there again.")
                continue
        path.unlink(missing_ok=True)


def _recover(path: Path, tell: Tell) -> None:
    when = datetime.fromtimestamp(path.stat().st_mtime)
    target = path.with_suffix("")
    written = _finished(path, target.with_name(f"{target.stem}-recovered{target.suffix}"))
    if written:
        tell(f"The take that broke off on {when:%d %B at %H:%M} is in {written}.")


def _finished(journal: Path, target: Path) -> Path | None:
    """Write the take of `journal` to `target` or the next free name, which comes back; None where nothing was played.

    Raises:
        SongError: it cannot be written.
        OSError: the journal cannot be read, or no file made.
    """
    duet = take_of(read_journal(journal), target.stem)
    if duet is None:
        return None
    path = _claimed(target)
    try:
        write_duet(path, duet)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path


def _begun(target: Path) -> tuple[Journal, Path]:
    """A journal for `target` or the next name that is neither taken nor being recorded.

    Raises:
        BridgeError: there can be none in that folder.
    """
    if target.is_dir():
        raise BridgeError(f"{target} is a folder; name a file in it with --record.")
    if not target.parent.is_dir():
        raise BridgeError(f"There is no folder {target.parent}; make it first, or name another file with --record.")
    for path in names(target):
        if path.exists():
            continue
        try:
            return Journal(path.with_name(path.name + SUFFIX)), path
        except FileExistsError:
            continue
        except OSError as error:
            raise BridgeError(
                f"Nothing can be recorded to {target} ({_reason(error)}); name a file elsewhere with --record."
            ) from error
    raise AssertionError("there is always another name")


def _claimed(target: Path) -> Path:
    """Make an empty file of a free name, so that nobody's file is written over.

    Raises:
        OSError: no file can be made there.
    """
    for path in names(target):
        try:
            path.touch(exist_ok=False)
        except FileExistsError:
            continue
        return path
    raise AssertionError("there is always another name")


def names(target: Path) -> Iterator[Path]:
    """`take.mid`, `take-2.mid`, `take-3.mid` and so on."""
    yield target
    for number in range(2, MOST_NAMES):
        yield target.with_name(f"{target.stem}-{number}{target.suffix}")


def _reason(error: Exception) -> str:
    cause = error.__cause__ if isinstance(error, SongError) else error
    return (isinstance(cause, OSError) and cause.strerror) or str(error)


def _remove(journal: Journal) -> None:
    journal.close()
    journal.path.unlink(missing_ok=True)
