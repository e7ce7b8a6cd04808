"""Write the layouts for Open Stage Control and TouchOSC: `python docs/make_surfaces.py`; a test holds them to this.

Open Stage Control keeps a session as JSON: a tree of widgets, each with the properties that differ from the defaults of
its class (its own `src/client/widgets`). TouchOSC keeps a layout as XML pressed by zlib: nodes with properties, values,
messages and children (github.com/AlbertoV5/tosclib, `src/tosclib/encode.py`, describes the elements).
"""

from __future__ import annotations

import json
import uuid
import zlib
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, tostring

from bridge.controls.parameters import PARAMETERS, Parameter

DAW = Path(__file__).parents[1] / "plugin_host" / "daw"
SESSION = DAW / "open-stage-control" / "gapt.json"
LAYOUT = DAW / "touchosc" / "GAPT.tosc"

VERSION = "1.26.0"
"""Of Open Stage Control, whose widgets are meant."""

BUTTONS = ("start", "stop", "panic")
SWITCHES = ("bypass", "hold", "thru")
FADERS = ("temperature", "density", "register", "velocity", "velocity_follow", "commit", "lookahead", "offset_ms")
CHOICES = ("mode", "voicing", "style", "key", "scale", "chord_set")
MAIN = (*BUTTONS, *SWITCHES, *FADERS, *CHOICES)
"""What one changes while playing; the rest has a page of its own."""


def label_of(parameter: Parameter) -> str:
    """Its name for people, with its unit."""
    name = parameter.name.removesuffix("_ms").replace("_", " ").capitalize()
    return f"{name} ({parameter.unit})" if parameter.unit else name


# Open Stage Control

WELCOME = (
    "send('/gapt/hello', {type: 'i', value: 1}, 'Open Stage Control')\n"
    "send('/gapt/dump')\n"
    "setInterval('lease', function () { send('/gapt/subscribe') }, 20000)"
)
SHOW_CHORD = "set('chord', value[0], {send: false})"
SHOW_STATUS = (
    "set('status', value[0] + '   bar ' + value[2] + ', beat ' + Math.floor(value[3]) + '   ' + value[1].toFixed(1)"
    " + ' bpm   ' + value[7] + (value[8] ? '   ' + value[8] : ''), {send: false})"
)

Widget = dict[str, object]


def session() -> str:
    """The file gapt.json."""
    rest = [name for name in PARAMETERS if name not in MAIN]
    content = _box("root", "default", _pages(MAIN, rest), id="root", onCreate=WELCOME)
    head = {"createdWith": "Open Stage Control", "version": VERSION, "type": "session"}
    return json.dumps({**head, "content": content}, indent=2, ensure_ascii=False) + "\n"


def _pages(main: tuple[str, ...], rest: list[str]) -> list[Widget]:
    told = [
        {"type": "variable", "id": "chord_told", "address": "/gapt/chord", "bypass": True, "onValue": SHOW_CHORD},
        {"type": "variable", "id": "status_told", "address": "/gapt/status", "bypass": True, "onValue": SHOW_STATUS},
        _text("chord", "N", "font-size: 400%;", height=110),
        _text("status", "no word from the bridge", height=40),
    ]
    pages: list[Widget] = []
    for name, shown, first in (("play", main, told), ("setup", rest, [])):
        grid = _box("panel", "grid", [_labelled(PARAMETERS[key]) for key in shown], id=f"{name}_grid", expand=True)
        inside = _box("panel", "vertical", [*first, {**grid, "gridTemplate": 4}], id=f"{name}_all")
        inside |= {"width": "100%", "height": "100%"}
        pages.append({"type": "tab", "id": name, "label": name.capitalize(), "widgets": [inside]})
    return pages


def _box(kind: str, layout: str, widgets: list[Widget], **more: object) -> Widget:
    children = {"tabs": widgets, "widgets": []} if kind == "root" else {"widgets": widgets, "tabs": []}
    return {"type": kind, "layout": layout, **more, **children}


def _text(name: str, words: str, css: str = "", **more: object) -> Widget:
    return {"type": "text", "id": name, "default": words, "css": css, "bypass": True, **more}


def _labelled(parameter: Parameter) -> Widget:
    """A panel with what the control is called, the control, and for a fader its value."""
    caption = _text(f"{parameter.name}_name", label_of(parameter), height=24)
    parts = [*([] if parameter.kind in ("trigger", "switch") else [caption]), _control(parameter)]
    if parameter.kind in ("number", "whole") and parts[-1]["type"] == "fader":
        shown: Widget = {"type": "text", "id": f"{parameter.name}_shown", "value": f"@{{{parameter.name}}}"}
        parts.append({**shown, "decimals": parts[-1]["decimals"], "bypass": True, "height": 24})
    return _box("panel", "vertical", parts, id=f"{parameter.name}_box", comments=parameter.help, scroll=False)


