"""The controller script for Bitwig Studio, run by Node.js inside a strict stand-in for Bitwig's controller API."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import node
import pytest

from bridge.ports.osc.namespace import NAMESPACE

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "plugin_host" / "daw" / "bitwig" / "GAPT.control.js"
HOST = ROOT / "tests" / "helpers" / "bitwig_host.js"

pytestmark = pytest.mark.skipif(node.NODE is None, reason="no node installed (Debian: nodejs)")


def played(body: str, right: str = "", wrong: str = "") -> Any:
    """What `body` answers; it finds the `world` and the `script`, with a piece of it changed where one is named."""
    code = SCRIPT.read_text("utf-8")
    assert right in code
    start = f"{HOST.read_text('utf-8')}\nconst world = bitwig(), script = world.load(given[0]);\n"
    return node.run(start + body, code.replace(right, wrong) if right else code)


def test_bitwig_learns_what_it_is_before_it_starts() -> None:
    found = played("answer([world.api, world.defined])")
    assert found[0] == 17
    assert found[1]["controller"][:2] == ["GAPT", "GAPT Bridge"]
    assert (found[1]["ports"], found[1]["names"]) == ([1, 0], [["GAPT Bridge out"], []])


def test_chords_on_any_channel_become_a_note_input() -> None:
    name, *masks = played("script.init(); answer(world.inputs)")[0]
    assert (name, masks) == ("GAPT chords", ["8?????", "9?????", "B?????"])


def test_it_tells_the_bridge_where_bitwig_stands() -> None:
    body = """
    script.init()
    world.sent.length = 0
    world.change({ playing: true, bpm: 97.5 })
    world.values.position = 2.5
    world.change({ numerator: 3 })
    answer([world.connected, world.sent])
    """
    to, sent = played(body)
    assert to == ["127.0.0.1", 9100]
    assert ["/gapt/host", 0, 97.5, 1, 4, 4] in sent
    assert sent[-1] == ["/gapt/host", 2.5, 97.5, 1, 3, 4]
    assert {address for address, *_ in sent} <= {line.address for line in NAMESPACE}


def test_often_while_it_plays_and_seldom_while_it_stands() -> None:
    body = """
    script.init()
    const count = () => { const before = world.sent.length; world.wait(2000); return world.sent.length - before }
    const still = count()
    world.change({ playing: true })
    answer([still, count()])
    """
    still, playing = played(body)
    assert (still, playing) == (4, 40)


def test_a_bridge_that_is_not_there_is_said_once_and_found_later() -> None:
    body = """
    world.refuse = true
    script.init()
    world.wait(3000)
    const said = world.printed.length
    world.refuse = false
    world.wait(1000)
    answer([said, world.sent.length])
    """
    assert played(body) == [1, 2]


def test_another_port_begins_anew_and_the_end_ends_all_notes() -> None:
    body = """
    world.values.port = 9200
    script.init()
    const first = [world.connected, world.restarts, world.setting]
    world.change({ port: 9300 })
    script.flush()
    script.exit()
    answer([...first, world.restarts, world.sent[world.sent.length - 1]])
    """
    connected, before, setting, after, last = played(body)
    assert (connected, before, after) == (["127.0.0.1", 9200], 0, 1)
    assert setting == ["UDP port", "GAPT Bridge", 1024, 65535, 1, "", 9100]
    assert last == ["/gapt/panic", 1]


@pytest.mark.parametrize(
    ("right", "wrong", "found"),
    [
        ("host.createTransport()", "host.makeTransport()", "host.makeTransport is not in the API"),
        ("host.defineMidiPorts(1, 0)", "host.defineMidiPorts(1)", "takes 2 arguments, not 1"),
        ('"GAPT chords", "8?????"', '"GAPT chords", "8????"', "no mask: 8"),
        ("transport.playPosition().markInterested();", "", "position is read, and nobody is interested"),
        ("addValueObserver(tell, 4)", "addValueObserver(tell)", "takes 2 arguments, not 1"),
        ("connectToUdpServer(BRIDGE, used,", "connectToUdpServer(BRIDGE, '9100',", "takes a int, not 9100"),
        ("getMidiInPort(0)", "getMidiInPort(1)", "there is no port 1"),
    ],
)
def test_the_stand_in_is_strict(right: str, wrong: str, found: str) -> None:
    with pytest.raises(AssertionError, match=found):
        played("script.init(); world.wait(1000); answer(0)", right, wrong)
