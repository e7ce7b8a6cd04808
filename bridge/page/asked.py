"""What a page may ask for, read with the distrust that a message from a network deserves."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Union

from bridge.controls.parameters import PARAMETERS, Value
from bridge.errors import BridgeError

MOST_NAME_LETTERS = 40
FARTHEST = 1e15
"""Beyond that lies no time of any clock."""


@dataclass(frozen=True, slots=True)
class Wish:
    """Set the parameter `name`."""

    name: str
    value: Value


@dataclass(frozen=True, slots=True)
class Ping:
    """Say what time it is; `client` is the asker's own time."""

    client: float


@dataclass(frozen=True, slots=True)
class Refusal:
    """What cannot be, said in a sentence with the way out."""

    name: str
    sentence: str


Asked = Union[Wish, Ping, Refusal]


def read(text: str, presets: Collection[str]) -> Asked:
    """What `text` asks for. A preset can be one of `presets` only: its name might else be any path of this computer."""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return Refusal("", "That was no message: the page and the bridge may differ in version, so load it again.")
    kind = said.get("type") if isinstance(said, dict) else None
    if kind == "ping" and _is_number(said.get("client")):
        return Ping(said["client"])
    if kind == "set" and isinstance(said.get("name"), str):
        return _wish(said["name"], said.get("value"), presets)
    return Refusal("", "That was no message: the page and the bridge may differ in version, so load it again.")


def _wish(name: str, value: object, presets: Collection[str]) -> Asked:
    parameter = PARAMETERS.get(name)
    if parameter is None:
        return Refusal(name[:MOST_NAME_LETTERS], "There is no such parameter: load the page again.")
    if name == "preset" and value not in presets:
        return Refusal(name, "There is no such preset here: choose one of the list, or install it with `gapt presets`.")
    try:
        return Wish(name, parameter.checked(value))
    except BridgeError as error:
        return Refusal(name, str(error))


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= FARTHEST
