"""The layouts for Open Stage Control and TouchOSC: formats, addresses and ranges."""

from __future__ import annotations

import json
import runpy
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, fromstring

import node
import pytest

from bridge.controls.parameters import PARAMETERS
from bridge.ports.osc.namespace import NAMESPACE, type_of

ROOT = Path(__file__).parents[2]
SESSION = ROOT / "plugin_host" / "daw" / "open-stage-control" / "gapt.json"
LAYOUT = ROOT / "plugin_host" / "daw" / "touchosc" / "GAPT.tosc"

needs_node = pytest.mark.skipif(node.NODE is None, reason="no node installed (Debian: nodejs)")

_COMMON = (
    *("type", "id", "comments", "width", "height", "expand", "css"),
    *("value", "default", "address", "typeTags", "decimals", "bypass", "onCreate", "onValue"),
)
PROPERTIES = {
    "root": "layout tabs widgets",
    "tab": "label widgets tabs",
    "panel": "layout gridTemplate scroll tabs widgets",
    "button": "label mode on off",
    "dropdown": "label values",
    "fader": "design horizontal range",
    "input": "numeric",
    "text": "",
    "variable": "",
}
"""Of Open Stage Control's classes of widgets, the properties that we use besides those of all (from its sources)."""


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "docs" / "make_surfaces.py"))


