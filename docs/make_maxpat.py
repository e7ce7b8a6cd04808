"""Write the patches for Max: `python docs/make_maxpat.py`; a test holds the files to this.

A patcher file is JSON: boxes, each with class, text, place and numbers of inlets and outlets, and lines between them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from bridge.controls.parameters import PARAMETERS, Parameter

FOLDER = Path(__file__).parents[1] / "plugin_host" / "daw" / "max"
IN, OUT, HOST = 9101, 9100, "127.0.0.1"

_SINGLE = "udpsend udpreceive loadbang closebang change unpack coll patcherargs prepend t sprintf notein"
_MIDI = "midiin midiparse midiflush midiout"
INLETS = {"noteout": 3, "makenote": 3, "midiformat": 7, **dict.fromkeys(f"{_SINGLE} {_MIDI}".split(), 1)}
"""Objects with other than two inlets, besides those whose number follows from their arguments."""

OUTLETS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("udpsend", "noteout", "midiout"), ()),
    **dict.fromkeys(("loadbang", "closebang", "metro", "delay"), ("bang",)),
    **dict.fromkeys(("+", "*", "%", "==", ">", "int", "midiin", "midiflush"), ("int",)),
    **dict.fromkeys(("float",), ("float",)),
    **dict.fromkeys(("zl", "patcherargs"), ("", "")),
    "change": ("", "int", "int"),
    "coll": ("", "", "", ""),
    "gapt": ("", "", "", ""),
    "makenote": ("float", "float"),
    "midiformat": ("int", ""),
    "midiparse": ("", "", "", "int", "int", "", "int", ""),
    "notein": ("int", "int", "int"),
    "transport": ("int", "int", "float", "float", "float", "", "int", "float", ""),
}
"""Types of the outlets; what is not here has one of any type, or by its arguments."""

TRIGGER = {"b": "bang", "i": "int", "f": "float", "l": "", "s": ""}

WIDGETS: dict[str, tuple[int, tuple[str, ...], tuple[float, float]]] = {
    "comment": (1, (), (300.0, 20.0)),
    "message": (2, ("",), (0.0, 22.0)),
    "inlet": (0, ("",), (30.0, 30.0)),
    "outlet": (1, (), (30.0, 30.0)),
    "button": (1, ("bang",), (24.0, 24.0)),
    "toggle": (1, ("int",), (24.0, 24.0)),
    "flonum": (1, ("", "bang"), (60.0, 22.0)),
    "umenu": (1, ("int", "", ""), (110.0, 22.0)),
    "kslider": (2, ("int", "int"), (336.0, 53.0)),
    "live.comment": (1, (), (60.0, 17.0)),
    "live.dial": (1, ("", "float"), (48.0, 48.0)),
    "live.menu": (1, ("", "", "float"), (90.0, 15.0)),
    "live.text": (1, ("", ""), (44.0, 15.0)),
    "live.toggle": (1, ("",), (15.0, 15.0)),
}
"""Boxes that are no text objects: inlets, types of outlets, size."""

Port = tuple[str, int]
"""A box by its id, and one of its inlets or outlets."""


def ports_of(text: str) -> tuple[int, tuple[str, ...]]:
    """Number of inlets and types of outlets of the object that `text` makes."""
    name, *words = text.split()
    words = [word for word in words if not word.startswith("@")]
    count = len(words)
    if name in ("route", "sel"):
        kinds = ("bang",) * count if name == "sel" else ("",) * count
        return count + 1, (*kinds, "")
    if name in ("t", "unpack"):
        return 1, tuple(TRIGGER.get(word, "int") for word in words)
    if name == "pack":
        return count, ("",)
    if name == "gate":
        return 2, ("",) * int(words[0])
    if name == "expr":
        return max(int(digit) for digit in text.split("$i")[1:] for digit in digit[:1]), ("",)
    if name == "/":
        return 2, ("float" if "." in words[0] else "int",)
    return INLETS.get(name, 2), OUTLETS.get(name, ("",))


class Patcher:
    """Collects boxes and lines; `text` is the file.

    Attributes:
        more: what is said of the patcher besides, or otherwise.
    """

    def __init__(self, width: float, height: float) -> None:
        self._size = width, height
        self.more: dict[str, object] = {}
        self._boxes: list[dict[str, dict[str, object]]] = []
        self._lines: list[dict[str, object]] = []

    def box(self, x: float, y: float, kind: str, **more: object) -> str:
        """A box of the class `kind` at (x, y); returns its id."""
        inlets, outlets, size = WIDGETS[kind]
        return self._add(kind, inlets, outlets, (x, y, *size), more)

    def message(self, x: float, y: float, text: str) -> str:
        """A message box."""
        inlets, outlets, (_, height) = WIDGETS["message"]
        return self._add("message", inlets, outlets, (x, y, _width(text), height), {"text": text})

    def comment(self, x: float, y: float, text: str, width: float = 300.0) -> str:
        """Words to read."""
        rows = -(-len(text) * 6.2 // width)
        return self._add("comment", 1, (), (x, y, width, 5.0 + 15.0 * rows), {"text": text, "linecount": int(rows)})

    def object(self, x: float, y: float, text: str) -> str:
        """An object made by its text."""
        inlets, outlets = ports_of(text)
        return self._add("newobj", inlets, outlets, (x, y, _width(text), 22.0), {"text": text})

    def wire(self, *chain: str | Port) -> None:
        """Join each box of the chain to the next; a port where it is not the first outlet to the first inlet.

        In the middle of a chain a port is an inlet, and its box goes on from its first outlet.
        """
        source = _port(chain[0])
        for step in chain[1:]:
            target = _port(step)
            self._lines.append({"patchline": {"source": [*source], "destination": [*target]}})
            source = target[0], 0

    def inside(self, x: float, y: float, name: str, patcher: Patcher) -> str:
        """Another patcher in a box of this one; its inlets and outlets are the box's."""
        kinds = [entry["box"]["maxclass"] for entry in patcher._boxes]
        more: dict[str, object] = {"text": f"p {name}", "patcher": patcher.document["patcher"]}
        inlets, outlets = kinds.count("inlet"), ("",) * kinds.count("outlet")
        return self._add("newobj", inlets, outlets, (x, y, _width(f"p {name}"), 22.0), more)

    @property
    def text(self) -> str:
        """The file."""
        return json.dumps(self.document, indent="\t", ensure_ascii=True) + "\n"

    @property
    def document(self) -> dict[str, dict[str, object]]:
        """What the file says."""
        patcher: dict[str, object] = {
            "fileversion": 1,
            "appversion": {"major": 8, "minor": 6, "revision": 2, "architecture": "x64", "modernui": 1},
            "classnamespace": "box",
            "rect": [60.0, 90.0, *self._size],
            "bglocked": 0,
            "openinpresentation": 0,
            "default_fontsize": 12.0,
            "default_fontface": 0,
            "default_fontname": "Arial",
            "gridonopen": 1,
            "gridsize": [15.0, 15.0],
            "gridsnaponopen": 1,
            "boxes": self._boxes,
            "lines": self._lines,
            "dependency_cache": [],
            "autosave": 0,
        }
        return {"patcher": patcher | self.more}

    def attributes(self, box: str) -> dict[str, object]:
        """What the file says of a box, to be changed."""
        return next(entry["box"] for entry in self._boxes if entry["box"]["id"] == box)

    def _add(
        self, kind: str, inlets: int, outlets: Sequence[str], rect: tuple[float, ...], more: dict[str, object]
    ) -> str:
        name = f"obj-{len(self._boxes) + 1}"
        box: dict[str, object] = {"id": name, "maxclass": kind, "numinlets": inlets, "numoutlets": len(outlets)}
        if outlets:
            box["outlettype"] = [*outlets]
        self._boxes.append({"box": {**box, "patching_rect": [*rect], **more}})
        return name


