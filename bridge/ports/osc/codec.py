"""Datagrams to messages and back. python-osc reads and writes the arguments; what it lets pass is checked here first.

Bundles are taken apart at once, whatever their time tag. Out go the types i, f and s only, which every host knows.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Union

from pythonosc.osc_message import OscMessage, ParseError
from pythonosc.osc_message_builder import BuildError, OscMessageBuilder

DEEPEST_BUNDLE = 8
MOST_BYTES_IN = 1 << 14
"""Ours are some dozen bytes; python-osc reads a long string byte by byte, on the thread that receives."""

MOST_BYTES_OUT = 1472
"""What one Ethernet frame takes, so that no network has to cut a datagram in pieces."""

MOST_TEXT_BYTES = 256

_BUNDLE = b"#bundle\0"
_BUNDLE_HEADER = len(_BUNDLE) + 8
_SIZES = {"i": 4, "f": 4, "h": 8, "d": 8, "T": 0, "F": 0, "N": 0}

Argument = Union[int, float, str]


@dataclass(frozen=True, slots=True)
class Message:
    """One message; `arguments` as they came: int, float, bool, str, bytes or None."""

    address: str
    arguments: tuple[object, ...] = ()


def build(address: str, arguments: Sequence[Argument] = ()) -> bytes:
    """The datagram of one message; an int or bool goes as i, a float as f, a string, cut where it is too long, as s.

    Raises:
        ValueError: a number needs more than 32 bits, or all is more than `MOST_BYTES_OUT`.
    """
    builder = OscMessageBuilder(address)
    for argument in arguments:
        if isinstance(argument, str):
            builder.add_arg(_plain(argument), "s")
        elif isinstance(argument, int):
            if not -(1 << 31) <= argument < 1 << 31:
                raise ValueError(f"{argument} needs more than 32 bits")
            builder.add_arg(int(argument), "i")
        else:
            builder.add_arg(argument, "f")
    try:
        datagram = bytes(builder.build().dgram)
    except (BuildError, OverflowError) as error:
        raise ValueError(f"{address}: {error}") from error
    if len(datagram) > MOST_BYTES_OUT:
        raise ValueError(f"{address} is longer than a datagram should be")
    return datagram


def bundle(*elements: bytes) -> bytes:
    """A bundle of messages and bundles, to be acted on at once."""
    sized = (struct.pack(">i", len(element)) + element for element in elements)
    return _BUNDLE + struct.pack(">II", 0, 1) + b"".join(sized)


def parse(datagram: bytes, most_bytes: int = MOST_BYTES_IN) -> list[Message]:
    """The messages of a datagram of at most `most_bytes`, in order.

    Raises:
        ValueError: it is no OSC, is too long, nests too deep, or has a type that is not understood.
    """
    if len(datagram) > most_bytes:
        raise ValueError("too long")
    return list(_messages(datagram, 0))


def _messages(datagram: bytes, depth: int) -> Iterator[Message]:
    # python-osc's own `OscPacket` is not used: a bundle element of negative size keeps it busy for ever.
    if not datagram.startswith(_BUNDLE):
        yield _message(datagram)
        return
    if depth >= DEEPEST_BUNDLE or len(datagram) < _BUNDLE_HEADER:
        raise ValueError("a bundle nests too deep or is cut short")
    place = _BUNDLE_HEADER
    while place < len(datagram):
        if place + 4 > len(datagram):
            raise ValueError("a bundle is cut short")
        (size,) = struct.unpack_from(">i", datagram, place)
        if size <= 0 or size % 4 or place + 4 + size > len(datagram):
            raise ValueError("a bundle's element has an impossible size")
        yield from _messages(datagram[place + 4 : place + 4 + size], depth + 1)
        place += 4 + size


def _message(datagram: bytes) -> Message:
    if len(datagram) % 4 or not datagram.startswith(b"/"):
        raise ValueError("neither a message nor a bundle")
    _check_arguments(datagram)
    try:
        message = OscMessage(datagram)
    except (ParseError, ValueError, TypeError, LookupError, ArithmeticError, struct.error) as error:
        raise ValueError(f"not a message: {error}") from error
    return Message(message.address, tuple(message.params))


def _check_arguments(datagram: bytes) -> None:
    """Hold the arguments to their types: python-osc skips types it does not know and reads a missing float as 0.

    A message without a type tag string has no arguments, as OSC 1.0 advises.
    """
    place = _string_end(datagram, 0)
    if place == len(datagram):
        return
    if datagram[place : place + 1] != b",":
        raise ValueError("arguments without types")
    end = _string_end(datagram, place)
    tags = datagram[place + 1 : datagram.index(b"\0", place)].decode("latin-1")
    for tag in tags:
        if tag == "s":
            end = _string_end(datagram, end)
        elif tag == "b":
            end = _blob_end(datagram, end)
        elif tag in _SIZES:
            end += _SIZES[tag]
        else:
            raise ValueError(f"type {tag!r} is not understood")
    if end != len(datagram):
        raise ValueError("more or fewer arguments than types")


def _string_end(datagram: bytes, place: int) -> int:
    end = datagram.find(b"\0", place)
    if end < 0:
        raise ValueError("a string without an end")
    return (end // 4 + 1) * 4


def _blob_end(datagram: bytes, place: int) -> int:
    if place + 4 > len(datagram):
        raise ValueError("a blob is cut short")
    (size,) = struct.unpack_from(">i", datagram, place)
    if size < 0:
        raise ValueError("a blob of impossible size")
    return place + 4 + (int(size) + 3) // 4 * 4


def _plain(text: str) -> str:
    return text.replace("\0", "").encode("utf-8", "replace")[:MOST_TEXT_BYTES].decode("utf-8", "ignore")
