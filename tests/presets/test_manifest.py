import json
from pathlib import Path
from typing import Any

import pytest
from tiny_presets import write_tiny

from presets.errors import PresetError
from presets.manifest import MANIFEST, SamplingDefaults, manifest_from_dict, read_manifest, schema


@pytest.fixture
def data(tmp_path: Path) -> dict[str, Any]:
    return write_tiny(tmp_path / "tiny").manifest.to_dict()


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    written = write_tiny(tmp_path / "tiny").manifest
    assert read_manifest(tmp_path / "tiny") == written
    assert json.loads((tmp_path / "tiny" / MANIFEST).read_text("utf-8")) == written.to_dict()
    assert written.sampling == SamplingDefaults("react", 1.0, 0.0)
    assert written.parameters == 10


def test_every_field_is_required(data: dict[str, Any]) -> None:
    for field in data:
        with pytest.raises(PresetError, match=field):
            manifest_from_dict({key: value for key, value in data.items() if key != field})


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("name", "Upper"),
        ("name", "../etc"),
        ("name", "ends-"),
        ("name", "line\n"),
        ("version", "1.0"),
        ("description", ""),
        ("vocabulary", "f" * 63),
        ("network/width", 0),
        ("network/width", True),
        ("network/width", 1.5),
        ("parameters", 0),
        ("figures/hymns", 3),
        ("sampling/mode", "guess"),
        ("sampling/temperature", 0),
        ("training/data", {}),
        ("training/recipe", []),
        ("training/recipe/stages", {}),
        ("training/recipe/stages", [3]),
        ("training/data", [{"name": "x", "songs": -1, "licence": "MIT"}]),
        ("members/..%2fcard.md", {"sha256": "0" * 64, "bytes": 1}),
        ("members/manifest.json", {"sha256": "0" * 64, "bytes": 1}),
        ("members/code.py", {"sha256": "0" * 64, "bytes": 1}),
        ("members/card.md", {"sha256": "0" * 64, "bytes": -1}),
        ("members/card.md", {"sha256": "0" * 64, "bytes": 10**15}),
        ("surprise", 1),
        ("format", "1"),
    ],
)
def test_what_does_not_fit_is_refused(data: dict[str, Any], path: str, value: object) -> None:
    *parents, last = path.split("/")
    place = data
    for parent in parents:
        place = place[parent]
    place[last.replace("%2f", "/")] = value
    with pytest.raises(PresetError, match=r"docs/preset-format\.md"):
        manifest_from_dict(data)


@pytest.mark.parametrize("data", [None, [], "text", 3])
def test_what_is_no_object_is_refused(data: object) -> None:
    with pytest.raises(PresetError, match="must be object"):
        manifest_from_dict(data)


def test_a_later_format_asks_for_an_update(data: dict[str, Any]) -> None:
    with pytest.raises(PresetError, match=r"format 2, and this program reads 1: update"):
        manifest_from_dict({**data, "format": 2})


@pytest.mark.parametrize("text", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"format": NaN}', b" " * (1 << 21)])
def test_a_broken_file_is_one_sentence(tmp_path: Path, text: bytes) -> None:
    (tmp_path / MANIFEST).write_bytes(text)
    with pytest.raises(PresetError) as raised:
        read_manifest(tmp_path)
    assert str(tmp_path / MANIFEST) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_missing_manifest_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(PresetError, match="give the folder of a preset"):
        read_manifest(tmp_path / "nowhere")


def test_every_field_is_in_the_document() -> None:
    document = Path(__file__).parents[2] / "docs" / "preset-format.md"
    text = document.read_text("utf-8")
    missing = [name for name in _fields(schema()) if f"`{name}`" not in text]
    assert not missing


def _fields(part: dict[str, Any], prefix: str = "") -> list[str]:
    found = []
    for name, field in part.get("properties", {}).items():
        found.append(prefix + name)
        found += _fields(field, f"{prefix}{name}.")
    return found
