"""Answers OSCQuery over HTTP, from one daemon thread that has one request at a time and no part in the music."""

from __future__ import annotations

import json
import logging
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from bridge.ports.osc.choice import Guests
from bridge.ports.osc.query import HostInfo, Snapshot, answer

REQUEST_SECONDS = 2.0
"""After which a client that dawdles is left, so that the next one is heard."""

_WAKE_SECONDS = 0.2

logger = logging.getLogger(__name__)


class QueryServer:
    """Serves from its making to `close`."""

    def __init__(self, address: tuple[str, int], snapshot: Snapshot, osc: HostInfo, guests: Guests) -> None:
        """Listen on the TCP port of `address`; 0 lets the system choose.

        Raises:
            OSError: the port cannot be had.
        """
        self._server = _Server(address, _Handler)
        self._server.snapshot, self._server.osc, self._server.guests = snapshot, osc, guests
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_WAKE_SECONDS,), name="osc query", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Release the port. Safe to call twice."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()


class _Server(HTTPServer):
    # Where an earlier session's connections linger, the port may be had again.
    allow_reuse_address = True
    snapshot: Snapshot
    osc: HostInfo
    guests: Guests

    def server_bind(self) -> None:
        """Bind without asking the network for our own name, which can take seconds."""
        super(HTTPServer, self).server_bind()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Whether the client may ask."""
        return self.guests.allows(client_address[0])

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is nothing to show."""
        logger.debug("a request broke off", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = REQUEST_SECONDS
    server: _Server

    def do_GET(self) -> None:
        """Answer with the node of the path."""
        url = urlsplit(self.path)
        status, node = answer(unquote(url.path), url.query, self.server.snapshot, self.server.osc)
        body = b"" if node is None else json.dumps(node).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say it where the rest of us does."""
        logger.debug(format, *args)