def _control(parameter: Parameter) -> Widget:
    said: Widget = {"id": parameter.name, "address": parameter.address, "expand": True}
    if parameter.kind == "trigger":
        return {"type": "button", **said, "mode": "tap", "on": 1, "typeTags": "i", "label": label_of(parameter)}
    if parameter.kind == "switch":
        return {"type": "button", **said, "mode": "toggle", "on": 1, "off": 0, "typeTags": "i"} | {
            "label": label_of(parameter)
        }
    if parameter.kind == "choice":
        return {"type": "dropdown", **said, "values": [*parameter.choices], "typeTags": "s"}
    if parameter.kind == "text":
        return {"type": "input", **said, "typeTags": "s"}
    whole = parameter.kind == "whole"
    if parameter.high - parameter.low > 10000:
        return {"type": "input", **said, "numeric": 1, "decimals": 0, "typeTags": "i"}
    size: Widget = {"range": {"min": parameter.low, "max": parameter.high}, "decimals": 0 if whole else 2}
    look: Widget = {"typeTags": "i" if whole else "f", "design": "compact", "horizontal": True}
    return {"type": "fader", **said, **size, **look}


# TouchOSC

WIDE, HIGH = 1024, 768
NAMES = uuid.UUID("6f1c29e2-3f0c-4f3b-9d53-3d1f0d2f6a11")
"""Ids of nodes come from their names, so that the same layout is the same file."""

GREY, BLUE, RED, CLEAR = (0.25, 0.25, 0.28, 1.0), (0.2, 0.55, 0.9, 1.0), (0.85, 0.2, 0.2, 1.0), (0.0, 0.0, 0.0, 0.0)

MOMENTARY, TOGGLE = 0, 1
RECTANGLE, NORTH, CENTRE = 1, 0, 2
"""TouchOSC's numbers for kinds of buttons, shapes, directions, and where text stands."""

Frame = tuple[int, int, int, int]
Color = tuple[float, float, float, float]


