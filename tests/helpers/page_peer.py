"""A real page's process with its own web clients: alone, and beside a jam that plays by a script."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from live_process import follow
from websockets.exceptions import ConnectionClosed, InvalidMessage
from websockets.sync.client import ClientConnection, connect

from bridge.controls.parameters import PARAMETERS, Value
from bridge.controls.settings import Settings
from bridge.controls.user_file import UserFile
from bridge.live.jam import open_jam
from bridge.live.sender import Sent
from bridge.live.session import Session
from bridge.live.show import Show
from bridge.page.tap import PageChoice, PageTap
from bridge.ports.choice import PortChoice
from bridge.ports.osc.choice import OscChoice
from bridge.timing.clock import MonotonicClock
from plugin_host.scripted import ScriptedAccompanist

PATIENCE = 30.0

Json = dict[str, Any]

NO_PORTS = PortChoice(midi_in=(), midi_out=None, osc=None)
QUICK = Settings(tempo=240.0, window_ms=1.0, entry="free")


class Peer:
    """A page, as far as a network can tell."""

    def __init__(self, port: int, host: str = "127.0.0.1", **options: Any) -> None:
        """Come in.

        Raises:
            InvalidStatus: nobody lets us in.
        """
        options.setdefault("origin", f"http://{host}:{port}")
        self._stack = contextlib.ExitStack()
        coming = connect(f"ws://{host}:{port}/ws", proxy=None, max_size=None, open_timeout=PATIENCE, **options)
        self.socket: ClientConnection = self._stack.enter_context(coming)
        self.hello = self.next("hello")

    def next(self, kind: str | None = None, **fields: object) -> Json:
        """The next message, or the next of that kind and with these fields.

        Raises:
            TimeoutError: it does not come.
            ConnectionClosed: the page's process has gone.
        """
        deadline = time.monotonic() + PATIENCE
        while True:
            message: Json = json.loads(self.socket.recv(max(0.0, deadline - time.monotonic())))
            if kind in (None, message["type"]) and all(message.get(name) == is_ for name, is_ in fields.items()):
                return message

    def until(self, kind: str | None, holds: Callable[[Json], bool]) -> Json:
        """The next message of that kind, or of any, of which something holds."""
        while not holds(message := self.next(kind)):
            pass
        return message

    def ask(self, name: str, value: object = True) -> None:
        """Set a parameter."""
        self.socket.send(json.dumps({"type": "set", "name": name, "value": value}))

    def set(self, name: str, value: object) -> Value:
        """Set a parameter, and wait until everybody is told; the value told."""
        self.ask(name, value)
        told: Value = self.next("parameter", name=name)["value"]
        return told

    def close(self) -> None:
        """Go."""
        self._stack.close()


def kill(page: PageTap) -> None:
    """Let the page's process die at once."""
    os.kill(page.pid, signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)


def again(port: int, host: str = "127.0.0.1", **options: Any) -> Peer:
    """A client that tries until the process is back."""
    while True:
        try:
            return Peer(port, host, **options)
        except (OSError, InvalidMessage, ConnectionClosed):
            continue


def get(port: int, path: str, host: str = "127.0.0.1", **headers: str) -> tuple[int, bytes, dict[str, str]]:
    """Status, content and headers of an answer."""
    request = urllib.request.Request(f"http://{host}:{port}{path}", headers=headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=PATIENCE) as answer:
            return answer.status, answer.read(), {name.lower(): value for name, value in answer.headers.items()}
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(), {name.lower(): value for name, value in error.headers.items()}


def values_of(settings: Settings) -> dict[str, Value]:
    """The value of every parameter that has one."""
    return {name: settings.value(name) for name, line in PARAMETERS.items() if line.kind != "trigger"}


class Told:
    """What the player is told, on whatever thread."""

    def __init__(self) -> None:
        self.sentences: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.pictures: queue.SimpleQueue[str] = queue.SimpleQueue()

    def next(self) -> str:
        """The next sentence."""
        return self.sentences.get(timeout=PATIENCE)


@contextmanager
def open_page(told: Told | None = None, host: str = "127.0.0.1") -> Iterator[PageTap]:
    """A page beside no jam at all."""
    told = told or Told()
    choice = PageChoice(host, 0)
    page = PageTap(MonotonicClock(), choice, values_of(Settings()), told.sentences.put, told.pictures.put)
    try:
        yield page
    finally:
        page.end()


@dataclass
class Jam:
    """A jam that plays, and its page."""

    session: Session
    page: PageTap
    told: Told
    heard: list[str]
    sent: list[Sent] = field(default_factory=list)

    @property
    def port(self) -> int:
        return int(self.page.url.rpartition(":")[2].rstrip("/"))

    @property
    def osc_port(self) -> int:
        (number,) = (name.rpartition(" ")[2] for name in self.heard if name.startswith("OSC"))
        return int(number)

    def chord_after(self, count: int) -> Sent:
        """The chord that follows the first `count`; waits for it.

        Raises:
            TimeoutError: it does not come.
        """
        while len(self.sent) <= count:
            if not self._news.wait(PATIENCE):
                raise TimeoutError(f"no chord after {self.sent[-1:]}")
            self._news.clear()
        return self.sent[count]

    _news: threading.Event = field(default_factory=threading.Event)

    def take(self, sent: Sent) -> None:
        """One more chord has left."""
        self.sent.append(sent)
        self._news.set()


@contextmanager
def open_paged_jam(settings: Settings = QUICK, osc: OscChoice | None = None, take: Path | None = None) -> Iterator[Jam]:
    """A jam that plays on a thread of its own, answered by a script that follows each note with its triad."""
    told = Told()
    page = PageTap(MonotonicClock(), PageChoice(port=0), values_of(settings), told.sentences.put)
    jam: Jam

    def say(sentence: str) -> None:
        told.sentences.put(sentence)
        page.say(sentence)

    show = Show(say, lambda sent: jam.take(sent))
    choice = PortChoice(midi_in=(), midi_out=None, osc=osc)
    accompanist = ScriptedAccompanist(follow)
    with contextlib.ExitStack() as stack:
        stack.callback(page.end)
        user_file = UserFile.load(Path("no such settings"))
        opened = open_jam(settings, choice, lambda: closing(accompanist), show, user_file, take, page)
        session, ports = stack.enter_context(opened)
        jam = Jam(session, page, told, ports.heard)
        ready = threading.Event()
        thread = threading.Thread(target=session.run, args=(ready.set,))
        thread.start()
        stack.callback(thread.join)
        stack.callback(session.stop)
        ready.wait(PATIENCE)
        yield jam


def narrow_socket(port: int) -> socket.socket:
    """A connection that takes little before whoever reads it has to."""
    way = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    way.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    way.connect(("127.0.0.1", port))
    return way
