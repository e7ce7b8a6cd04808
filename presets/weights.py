"""Reads the header of safetensors, and whether the numbers are finite, with the standard library alone.

The file is eight bytes of header length (little-endian), a JSON header of `{name: {dtype, shape,
data_offsets}}`, then the tensors' bytes. A sane file has its tensors end to end and nothing besides.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any

from presets.errors import PresetError
from presets.text import parse_json, plain

ITEM_BYTES = {"F16": 2, "BF16": 2, "F32": 4, "F64": 8, "I8": 1, "U8": 1, "I16": 2, "I32": 4, "I64": 8, "BOOL": 1}
EXPONENTS = {"F16": 0x7C00, "BF16": 0x7F80, "F32": 0x7F800000}
"""The types that weights may have, and the bits of a number's exponent: all of them are set where it is not finite."""

LENGTH_BYTES = 8
MAX_HEADER_BYTES = 1 << 20
MOST_DIMENSIONS = 8
BLOCK_BYTES = 1 << 16
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


def read_header(content: bytes, source: object) -> tuple[Tensor, ...]:
    """The tensors of a safetensors file in the order of their bytes, checked against its length.

    Raises:
        PresetError: it is not sane safetensors; the sentence names `source`.
    """
    try:
        length = int.from_bytes(content[:LENGTH_BYTES], "little")
        data_bytes = len(content) - LENGTH_BYTES - length
        sane = data_bytes >= 0 and length <= MAX_HEADER_BYTES
        return _checked(_parsed(content[LENGTH_BYTES : LENGTH_BYTES + length] if sane else b""), data_bytes)
    except (ValueError, TypeError, KeyError) as error:
        raise _insane(source, error) from error


def count_weights(content: bytes, source: object) -> int:
    """How many numbers a safetensors file of weights holds, all of them finite.

    Raises:
        PresetError: it is not sane safetensors, or holds other things than finite floating-point numbers; the sentence
            names `source`.
    """
    tensors = read_header(content, source)
    data = memoryview(content)[len(content) - tensors[-1].end :]
    for tensor in tensors:
        if tensor.dtype not in EXPONENTS or not tensor.count:
            raise _insane(source, f"{tensor.name!r} is no tensor of {', '.join(EXPONENTS)}")
        if not is_finite(data[tensor.begin : tensor.end], tensor.dtype):
            raise _insane(source, f"{tensor.name!r} holds a number that is not finite")
    return sum(tensor.count for tensor in tensors)


def is_finite(data: memoryview, dtype: str) -> bool:
    """Whether all of the numbers are finite, which are of one of the types in `EXPONENTS`."""
    exponents, lowest, signs = _masks(dtype)
    for begin in range(0, len(data), BLOCK_BYTES):
        # As one long number: an exponent of all ones, and no other, carries into the place of its sign.
        block = int.from_bytes(data[begin : begin + BLOCK_BYTES], "little")
        if (block & exponents) + lowest & signs:
            return False
    return True


@functools.cache
def _masks(dtype: str) -> tuple[int, int, int]:
    """For a block: every exponent's bits, the lowest bit of each, and the signs' places."""
    width, exponent = ITEM_BYTES[dtype], EXPONENTS[dtype]
    once = exponent, exponent & -exponent, 1 << (8 * width - 1)
    repeated = (bits.to_bytes(width, "little") * (BLOCK_BYTES // width) for bits in once)
    exponents, lowest, signs = (int.from_bytes(block, "little") for block in repeated)
    return exponents, lowest, signs


def _parsed(header: bytes) -> list[Tensor]:
    if not header.startswith(b"{"):
        raise ValueError("it has no header")
    entries: dict[str, Any] = parse_json(header)
    metadata = entries.pop(METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise ValueError("its metadata are no texts")
    return [_tensor(name, entry) for name, entry in entries.items()]


def _tensor(name: str, entry: Any) -> Tensor:
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"{name!r} is described by something else than dtype, shape and offsets")
    numbers = [*entry["shape"], *entry["data_offsets"]]
    if any(type(number) is not int or number < 0 for number in numbers):
        raise ValueError(f"{name!r} has a shape or an offset that is no whole number")
    if len(entry["shape"]) > MOST_DIMENSIONS:
        raise ValueError(f"{name!r} has more than {MOST_DIMENSIONS} dimensions")
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


def _insane(source: object, reason: object) -> PresetError:
    return PresetError(f"{source} is not sane safetensors ({plain(reason)}): install the preset again.")
