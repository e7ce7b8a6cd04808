"""What Max's reference pages say of the objects we use, and a reading of patcher files that is held to it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Ports = tuple[int, int]
"""Numbers of inlets and outlets."""


@dataclass(frozen=True)
class Kind:
    """An object as its reference page has it.

    Attributes:
        arguments: a pattern that the words after its name match.
        ports: inlets and outlets, by those words.
    """

    arguments: str
    ports: Callable[[list[str]], Ports]


def _fixed(arguments: str, inlets: int, outlets: int) -> Kind:
    return Kind(arguments, lambda words: (inlets, outlets))


def _highest(words: list[str]) -> int:
    return max(int(digit) for digit in re.findall(r"\$[ifs](\d)", " ".join(words)))


INT, NUMBER, NAME = r"-?\d+", r"-?\d+\.?\d*", r"[\w./-]+"

OBJECTS = {
    "%": _fixed(INT, 2, 1),
    "+": _fixed(NUMBER, 2, 1),
    "/": _fixed(NUMBER, 2, 1),
    "==": _fixed(NUMBER, 2, 1),
    ">": _fixed(NUMBER, 2, 1),
    "change": _fixed(rf"({NUMBER})?", 1, 3),
    "closebang": _fixed("", 1, 1),
    "coll": _fixed(rf"({NAME})?", 1, 4),
    "delay": _fixed(INT, 2, 1),
    "expr": Kind(r"[-$\w\s+*/%.()]+", lambda words: (_highest(words), 1)),
    "float": _fixed(rf"({NUMBER})?", 2, 1),
    "gate": Kind(INT, lambda words: (2, int(words[0]))),
    "int": _fixed(rf"({INT})?", 2, 1),
    "loadbang": _fixed("", 1, 1),
    "makenote": _fixed(rf"{INT} {INT}", 3, 2),
    "metro": _fixed(INT, 2, 1),
    "midiflush": _fixed("", 1, 1),
    "midiformat": _fixed("", 7, 2),
    "midiin": _fixed("", 1, 1),
    "midiout": _fixed("", 1, 0),
    "midiparse": _fixed("", 1, 8),
    "notein": _fixed("", 1, 3),
    "noteout": _fixed("", 3, 0),
    "pack": Kind(rf"(({NUMBER}|s) ?)+", lambda words: (len(words), 1)),
    "patcherargs": _fixed(rf"({NAME} ?)*", 1, 2),
    "prepend": _fixed(rf"{NAME}( {NAME})*", 1, 1),
    "route": Kind(rf"{NAME}( {NAME})*", lambda words: (len(words) + 1, len(words) + 1)),
    "sel": Kind(rf"{NAME}( {NAME})+", lambda words: (len(words) + 1, len(words) + 1)),
    "sprintf": _fixed(r"(set|symout) [\w/]*%[sld][\w/]*", 1, 1),
    "t": Kind(r"[bifls]( [bifls])*", lambda words: (1, len(words))),
    "transport": _fixed("", 2, 9),
    "udpreceive": _fixed(INT, 1, 1),
    "udpsend": _fixed(rf"{NAME} {INT}", 1, 0),
    "unpack": Kind(rf"(({NUMBER}|s) ?)+", lambda words: (1, len(words))),
    "zl": _fixed(r"len|slice \d+", 2, 2),
}
"""By name. https://docs.cycling74.com/reference/ has a page for each."""

_LIVE = {"annotation", "annotation_name", "parameter_enable", "saved_attribute_attributes", "varname"}
_PRESENTED = {"presentation", "presentation_rect"}

BOXES = {
    "comment": ((1, 0), {"text", "linecount"}),
    "flonum": ((1, 2), {"minimum", "maximum"}),
    "inlet": ((0, 1), {"index", "comment"}),
    "kslider": ((2, 2), set[str]()),
    "live.comment": ((1, 0), {"text"} | _PRESENTED),
    "live.dial": ((1, 2), _LIVE | _PRESENTED),
    "live.menu": ((1, 3), _LIVE | _PRESENTED),
    "live.text": ((1, 2), {"mode", "text"} | _LIVE | _PRESENTED),
    "live.toggle": ((1, 1), _LIVE | _PRESENTED),
    "message": ((2, 1), {"text"}),
    "outlet": ((1, 0), {"index", "comment"}),
    "toggle": ((1, 1), set[str]()),
    "umenu": ((1, 3), {"items"}),
}
"""Boxes of the user interface: inlets and outlets, and attributes besides those of every box."""

COMMON = {"id", "maxclass", "numinlets", "numoutlets", "outlettype", "patching_rect"}

