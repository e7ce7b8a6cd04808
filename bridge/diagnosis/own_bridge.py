"""A bridge of our own for as long as a test lasts, on a thread of its own."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bridge.controls.settings import Settings
from bridge.controls.user_file import UserFile, default_path
from bridge.errors import BridgeError
from bridge.live.jam import Hire, open_jam
from bridge.live.session import Session
from bridge.live.show import Show
from bridge.ports.choice import PortChoice
from bridge.ports.osc.choice import Endpoint
from bridge.ports.osc.server import OscServer


@dataclass(frozen=True, slots=True)
class OwnBridge:
    """A bridge that plays.

    Attributes:
        port: the UDP port that it hears.
        clients: who gets what goes out.
    """

    port: int
    clients: Callable[[], list[Endpoint]]


@contextlib.contextmanager
def own_bridge(settings: Settings, choice: PortChoice, hire: Hire) -> Iterator[OwnBridge]:
    """A bridge with these ports, OSC among them; without the user's settings file.

    Raises:
        GaptError: a port cannot be had, or the accompanist cannot start.
    """
    show = Show(lambda sentence: None, lambda chord: None)
    with open_jam(settings, choice, hire, show, UserFile(default_path())) as (session, ports):
        server = next(port for port in ports.ways_in if isinstance(port, OscServer))
        news: queue.SimpleQueue[BridgeError | None] = queue.SimpleQueue()
        thread = threading.Thread(target=_run, args=(session, news), name="own bridge", daemon=True)
        thread.start()
        try:
            failure = news.get()
            if failure is not None:
                raise failure
            yield OwnBridge(server.port, lambda: server.subscribers)
        finally:
            session.stop()
            thread.join()


def _run(session: Session, news: queue.SimpleQueue[BridgeError | None]) -> None:
    """Play; None is news once it does, else why it cannot."""
    try:
        session.run(lambda: news.put(None))
    except BridgeError as error:
        news.put(error)
