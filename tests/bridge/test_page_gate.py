"""Who may look and touch: names, origins, tokens and cookies, as a browser or an attacker sends them."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from bridge.page.gate import Gate, dotted, is_loopback, outward_address
from bridge.page.guard import Guard
from bridge.page.tap import PageChoice

KEY = "00" * 32
HERE, THERE = ("127.0.0.1", 50000), ("192.168.1.20", 50000)
LOOPBACK, NETWORK = ("127.0.0.1", 9180), ("192.168.1.5", 9180)


def gate(host: str = "0.0.0.0", spent: int = 0) -> Gate:
    return Gate(host, 9180, KEY, spent)


def headers(**fields: str) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode("latin-1")) for name, value in fields.items()]


@pytest.mark.parametrize(
    ("server", "name"),
    [
        (LOOPBACK, "127.0.0.1:9180"),
        (LOOPBACK, "LocalHost:9180"),
        (NETWORK, "192.168.1.5:9180"),
        (("::ffff:192.168.1.5", 9180), "192.168.1.5:9180"),
        (("::1", 9180), "[::1]:9180"),
    ],
)
def test_our_own_names_are_ours(server: tuple[str, int], name: str) -> None:
    assert gate().is_named(server, headers(host=name))


@pytest.mark.parametrize(
    ("server", "name"),
    [
        (LOOPBACK, "evil.example:9180"),
        (LOOPBACK, "localhost.evil.example:9180"),
        (LOOPBACK, "127.0.0.1:80"),
        (LOOPBACK, "127.0.0.1"),
        (LOOPBACK, "0.0.0.0:9180"),
        (LOOPBACK, ""),
        (NETWORK, "localhost:9180"),
        (NETWORK, "192.168.1.6:9180"),
    ],
)
def test_a_name_that_others_could_point_here_is_not_ours(server: tuple[str, int], name: str) -> None:
    assert not gate().is_named(server, headers(host=name))


def test_two_hosts_are_none() -> None:
    assert not gate().is_named(LOOPBACK, [(b"host", b"127.0.0.1:9180"), (b"host", b"127.0.0.1:9180")])


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "http://127.0.0.1:9181", "https://127.0.0.1:9180", "null", ""]
)
def test_a_page_of_another_origin_is_not_ours(origin: str) -> None:
    assert not gate().is_own(headers(host="127.0.0.1:9180", origin=origin))
    assert not gate().is_own(headers(host="127.0.0.1:9180"))
    assert gate().is_own(headers(host="127.0.0.1:9180", origin="http://127.0.0.1:9180"))


def test_a_token_is_good_once_and_its_cookie_from_then_on() -> None:
    door = gate()
    token = door.token
    assert door.spend("nonsense") is None and door.spend("ümlaut") is None
    cookie = door.spend(token)
    assert cookie and door.token != token and door.spend(token) is None
    known = headers(cookie=f"other=1; {door.cookie_name}={cookie}")
    assert door.knows(THERE, known) and not door.knows(THERE, headers(cookie=f"{door.cookie_name}={token}"))
    assert not door.knows(THERE, []) and door.knows(HERE, [])
    # A process that takes the place of this one knows the device, and the token that is used up.
    again = gate(spent=1)
    assert again.knows(THERE, known) and again.spend(token) is None and again.token == door.token


def test_a_cookie_of_a_token_that_nobody_used_is_worth_nothing() -> None:
    cookie = gate().spend(gate().token)
    assert not gate().knows(THERE, headers(cookie=f"gapt_9180={cookie}"))


@pytest.mark.parametrize("text", ['gapt_9180="', "gapt_9180", "=;=;", "gapt_9180=\x00ä", ";" * 2000])
def test_damaged_cookies_are_none(text: str) -> None:
    assert not gate(spent=3).knows(THERE, headers(cookie=text))


def test_where_others_find_us() -> None:
    assert (
        is_loopback("127.8.8.8") and is_loopback("::1") and is_loopback("localhost") and is_loopback("::ffff:127.0.0.1")
    )
    assert not is_loopback("0.0.0.0") and not is_loopback("studio.example")
    assert outward_address("10.1.2.3") == "10.1.2.3" and outward_address("0.0.0.0") != "0.0.0.0"
    assert gate("10.1.2.3").link == f"http://10.1.2.3:9180/?token={gate().token}" and gate("10.1.2.3").remote
    assert gate("fd00::5").link.startswith("http://[fd00::5]:9180/?token=") and not gate("127.0.0.1").remote


@pytest.mark.parametrize(
    ("given", "host"),
    [
        ("0", "0.0.0.0"),
        ("127.1", "127.0.0.1"),
        ("10.1.2.3", "10.1.2.3"),
        ("studio.local", "studio.local"),
        ("::", "::"),
    ],
)
def test_a_short_address_is_spelt_out(given: str, host: str) -> None:
    assert dotted(given) == host


@pytest.mark.parametrize(
    ("host", "needed"), [("127.0.0.1", False), ("::1", False), ("0.0.0.0", False), ("::", False), ("10.1.2.3", True)]
)
def test_this_computer_needs_a_link_where_it_is_reached_like_any_other(host: str, needed: bool) -> None:
    assert PageChoice(host).by_link_only is needed


Answer = tuple[int, dict[str, str]]


class Door:
    """A guard before an application that says yes to everybody."""

    def __init__(self) -> None:
        self.gate = gate()
        self.spent = 0
        self._guard = Guard(self._yes, self.gate, self._count)

    def http(self, path: str = "/", client: tuple[str, int] = THERE, method: str = "GET", **fields: str) -> Answer:
        """Status and headers."""
        fields.setdefault("host", "192.168.1.5:9180")
        path, _, query = path.partition("?")
        scope = {"type": "http", "path": path, "query_string": query.encode(), "method": method}
        start = self._ask({**scope, "headers": headers(**fields), "client": client, "server": NETWORK})[0]
        return start["status"], {name.decode(): value.decode() for name, value in start["headers"]}

    def socket(self, client: tuple[str, int] = THERE, **fields: str) -> str:
        """What a WebSocket is answered first."""
        scope = {"type": "websocket", "path": "/ws", "headers": headers(**fields), "client": client, "server": NETWORK}
        kind: str = self._ask(scope)[0]["type"]
        return kind

    def _count(self) -> None:
        self.spent += 1

    def _ask(self, scope: dict[str, Any]) -> list[Any]:
        said: list[Any] = []

        async def send(message: Any) -> None:
            said.append(message)

        async def receive() -> Any:
            return {"type": "http.disconnect"}

        asyncio.run(self._guard(scope, receive, send))
        return said

    async def _yes(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
        else:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b""})


def test_a_device_comes_in_by_a_link_that_is_good_once() -> None:
    door = Door()
    assert door.http()[0] == 403 and door.http("/static/main.js")[0] == 403 and door.http("/session.mid")[0] == 403
    link = f"/?token={door.gate.token}"
    assert door.http(link, method="HEAD")[0] == 403 and door.http(link, host="evil.example:9180")[0] == 421
    assert door.spent == 0
    status, answer = door.http(link)
    assert status == 200 and door.spent == 1
    cookie, *rest = answer["set-cookie"].split("; ")
    assert sorted(rest) == ["HttpOnly", "Path=/", "SameSite=Strict"] and re.fullmatch(r"gapt_9180=[0-9a-f]{26}", cookie)
    assert door.http(link)[0] == 403
    status, answer = door.http(link, cookie=cookie)
    assert status == 200 and "set-cookie" not in answer
    own = {"host": "192.168.1.5:9180", "origin": "http://192.168.1.5:9180"}
    assert door.socket(**own, cookie=cookie) == "websocket.accept"
    assert door.socket(**own) == "websocket.close"
    assert door.socket(**{**own, "origin": "http://evil.example"}, cookie=cookie) == "websocket.close"


def test_a_header_cannot_make_a_client_local() -> None:
    assert Door().http(**{"x-forwarded-for": "127.0.0.1", "forwarded": "for=127.0.0.1"})[0] == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_page_cannot_even_make_us_work(site: str) -> None:
    door = Door()
    assert door.http("/session.mid", client=HERE, **{"sec-fetch-site": site})[0] == 403
    assert door.http("/", client=HERE, **{"sec-fetch-site": site})[0] == 200
    assert door.http("/session.mid", client=HERE, **{"sec-fetch-site": "same-origin"})[0] == 200


def test_this_computer_needs_no_token_and_uses_none() -> None:
    door = Door()
    status, answer = door.http(f"/?token={door.gate.token}", client=HERE)
    assert status == 200 and "set-cookie" not in answer and not door.spent


@pytest.mark.parametrize("client", [HERE, THERE])
def test_browsers_are_told_what_this_page_never_does(client: tuple[str, int]) -> None:
    _, answer = Door().http(client=client)
    assert answer["content-security-policy"].startswith(
        "default-src 'self'; connect-src 'self' ws://192.168.1.5:9180; "
    )
    assert "frame-ancestors 'none'" in answer["content-security-policy"]
    assert (answer["x-content-type-options"], answer["referrer-policy"]) == ("nosniff", "no-referrer")
    assert not [name for name in answer if name.startswith("access-control")]
    assert answer["cache-control"] == "no-store"
    assert Door().http("/static/main.js", client=HERE)[1]["cache-control"] == "no-cache"