MESSAGES = {
    "coll": {"dump", "remove", "clear"},
    "udpreceive": {"port"},
    "udpsend": {"port", "host"},
    "metro": set[str](),
    "change": set[str](),
    "live.comment": {"set"},
    "live.dial": {"outputvalue"},
    "live.menu": {"outputvalue"},
    "live.toggle": {"outputvalue"},
    "midiflush": set[str](),
}
"""Words by which a message box may speak to an object, besides numbers."""


@dataclass(frozen=True)
class Box:
    """One box of a patcher."""

    kind: str
    text: str
    ports: Ports
    attributes: dict[str, object]


class Patch:
    """A patcher file read.

    Attributes:
        boxes: by id.
        lines: (id, outlet, id, inlet) of each.
        patcher: all that the file says.
    """

    def __init__(self, text: str) -> None:
        self.patcher = patcher = json.loads(text)["patcher"]
        assert (patcher["fileversion"], patcher["classnamespace"]) == (1, "box")
        found = [entry["box"] for entry in patcher["boxes"]]
        self.boxes = {
            box["id"]: Box(box["maxclass"], box.get("text", ""), (box["numinlets"], box["numoutlets"]), box)
            for box in found
        }
        assert len(self.boxes) == len(found)
        joined = [entry["patchline"] for entry in patcher["lines"]]
        self.lines = [(*line["source"], *line["destination"]) for line in joined]

    @classmethod
    def within(cls, box: Box) -> Patch:
        """The patcher in a box."""
        return cls(json.dumps({"patcher": box.attributes["patcher"]}))

    @property
    def inside(self) -> list[Patch]:
        """Patchers in boxes of this one."""
        return [self.within(box) for box in self.boxes.values() if "patcher" in box.attributes]

    @property
    def ports(self) -> Ports:
        """Its inlets and outlets as an object."""
        kinds = [box.kind for box in self.boxes.values()]
        return kinds.count("inlet"), kinds.count("outlet")

    def faults(self, abstractions: dict[str, Ports]) -> list[str]:
        """What is wrong, a sentence each; `abstractions` are patches of our own that may be used as objects."""
        return [
            *(fault for patch in self.inside for fault in patch.faults({})),
            *(fault for name, box in self.boxes.items() for fault in _faults(name, box, abstractions)),
            *(fault for line in self.lines for fault in self._line_faults(*line)),
        ]

    def _line_faults(self, source: str, outlet: int, target: str, inlet: int) -> list[str]:
        if source not in self.boxes or target not in self.boxes:
            return [f"a line from {source} to {target} ends nowhere"]
        sender, receiver = self.boxes[source], self.boxes[target]
        if not 0 <= outlet < sender.ports[1] or not 0 <= inlet < receiver.ports[0]:
            return [
                f"{sender.text or sender.kind} has no outlet {outlet}, or {receiver.text or receiver.kind} no {inlet}"
            ]
        known = MESSAGES.get(receiver.text.split(" ")[0] if receiver.kind == "newobj" else receiver.kind)
        word = sender.text.split(" ")[0]
        if sender.kind == "message" and known is not None and word not in known and not re.fullmatch(r"[\d$].*", word):
            return [f"{receiver.text} understands no {word}"]
        return []


def read(path: Path) -> Patch:
    """The patcher file at `path`."""
    return Patch(path.read_text("utf-8"))


def _faults(name: str, box: Box, abstractions: dict[str, Ports]) -> list[str]:
    count = len(box.attributes.get("outlettype", []))  # type: ignore[arg-type]
    faults = [] if count == box.ports[1] else [f"{name} has types for {count} outlets"]
    if box.kind != "newobj":
        if box.kind not in BOXES:
            return [*faults, f"there is no {box.kind}"]
        ports, allowed = BOXES[box.kind]
        strange = box.attributes.keys() - COMMON - allowed
        return (
            faults + [f"{box.kind} has no {strange}"] * bool(strange) + [f"{name} {box.ports}"] * (box.ports != ports)
        )
    kind, *words = box.text.split(" ")
    if kind == "p":
        ports = Patch.within(box).ports
        return faults + [f"{box.text} has {ports}"] * (box.ports != ports)
    if kind in abstractions:
        return faults + [f"{box.text} has {abstractions[kind]}"] * (box.ports != abstractions[kind])
    if kind not in OBJECTS:
        return [*faults, f"there is no object {kind}"]
    if re.fullmatch(OBJECTS[kind].arguments, " ".join(words)) is None:
        return [*faults, f"{kind} does not take {words}"]
    ports = OBJECTS[kind].ports(words)
    return faults + [f"{box.text} has {ports}, not {box.ports}"] * (box.ports != ports)
