"""`.gapt` files for tests: sound ones, and what strangers may make of them."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from tiny_presets import CARD, tiny_fields, tiny_weights

MANIFEST = "manifest.json"
WEIGHTS = "policy.safetensors"
MEMBERS = {"card.md": CARD.encode(), WEIGHTS: tiny_weights()}


def manifest(members: Mapping[str, bytes] = MEMBERS, /, **changes: Any) -> dict[str, Any]:
    """A manifest that promises just these members."""
    promised = {
        name: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
        for name, content in members.items()
    }
    return {"format": 2, "name": "tiny", "parameters": 10, "members": promised, **tiny_fields(), **changes}


def files(members: Mapping[str, bytes] = MEMBERS, /, **changes: Any) -> dict[str, bytes]:
    """All files of a preset with these members."""
    return {MANIFEST: json.dumps(manifest(members, **changes)).encode(), **members}


def zipped(named: Mapping[str, bytes] | list[tuple[str | ZipInfo, bytes]], method: int = ZIP_STORED) -> bytes:
    """A zip of these files, in this order."""
    archive = BytesIO()
    with warnings.catch_warnings(), ZipFile(archive, "w", method) as writer:
        warnings.simplefilter("ignore")  # a name that stands in it twice
        for name, content in named.items() if isinstance(named, Mapping) else named:
            writer.writestr(name, content)
    return archive.getvalue()


def tree(root: Path) -> dict[str, bytes | None]:
    """Everything under `root`: the content of files, None for folders."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes() if path.is_file() else None
        for path in sorted(root.rglob("*"))
    }
