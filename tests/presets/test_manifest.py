import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from tiny_presets import write_tiny

from presets.errors import PresetError
from presets.manifest import (
    FORMAT,
    MANIFEST,
    MIGRATIONS,
    SamplingDefaults,
    manifest_from_dict,
    read_manifest,
    schema,
)


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
        ("members/card.md", {"sha256": "0" * 64, "bytes": (1 << 20) + 1}),
        ("members/roll.png", {"sha256": "0" * 64, "bytes": (4 << 20) + 1}),
        ("members/take.mid", {"sha256": "0" * 64, "bytes": (1 << 20) + 1}),
        ("members/kit-x.safetensors", {"sha256": "0" * 64, "bytes": (512 << 20) + 1}),
        ("members/kit-x.safetensors", {"sha256": "0" * 63, "bytes": 1}),
        ("members/con.md", {"sha256": "0" * 64, "bytes": 1}),
        ("members/lpt1.png", {"sha256": "0" * 64, "bytes": 1}),
        ("members/Card.md", {"sha256": "0" * 64, "bytes": 1}),
        (f"members/{'x' * 65}.md", {"sha256": "0" * 64, "bytes": 1}),
        ("members/line\n.md", {"sha256": "0" * 64, "bytes": 1}),
        ("members/.hidden.md", {"sha256": "0" * 64, "bytes": 1}),
        ("description", "two\nlines"),
        ("description", "\x1b]0;title\x07"),
        ("description", "turned \u202e round"),
        ("surprise", 1),
        ("format", "1"),
        ("format", 0),
        ("format", -1),
        ("format", 1.0),
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
    with pytest.raises(PresetError, match=r"format 3, and this program reads 2: update"):
        manifest_from_dict({**data, "format": 3, "surprise": True})


def test_every_earlier_format_is_read(data: dict[str, Any]) -> None:
    assert sorted(MIGRATIONS) == list(range(1, FORMAT))
    first = {**data, "format": 1}
    assert manifest_from_dict(first) == manifest_from_dict(data)
    assert first["format"] == 1, "what was given is left as it was"
    assert manifest_from_dict(first).to_dict()["format"] == FORMAT
    with pytest.raises(PresetError, match="surprise"):
        manifest_from_dict({**first, "surprise": 1})


def test_what_shipped_in_format_1_is_read(tmp_path: Path) -> None:
    text = (Path(__file__).parents[1] / "golden" / "manifest-1.json").read_bytes()
    (tmp_path / MANIFEST).write_bytes(text)
    read = read_manifest(tmp_path)
    assert json.loads(text)["format"] == 1
    assert json.loads(read.to_json()) == {**json.loads(text), "format": FORMAT}


def test_pictures_reports_and_midi_may_be_members(data: dict[str, Any]) -> None:
    more = {name: {"sha256": "0" * 64, "bytes": 1} for name in ("report.md", "curves.png", "duet-1.mid")}
    read = manifest_from_dict({**data, "members": {**data["members"], **more}})
    assert set(more) < set(read.members)


def test_a_preset_has_an_end(data: dict[str, Any]) -> None:
    large = {f"kit-{n}.safetensors": {"sha256": "0" * 64, "bytes": 512 << 20} for n in range(2)}
    with pytest.raises(PresetError, match="at most"):
        manifest_from_dict({**data, "members": {**data["members"], **large}})
    many = {f"page-{n}.md": {"sha256": "0" * 64, "bytes": 1} for n in range(63)}
    with pytest.raises(PresetError, match=r"docs/preset-format\.md"):
        manifest_from_dict({**data, "members": {**data["members"], **many}})


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        b"[" * 33 + b"]" * 33,
        b'{"format": NaN}',
        b'{"format": 1e999}',
        b'{"format": ' + b"9" * 5000 + b"}",
        b'{"format": 2, "format": 2}',
        b'{"\\ud800": 2}',
        b" " * (1 << 21),
        b'{"' + b"x" * 100_000 + b'": 1}',
        json.dumps({f"key {n}": n for n in range(10**6)}).encode(),
        json.dumps({"\x1b]0;title\x07": 1}).encode(),
    ],
    ids=range(14),
)
def test_a_broken_file_is_one_sentence(tmp_path: Path, text: bytes) -> None:
    (tmp_path / MANIFEST).write_bytes(text)
    with pytest.raises(PresetError) as raised:
        read_manifest(tmp_path)
    assert str(tmp_path / MANIFEST) in str(raised.value)
    assert str(raised.value).isprintable()
    assert len(str(raised.value)) < 1000


def test_a_missing_manifest_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(PresetError, match="give the folder of a preset"):
        read_manifest(tmp_path / "nowhere")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("there are no named pipes here")
    os.mkfifo(tmp_path / MANIFEST)
    with pytest.raises(PresetError, match="is no file"):
        read_manifest(tmp_path)


def test_every_field_is_in_the_document() -> None:
    document = Path(__file__).parents[2] / "docs" / "preset-format.md"
    text = document.read_text("utf-8")
    missing = [name for name in _fields(schema()) if f"`{name}`" not in text]
    assert not missing
    kinds = schema()["definitions"]
    missing = [name for kind in kinds.values() for name in _fields(kind) if f"`{name}`" not in text]
    assert not missing
    for pattern, kind in schema()["properties"]["members"]["patternProperties"].items():
        most = kinds[kind["$ref"].rpartition("/")[2]]["properties"]["bytes"]["maximum"]
        for ending in re.findall(r"\w{2,}", pattern):
            assert re.search(rf"\| `\.{ending}` \| .* \| {most >> 20} MiB \|", text), ending


def _fields(part: dict[str, Any], prefix: str = "") -> list[str]:
    found = []
    for name, field in part.get("properties", {}).items():
        found.append(prefix + name)
        found += _fields(field, f"{prefix}{name}.")
    return found
