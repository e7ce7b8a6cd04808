"""Reads the header of a safetensors file, and nothing else of it, with the standard library alone.

The file is eight bytes of header length (little-endian), a JSON header of `{name: {dtype, shape,
data_offsets}}`, then the tensors' bytes. A sane file has its tensors end to end and nothing besides.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from presets.errors import PresetError

ITEM_BYTES = {"F16": 2, "BF16": 2, "F32": 4, "F64": 8, "I8": 1, "U8": 1, "I16": 2, "I32": 4, "I64": 8, "BOOL": 1}
LENGTH_BYTES = 8
MAX_HEADER_BYTES = 1 << 20
METADATA = "__metadata__"


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor as the header describes it; `begin` and `end` count bytes from the end of the header."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int

    @property
    def count(self) -> int:
        """How many numbers it holds."""
        return math.prod(self.shape)


def read_header(path: Path) -> tuple[Tensor, ...]:
    """The tensors of a safetensors file in the order of their bytes, checked against the file's length.

    Raises:
        PresetError: the file cannot be read or is not a sane safetensors file.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(LENGTH_BYTES), "little")
            header = file.read(length) if length <= min(MAX_HEADER_BYTES, size - LENGTH_BYTES) else b""
        return _checked(_parsed(header), size - LENGTH_BYTES - length)
    except OSError as error:
        raise PresetError(f"{path} cannot be read ({error.strerror}): install the preset again.") from error
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise PresetError(f"{path} is not sane safetensors ({error}): install the preset again.") from error


def _parsed(header: bytes) -> list[Tensor]:
    if not header.startswith(b"{"):
        raise ValueError("it has no header")
    entries: dict[str, Any] = json.loads(header, object_pairs_hook=_without_doubles)
    return [_tensor(name, entry) for name, entry in entries.items() if name != METADATA]


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries = dict(pairs)
    if len(entries) != len(pairs):
        raise ValueError("a name stands in its header twice")
    return entries


def _tensor(name: str, entry: Any) -> Tensor:
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"{name!r} is described by something else than dtype, shape and offsets")
    numbers = [*entry["shape"], *entry["data_offsets"]]
    if any(type(number) is not int or number < 0 for number in numbers):
        raise ValueError(f"{name!r} has a shape or an offset that is no whole number")
    begin, end = entry["data_offsets"]
    tensor = Tensor(name, entry["dtype"], tuple(entry["shape"]), begin, end)
    if tensor.dtype not in ITEM_BYTES:
        raise ValueError(f"{name!r} is of the unknown type {tensor.dtype!r}")
    if end - begin != tensor.count * ITEM_BYTES[tensor.dtype]:
        raise ValueError(f"{name!r} has other bytes than its shape needs")
    return tensor


def _checked(tensors: list[Tensor], data_bytes: int) -> tuple[Tensor, ...]:
    tensors.sort(key=lambda tensor: (tensor.begin, tensor.end))
    expected = 0
    for tensor in tensors:
        if tensor.begin != expected:
            raise ValueError(f"there is a gap or an overlap before {tensor.name!r}")
        expected = tensor.end
    if expected != data_bytes or not tensors:
        raise ValueError(f"its header describes {expected} bytes of tensors, and it holds {max(data_bytes, 0)}")
    return tuple(tensors)
