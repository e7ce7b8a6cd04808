"""The page's process: serves until the jam is over or gone. Started by `bridge.page.child`."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import importlib
import io
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import segno
import uvicorn

from bridge.page import wire
from bridge.page.gate import Gate
from bridge.page.guard import Guard
from bridge.page.page import Page
from bridge.page.picture import Json, Picture
from bridge.page.server import file_of, routes_of
from plugin_host.spawn import inherited_wire

NICENESS = 5
"""After the music, and after the programs that make it sound."""

MOST_MESSAGE_BYTES = 4096
ALIVE_SECONDS = 1.0
FAREWELL_SECONDS = 3.0
"""How long pages may take to fetch the session once it is over."""
REBIND_SECONDS = 4.0
"""How long the port may still belong to the process that died before."""
SHUTDOWN_SECONDS = 1

Ask = Callable[[Json], None]


def main(arguments: list[str]) -> int:
    """Serve one session until it ends; the exit code.

    Args:
        arguments: the wire's number.
    """
    _step_back()
    with inherited_wire(arguments[-1]) as way:
        way.setblocking(False)
        asyncio.run(_serve(way))
    return 0


def _step_back() -> None:
    """Let other programs come before this process."""
    if sys.platform == "win32":
        import ctypes

        kernel = ctypes.windll.kernel32
        kernel.SetPriorityClass(kernel.GetCurrentProcess(), subprocess.BELOW_NORMAL_PRIORITY_CLASS)
    else:
        os.nice(NICENESS)


async def _serve(way: socket.socket) -> None:
    reader, writer = await asyncio.open_connection(sock=way, limit=wire.MOST_LINE_BYTES)

    def ask(wanted: Json) -> None:
        writer.write(wire.line(wanted))

    setup = json.loads(await reader.readline())[1]
    try:
        patience = REBIND_SECONDS if setup["again"] else 0.0
        listening = await asyncio.to_thread(_listening, setup["host"], setup["port"], patience)
    except OSError as error:
        ask({wire.FAILED: refusal(setup, error)})
    else:
        await _play(setup, listening, reader, ask)
    with contextlib.suppress(ConnectionError):
        await writer.drain()


async def _play(setup: Json, listening: socket.socket, reader: asyncio.StreamReader, ask: Ask) -> None:
    """Serve on the socket `listening` until the session is over, or the system wants this process to end."""
    port = listening.getsockname()[1]
    gate = Gate(setup["host"], port, setup["key"], setup["spent"])
    page = Page(Picture(setup["values"], setup["session"], version("gapt-bridge")), ask)

    def invite() -> None:
        ask({wire.SPENT: gate.spent})
        if gate.remote:
            ask({wire.INVITE: gate.link, "picture": _picture(gate.link)})

    server = uvicorn.Server(_config(Guard(routes_of(page), gate, invite)))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    alive = asyncio.create_task(_say_alive(ask))
    invite()
    ask({wire.LISTENING: port})
    # Needed when somebody downloads what was played, at the very end at the latest.
    warm = asyncio.create_task(asyncio.to_thread(importlib.import_module, "bridge.page.takes"))
    following = asyncio.create_task(_follow(reader, page))
    await asyncio.wait({serving, following}, return_when=asyncio.FIRST_COMPLETED)
    if following.done():
        await _end(page)
        ask({wire.DONE: True})
    server.should_exit = True
    await asyncio.wait({serving, warm})
    following.cancel()
    alive.cancel()


async def _end(page: Page) -> None:
    """Say to all that it is over, and wait until they have fetched the session, for some seconds."""
    if page.audience.clients:
        page.session_file = await asyncio.to_thread(file_of, tuple(page.entries))
    page.end()
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(page.fetched.wait(), FAREWELL_SECONDS)


async def _follow(reader: asyncio.StreamReader, page: Page) -> None:
    """Take what the jam says until it is over, or the jam is gone."""
    with contextlib.suppress(ConnectionError):
        while line := await reader.readline():
            content = json.loads(line)
            if content[0] == wire.END:
                return
            page.take(content)


async def _say_alive(ask: Ask) -> None:
    while True:
        ask({wire.ALIVE: True})
        await asyncio.sleep(ALIVE_SECONDS)


def _config(app: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        loop="asyncio",
        http="h11",
        ws="websockets-sansio",
        ws_max_size=MOST_MESSAGE_BYTES,
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        log_level="critical",  # whoever sends us rubbish is not to fill a disk
        access_log=False,
        # Who a client is tells the connection alone, never a header that anybody can write.
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )


def _listening(host: str, port: int, patience: float) -> socket.socket:
    """A socket that listens there.

    Raises:
        OSError: it cannot be had, within `patience` seconds.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    deadline = time.monotonic() + patience
    while True:
        try:
            both = host == "::" and socket.has_dualstack_ipv6()
            return socket.create_server((host, port), family=family, dualstack_ipv6=both)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def refusal(setup: Json, error: OSError) -> str:
    """Why there is no page where `setup` wants it, and the way out."""
    if error.errno == errno.EADDRINUSE:
        return (
            f"The page cannot have TCP port {setup['port']}: another program listens there, perhaps another jam; "
            "end it, or choose a port with --page-port."
        )
    if error.errno == errno.EACCES:
        return f"The page may not have TCP port {setup['port']}: choose another with --page-port, such as 9180."
    host = setup["host"]
    why = (error.strerror or str(error)).partition(" (")[0]  # what follows there are Python's own words
    return f"The page cannot listen on {host} ({why}): give --page-host an address of this computer."


def _picture(link: str) -> str:
    """A QR code of `link` in letters."""
    text = io.StringIO()
    segno.make(link, error="l", micro=False).terminal(out=text, compact=True)
    return text.getvalue()
