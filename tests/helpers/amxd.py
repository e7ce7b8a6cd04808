"""Devices for Max for Live read byte by byte, as Ableton's own reader of them does.

Source: github.com/Ableton/maxdevtools, maxdiff/amxd_textconv.py: until the file ends, a tag of four letters, the length
of what follows as a little-endian 32-bit number, and that many bytes. `ampf`: four letters for the kind of device.
`meta`. `ptch`: the patcher as JSON, a zero behind it, or `mx@c` and more where the device is frozen; after `ciph`,
encrypted.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from max_objects import Patch

FILE = Path(__file__).parents[2] / "plugin_host" / "daw" / "live" / "GAPT.amxd"

KINDS = {b"aaaa": "audio effect", b"mmmm": "MIDI effect", b"iiii": "instrument"}


@dataclass(frozen=True)
class Device:
    """A device.

    Attributes:
        chunks: tags and what they hold, in their order.
    """

    chunks: tuple[tuple[bytes, bytes], ...]

    @property
    def kind(self) -> str:
        """What Live takes it for."""
        return KINDS[dict(self.chunks)[b"ampf"]]

    @property
    def text(self) -> str:
        """The patcher's JSON."""
        held = dict(self.chunks)[b"ptch"]
        if held[:4] == b"mx@c" or held[-1:] != b"\0" or b"\0" in held[:-1]:
            raise ValueError("no plain patcher that ends in one zero")
        return held[:-1].decode("utf-8")

    @property
    def patch(self) -> Patch:
        """The patcher."""
        return Patch(self.text)


def parsed(data: bytes) -> Device:
    """The device in a file's bytes.

    Raises:
        ValueError: a chunk is unknown, out of place, or longer or shorter than the file says.
    """
    chunks, place = [], 0
    while place < len(data):
        tag, length = data[place : place + 4], int.from_bytes(data[place + 4 : place + 8], "little")
        held = data[place + 8 : place + 8 + length]
        if len(tag) < 4 or len(data) < place + 8 or len(held) != length:
            raise ValueError(f"the chunk at {place} is cut off")
        chunks.append((tag, held))
        place += 8 + length
    if [tag for tag, _ in chunks] != [b"ampf", b"meta", b"ptch"] or [len(held) for _, held in chunks[:2]] != [4, 4]:
        raise ValueError(f"chunks {[tag for tag, _ in chunks]}")
    return Device(tuple(chunks))


def read_device(path: Path = FILE) -> Device:
    """The device at `path`."""
    return parsed(path.read_bytes())
