"""The jam's side of its page: a process that is started with it, told what left, and started anew when it dies.

The sender only puts what left into a queue. One thread makes lines of that, another reads what the page asks for, and
nobody waits for either.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Union

from bridge.controls.parameters import PARAMETERS, Value
from bridge.errors import BridgeError
from bridge.events import ClockOut, OutMessage, ParameterChanged, PlanShown, Set
from bridge.page import wire
from bridge.page.backlog import Backlog
from bridge.page.child import PageLost, PageProcess
from bridge.page.gate import is_loopback
from bridge.seams import Clock, Inbox

LOOPBACK = "127.0.0.1"
EVERYWHERE = ("0.0.0.0", "::")
START_SECONDS = 20.0
"""How long the process may take to serve; it needs half of one, unless the machine is very busy."""
READ_SECONDS = 0.25
BEHIND_SECONDS = 0.05
MOST_AHEAD_BYTES = 1 << 16
"""How much the process may have left unread before it is told more."""
END_SECONDS = 8.0
"""How long the end may take: the process makes a file of the session, and gives pages some seconds to fetch it."""
SETTLED_SECONDS = 5.0
LONGEST_DELAY_SECONDS = 30.0

Tell = Callable[[str], None]
"""Takes a sentence for the player, on any thread."""

_Sent = tuple[OutMessage, float, float]
_Item = Union[_Sent, tuple[str, Any], None]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PageChoice:
    """Where to serve: the address to listen on, 0.0.0.0 for all, and the TCP port, 0 for any.

    `opens` is whether to open a browser; None where there is a screen, and somebody at a terminal.
    """

    host: str = LOOPBACK
    port: int = 9180
    opens: bool | None = False

    @property
    def url_host(self) -> str:
        """The host as this computer writes it in a URL."""
        host = LOOPBACK if self.host in EVERYWHERE else self.host
        return f"[{host}]" if ":" in host else host

    @property
    def by_link_only(self) -> bool:
        """Whether this computer, too, needs a link: it is reached by none of the addresses that are its alone."""
        return self.host not in EVERYWHERE and not is_loopback(self.host)


class PageTap:
    """Tells the page what left, and is an `InPort` for what is set there.

    `send`, `say` and `record` return at once and are for any thread.

    Attributes:
        tell: gets sentences for the player.
        invite: gets a picture of a link, in lines of text; None where there is no place for it.
        restarts: how often the process was started anew.
    """

    name = "page"

    def __init__(
        self, clock: Clock, choice: PageChoice, values: Mapping[str, Value], tell: Tell, invite: Tell | None = None
    ) -> None:
        """Serve; `values` are those of all parameters, as the session begins.

        Raises:
            BridgeError: the port cannot be had, or the system gives no process.
        """
        self.tell, self.invite = tell, invite
        self.restarts = 0
        self._clock, self._choice = clock, choice
        self._setup = {
            "host": choice.host,
            "port": choice.port,
            "key": secrets.token_hex(32),
            "spent": 0,
            "again": False,
            "session": secrets.token_hex(4),
            "values": dict(values),
        }
        self._inbox: Inbox | None = None
        self._queue: queue.SimpleQueue[_Item] = queue.SimpleQueue()
        self._queue.put(None)  # which wakes the thread that writes: there is a process that knows nothing
        self._backlog = Backlog()
        self._served: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._done = threading.Event()
        self._refused = False
        self._link = ""
        self._closing = threading.Event()
        self._process = PageProcess(self._setup)
        runs = (("page out", self._write), ("page in", self._read))
        self._threads = [threading.Thread(target=run, name=name, daemon=True) for name, run in runs]
        for thread in self._threads:
            thread.start()
        failure = self._wait_served()
        if failure:
            self._done.set()
            self.end()
            raise BridgeError(failure)

    @property
    def url(self) -> str:
        """Where this computer finds the page."""
        if self._choice.by_link_only:
            return self._link
        return f"http://{self._choice.url_host}:{self._setup['port']}/"

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def send(self, message: OutMessage, seconds: float, beats: float) -> None:
        """Tell what left at `seconds` when the music stood at `beats`; never blocks."""
        self._queue.put((message, seconds, beats))

    def say(self, sentence: str) -> None:
        """Show a sentence."""
        self._queue.put((wire.SAID, sentence))

    def record(self, target: Path | None) -> None:
        """Show to which file is recorded, or that nothing is."""
        self._queue.put((wire.RECORDING, target and target.name))

    def start(self, inbox: Inbox) -> None:
        """Let the page set what it shows."""
        self._inbox = inbox

    def close(self) -> None:
        """Take no more settings. Safe to call twice; `end` takes the page away."""
        self._inbox = None

    def end(self) -> None:
        """Show that it is over, give pages time to fetch the session, and end the process. Safe to call twice."""
        self.close()
        if not self._closing.is_set():
            self._queue.put((wire.END, None))
            self._done.wait(END_SECONDS)
            self._closing.set()
            self._queue.put(None)
            self._process.finish()
            for thread in self._threads:
                thread.join(END_SECONDS)

    def _wait_served(self) -> str:
        """Wait for the process to serve; why it does not, or nothing."""
        try:
            return self._served.get(timeout=START_SECONDS)
        except queue.Empty:
            return f"The page was not there within {START_SECONDS:.0f} seconds: close other programs and try again."

    # --- the thread that writes

    def _write(self) -> None:
        behind = ready = False
        told: PageProcess | None = None
        while not self._closing.is_set():
            self._take(BEHIND_SECONDS if behind else None)
            process = self._process
            if process is not told:
                told, behind, ready = process, False, False
                self._backlog.rewind()
            with contextlib.suppress(PageLost):
                behind = self._catch_up(process)
                if not (behind or ready):
                    process.send(wire.line([wire.READY]))
                    ready = True

    def _take(self, seconds: float | None) -> None:
        """Keep all there is, after waiting for it at most so long."""
        with contextlib.suppress(queue.Empty):
            item = self._queue.get(timeout=seconds)
            while True:
                if item is not None:
                    try:
                        self._keep(item)
                    except ValueError as error:
                        logger.debug("not shown: %s", error)
                item = self._queue.get_nowait()

    def _keep(self, item: _Sent | tuple[str, Any]) -> None:
        what = item[0]
        if isinstance(what, str):
            line = wire.line(item)
            if what == wire.SAID:
                self._backlog.play(line)
            else:
                self._backlog.show(what, line)
        elif isinstance(what, ParameterChanged):
            self._backlog.show(what.name, wire.encode(*item))
        elif isinstance(what, PlanShown):
            self._backlog.show(wire.PLAN, wire.encode(*item))
        elif not isinstance(what, ClockOut):
            self._backlog.play(wire.encode(*item))

    def _catch_up(self, process: PageProcess) -> bool:
        """Tell what is to be told, as far as there is room; whether some is left.

        Raises:
            PageLost: the process is gone.
        """
        if process.unsent > MOST_AHEAD_BYTES:
            return True
        for line in self._backlog.lines():
            process.send(line)
            if process.unsent > MOST_AHEAD_BYTES:
                return True
        return False

    # --- the thread that reads

    def _read(self) -> None:
        delay = 0.0
        while not self._closing.is_set():
            try:
                for said in self._process.receive(READ_SECONDS):
                    self._hear(said)
            except PageLost as error:
                if self._closing.is_set() or self._refused:
                    return
                lived = time.monotonic() - self._process.born
                delay = 0.0 if lived > SETTLED_SECONDS else min(LONGEST_DELAY_SECONDS, 2 * delay + 0.5)
                self._begin_anew(error, delay)

    def _begin_anew(self, error: PageLost, delay: float) -> None:
        """Start the process again after `delay` seconds, on the same port, with the same secrets."""
        logger.warning("%s It will be started anew.", error)
        self._process.kill()
        self._setup["again"] = True
        while not self._closing.wait(delay):
            try:
                self._process = PageProcess(self._setup)
            except BridgeError as failure:
                logger.warning("%s", failure)
                delay = LONGEST_DELAY_SECONDS
                continue
            self.restarts += 1
            self._queue.put(None)
            return

    def _hear(self, said: dict[str, Any]) -> None:
        if wire.SET in said:
            self._set(str(said[wire.SET]), said["value"])
        elif wire.LISTENING in said:
            self._setup["port"] = said[wire.LISTENING]
            self._served.put("")
        elif wire.FAILED in said:
            self._refused = not self._setup["again"]
            self._served.put(said[wire.FAILED])
        elif wire.INVITE in said:
            self._link = said[wire.INVITE]
            self._invite(self._link, said["picture"])
        elif wire.SPENT in said:
            self._setup["spent"] = said[wire.SPENT]
        elif wire.DONE in said:
            self._done.set()

    def _invite(self, link: str, picture: str) -> None:
        invite = self.invite
        # A terminal may be gone, or have no letters to draw with.
        with contextlib.suppress(OSError, UnicodeError):
            self.tell(f"Another device may open {link}")
            if invite is not None:
                invite(picture)

    def _set(self, name: str, value: Value) -> None:
        inbox = self._inbox
        if inbox is not None and name in PARAMETERS:
            inbox(Set(self._clock.now(), name, value))
