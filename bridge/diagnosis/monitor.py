"""Tells in words what comes in, MIDI and OSC, until somebody has seen enough."""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from bridge.diagnosis.words import Listener, known_dialects, osc_words
from bridge.errors import BridgeError
from bridge.live.view_state import printable
from bridge.ports.midi_drivers import Connection, Driver
from bridge.ports.midi_names import VIRTUAL_IN
from bridge.ports.osc.choice import LOOPBACK
from bridge.ports.osc.holder import holder

LOOK_SECONDS = 1.0
"""How often to look for ports that are new or gone."""

MOST_BYTES = 1 << 16
MOST_WAITING = 10_000
"""Lines that may wait for a slow terminal; of more the newest are dropped and counted."""

_WAKE_SECONDS = 0.2

Write = Callable[[str], None]


@dataclass(frozen=True)
class Heard:
    """What came: when by the wall clock and by the monotonic one, from where, and the bytes."""

    when: float
    seconds: float
    source: str
    data: bytes | Sequence[int]


class Monitor:
    """Hears ports and puts what they say into words, a line each, in the order in which it came.

    Threads of drivers only put into a queue; the words are made by `run`.
    """

    def __init__(self, write: Write) -> None:
        """Hear nothing yet; `write` takes a line."""
        self.dropped = 0
        self._write = write
        self._queue: queue.Queue[Heard] = queue.Queue(MOST_WAITING)
        self._listeners: dict[str, Listener] = {}
        self._dialects = known_dialects()
        self._tends: list[Callable[[], None]] = []

    def run(self, seconds: float | None = None) -> None:
        """Tell what comes, for so long, or until interrupted."""
        end = None if seconds is None else time.monotonic() + seconds
        look = 0.0
        while end is None or time.monotonic() < end:
            if time.monotonic() >= look:
                look = time.monotonic() + LOOK_SECONDS
                for tend in self._tends:
                    tend()
            with contextlib.suppress(queue.Empty):
                self._tell(self._queue.get(timeout=_WAKE_SECONDS))
        self._rest()

    @contextlib.contextmanager
    def hears_midi(self, driver: Driver, names: Sequence[str], virtual: bool) -> Iterator[None]:
        """While it lasts: hear the MIDI ports of these names, or every one where there is none, and one of our own."""
        ears = _Ears(driver, names, virtual, self._put, self._say)
        self._tends.append(ears.look)
        try:
            yield
        finally:
            ears.close()

    @contextlib.contextmanager
    def hears_udp(self, port: int) -> Iterator[int]:
        """While it lasts: hear the UDP port `port` (0 lets the system choose), which comes back.

        Raises:
            BridgeError: another program has it.
        """
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        closing = threading.Event()
        with udp:
            try:
                udp.bind((LOOPBACK, port))
            except (OSError, OverflowError) as error:
                who = holder(port) or "another program"
                raise BridgeError(f"UDP port {port} is held by {who}: end it, or listen elsewhere.") from error
            udp.settimeout(_WAKE_SECONDS)
            number: int = udp.getsockname()[1]
            thread = threading.Thread(target=self._receive, args=(udp, number, closing), daemon=True)
            thread.start()
            self._say(f"listens on UDP port {number}")
            try:
                yield number
            finally:
                closing.set()
                thread.join()

    def _receive(self, udp: socket.socket, port: int, closing: threading.Event) -> None:
        while not closing.is_set():
            try:
                data, (host, sender) = udp.recvfrom(MOST_BYTES)
            except OSError:
                continue  # nothing came, or Windows reports that nobody listens where we sent to
            self._put(f"udp {port} from {host}:{sender}", data)

    def _put(self, source: str, data: bytes | Sequence[int]) -> None:
        try:
            self._queue.put_nowait(Heard(time.time(), time.perf_counter(), source, data))
        except queue.Full:
            self.dropped += 1

    def _rest(self) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                self._tell(self._queue.get_nowait())

    def _tell(self, heard: Heard) -> None:
        if isinstance(heard.data, bytes):
            lines = osc_words(heard.data, heard.seconds, self._dialects)
        else:
            lines = self._listeners.setdefault(heard.source, Listener()).lines(heard.data, heard.seconds)
        for line in lines:
            self._line(heard.when, f"{heard.source}: {line}")

    def _say(self, sentence: str) -> None:
        self._line(time.time(), f"({sentence})")

    def _line(self, when: float, text: str) -> None:
        stamp = datetime.fromtimestamp(when).strftime("%H:%M:%S.%f")[:-3]
        self._write(f"{stamp}  {printable(text)}")


class _Ears:
    """The MIDI inputs that are open."""

    def __init__(
        self,
        driver: Driver,
        names: Sequence[str],
        virtual: bool,
        put: Callable[[str, Sequence[int]], None],
        say: Write,
    ) -> None:
        self._driver = driver
        self._names = names
        self._virtual = virtual
        self._put = put
        self._say = say
        self._life = driver.life
        self._open: dict[str, Connection] = {}

    def look(self) -> None:
        """Open ports that are new and give up those that are gone."""
        try:
            there = [name for name in self._driver.inputs() if self._wanted(name)]
        except BridgeError as error:
            self._say(str(error))
            return
        if self._driver.life != self._life:
            self._life = self._driver.life
            for connection in self._open.values():
                connection.abandon()
            self._open.clear()
        for name in [name for name in self._open if name not in (*there, VIRTUAL_IN)]:
            self._open.pop(name).close()
            self._say(f"“{name}” is gone")
        if self._virtual and VIRTUAL_IN not in self._open:
            self._begin(VIRTUAL_IN, True)
        for name in [name for name in there if name not in self._open]:
            self._begin(name, False)

    def close(self) -> None:
        """Release all of them."""
        for connection in self._open.values():
            connection.close()

    def _wanted(self, name: str) -> bool:
        return not self._names or any(wanted.lower() in name.lower() for wanted in self._names)

    def _begin(self, name: str, virtual: bool) -> None:
        try:
            self._open[name] = self._driver.open_input(name, virtual, partial(self._put, name))
        except BridgeError as error:
            self._say(str(error))
        else:
            self._say(f"offers the MIDI port “{name}”" if virtual else f"hears “{name}”")