class Abstraction:
    """Draws gapt.maxpat. Each part leaves under a name the boxes that others are joined to."""

    def __init__(self, arguments: bool = True) -> None:
        """Without `arguments` it is not an abstraction but a part of a device, and speaks by the usual ports."""
        self.patcher = p = Patcher(1360.0, 740.0)
        self.arguments = ""
        p.comment(
            30,
            10,
            f"[gapt IN OUT HOST @temperature 0.8 …]: our own UDP port ({IN}), the bridge's ({OUT}), its computer "
            f"({HOST}), and what is to be set as soon as the bridge is there.",
            900,
        )
        self._draw_sending()
        self._draw_sockets()
        if arguments:
            self._draw_arguments()
        self._draw_watch()
        self._draw_notes()
        self._draw_outlets()
        self._draw_transport()
        self._draw_inlets()

    def _draw_sending(self) -> None:
        """`say` takes `temperature 0.8` and sends it as OSC by `udp_out`."""
        p = self.patcher
        p.comment(120, 290, "temperature 0.8 goes out as /gapt/temperature 0.8, panic alone as /gapt/panic", 240)
        self.say, gate, self.udp_out = (
            p.object(30, 330, "t l l"),
            p.object(30, 440, "gate 2"),
            p.object(30, 660, f"udpsend {HOST} {OUT}"),
        )
        p.wire((self.say, 1), p.object(110, 360, "zl len"), p.object(110, 385, "> 1"), p.object(110, 410, "+ 1"), gate)
        p.wire(self.say, (gate, 1))
        p.wire((gate, 0), p.object(170, 480, "sprintf symout /gapt/%s"), self.udp_out)
        both, rest, address = (
            p.object(30, 520, "t l l"),
            p.object(30, 560, "zl slice 1"),
            p.object(30, 620, "prepend /gapt/note"),
        )
        p.wire((gate, 1), both)
        p.wire((both, 1), p.object(120, 560, "zl slice 1"), p.object(120, 590, "sprintf set /gapt/%s"), address)
        p.wire(both, rest)
        p.wire((rest, 1), address, self.udp_out)

    def _draw_sockets(self) -> None:
        """`udp_in` hears; `own` outputs our port whenever it gets a bang."""
        p = self.patcher
        self.udp_in, self.own = p.object(620, 60, f"udpreceive {IN}"), p.object(420, 440, f"int {IN}")
        self.closing, self.leaving = p.object(500, 505, "t b b"), p.object(420, 535, f"int {IN}")

    def _draw_arguments(self) -> None:
        """`arguments` outputs at a bang, as by itself at the beginning, ports and attributes of the box."""
        p = self.patcher
        p.comment(400, 680, "where the patch's arguments say something else", 200)
        self.arguments = p.object(300, 560, f"patcherargs {IN} {OUT} {HOST}")
        attributes, parts = p.object(150, 590, "route done"), p.object(300, 590, f"unpack {IN} {OUT} s")
        p.wire(self.arguments, parts)
        p.wire((self.arguments, 1), attributes)
        p.wire((attributes, 1), self.say)
        p.wire((parts, 2), p.message(450, 620, "host $1"), self.udp_out)
        p.wire((parts, 1), p.message(370, 620, "port $1"), self.udp_out)
        both = p.object(300, 620, "t i i i")
        p.wire(parts, both)
        p.wire((both, 2), (self.leaving, 1))
        p.wire((both, 1), (self.own, 1))
        p.wire(both, p.object(300, 650, f"change {IN}"), p.message(300, 680, "port $1"), self.udp_in)

    def _draw_watch(self) -> None:
        """Ask for the bridge until it is heard; `heard` splits what it says, `lost` bangs when it is gone."""
        p = self.patcher
        p.comment(500, 330, "asks once a second until the bridge is heard; 2.5 s of silence, and it is lost", 180)
        self.heard, state = p.object(620, 90, "t l b"), p.object(1060, 180, "change")
        again = p.object(1060, 90, "t b b")
        p.wire(self.udp_in, self.heard)
        p.wire((self.heard, 1), again)
        p.wire((again, 1), p.object(1130, 120, "delay 2500"), p.message(1130, 150, "0"), state)
        p.wire(again, p.message(1060, 150, "1"), state)
        self.state, self.lost = p.object(1060, 210, "t i i"), p.object(1130, 240, "sel 0 1")
        p.wire(state, self.state)
        p.wire((self.state, 1), self.lost)
        # No hello: its answer would go to the port that udpsend sends from, where nobody hears it.
        asking = p.object(420, 390, "metro 1000")
        p.wire(p.object(420, 330, "loadbang"), p.message(420, 360, "1"), asking, self.own)
        p.wire(self.own, p.message(420, 470, "subscribe $1"), self.say)
        p.wire((self.lost, 0), p.message(1130, 270, "1"), asking)
        found = p.object(1200, 270, "t b b b")
        p.wire((self.lost, 1), found)
        p.wire((found, 2), p.message(1260, 300, "0"), asking)
        p.wire((found, 1), p.message(1200, 300, "dump"), self.say)
        if self.arguments:
            p.wire(found, self.arguments)
        keep = p.object(1000, 240, "metro 20000")
        p.wire(self.state, keep, self.own)
        p.comment(840, 215, "a subscription from another computer has to be renewed", 150)
        goodbye = p.message(520, 535, "unsubscribe $1")
        p.wire(p.object(420, 505, "closebang"), self.closing, self.leaving, goodbye, self.say)

    def _draw_notes(self) -> None:
        """`notes` takes pitch, velocity, channel and passes them on to `notes_out`; `flush` ends all that sound."""
        p = self.patcher
        p.comment(620, 310, "keeps what sounds, by channel * 128 + pitch", 260)
        self.notes, store, gate = (
            p.object(620, 360, "t l l l"),
            p.object(760, 510, "coll"),
            p.object(760, 450, "gate 2"),
        )
        parts, ends = p.object(930, 390, "unpack 0 0 0"), p.object(620, 640, "pack 0 0 0")
        p.wire((self.notes, 2), parts)
        p.wire((parts, 1), p.object(930, 420, "== 0"), p.object(990, 420, "+ 1"), gate)
        p.wire((self.notes, 1), p.object(760, 390, "expr $i3 * 128 + $i1"), (gate, 1))
        p.wire((gate, 0), p.message(760, 480, "$1 1"), store)
        p.wire((gate, 1), p.message(830, 480, "remove $1"), store)
        self.flush = p.message(680, 480, "dump")
        p.wire(self.flush, store)
        place = p.object(620, 570, "t i i")
        p.wire((store, 1), place)
        p.wire((place, 1), p.object(700, 600, "/ 128"), (ends, 2))
        p.wire(place, p.object(620, 600, "% 128"), ends)
        p.wire((store, 3), p.message(900, 540, "clear"), store)
        self.notes_out = p.box(620, 680, "outlet", index=1, comment="pitch velocity channel, for noteout")
        p.wire(ends, self.notes_out)
        p.wire(self.notes, self.notes_out)
        p.wire(self.lost, self.flush)
        p.wire((self.closing, 1), self.flush)

    def _draw_outlets(self) -> None:
        """What the bridge says, to where it belongs."""
        p = self.patcher
        kinds = p.object(620, 130, "route /gapt/play /gapt/silence /gapt/chord /gapt/plan")
        p.wire(self.heard, kinds, self.notes)
        p.wire((kinds, 1), p.object(700, 170, "t b"), self.flush)
        for outlet, index, x, words in ((2, 2, 700.0, "name beat pitches"), (3, 3, 780.0, "the plan")):
            p.wire((kinds, outlet), p.box(x, 680, "outlet", index=index, comment=words))
        rest = p.box(
            860, 680, "outlet", index=4, comment="values and status, as /gapt/temperature 0.8; connected 1 or 0"
        )
        p.wire((kinds, 4), rest)
        p.wire(self.state, p.object(860, 640, "prepend connected"), rest)

    def _draw_transport(self) -> None:
        """`follow` takes 1 or 0: tell the bridge where Max's transport stands, 20 times a second."""
        p = self.patcher
        p.comment(180, 60, "Max's (or Live's) transport, told to the bridge while `follow 1`", 260)
        self.follow, clock = p.object(240, 110, "metro 50"), p.object(180, 140, "transport")
        host = p.object(180, 220, "pack 0. 120. 0 4 4")
        p.wire(self.follow, clock)
        beat = p.object(180, 190, "float")
        p.wire((clock, 7), p.object(330, 165, "/ 480."), (beat, 1))
        p.wire((clock, 6), (host, 2))
        metre = p.object(330, 190, "unpack 4 4")
        p.wire((clock, 5), metre, (host, 3))
        p.wire((metre, 1), (host, 4))
        p.wire((clock, 4), (host, 1))
        p.wire(clock, p.object(180, 165, "t b"), beat, host, p.object(180, 250, "prepend host"), self.say)

    def _draw_inlets(self) -> None:
        """Notes on the left, everything else on the right."""
        p = self.patcher
        notes = p.box(30, 60, "inlet", index=1, comment="a note: pitch velocity [beat]")
        words = p.box(90, 60, "inlet", index=2, comment="a message: temperature 0.8, panic, follow 1, flush")
        p.wire(notes, p.object(30, 250, "prepend note"), self.say)
        kinds = p.object(90, 110, "route follow flush")
        p.wire(words, kinds, self.follow)
        p.wire((kinds, 1), p.object(100, 140, "t b"), self.flush)
        p.wire((kinds, 2), self.say)


