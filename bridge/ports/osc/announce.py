"""Tells the local network by zeroconf where our OSC and OSCQuery are, so that clients find them by name."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from bridge.errors import BridgeError
from bridge.ports.osc.choice import is_loopback
from bridge.ports.osc.namespace import NAME

OSC_SERVICE, QUERY_SERVICE = "_osc._udp.local.", "_oscjson._tcp.local."

EVERY_INTERFACE = "0.0.0.0"
_SOMEWHERE = ("192.0.2.1", 9)
"""An address that stands for any: nothing is ever sent to it."""

logger = logging.getLogger(__name__)


class Announcement:
    """Stands until `close`; made in a thread of its own, for it takes seconds to see that nobody has our name."""

    def __init__(self, host: str, osc_port: int, query_port: int | None) -> None:
        """Announce both ports of `host`, `EVERY_INTERFACE` for all of this computer.

        Raises:
            BridgeError: the extra is not installed.
        """
        if find_spec("zeroconf") is None:
            raise BridgeError(
                "To be announced to the network, OSC needs one more package: pip install 'gapt-bridge[osc-query]', "
                "or go without by --no-osc-announce."
            )
        self._zeroconf: Any = None
        services = [(OSC_SERVICE, osc_port)] + ([] if query_port is None else [(QUERY_SERVICE, query_port)])
        self._thread = threading.Thread(target=self._register, args=(host, services), name="announce", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Take it back. Safe to call twice."""
        self._thread.join()
        if self._zeroconf is not None:
            self._zeroconf.close()

    def _register(self, host: str, services: list[tuple[str, int]]) -> None:
        from zeroconf import Error, ServiceInfo, Zeroconf

        try:
            self._zeroconf = Zeroconf() if host == EVERY_INTERFACE else Zeroconf(interfaces=[host])
            address = _own_address() if host == EVERY_INTERFACE else host
            for kind, port in services:
                name = f"{NAME} on {socket.gethostname()}.{kind}"
                service = ServiceInfo(kind, name, port, parsed_addresses=[address])
                self._zeroconf.register_service(service, allow_name_change=True)
        except (OSError, Error) as error:
            logger.warning("OSC is not announced (%s): clients need the address and the port.", error)


def announce(
    host: str,
    osc_port: int,
    query_port: int | None,
    wanted: bool | None,
    tell: Callable[[str], None] = logger.warning,
) -> Announcement | None:
    """The announcement that the player wanted; where nobody said, one where others can reach us and the extra is there.

    Args:
        tell: told in a sentence that the extra is missing where nobody said.

    Raises:
        BridgeError: it is wanted, and the extra is not installed.
    """
    if wanted is False or (wanted is None and is_loopback(host)):
        return None
    try:
        return Announcement(host, osc_port, query_port)
    except BridgeError as error:
        if wanted:
            raise
        tell(str(error))
        return None


def _own_address() -> str:
    """The address of the interface by which this computer reaches others."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        try:
            udp.connect(_SOMEWHERE)
        except OSError:
            return "127.0.0.1"
        return str(udp.getsockname()[0])
