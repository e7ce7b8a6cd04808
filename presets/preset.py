"""A preset on disk: a folder with a manifest, weights and a model card; data, never code."""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from presets.errors import PresetError
from presets.files import write_atomically
from presets.manifest import (
    CARD,
    FORMAT,
    KIT,
    KIT_PREFIX,
    MANIFEST,
    WEIGHTS,
    Manifest,
    Member,
    manifest_from_dict,
    read_manifest,
)
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
        if _member(content) != promised:
            raise PresetError(f"{path} is damaged: its bytes are not those of the manifest; install the preset again.")
        return content

    def verify(self) -> None:
        """Hold every member to its size and hash, weights to their own header, and a kit's members to its index.

        Raises:
            PresetError: the first thing that is not as the manifest says.
        """
        for member in self.manifest.members:
            self.read(member)
        for member in self.manifest.members:
            if member.endswith(".safetensors"):
                tensors = read_header(self.folder / member)
                count = sum(tensor.count for tensor in tensors)
                if member == WEIGHTS and count != self.manifest.parameters:
                    promised = self.manifest.parameters
                    raise PresetError(
                        f"{self.weights} holds {count} numbers, its manifest says {promised}: export it again."
                    )
        self._verify_kit()

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

    def _verify_kit(self) -> None:
        nets = {member for member in self.manifest.members if member.startswith(KIT_PREFIX)}
        if not nets and KIT not in self.manifest.members:
            return
        try:
            promised = {f"{KIT_PREFIX}{name}.safetensors" for name in json.loads(self.read(KIT))["nets"]}
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise PresetError(f"{self.folder / KIT} is not the index of a training kit: export it again.") from error
        if promised != nets:
            odd = ", ".join(sorted(promised ^ nets))
            raise PresetError(f"The training kit of “{self.name}” does not fit its index ({odd}): export it again.")


def load_preset(folder: Path) -> Preset:
    """The preset in `folder`, its manifest read and its members not yet looked at.

    Raises:
        PresetError: there is no manifest, it does not fit the schema, or it names another preset than the folder.
    """
    manifest = read_manifest(folder)
    name = folder.resolve().name
    if manifest.name != name:
        raise PresetError(f"{folder / MANIFEST} is of the preset “{manifest.name}”: give its folder that name too.")
    return Preset(name, folder, manifest)


def write_preset(
    folder: Path, fields: Mapping[str, Any], members: Mapping[str, bytes], *, replace: bool = False
) -> Preset:
    """Write a preset, whole or not at all: beside `folder` first, then renamed to it.

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
    if folder.exists() and not (replace and (folder / MANIFEST).is_file()):
        raise PresetError(f"{folder} is there already: give another name, or remove it first.")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as workshop:
            building = Path(workshop) / folder.name
            building.mkdir()
            _fill(building, fields, members)
            _move(building, folder)
    except OSError as error:
        raise PresetError(f"{folder} cannot be written ({error.strerror}): choose another folder.") from error
    return load_preset(folder)


def check_name(name: str) -> None:
    """Refuse a name that is no preset's.

    Raises:
        PresetError: it has other characters than the format allows, or Windows keeps it for a device.
    """
    if not NAME.fullmatch(name) or name in DEVICE_NAMES:
        raise PresetError(
            f"“{name}” cannot name a preset: take lower-case letters, digits, - and _, 64 at most, as in folk-2."
        )


def _fill(building: Path, fields: Mapping[str, Any], members: Mapping[str, bytes]) -> None:
    name = building.name
    for member, content in members.items():
        if Path(member).name != member:
            raise PresetError(f"“{member}” cannot name a member of a preset; see docs/preset-format.md.")
        write_atomically(building / member, content)
    parameters = sum(tensor.count for tensor in read_header(building / WEIGHTS))
    described = {member: asdict(_member(content)) for member, content in members.items()}
    known = {"format": FORMAT, "name": name, "parameters": parameters, "members": described}
    data = {"format": FORMAT, "name": name, **fields, **known}
    manifest_from_dict(data, f"The manifest of “{name}”")
    try:
        text = json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False)
    except ValueError as error:
        raise PresetError(f"The manifest of “{name}” holds a figure that is no number: write null for it.") from error
    write_atomically(building / MANIFEST, (text + "\n").encode())


def _move(building: Path, folder: Path) -> None:
    if not folder.exists():
        building.rename(folder)
        return
    old = building.with_name("old")
    folder.rename(old)
    try:
        building.rename(folder)
    except OSError:
        old.rename(folder)
        raise


def _member(content: bytes) -> Member:
    return Member(hashlib.sha256(content).hexdigest(), len(content))
