"""Golden files: once looked at and found right. GAPT_WRITE_GOLDEN=1 writes them anew, to be looked at again."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "golden"


def check(name: str, value: Any) -> None:
    """Compare `value`, of what JSON knows, with the golden file `name`; lists of lists stand one inner list a line."""
    path = FOLDER / f"{name}.json"
    if os.environ.get("GAPT_WRITE_GOLDEN"):
        path.write_text(_text(value), encoding="utf-8", newline="\n")
    assert json.loads(path.read_text(encoding="utf-8")) == json.loads(json.dumps(value))


def _text(value: dict[str, list[Any]]) -> str:
    parts = []
    for key, rows in value.items():
        lines = ",\n".join("  " + json.dumps(row) for row in rows)
        parts.append(f" {json.dumps(key)}: [\n{lines}\n ]")
    return "{\n" + ",\n".join(parts) + "\n}\n"
