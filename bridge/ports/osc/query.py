"""OSCQuery (Vidvox's proposal): the namespace as JSON, with ranges and current values. No sockets here.

A path is answered with its node and all below it, `?HOST_INFO` with who we are, `?VALUE` and the like with that one
attribute. Statuses are the proposal's: 404 where there is no such address, 400 where nobody knows the attribute, 204
where this node has none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.controls.parameters import PARAMETERS, Parameter, Value
from bridge.ports.osc.codec import Argument
from bridge.ports.osc.namespace import NAME, NAMESPACE, Address, outgoing, type_of

READ, WRITE = 1, 2

ATTRIBUTES = ("ACCESS", "DESCRIPTION", "RANGE", "TYPE", "UNIT", "VALUE")
LACKING = ("CLIPMODE", "CRITICAL", "LISTEN", "PATH_CHANGED", "TAGS")
EXTENSIONS = {name: name in ATTRIBUTES for name in (*ATTRIBUTES, *LACKING)}

UNITS = {"ms": "time.ms", "bpm": "time.bpm", "MIDI pitch": "time.midinote"}
"""Ours to the proposal's; it has none for beats."""

Node = dict[str, Any]


@dataclass
class Snapshot:
    """What was told last: the value of each parameter, and the arguments of each other address that goes out.

    Whoever writes replaces whole entries, so that another thread may read meanwhile.
    """

    values: dict[str, Value]
    told: dict[str, tuple[Argument, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HostInfo:
    """Where our OSC is heard."""

    ip: str
    port: int


def answer(path: str, attribute: str, snapshot: Snapshot, host: HostInfo) -> tuple[int, Node | None]:
    """HTTP status and JSON for `path`, such as /gapt/tempo, and `attribute`, empty for the whole node."""
    if attribute == "HOST_INFO":
        return 200, _host_info(host)
    node = _find(tree(snapshot), path)
    if node is None:
        return 404, None
    if not attribute:
        return 200, node
    if attribute not in (*ATTRIBUTES, "FULL_PATH", "CONTENTS"):
        return 400, None
    return (200, {attribute: node[attribute]}) if attribute in node else (204, None)


def tree(snapshot: Snapshot) -> Node:
    """The root with all that is below it."""
    nodes: dict[str, Node] = {}
    for line in NAMESPACE:
        nodes[line.address] = _merged(nodes.get(line.address), _line_node(line, snapshot.told))
    for parameter in PARAMETERS.values():
        nodes[parameter.address] = _parameter_node(parameter, snapshot.values)
    inside: Node = {
        "FULL_PATH": "/gapt",
        "ACCESS": 0,
        "DESCRIPTION": NAME,
        "CONTENTS": {address.rpartition("/")[2]: node for address, node in nodes.items()},
    }
    return {"FULL_PATH": "/", "ACCESS": 0, "DESCRIPTION": NAME, "CONTENTS": {"gapt": inside}}


def _find(node: Node, path: str) -> Node | None:
    for name in filter(None, path.split("/")):
        node = node.get("CONTENTS", {}).get(name)
        if node is None:
            return None
    return node


def _host_info(host: HostInfo) -> Node:
    return {
        "NAME": NAME,
        "OSC_IP": host.ip,
        "OSC_PORT": host.port,
        "OSC_TRANSPORT": "UDP",
        "EXTENSIONS": EXTENSIONS,
    }


def _line_node(line: Address, told: Mapping[str, tuple[Argument, ...]]) -> Node:
    types = line.types.partition("[")[0]
    node: Node = {"FULL_PATH": line.address, "DESCRIPTION": line.meaning, "ACCESS": WRITE if line.way == "in" else READ}
    values = told.get(line.address) if line.way == "out" else None
    if values is not None:
        node |= {"TYPE": "".join(_type(value) for value in values), "VALUE": list(values)}
    elif types:
        node["TYPE"] = types
    return node


def _merged(way_in: Node | None, node: Node) -> Node:
    """An address that we hear and send is described as one that is written to."""
    return node if way_in is None else way_in


def _parameter_node(parameter: Parameter, values: Mapping[str, Value]) -> Node:
    node: Node = {
        "FULL_PATH": parameter.address,
        "DESCRIPTION": parameter.help,
        "TYPE": type_of(parameter),
        "ACCESS": WRITE if parameter.kind == "trigger" else READ | WRITE,
    }
    if parameter.kind in ("number", "whole"):
        number = float if parameter.kind == "number" else int
        node["RANGE"] = [{"MIN": number(parameter.low), "MAX": number(parameter.high)}]
    elif parameter.kind in ("switch", "trigger"):
        node["RANGE"] = [{"VALS": [0, 1] if parameter.kind == "switch" else [1]}]
    elif parameter.kind == "choice":
        node["RANGE"] = [{"VALS": list(parameter.choices)}]
    if parameter.unit in UNITS:
        node["UNIT"] = [UNITS[parameter.unit]]
    if parameter.name in values:
        node["VALUE"] = [outgoing(parameter, values[parameter.name])]
    return node


def _type(value: Argument) -> str:
    return "s" if isinstance(value, str) else "i" if isinstance(value, int) else "f"
