"""What the page's process knows, and whom it tells: between the jam on one side and those who look on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from bridge.page import wire
from bridge.page.audience import Audience, Client
from bridge.page.picture import Json, Picture
from bridge.recording.entries import Entry, Selection
from bridge.timing.clock import MonotonicClock
from presets.store import Store


class Page:
    """Belongs to one event loop.

    Attributes:
        entries: all that was played, for the files.
        session_file: the MIDI file of all that was played, once that is over.
        ready: set once all that was before this process is known.
        presets: those installed, as `hello` lists them; `look_for_presets` sees what has changed.
        fetched: told whenever somebody has fetched the session after its end.
    """

    def __init__(self, picture: Picture, ask: Callable[[Json], None]) -> None:
        """Know nothing yet; `ask` passes on to the jam what a page wants."""
        self.audience = Audience()
        self.entries: list[Entry] = []
        self.session_file: bytes | None = None
        self.ready = asyncio.Event()
        self.ended = asyncio.Event()
        self.fetched = asyncio.Event()
        self.presets: list[Json] = []
        self._ask = ask
        # The clocks of two processes of one machine are the same on the systems that there are.
        self._clock = MonotonicClock()
        self._picture = picture
        self._selection = Selection()
        self._fetches = 0

    @property
    def seconds(self) -> float:
        """The session's clock."""
        return self._clock.now()

    @property
    def preset_names(self) -> list[str]:
        """Presets that can be chosen: those installed, and the one that plays."""
        return [*(preset["name"] for preset in self.presets), str(self._picture.values["preset"])]

    def take(self, content: list[Any]) -> None:
        """Take a line of the jam's."""
        name = content[0]
        if name in wire.KINDS:
            self._show(*wire.decode(content))
        elif name == wire.SAID:
            self.audience.tell(self._picture.say(content[1]))
        elif name == wire.RECORDING:
            self.audience.tell(self._picture.record(content[1]))
        elif name == wire.READY:
            self.ready.set()

    def join(self) -> Client:
        """One more who looks on, and is told everything first."""
        client = Client(lambda: self._picture.hello(self.seconds, self.presets))
        self.audience.clients.add(client)
        return client

    def leave(self, client: Client) -> None:
        """They look no more."""
        self.audience.clients.discard(client)
        self._count()

    def ask(self, wanted: Json) -> None:
        """Pass on what a page wants."""
        self._ask(wanted)

    def end(self) -> None:
        """The session is over: say so to all, who may fetch it now."""
        self.ended.set()
        self.audience.tell({"type": "ended"})
        self._count()

    def has_fetched(self) -> None:
        """Somebody has fetched the whole session."""
        if self.ended.is_set():
            self._fetches += 1
            self._count()

    def look_for_presets(self) -> None:
        """Read which presets are installed now; it takes a while and may be done on any thread."""
        self.presets = [
            {"name": preset.manifest.name, "description": preset.manifest.description}
            for preset in Store.default().all()
        ]

    def _show(self, message: Any, seconds: float, beats: float) -> None:
        entry = self._selection.entry(message, seconds, beats)
        if entry is not None:
            self.entries.append(entry)
        news = self._picture.take(message, seconds, beats)
        if news is not None:
            self.audience.tell(news)

    def _count(self) -> None:
        if self.ended.is_set() and self._fetches >= len(self.audience.clients):
            self.fetched.set()
