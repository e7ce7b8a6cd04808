"""What a preset says of itself: `manifest.json`, held to `schema.json` (docs/preset-format.md)."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import fastjsonschema

from presets.errors import PresetError
from presets.text import parse_json, plain, to_json

FORMAT = 2
MANIFEST = "manifest.json"
WEIGHTS = "policy.safetensors"
CARD = "card.md"
REPORT = "report.md"
KIT = "kit.json"
KIT_PREFIX = "kit-"
"""A preset may carry a training kit: an index, and the weights `kit-NAME.safetensors` of each net in it."""

MAX_MANIFEST_BYTES = 1 << 20
MAX_PRESET_BYTES = 1 << 29
"""What the members of a preset may come to, all together."""


@dataclass(frozen=True, slots=True)
class Member:
    """One file of a preset: what its bytes must hash to, and how many there are."""

    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class SamplingDefaults:
    """How chords are drawn where the player says nothing else.

    `mode` is `anticipate` or `react`, `temperature` divides the logits, `density` is added to every onset's logit.
    """

    mode: str
    temperature: float
    density: float


@dataclass(frozen=True)
class Manifest:
    """A manifest that fits the schema; the field descriptions in `schema.json` are the reference."""

    name: str
    version: str
    description: str
    licence: str
    training: Mapping[str, Any]
    vocabulary: str
    network: Mapping[str, int]
    parameters: int
    figures: Mapping[str, Mapping[str, Mapping[str, float | None]]]
    sampling: SamplingDefaults
    members: Mapping[str, Member]

    def to_dict(self) -> dict[str, Any]:
        """The manifest as it stands in the file."""
        return {"format": FORMAT, **asdict(self)}

    def to_json(self) -> bytes:
        """The file's content; equal manifests have equal bytes.

        Raises:
            PresetError: a figure is not a finite number, or there is more than a manifest may hold.
        """
        try:
            text = to_json(self.to_dict())
        except ValueError as error:
            raise PresetError(
                f"The manifest of “{self.name}” holds a figure that is no number: write null for it."
            ) from error
        if len(text) > MAX_MANIFEST_BYTES:
            raise PresetError(
                f"The manifest of “{self.name}” is larger than {MAX_MANIFEST_BYTES} bytes: leave out figures."
            )
        return text


def schema() -> dict[str, Any]:
    """The JSON Schema of `manifest.json`."""
    parsed: dict[str, Any] = json.loads((Path(__file__).parent / "schema.json").read_text(encoding="utf-8"))
    return parsed


def manifest_from_dict(data: object, source: object = MANIFEST) -> Manifest:
    """A `Manifest` from what the file holds, of this or an earlier format; `source` names the file in errors.

    Raises:
        PresetError: a later format, or something is missing, too much or of the wrong kind.
    """
    version = data.get("format") if isinstance(data, dict) else FORMAT
    if type(version) is int and version > FORMAT:
        raise PresetError(
            f"{source} is of preset format {plain(version, 20)}, and this program reads {FORMAT}: update gapt-bridge."
        )
    try:
        fields: dict[str, Any] = dict(_validator()(_migrated(data)))
    except fastjsonschema.JsonSchemaValueException as error:
        raise PresetError(
            f"{source} is not a preset's manifest: {plain(error.message)}; see docs/preset-format.md."
        ) from error
    members = {name: Member(**member) for name, member in fields["members"].items()}
    total = sum(member.bytes for member in members.values())
    if total > MAX_PRESET_BYTES:
        raise PresetError(
            f"{source} promises {total} bytes, and a preset has {MAX_PRESET_BYTES} at most: ask for a smaller one."
        )
    del fields["format"]
    return Manifest(**{**fields, "sampling": SamplingDefaults(**fields["sampling"]), "members": members})


def parse_manifest(text: bytes, source: object) -> Manifest:
    """The manifest that stands in the file `source`, whose content is `text`.

    Raises:
        PresetError: it is no JSON, or does not fit the schema.
    """
    if len(text) > MAX_MANIFEST_BYTES:
        raise PresetError(f"{source} is larger than {MAX_MANIFEST_BYTES} bytes: it is no preset's manifest.")
    try:
        return manifest_from_dict(parse_json(text), source)
    except ValueError as error:
        raise PresetError(f"{source} is not JSON ({plain(error)}): install the preset again.") from error


def read_manifest(folder: Path) -> Manifest:
    """The manifest of the preset in `folder`.

    Raises:
        PresetError: there is none, it cannot be read, or it does not fit the schema.
    """
    path = folder / MANIFEST
    try:
        # What is no file, such as a pipe, might be waited for without end.
        if path.exists() and not path.is_file():
            raise PresetError(f"{path} is no file: give the folder of a preset.")
        with path.open("rb") as file:
            text = file.read(MAX_MANIFEST_BYTES + 1)
    except OSError as error:
        raise PresetError(f"{path} cannot be read ({error.strerror}): give the folder of a preset.") from error
    return parse_manifest(text, path)


@functools.cache
def _validator() -> Callable[[object], Any]:
    compiled: Callable[[object], Any] = fastjsonschema.compile(schema(), use_default=False)
    return compiled


def _from_1(data: dict[str, Any]) -> dict[str, Any]:
    """Format 2 lets pictures and MIDI files be members; what format 1 says it says as well."""
    return {**data, "format": 2}


MIGRATIONS: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] = {1: _from_1}
"""From each earlier format to the next one."""


def _migrated(data: object) -> object:
    while isinstance(data, dict) and type(data.get("format")) is int and data["format"] in MIGRATIONS:
        data = MIGRATIONS[data["format"]](data)
    return data
