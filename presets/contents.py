"""All of a preset in memory: what is checked is what is then written, packed or used."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from presets.errors import PresetError
from presets.manifest import KIT, KIT_PREFIX, WEIGHTS, Manifest, Member
from presets.text import parse_json, plain
from presets.weights import count_weights

PNG = b"\x89PNG\r\n\x1a\n"
MIDI = b"MThd\x00\x00\x00\x06"
MOST_PIXELS = 1 << 13
"""How wide and how high a picture may be: what opens it takes memory for all of it."""


@dataclass(frozen=True)
class Contents:
    """A manifest and the bytes of every member, by name."""

    manifest: Manifest
    members: Mapping[str, bytes]

    def check(self, source: object) -> None:
        """Hold every member to its size and hash, and to the kind that its name says.

        Raises:
            PresetError: the first thing that is not as the manifest says; the sentence names `source`.
        """
        for name, promised in self.manifest.members.items():
            if described(self.members.get(name, b"")) != promised:
                raise PresetError(f"{source}: the bytes of {name} are not those of the manifest; ask for it again.")
        self._check_kit(source)
        for name, content in self.members.items():
            count = _count(name, content, f"{source}: {name}")
            if name == WEIGHTS and count != self.manifest.parameters:
                promised_count = self.manifest.parameters
                raise PresetError(
                    f"{source}: {name} holds {count} numbers, its manifest says {promised_count}; export it again."
                )

    def _check_kit(self, source: object) -> None:
        nets = {member for member in self.members if member.startswith(KIT_PREFIX)}
        if KIT not in self.members:
            if nets:
                raise PresetError(f"{source} has no member {KIT}, the index of its training kit; export it again.")
            return
        try:
            promised = {f"{KIT_PREFIX}{name}.safetensors" for name in parse_json(self.members[KIT])["nets"]}
        except (ValueError, KeyError, TypeError) as error:
            raise PresetError(f"{source}: {KIT} is not the index of a training kit; export it again.") from error
        if promised != nets:
            odd = plain(", ".join(sorted(promised ^ nets)))
            raise PresetError(f"The training kit of {source} does not fit its index ({odd}); export it again.")


def described(content: bytes) -> Member:
    """What a manifest says of a member with this content."""
    return Member(hashlib.sha256(content).hexdigest(), len(content))


def _count(name: str, content: bytes, source: str) -> int:
    """How many numbers a member holds, which is of the kind that its name says."""
    kind = name.rpartition(".")[2]
    if kind == "safetensors":
        return count_weights(content, source)
    if not _KINDS[kind](content):
        raise PresetError(f"{source} is not what its name says; ask for it again.")
    return 0


def _is_text(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _is_json(content: bytes) -> bool:
    try:
        parse_json(content)
    except ValueError:
        return False
    return True


def _is_picture(content: bytes) -> bool:
    size = [int.from_bytes(content[begin : begin + 4], "big") for begin in (16, 20)]
    return content.startswith(PNG) and content[12:16] == b"IHDR" and all(0 < side <= MOST_PIXELS for side in size)


def _is_midi(content: bytes) -> bool:
    return content.startswith(MIDI)


_KINDS: Mapping[str, Callable[[bytes], bool]] = {"md": _is_text, "json": _is_json, "png": _is_picture, "mid": _is_midi}