def walk(widget: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield widget
    for child in (*widget.get("widgets", ()), *widget.get("tabs", ())):
        yield from walk(child)


def widgets() -> list[dict[str, Any]]:
    return [*walk(json.loads(SESSION.read_text("utf-8"))["content"])]


def test_the_files_are_what_the_script_writes(script: dict[str, Any]) -> None:
    assert SESSION.read_text("utf-8") == script["session"](), "run: python docs/make_surfaces.py"
    assert zlib.decompress(LAYOUT.read_bytes()) == script["layout"](), "run: python docs/make_surfaces.py"


def test_open_stage_control_knows_every_widget_and_property() -> None:
    head = json.loads(SESSION.read_text("utf-8"))
    assert [*head] == ["createdWith", "version", "type", "content"]
    assert (head["createdWith"], head["type"], head["content"]["type"]) == ("Open Stage Control", "session", "root")
    for widget in widgets():
        assert set(widget) <= {*_COMMON, *PROPERTIES[widget["type"]].split()}, widget["id"]
        assert not (widget.get("widgets") and widget.get("tabs"))
    assert not [name for name, count in Counter(widget["id"] for widget in widgets()).items() if count > 1]


def test_every_parameter_has_one_control_with_its_address_and_range() -> None:
    controls = {widget["id"]: widget for widget in widgets() if widget["id"] in PARAMETERS}
    assert controls.keys() == PARAMETERS.keys()
    for name, control in controls.items():
        parameter = PARAMETERS[name]
        assert (control["address"], control["typeTags"]) == (parameter.address, type_of(parameter))
        assert "bypass" not in control
        if control["type"] == "fader":
            assert control["range"] == {"min": parameter.low, "max": parameter.high}
            assert (control["decimals"] == 0) == (parameter.kind == "whole")
        elif control["type"] == "dropdown":
            assert tuple(control["values"]) == parameter.choices
        elif control["type"] == "button":
            assert control["mode"] == ("tap" if parameter.kind == "trigger" else "toggle")
        else:
            assert control["type"] == "input" and parameter.kind in ("text", "whole")


def test_only_controls_speak_and_only_by_addresses_that_there_are() -> None:
    told = {line.address for line in NAMESPACE}
    for widget in widgets():
        if widget["id"] in PARAMETERS or widget["type"] in ("root", "tab", "panel"):
            continue
        assert widget["bypass"] is True
        assert "address" not in widget or widget["address"] in told


@needs_node
def test_its_scripts_run() -> None:
    scripts = {widget["id"]: widget["onValue"] for widget in widgets() if "onValue" in widget}
    (welcome,) = (widget["onCreate"] for widget in widgets() if "onCreate" in widget)
    program = """
    const done = [], [scripts, welcome, values] = given
    const names = ['value', 'set', 'send', 'setInterval']
    const call = (code, value) => new Function(...names, code)(value, (...said) => done.push(['set', ...said]),
      (...said) => done.push(['send', ...said]), (id, again, delay) => { done.push([id, delay]); again() })
    call(welcome)
    for (const [id, code] of Object.entries(scripts)) call(code, values[id])
    answer(done)
    """
    values = {
        "chord_told": ["F:min7", 4.0, 60, 63],
        "status_told": ["playing", 97.5, 3, 2.75, 12, 0, 1.5, "default", "", "midi"],
    }
    assert node.run(program, scripts, welcome, values) == [
        ["send", "/gapt/hello", {"type": "i", "value": 1}, "Open Stage Control"],
        ["send", "/gapt/dump"],
        ["lease", 20000],
        ["send", "/gapt/subscribe"],
        ["set", "chord", "F:min7", {"send": False}],
        ["set", "status", "playing   bar 3, beat 2   97.5 bpm   default", {"send": False}],
    ]
    ids = {widget["id"] for widget in widgets()}
    assert {"chord", "status"} <= ids


def nodes() -> list[Element]:
    """TouchOSC's nodes, the root among them."""
    whole = fromstring(zlib.decompress(LAYOUT.read_bytes()))
    assert (whole.tag, whole.attrib, len(whole)) == ("lexml", {"version": "3"}, 1)
    return [*whole.iter("node")]


def said(node: Element, path: str) -> list[str]:
    return [part.text or "" for part in node.findall(path)]


def named(node: Element) -> dict[str, Element]:
    """Its properties by name."""
    return {part.findtext("key", ""): part for part in node.findall("properties/property")}


def test_a_node_has_its_parts_in_order_and_each_property_its_type() -> None:
    kinds = {"name": "s", "frame": "r", "color": "c", "textSize": "i", "grid": "b", "outline": "b", "buttonType": "i"}
    for each in nodes():
        parts = [part.tag for part in each]
        assert parts == ["properties", "values", "messages"] + ["children"] * (each.get("type") == "GROUP")
        assert each.get("type") in {"GROUP", "LABEL", "BUTTON", "FADER"}
        assert all(part.get("type") == kinds.get(name, part.get("type")) for name, part in named(each).items())
        assert all(part.get("type") in set("birsfc") for part in named(each).values())
        value = {"LABEL": "text", "BUTTON": "x", "FADER": "x"}.get(each.get("type", ""))
        assert said(each, "values/value/key") == ["touch", value][: 1 + bool(value)]
    assert len({each.get("ID") for each in nodes()}) == len(nodes())


def test_touchosc_speaks_by_the_addresses_and_ranges_of_the_table() -> None:
    addresses = {line.address for line in NAMESPACE} | {parameter.address for parameter in PARAMETERS.values()}
    spoken: dict[str, list[list[str]]] = {}
    for message in (message for each in nodes() for message in each.findall("messages/osc")):
        (address,) = said(message, "path/partial/value")
        assert address in addresses
        if said(message, "send") == ["1"]:
            spoken.setdefault(address, []).append([part.text or "" for part in message.findall("arguments/partial/*")])
    by_address = {parameter.address: parameter for parameter in PARAMETERS.values()}
    assert len(spoken.keys() & by_address.keys()) >= 18
    assert spoken.pop("/gapt/dump") == [[]]
    for address, messages in spoken.items():
        parameter = by_address[address]
        if parameter.kind == "choice":
            assert [said[:3] for said in messages] == [["CONSTANT", "STRING", word] for word in parameter.choices]
            continue
        (kind, conversion, value, low, high) = messages[0]
        if parameter.kind == "trigger":
            assert (kind, conversion, value) == ("CONSTANT", "INTEGER", "1")
        else:
            assert (kind, value, conversion == "FLOAT") == ("VALUE", "x", parameter.kind == "number")
            limits = (0.0, 1.0) if parameter.kind == "switch" else (parameter.low, parameter.high)
            assert (float(low), float(high)) == limits


def test_a_press_is_told_once() -> None:
    for message in (message for each in nodes() for message in each.findall("messages/osc")):
        constant = said(message, "arguments/partial/type") in ([], ["CONSTANT"])
        assert said(message, "triggers/trigger/condition") == (["RISE"] if constant else ["ANY"])


def test_touchosc_shows_everything_within_the_screen() -> None:
    frames = [[int(side.text or "") for side in named(each)["frame"].findall("value/*")] for each in nodes()]
    _, _, wide, high = frames[0]
    assert all(0 <= x < x + w <= wide and 0 <= y < y + h <= high for x, y, w, h in frames)
