"""A preset on disk: a folder with a manifest, weights and a model card; data, never code."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from presets.contents import Contents, described
from presets.errors import PresetError
from presets.files import write_atomically
from presets.manifest import CARD, FORMAT, MANIFEST, WEIGHTS, Manifest, manifest_from_dict, read_manifest
from presets.place import current, put
from presets.text import plain
from presets.weights import read_header

NAME = re.compile(r"[a-z0-9]([a-z0-9_-]{0,62}[a-z0-9])?")
DEVICE_NAMES = frozenset({"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))})
"""Names that Windows keeps for devices: no folder there can have one."""


@dataclass(frozen=True)
class Preset:
    """A preset whose manifest has been read. Its members are looked at by `verify` or `read`, not before."""

    name: str
    folder: Path
    manifest: Manifest

    @property
    def weights(self) -> Path:
        """The policy's weights, safetensors."""
        return self.folder / WEIGHTS

    @property
    def weights_sha256(self) -> str:
        """What the weights must hash to: a key for whatever is made from them."""
        return self.manifest.members[WEIGHTS].sha256

    def card(self) -> str:
        """The model card, Markdown.

        Raises:
            PresetError: it is missing or not the one of the manifest.
        """
        return self.read(CARD).decode("utf-8", errors="replace")

    def read(self, member: str) -> bytes:
        """The bytes of one member, checked as they are read, so that what is used is what was checked.

        Raises:
            PresetError: the preset has no such member, or its bytes are not those of the manifest.
        """
        promised = self.manifest.members.get(member)
        if promised is None:
            raise PresetError(
                f"Preset “{self.name}” has no member {member}: it has {', '.join(self.manifest.members)}."
            )
        path = self.folder / member
        try:
            # The size first: the manifest, which a stranger may have written, must not say how much memory to take.
            content = path.read_bytes() if path.stat().st_size == promised.bytes else b""
        except OSError as error:
            raise PresetError(f"{path} cannot be read ({error.strerror}): install the preset again.") from error
        if described(content) != promised:
            raise PresetError(f"{path} is damaged: its bytes are not those of the manifest; install the preset again.")
        return content

    def contents(self) -> Contents:
        """All of it, checked: hashes and sizes, weights against their own header, the kit's members against its index.

        Raises:
            PresetError: the first thing that is not as the manifest says.
        """
        contents = Contents(self.manifest, {member: self.read(member) for member in self.manifest.members})
        contents.check(f"“{self.name}”")
        return contents

    def verify(self) -> None:
        """Check all of it, as `contents` does.

        Raises:
            PresetError: the first thing that is not as the manifest says.
        """
        self.contents()

    def require_vocabulary(self, fingerprint: str) -> None:
        """Refuse weights whose tokens mean something else than the program's.

        Raises:
            PresetError: the fingerprints differ.
        """
        if self.manifest.vocabulary != fingerprint:
            raise PresetError(
                f"Preset “{self.name}” was trained with another vocabulary than this version's: update gapt-bridge, or "
                "use a preset that `gapt presets list` shows."
            )


def load_preset(folder: Path) -> Preset:
    """The preset in `folder`, its manifest read and its members not yet looked at.

    Raises:
        PresetError: there is no manifest, it does not fit the schema, or it names another preset than the folder.
    """
    folder = current(folder)
    manifest = read_manifest(folder)
    name = folder.resolve().name
    if manifest.name != name:
        raise PresetError(f"{folder / MANIFEST} is of the preset “{manifest.name}”: give its folder that name too.")
    return Preset(name, folder, manifest)


def write_preset(
    folder: Path, fields: Mapping[str, Any], members: Mapping[str, bytes], *, replace: bool = False
) -> Preset:
    """Write a preset, whole or not at all, whatever is killed when.

    Args:
        folder: where it will be; its last part is the preset's name.
        fields: the manifest but for `format`, `name`, `parameters` and `members`, which are worked out here.
        members: content by file name; the weights and the card must be there.
        replace: whether a preset that is there already gives way.

    Raises:
        PresetError: the name or a field is not of the format, the weights are not safetensors, something is there
            already, or the disk refuses.
    """
    check_name(folder.name)
    weights = read_header(members.get(WEIGHTS, b""), f"{WEIGHTS} of “{folder.name}”")
    known = {
        "format": FORMAT,
        "name": folder.name,
        "parameters": sum(tensor.count for tensor in weights),
        "members": {member: asdict(described(content)) for member, content in members.items()},
    }
    manifest = manifest_from_dict({**fields, **known}, f"The manifest of “{folder.name}”")
    return write_contents(folder, Contents(manifest, members), replace=replace)


def write_contents(folder: Path, contents: Contents, *, replace: bool = False) -> Preset:
    """Write what has been checked as the preset `folder`, whole or not at all.

    Raises:
        PresetError: something is there already, or the disk refuses.
    """
    files = {**contents.members, MANIFEST: contents.manifest.to_json()}

    def fill(building: Path) -> None:
        for name, content in files.items():
            write_atomically(building / name, content)

    try:
        put(folder, fill, lambda there: replace and (there / MANIFEST).is_file())
    except OSError as error:
        raise PresetError(
            f"{folder} cannot be written ({error.strerror}): see to room and rights there, or choose another folder."
        ) from error
    return load_preset(folder)


def check_name(name: str) -> None:
    """Refuse a name that is no preset's.

    Raises:
        PresetError: it has other characters than the format allows, or Windows keeps it for a device.
    """
    if not NAME.fullmatch(name) or name in DEVICE_NAMES:
        raise PresetError(
            f"“{plain(name, 80)}” cannot name a preset: take lower-case letters, digits, - and _, 64 at most, as in "
            "folk-2."
        )
