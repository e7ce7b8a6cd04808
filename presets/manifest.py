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

FORMAT = 1
MANIFEST = "manifest.json"
WEIGHTS = "policy.safetensors"
CARD = "card.md"
KIT = "kit.json"
KIT_PREFIX = "kit-"
"""A preset may carry a training kit: an index, and the weights `kit-NAME.safetensors` of each net in it."""

MAX_MANIFEST_BYTES = 1 << 20


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


def schema() -> dict[str, Any]:
    """The JSON Schema of `manifest.json`."""
    parsed: dict[str, Any] = json.loads((Path(__file__).parent / "schema.json").read_text(encoding="utf-8"))
    return parsed


def manifest_from_dict(data: object, source: str = MANIFEST) -> Manifest:
    """A `Manifest` from what the file holds; `source` names the file in errors.

    Raises:
        PresetError: another format version, or something is missing, too much or of the wrong kind.
    """
    version = data.get("format") if isinstance(data, dict) else FORMAT
    if isinstance(version, int) and version > FORMAT:
        raise PresetError(
            f"{source} is of preset format {version}, and this program reads {FORMAT}: update gapt-bridge."
        )
    try:
        fields: dict[str, Any] = dict(_validator()(data))
    except fastjsonschema.JsonSchemaValueException as error:
        raise PresetError(
            f"{source} is not a preset's manifest: {error.message}; see docs/preset-format.md."
        ) from error
    del fields["format"]
    fields["sampling"] = SamplingDefaults(**fields["sampling"])
    fields["members"] = {name: Member(**member) for name, member in fields["members"].items()}
    return Manifest(**fields)


def read_manifest(folder: Path) -> Manifest:
    """The manifest of the preset in `folder`.

    Raises:
        PresetError: there is none, it cannot be read, or it does not fit the schema.
    """
    path = folder / MANIFEST
    try:
        with path.open("rb") as file:
            text = file.read(MAX_MANIFEST_BYTES + 1)
        if len(text) > MAX_MANIFEST_BYTES:
            raise PresetError(f"{path} is larger than {MAX_MANIFEST_BYTES} bytes: it is no preset's manifest.")
        data = json.loads(text, parse_constant=_refuse_constant)
    except OSError as error:
        raise PresetError(f"{path} cannot be read ({error.strerror}): give the folder of a preset.") from error
    except (ValueError, RecursionError) as error:
        raise PresetError(f"{path} is not JSON ({error}): install the preset again.") from error
    return manifest_from_dict(data, str(path))


@functools.cache
def _validator() -> Callable[[object], Any]:
    compiled: Callable[[object], Any] = fastjsonschema.compile(schema(), use_default=False)
    return compiled


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number of JSON")
