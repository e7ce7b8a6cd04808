"""Begins and ends takes while the music plays, as the parameter `recording` says."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Union

from bridge.errors import BridgeError
from bridge.events import OutMessage, ParameterChanged
from bridge.recording.entries import Selection
from bridge.recording.moment import Moment
from bridge.recording.recorder import PATIENCE_SECONDS, Recorder, Tell, begin_recorder

PARAMETER = "recording"

_Sent = tuple[OutMessage, float, float]


@dataclass(frozen=True, slots=True)
class Told:
    """Whom the switch tells, on its own thread.

    Attributes:
        tell: sentences for the player.
        off: that the parameter has to be off, for there is no recording.
        file: the file that is recorded to from now on; None for none.
    """

    tell: Tell
    off: Callable[[], None] = lambda: None
    file: Callable[[Path | None], None] = lambda path: None


class RecordingSwitch:
    """A tap: `send` belongs to the sender's thread and only hands on. Takes begin and end on a thread of its own."""

    def __init__(self, target: Path | None, on: bool, told: Told) -> None:
        """Wait, or record at once where `on`.

        Args:
            target: the file of the first take, which further ones are numbered after; None names each by its time.

        Raises:
            BridgeError: nothing can be recorded there.
        """
        self._target, self._told = target, told
        self._selection, self._moment = Selection(), Moment()
        self._queue: queue.SimpleQueue[Union[_Sent, None]] = queue.SimpleQueue()
        self._recorder = self._begun() if on else None
        self._thread = threading.Thread(target=self._run, name="recording", daemon=True)
        self._thread.start()

    def send(self, message: OutMessage, seconds: float, beats: float) -> None:
        """Keep `message` while it records, sent at `seconds` when the music stood at `beats`; never blocks."""
        self._queue.put((message, seconds, beats))

    def close(self) -> None:
        """End the take, which is written then. Safe to call twice."""
        self._queue.put(None)
        self._thread.join(2 * PATIENCE_SECONDS)

    def _run(self) -> None:
        while (sent := self._queue.get()) is not None:
            self._take(sent)
        self._end()

    def _take(self, sent: _Sent) -> None:
        message = sent[0]
        entry = self._selection.entry(*sent)
        if entry is not None:
            self._moment.take(entry.message)
        if isinstance(message, ParameterChanged) and message.name == PARAMETER:
            self._turn(bool(message.value), sent)
        elif self._recorder is not None:
            self._recorder.send(*sent)
            if self._recorder.broken:
                self._end()

    def _turn(self, on: bool, sent: _Sent) -> None:
        if not on:
            self._end()
        elif self._recorder is None:
            _, seconds, beats = sent
            try:
                self._recorder = self._begun()
            except BridgeError as error:
                self._told.tell(str(error))
                self._told.off()
                return
            for message in self._moment.messages(beats):
                self._recorder.send(message, seconds, beats)

    def _begun(self) -> Recorder:
        recorder = begin_recorder(self._target or Path(f"gapt-{datetime.now():%Y-%m-%d-%H%M}.mid"), self._told.tell)
        self._told.file(recorder.target)
        return recorder

    def _end(self) -> None:
        recorder, self._recorder = self._recorder, None
        if recorder is not None:
            recorder.close()
            self._told.file(None)
            if recorder.broken:
                self._told.off()


@contextlib.contextmanager
def open_switch(target: Path | None, on: bool, told: Told) -> Iterator[RecordingSwitch]:
    """A switch; what it records is written on the way out.

    Raises:
        BridgeError: it is to record at once, and nothing can be recorded there.
    """
    with contextlib.closing(RecordingSwitch(target, on, told)) as switch:
        yield switch
