"""Text and JSON that strangers wrote: read strictly, and made fit for a sentence on a terminal."""

from __future__ import annotations

import json
import math
from typing import Any

MOST_LEVELS = 32
"""How deep objects and arrays may lie in each other, so that nothing that walks them runs out of stack."""

LONGEST_QUOTE = 200


def plain(text: object, most: int = LONGEST_QUOTE) -> str:
    """`text` with question marks for what would steer a terminal, cut where it is longer than `most` characters."""
    shown = "".join(character if character.isprintable() else "?" for character in str(text)[: most + 1])
    return shown if len(shown) <= most else f"{shown[:most]}…"


def parse_json(content: bytes) -> Any:
    """The value that UTF-8 JSON stands for.

    Raises:
        ValueError: it is none, names something twice in one object, nests too deeply, or holds what is neither a number
            nor a text of Unicode; the reason, as part of a sentence.
    """
    try:
        value = json.loads(
            content.decode("utf-8"),
            parse_constant=_refuse_constant,
            parse_float=_finite,
            object_pairs_hook=_without_doubles,
        )
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    _check_depth(value)
    if b"\\ud" in content.lower():
        _check_text(value)
    return value


def to_json(value: object) -> bytes:
    """UTF-8 JSON as this package writes it to files.

    Raises:
        ValueError: it holds a number that is not finite.
    """
    return (json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number of JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"{plain(digits, 20)} is too large a number")
    return number


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries = dict(pairs)
    if len(entries) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return entries


def _check_depth(value: object) -> None:
    level = [value]
    for _ in range(MOST_LEVELS):
        level = [inner for outer in level for inner in _parts(outer)]
        if not level:
            return
    raise ValueError("it is nested too deeply")


def _parts(value: object) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _check_text(value: object) -> None:
    try:
        to_json(value)
    except UnicodeEncodeError:
        raise ValueError("it holds half a character") from None