def help_patch() -> str:
    """The file gapt.maxhelp, which Max opens where [gapt] is clicked with Alt held."""
    p = Patcher(1220.0, 680.0)
    p.comment(
        30, 10, "[gapt]: a melody goes to GAPT Bridge, chords come back. gapt jam --no-midi --osc-reply 9101", 760
    )
    gapt, say, notes = p.object(30, 480, "gapt"), p.object(120, 440, "t l"), p.object(30, 190, "pack 60 100")
    p.wire(notes, gapt)
    p.wire(say, (gapt, 1))
    p.comment(30, 40, "1. Play: the keys, or a MIDI keyboard.", 300)
    p.comment(200, 482, "[gapt @voicing pad @density 2] sets these as soon as the bridge is there", 300)
    keys, keyboard = p.box(30, 65, "kslider"), p.object(250, 150, "notein")
    made = p.object(30, 150, "makenote 100 400")
    p.wire(keys, made, notes)
    p.wire((made, 1), (notes, 1))
    p.wire(keyboard, notes)
    p.wire((keyboard, 1), (notes, 1))
    p.comment(30, 220, "2. Whatever can be set is a message of its name; without a value it asks.", 480)
    words = (
        "preset public-domain",
        "style folk",
        "key D",
        "scale dorian",
        "metre 3/4",
        "temperature",
        "panic",
        "start",
        "stop",
    )
    for index, text in enumerate(words):
        p.wire(p.message(30 + 160 * (index % 3), 255 + 28 * (index // 3), text), say)
    follow = p.box(30, 350, "toggle")
    p.comment(60, 352, "follow Max's transport", 150)
    p.wire(follow, p.object(30, 385, "prepend follow"), say)
    _draw_values(p, gapt, say)
    p.comment(30, 520, "3. The chord: its notes, its name, beat and pitches.", 420)
    split = p.object(30, 550, "unpack 0 0 0")
    out = p.object(30, 590, "noteout")
    p.wire(gapt, split)
    for index in range(3):
        p.wire((split, index), (out, index))
    shown = p.message(150, 590, "")
    p.wire((gapt, 1), p.object(150, 550, "prepend set"), shown)
    plan = p.message(330, 590, "")
    p.wire((gapt, 2), p.object(330, 550, "prepend set"), plan)
    p.comment(330, 615, "the plan: index, count, name, beat, duration, beats to go, final, pitches", 480)
    return p.text


SHOWN = (
    *("temperature", "density", "window_ms", "offset_ms", "velocity_follow", "commit", "register", "velocity"),
    *("channel", "tempo", "mode", "voicing", "bypass", "hold", "thru", "follow_scale"),
)
"""Parameters with a box of their own in the help patch."""


def _draw_values(p: Patcher, gapt: str, say: str) -> None:
    """A box for each of `SHOWN`, which sets it and shows what the bridge says of it."""
    p.comment(520, 40, "4. These show what the bridge says, whoever changed it.", 420)
    echoes = p.object(30, 640, "route connected " + " ".join(PARAMETERS[name].address for name in SHOWN))
    p.wire((gapt, 3), echoes)
    connected = p.box(250, 350, "toggle")
    p.comment(280, 352, "the bridge is heard", 150)
    p.wire(echoes, p.object(250, 385, "prepend set"), connected)
    for index, name in enumerate(SHOWN):
        x, y = 520.0 + 170.0 * (index % 4), 75.0 + 130.0 * (index // 4)
        p.comment(x, y, name, 120)
        widget = _widget(p, x, y + 22, PARAMETERS[name])
        p.wire((widget, 1 if PARAMETERS[name].kind == "choice" else 0), p.object(x, y + 50, f"prepend {name}"), say)
        show = "prepend setsymbol" if PARAMETERS[name].kind == "choice" else "prepend set"
        p.wire((echoes, 1 + index), p.object(x, y + 78, show), widget)


def _widget(p: Patcher, x: float, y: float, parameter: Parameter) -> str:
    if parameter.kind == "switch":
        return p.box(x, y, "toggle")
    if parameter.kind == "choice":
        items = [word for choice in parameter.choices for word in (choice, ",")][:-1]
        return p.box(x, y, "umenu", items=items)
    return p.box(x, y, "flonum", minimum=parameter.low, maximum=parameter.high)


def patches() -> dict[str, str]:
    """The files by name."""
    return {"gapt.maxpat": Abstraction().patcher.text, "gapt.maxhelp": help_patch()}


def _port(step: str | Port) -> Port:
    return step if isinstance(step, tuple) else (step, 0)


def _width(text: str) -> float:
    return max(32.0, 7.0 * len(text) + 12.0)


if __name__ == "__main__":
    for name, text in patches().items():
        (FOLDER / name).write_text(text, "utf-8")
