"""The web server: files of the page, MIDI files of the session, and one WebSocket for all else."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket, WebSocketDisconnect

from bridge.page import wire
from bridge.page.asked import Ping, Refusal, read
from bridge.page.audience import Client, Patience, written
from bridge.page.page import Page
from bridge.recording.entries import Entry
from presets.errors import GaptError

STATIC = Path(__file__).parent / "static"
MOST_CLIENTS = 16
MESSAGES_PER_SECOND, MESSAGES_AT_ONCE = 60.0, 120
BARS, MOST_BARS = 16, 1024
FULL = 1013
"""Why a WebSocket is closed: come back later."""

logger = logging.getLogger(__name__)


def routes_of(page: Page) -> Starlette:
    """The application; whoever reaches it was let in by `bridge.page.guard`."""
    site = _Site(page)
    return Starlette(
        routes=[
            Route("/", site.index, methods=["GET"]),
            Route("/bars.mid", site.bars, methods=["GET"]),
            Route("/session.mid", site.session, methods=["GET"]),
            WebSocketRoute("/ws", site.talk),
            Mount("/static", StaticFiles(directory=STATIC, check_dir=False)),
        ]
    )


class _Site:
    def __init__(self, page: Page) -> None:
        self._page = page
        self._making = asyncio.Lock()

    async def index(self, request: Request) -> Response:
        return FileResponse(STATIC / "index.html", media_type="text/html")

    async def bars(self, request: Request) -> Response:
        asked = request.query_params.get("bars", str(BARS))
        if not (asked.isascii() and asked.isdigit() and 1 <= int(asked[:5]) <= MOST_BARS):
            return Response(f"Ask for 1 to {MOST_BARS} bars, as in /bars.mid?bars=16.", 400)
        return _file(await self._made(int(asked)), f"last-{asked}-bars")

    async def session(self, request: Request) -> Response:
        page = self._page
        response = _file(page.session_file if page.ended.is_set() else await self._made(), "session")
        if request.method == "GET":
            response.background = BackgroundTask(page.has_fetched)
        return response

    async def _made(self, bars: int | None = None) -> bytes | None:
        """A MIDI file of what was played so far, one at a time whoever asks."""
        await self._page.ready.wait()
        async with self._making:
            return await asyncio.to_thread(file_of, tuple(self._page.entries), bars)

    async def talk(self, socket: WebSocket) -> None:
        """Tell one page all there is, and pass on what it asks for, until it goes."""
        page = self._page
        await socket.accept()
        if len(page.audience.clients) >= MOST_CLIENTS:
            await socket.close(FULL, "There are too many pages: close another one.")
            return
        await asyncio.to_thread(page.look_for_presets)
        await page.ready.wait()
        client = page.join()
        telling = asyncio.create_task(_tell(socket, client))
        try:
            await self._listen(socket, client)
        except WebSocketDisconnect:
            pass
        finally:
            page.leave(client)
            telling.cancel()
            with contextlib.suppress(asyncio.CancelledError, WebSocketDisconnect, RuntimeError):
                await telling

    async def _listen(self, socket: WebSocket, client: Client) -> None:
        page = self._page
        patience = Patience(asyncio.get_running_loop().time, MESSAGES_PER_SECOND, MESSAGES_AT_ONCE)
        while True:
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            # Whoever floods us is read so slowly that only they notice.
            await asyncio.sleep(patience.wait_seconds())
            asked = read(message.get("text") or "", page.preset_names)
            if isinstance(asked, Ping):
                client.put(written({"type": "pong", "client": asked.client, "seconds": page.seconds}))
            elif isinstance(asked, Refusal):
                client.put(written({"type": "refused", "name": asked.name, "sentence": asked.sentence}))
            else:
                page.ask({wire.SET: asked.name, "value": asked.value})


def file_of(entries: Sequence[Entry], bars: int | None = None) -> bytes | None:
    """The MIDI file of `midi_of`, made on any thread; None, too, where none can be made."""
    # What knows bars brings numba along, which takes longer to import than everything else here.
    from bridge.page.takes import midi_of

    try:
        return midi_of(entries, bars)
    except (GaptError, ValueError):
        logger.exception("no file can be made of what was played")
        return None


def _file(data: bytes | None, name: str) -> Response:
    """A file to keep; nothing (204) where nothing was played."""
    if data is None:
        return Response(status_code=204)
    file = f"gapt-{datetime.now():%Y-%m-%d-%H%M}-{name}.mid"
    return Response(data, media_type="audio/midi", headers={"Content-Disposition": f'attachment; filename="{file}"'})


async def _tell(socket: WebSocket, client: Client) -> None:
    while True:
        await socket.send_text(await client.next())