class Layout:
    """Draws GAPT.tosc; `text` is its XML."""

    def __init__(self) -> None:
        self._root = _node("GROUP", "GAPT", (0, 0, WIDE, HIGH), GREY)
        SubElement(self._root, "messages")
        self._children = SubElement(self._root, "children")
        self._label("chord", (8, 8, 500, 96), "N", "/gapt/chord", 56)
        self._label("preset", (516, 8, 240, 44), "GAPT Bridge", PARAMETERS["preset"].address, 20)
        self._label("status", (516, 60, 150, 44), "", "/gapt/status", 20)
        self._ask((674, 60, 82, 44))
        for index, name in enumerate((*BUTTONS, *SWITCHES)):
            x, y = 764 + 86 * (index % 3), 8 + 52 * (index // 3)
            self._button(PARAMETERS[name], (x, y, 78, 44), RED if name == "panic" else BLUE)
        for index, name in enumerate(FADERS):
            self._fader(PARAMETERS[name], (8 + 127 * index, 120, 119, 300))
        y = 440
        for name in ("mode", "voicing", "chord_set", "key"):
            self._choices(PARAMETERS[name], y)
            y += 80

    @property
    def text(self) -> bytes:
        """The XML."""
        whole = Element("lexml", {"version": "3"})
        whole.append(self._root)
        pressed: bytes = tostring(whole, "utf-8")
        return b"<?xml version='1.0' encoding='UTF-8'?>\n" + pressed

    def _put(self, kind: str, name: str, frame: Frame, color: Color, **properties: int) -> tuple[Element, Element]:
        """A new node's values, and its messages."""
        node = _node(kind, name, frame, color, **properties)
        self._children.append(node)
        return node[1], SubElement(node, "messages")

    def _label(self, name: str, frame: Frame, words: str, address: str = "", size: int = 14) -> None:
        """Words, changed by the first argument of what comes for `address`."""
        look = {"background": False, "outline": False, "interactive": False, "textClip": True}
        text = {"textSize": size, "textAlignH": CENTRE, "textAlignV": CENTRE}
        values, messages = self._put("LABEL", name, frame, CLEAR, **look, **text)
        _value(values, "text", words)
        if address:
            _message(messages, address, ("VALUE", "STRING", "text", 0.0, 1.0), send=False)

    def _button(self, parameter: Parameter, frame: Frame, color: Color) -> None:
        press = parameter.kind == "trigger"
        kind = MOMENTARY if press else TOGGLE
        values, messages = self._put("BUTTON", parameter.name, frame, color, buttonType=kind, shape=RECTANGLE)
        _value(values, "x", "0")
        told = ("CONSTANT", "INTEGER", "1", 0.0, 1.0) if press else ("VALUE", "INTEGER", "x", 0.0, 1.0)
        _message(messages, parameter.address, told, when="RISE" if press else "ANY", receive=not press)
        self._label(f"{parameter.name}_name", frame, label_of(parameter))

    def _ask(self, frame: Frame) -> None:
        """A button that asks for every value."""
        values, messages = self._put("BUTTON", "dump", frame, GREY, buttonType=MOMENTARY, shape=RECTANGLE)
        _value(values, "x", "0")
        _message(messages, "/gapt/dump", None, when="RISE", receive=False)
        self._label("dump_name", frame, "Refresh")

    def _fader(self, parameter: Parameter, frame: Frame) -> None:
        x, y, wide, high = frame
        values, messages = self._put(
            "FADER", parameter.name, (x, y, wide, high - 60), BLUE, orientation=NORTH, grid=False
        )
        _value(values, "x", "0")
        kind = "INTEGER" if parameter.kind == "whole" else "FLOAT"
        _message(messages, parameter.address, ("VALUE", kind, "x", parameter.low, parameter.high))
        self._label(f"{parameter.name}_name", (x, y + high - 56, wide, 24), label_of(parameter), size=12)
        self._label(f"{parameter.name}_shown", (x, y + high - 30, wide, 24), "", parameter.address)

    def _choices(self, parameter: Parameter, y: int) -> None:
        """A button for each, which says its word; and the one that is in force."""
        self._label(f"{parameter.name}_name", (8, y, 119, 24), label_of(parameter))
        self._label(f"{parameter.name}_shown", (8, y + 26, 119, 40), "", parameter.address, 20)
        wide = (WIDE - 143) // len(parameter.choices)
        for index, choice in enumerate(parameter.choices):
            name, frame = f"{parameter.name}_{choice}", (135 + wide * index, y, wide - 8, 66)
            values, messages = self._put("BUTTON", name, frame, GREY, buttonType=MOMENTARY, shape=RECTANGLE)
            _value(values, "x", "0")
            told = ("CONSTANT", "STRING", choice, 0.0, 1.0)
            _message(messages, parameter.address, told, when="RISE", receive=False)
            self._label(f"{name}_name", frame, choice)


def _node(kind: str, name: str, frame: Frame, color: Color, **properties: int) -> Element:
    """A node with properties and values."""
    node = Element("node", {"ID": str(uuid.uuid5(NAMES, name)), "type": kind})
    inside = SubElement(node, "properties")
    _property(inside, "s", "name", name)
    for kind_of, key, axes, numbers in (("r", "frame", "xywh", frame), ("c", "color", "rgba", color)):
        value = _property(inside, kind_of, key, "")
        for axis, number in zip(axes, numbers, strict=True):
            SubElement(value, axis).text = f"{number:g}"
    for key, said in properties.items():
        _property(inside, "b" if isinstance(said, bool) else "i", key, str(int(said)))
    _value(SubElement(node, "values"), "touch", "false")
    return node


def _property(inside: Element, kind: str, key: str, text: str) -> Element:
    found = SubElement(inside, "property", {"type": kind})
    SubElement(found, "key").text = key
    value = SubElement(found, "value")
    value.text = text or None
    return value


def _value(values: Element, key: str, default: str) -> None:
    found = SubElement(values, "value")
    said = {"key": key, "locked": "0", "lockedDefaultCurrent": "0", "default": default, "defaultPull": "0"}
    for tag, text in said.items():
        SubElement(found, tag).text = text


Part = tuple[str, str, str, float, float]
"""Part of a message: where it comes from, what it becomes, its value, and what its 0 and 1 stand for."""


def _message(
    messages: Element, address: str, argument: Part | None, when: str = "ANY", send: bool = True, receive: bool = True
) -> None:
    """Say `address` with one argument or none over every connection; and take what comes for it."""
    osc = SubElement(messages, "osc")
    flags = {"enabled": True, "send": send, "receive": receive, "feedback": False}
    for tag, on in flags.items():
        SubElement(osc, tag).text = str(int(on))
    SubElement(osc, "connections").text = "11111"
    trigger = SubElement(SubElement(osc, "triggers"), "trigger")
    SubElement(trigger, "var").text = "text" if argument and argument[2] == "text" else "x"
    SubElement(trigger, "condition").text = when
    parts: dict[str, Part | None] = {"path": ("CONSTANT", "STRING", address, 0.0, 1.0), "arguments": argument}
    for tag, part in parts.items():
        listed = SubElement(osc, tag)
        partial = SubElement(listed, "partial") if part else listed
        for key, said in zip(("type", "conversion", "value", "scaleMin", "scaleMax"), part or (), strict=False):
            SubElement(partial, key).text = said if isinstance(said, str) else f"{said:g}"


def layout() -> bytes:
    """The XML of GAPT.tosc."""
    return Layout().text


if __name__ == "__main__":
    SESSION.write_text(session(), "utf-8")
    LAYOUT.write_bytes(zlib.compress(layout(), 9))
