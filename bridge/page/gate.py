"""Who may look and touch: this computer, and whoever has opened a link that is good for one device."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import socket
from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie

TOKEN_LETTERS = 26
NOWHERE = ("10.255.255.255", 1)

Headers = Iterable[tuple[bytes, bytes]]
Peer = tuple[str, int]


class Gate:
    """Checks where a request comes from and under which name. Tokens and cookies are made of `key` alone.

    So a process that takes the place of one that died knows the same devices.
    """

    def __init__(self, host: str, port: int, key: str, spent: int = 0) -> None:
        """Serve under `host` (0.0.0.0 for all of this computer's addresses); `spent` tokens were used already."""
        self.spent = spent
        self._host, self._port, self._key = host, port, bytes.fromhex(key)
        self.cookie_name = f"gapt_{port}"

    @property
    def remote(self) -> bool:
        """Whether other computers can come at all."""
        return not is_loopback(self._host)

    @property
    def link(self) -> str:
        """What another device may open, once."""
        host = outward_address(self._host)
        return f"http://{f'[{host}]' if ':' in host else host}:{self._port}/?token={self.token}"

    @property
    def token(self) -> str:
        """The token that is good now."""
        return self._secret(f"token {self.spent}")

    def spend(self, token: str) -> str | None:
        """The cookie for a device that has come with the token that is good, which it is no more from now on."""
        if not hmac.compare_digest(token.encode(), self.token.encode()):
            return None
        cookie = self._secret(f"cookie {self.spent}")
        self.spent += 1
        return cookie

    def knows(self, client: Peer | None, headers: Headers) -> bool:
        """Whether the device at `client` may look and touch: it is this computer, or it has a cookie of ours."""
        if client is not None and is_loopback(client[0]):
            return True
        cookie = self._cookie(headers).encode()
        return any(
            hmac.compare_digest(cookie, self._secret(f"cookie {number}").encode()) for number in range(self.spent)
        )

    def is_named(self, server: Peer | None, headers: Headers) -> bool:
        """Whether the request was meant for us: the name in `Host` is one that only we have.

        A name that somebody else has made to point here (DNS rebinding) is none.
        """
        name = one(headers, b"host").lower()
        own = {self._host}
        if server is not None:
            address = _plain(server[0])
            own |= {address, "localhost"} if is_loopback(address) else {address}
        own -= {"0.0.0.0", "::"}
        return name in {f"{f'[{host}]' if ':' in host else host}:{self._port}".lower() for host in own}

    def is_own(self, headers: Headers) -> bool:
        """Whether the page that asks is ours: its origin is the name under which we are asked."""
        headers = list(headers)
        return one(headers, b"origin").lower() == f"http://{one(headers, b'host')}".lower()

    def _cookie(self, headers: Headers) -> str:
        try:
            jar = SimpleCookie(one(headers, b"cookie"))
        except CookieError:
            return ""
        return jar[self.cookie_name].value if self.cookie_name in jar else ""

    def _secret(self, purpose: str) -> str:
        return hmac.new(self._key, purpose.encode(), hashlib.sha256).hexdigest()[:TOKEN_LETTERS]


def one(headers: Headers, name: bytes) -> str:
    """The header of that name; empty where there is none, or more than one."""
    values = [value for key, value in headers if key == name]
    return values[0].decode("latin-1") if len(values) == 1 else ""


def is_loopback(host: str) -> bool:
    """Whether `host` is this computer and nobody else can reach it."""
    try:
        return ipaddress.ip_address(_plain(host)).is_loopback
    except ValueError:
        return host == "localhost"


def dotted(host: str) -> str:
    """An IPv4 address in full, as browsers write it, where it is a short one such as 0 or 127.1; else `host` itself."""
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        return host


def outward_address(host: str) -> str:
    """The address by which others find this computer, where `host` stands for all it has."""
    if host not in ("0.0.0.0", "::"):
        return host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
        try:
            way.connect(NOWHERE)  # sends nothing: it only has the system choose a way
        except OSError:
            return "127.0.0.1"
        address: str = way.getsockname()[0]
        return address


def _plain(host: str) -> str:
    """An IPv4 address in IPv6's clothes as itself."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)
