"""OSCQuery over real HTTP: the tree, single attributes, statuses, values that follow, and the announcement."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from osc_wire import PATIENCE, client

from bridge.controls.parameters import PARAMETERS
from bridge.controls.settings import Settings
from bridge.errors import BridgeError
from bridge.events import ChordStarts, ParameterChanged
from bridge.ports.choice import PortChoice, open_ports
from bridge.ports.osc.announce import OSC_SERVICE, QUERY_SERVICE, announce
from bridge.ports.osc.choice import LOOPBACK, OscChoice
from bridge.ports.osc.codec import build, parse
from bridge.ports.osc.namespace import ADDRESSES_IN, NAMESPACE
from bridge.ports.osc.query import HostInfo, Snapshot, answer
from bridge.ports.osc.server import OscServer
from bridge.timing.clock import ManualClock, MonotonicClock

# Never by way of a proxy that the environment names.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@pytest.fixture
def server() -> Iterator[OscServer]:
    server = OscServer(ManualClock(), OscChoice(port_in=0, out=None, query_port=0), Settings(tempo=90.0))
    yield server
    server.close()


def get(server: OscServer, path: str) -> tuple[int, Any]:
    try:
        with OPENER.open(f"http://{LOOPBACK}:{server.query_port}{path}", timeout=PATIENCE) as reply:
            body = reply.read()
            return reply.status, json.loads(body) if body else None
    except urllib.error.HTTPError as error:
        with error:
            return error.code, None


def test_host_info_says_where_the_osc_is_heard(server: OscServer) -> None:
    status, info = get(server, "/?HOST_INFO")
    assert status == 200
    assert (info["NAME"], info["OSC_IP"], info["OSC_PORT"], info["OSC_TRANSPORT"]) == (
        "GAPT Bridge",
        LOOPBACK,
        server.port,
        "UDP",
    )
    assert info["EXTENSIONS"]["VALUE"] is True and info["EXTENSIONS"]["LISTEN"] is False
    assert get(server, "/gapt/tempo?HOST_INFO") == (200, info)


def test_the_tree_has_every_address_with_its_path(server: OscServer) -> None:
    status, root = get(server, "/")
    assert (status, root["FULL_PATH"], root["ACCESS"]) == (200, "/", 0)
    inside = root["CONTENTS"]["gapt"]["CONTENTS"]
    assert {node["FULL_PATH"] for node in inside.values()} == {*ADDRESSES_IN, *(line.address for line in NAMESPACE)}
    assert all(node["FULL_PATH"] == f"/gapt/{name}" for name, node in inside.items())


def test_a_parameter_has_type_range_unit_and_value(server: OscServer) -> None:
    assert get(server, "/gapt/tempo") == (
        200,
        {
            "FULL_PATH": "/gapt/tempo",
            "DESCRIPTION": PARAMETERS["tempo"].help,
            "TYPE": "f",
            "ACCESS": 3,
            "RANGE": [{"MIN": 10.0, "MAX": 999.0}],
            "UNIT": ["time.bpm"],
            "VALUE": [90.0],
        },
    )
    assert get(server, "/gapt/voicing?RANGE") == (200, {"RANGE": [{"VALS": list(PARAMETERS["voicing"].choices)}]})
    assert get(server, "/gapt/hold")[1]["RANGE"] == [{"VALS": [0, 1]}]
    assert get(server, "/gapt/panic")[1]["ACCESS"] == 2


def test_values_follow_what_was_told(server: OscServer) -> None:
    server.send(ParameterChanged(0.0, "tempo", 97.5))
    assert get(server, "/gapt/tempo?VALUE") == (200, {"VALUE": [97.5]})
    assert get(server, "/gapt/chord?VALUE") == (204, None)
    server.send(ChordStarts(4.0, 16, "C:maj", (36, 60)))
    chord = get(server, "/gapt/chord")[1]
    assert (chord["ACCESS"], chord["TYPE"], chord["VALUE"]) == (1, "sfii", ["C:maj", 4.0, 36, 60])


def test_every_value_has_its_type_and_lies_in_its_range(server: OscServer) -> None:
    nodes = get(server, "/gapt")[1]["CONTENTS"]
    python = {"i": int, "f": float, "s": str}
    for name in PARAMETERS:
        node = nodes[name]
        assert len(node["TYPE"]) == len(node.get("VALUE", "x")) == len(node.get("RANGE", "x")) == 1
        for value in node.get("VALUE", []):
            assert type(value) is python[node["TYPE"]]
            (limits,) = node.get("RANGE", [{}])
            assert value in limits.get("VALS", [value])
            assert limits.get("MIN", value) <= value <= limits.get("MAX", value)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nothing", 404),
        ("/gapt/nothing", 404),
        ("/gapt/tempo/deeper", 404),
        ("/gapt/tempo?NOTHING", 400),
        ("/gapt/hold?UNIT", 204),
        ("/gapt?VALUE", 204),
        ("/gapt/%74empo", 200),
        ("//gapt//tempo/", 200),
    ],
)
def test_statuses(server: OscServer, path: str, status: int) -> None:
    assert get(server, path)[0] == status


def test_it_only_reads(server: OscServer) -> None:
    for method in ("POST", "PUT", "DELETE"):
        request = urllib.request.Request(f"http://{LOOPBACK}:{server.query_port}/gapt/tempo", b"1", method=method)
        with pytest.raises(urllib.error.HTTPError) as caught:
            OPENER.open(request, timeout=PATIENCE)
        caught.value.close()
        assert caught.value.code == 501


@pytest.mark.parametrize("request_", [b"", b"\r\n", b"GET\r\n\r\n", b"\xff" * 70000, b"GET / HTTP/9.9\r\n\r\n"])
def test_a_broken_request_leaves_it_answering(server: OscServer, request_: bytes) -> None:
    assert server.query_port is not None
    with socket.create_connection((LOOPBACK, server.query_port), timeout=PATIENCE) as connection:
        connection.sendall(request_)
    assert get(server, "/gapt/tempo?VALUE") == (200, {"VALUE": [90.0]})


def test_a_taken_port_is_no_reason_not_to_play() -> None:
    with socket.socket() as other:
        other.bind((LOOPBACK, 0))
        other.listen()
        server = OscServer(ManualClock(), OscChoice(port_in=0, out=None, query_port=other.getsockname()[1]))
    assert server.query_port is None
    server.close()


def test_nothing_is_left_behind() -> None:
    before = set(threading.enumerate())
    for _ in range(5):
        server = OscServer(ManualClock(), OscChoice(port_in=0, out=None, query_port=0))
        server.start(lambda event: None)
        server.close()
        server.close()
    assert set(threading.enumerate()) <= before


def test_the_answer_alone_needs_no_server() -> None:
    assert answer("/gapt/chord", "TYPE", Snapshot({}), HostInfo(LOOPBACK, 9100)) == (200, {"TYPE": "sf"})


def test_it_is_announced_only_where_others_can_come_or_where_it_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.ports.osc.announce.find_spec", lambda name: None)
    assert announce(LOOPBACK, 9100, 9100, None) is None
    assert announce("192.168.1.2", 9100, 9100, False) is None
    told: list[str] = []
    assert announce("192.168.1.2", 9100, 9100, None, told.append) is None
    assert len(told) == 1
    assert told[0].endswith("pip install 'gapt-bridge[osc-query]', or go without by --no-osc-announce.")
    with pytest.raises(BridgeError, match=r"pip install 'gapt-bridge\[osc-query\]'"):
        announce(LOOPBACK, 9100, 9100, True)


def test_what_is_not_announced_is_told_by_whoever_opens_the_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.ports.osc.announce.find_spec", lambda name: None)
    told: list[str] = []
    choice = OscChoice(listen="0.0.0.0", port_in=0, out=None, query_port=None)
    with contextlib.ExitStack() as stack:
        ports = open_ports(PortChoice((), None, osc=choice), MonotonicClock(), stack, tell=told.append)
        ports.ways_in[0].start(lambda event: None)
    assert len(told) == 1
    assert told[0].startswith("To be announced")


def test_another_program_finds_both_services() -> None:
    zeroconf = pytest.importorskip("zeroconf", reason="the extra osc-query is not installed")
    server = OscServer(ManualClock(), OscChoice(port_in=0, out=None, query_port=0, announce=True))
    found = {OSC_SERVICE: threading.Event(), QUERY_SERVICE: threading.Event()}
    ports = {}

    class Listener(zeroconf.ServiceListener):
        def add_service(self, zc: Any, type_: str, name: str) -> None:
            info = zc.get_service_info(type_, name)
            if info is not None and info.port in (server.port, server.query_port):
                ports[type_] = (info.parsed_addresses(), info.port)
                found[type_].set()

        def update_service(self, zc: Any, type_: str, name: str) -> None:
            self.add_service(zc, type_, name)

        def remove_service(self, zc: Any, type_: str, name: str) -> None:
            pass

    browser = zeroconf.Zeroconf(interfaces=[LOOPBACK])
    try:
        for kind in found:
            browser.add_service_listener(kind, Listener())
        server.start(lambda event: None)
        assert all(event.wait(PATIENCE) for event in found.values())
        assert ports == {
            OSC_SERVICE: ([LOOPBACK], server.port),
            QUERY_SERVICE: ([LOOPBACK], server.query_port),
        }
    finally:
        server.close()
        browser.close()


def test_a_client_that_read_the_tree_can_speak_to_every_leaf(server: OscServer) -> None:
    server.start(lambda event: None)
    leaves = get(server, "/gapt")[1]["CONTENTS"]
    sample = {"i": 1, "f": 20.0, "s": "x"}
    with client() as udp:
        for leaf in leaves.values():
            limits = leaf.get("RANGE", [{}])[0]
            value = limits.get("VALS", [limits.get("MAX", sample[leaf.get("TYPE", "i")[0]])])[0]
            if leaf["ACCESS"] == 3 and leaf["TYPE"] != "s":
                udp.sendto(build(leaf["FULL_PATH"], [value]), (LOOPBACK, server.port))
        udp.sendto(build("/gapt/tempo"), (LOOPBACK, server.port))
        assert parse(udp.recv(4096))[0].arguments == (90.0,)
    assert server.refused == server.malformed == 0
