"""What the player chose about OSC: where to listen, whom to believe, where to send."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass

from bridge.errors import BridgeError

LOOPBACK = "127.0.0.1"
DEFAULT_IN_PORT = 9100
DEFAULT_OUT_PORT = 9101

Endpoint = tuple[str, int]
"""A host and a UDP port."""

PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16")
"""Whom to believe where the player opens the port and names nobody: those of one's own house or stage."""


@dataclass(frozen=True, slots=True)
class OscChoice:
    """How to speak OSC.

    Attributes:
        listen: the address to listen on: this computer's own, that of one interface, or 0.0.0.0 for all.
        port_in: UDP port to listen on; 0 lets the system choose.
        out: where to send besides those that subscribe; None for nowhere.
        reply: where answers go; None is whoever asked.
        allow: networks and addresses that are listened to; without any, those of `PRIVATE`. This computer always is.
        query_port: TCP port of OSCQuery; 0 lets the system choose, None is none.
        announce: whether to announce the ports by zeroconf; None where they are open to others.
    """

    listen: str = LOOPBACK
    port_in: int = DEFAULT_IN_PORT
    out: Endpoint | None = (LOOPBACK, DEFAULT_OUT_PORT)
    reply: Endpoint | None = None
    allow: tuple[str, ...] = ()
    query_port: int | None = DEFAULT_IN_PORT
    announce: bool | None = None


class Guests:
    """Tells who is listened to."""

    def __init__(self, allow: tuple[str, ...] = ()) -> None:
        """Allow `allow` and this computer.

        Raises:
            BridgeError: one is neither an address nor a network.
        """
        try:
            self._networks = [ipaddress.IPv4Network(text, strict=False) for text in allow or PRIVATE]
        except ValueError as error:
            raise BridgeError(
                f"--osc-allow cannot be {' '.join(allow)} ({error}): "
                "give addresses such as 192.168.1.20 or networks such as 192.168.1.0/24."
            ) from error

    def allows(self, host: str) -> bool:
        """Whether `host`, an address in figures, is listened to."""
        address = ipaddress.IPv4Address(host)
        return address.is_loopback or any(address in network for network in self._networks)


def endpoint(text: str, option: str) -> Endpoint:
    """The host (in figures) and port of `text`: `192.168.1.20:9000`, `studio.local:9000`, or a port of this computer.

    Raises:
        BridgeError: it is none, or there is no such host.
    """
    host, colon, port = text.rpartition(":")
    if not port.isdecimal() or not 0 < int(port) < 65536 or (colon and not host):
        raise BridgeError(f"{option} cannot be “{text}”: give a port, or host and port as 192.168.1.20:9000.")
    return address_of(host, option) if host else LOOPBACK, int(port)


def address_of(host: str, option: str) -> str:
    """`host` in figures.

    Raises:
        BridgeError: there is no such host.
    """
    try:
        return str(socket.getaddrinfo(host, None, socket.AF_INET)[0][4][0])
    except (OSError, UnicodeError) as error:
        raise BridgeError(
            f"{option} names “{host}”, which nobody knows ({error}): give its address in figures."
        ) from error


def is_loopback(host: str) -> bool:
    """Whether `host`, an address in figures, is this computer's own."""
    return ipaddress.IPv4Address(host).is_loopback
