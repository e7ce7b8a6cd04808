"""Whatever bytes a `.gapt` file has: it is the preset that was packed, or a sentence, and the store stays as it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
from archives import MANIFEST, MEMBERS, files, manifest, tree, zipped
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_presets import write_tiny

from presets.archive import pack
from presets.contents import Contents
from presets.errors import PresetError
from presets.keeper import install, remove
from presets.manifest import manifest_from_dict, parse_manifest
from presets.store import Store
from presets.weights import count_weights

Result = TypeVar("Result")

SOUND = Contents(manifest_from_dict(manifest()), MEMBERS)
PACKED = pack(SOUND)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    home = tmp_path_factory.mktemp("fuzz")
    write_tiny(home / "user" / "mine")
    return Store(home / "user", home / "builtin")


def or_a_sentence(work: Callable[[], Result]) -> Result | None:
    """What `work` gives; None where it refuses in one sentence. Nothing else may be raised."""
    try:
        return work()
    except PresetError as error:
        sentence = str(error)
    assert sentence.isprintable() and sentence.endswith(".") and len(sentence) < 800
    return None


def try_to_install(store: Store, content: bytes) -> Contents | None:
    """What was installed of a file of this content, and is removed again; None where it was refused."""
    path = store.user.parent / "fuzz.gapt"
    path.write_bytes(content)
    before = tree(store.user)
    preset = or_a_sentence(lambda: install(store, path))
    if preset is None:
        assert tree(store.user) == before
        return None
    contents = preset.contents()
    remove(store, preset.name)
    assert tree(store.user) == before
    return contents


PLACES = st.integers(0, len(PACKED) - 1)


@settings(max_examples=100)
@given(st.dictionaries(PLACES, st.integers(0, 255), min_size=1, max_size=3))
def test_changed_bytes(store: Store, changes: dict[int, int]) -> None:
    content = bytearray(PACKED)
    for place, value in changes.items():
        content[place] = value
    assert try_to_install(store, bytes(content)) in (None, SOUND)


@settings(max_examples=100)
@given(PLACES, PLACES, st.binary(max_size=30))
def test_lost_and_added_bytes(store: Store, begin: int, end: int, added: bytes) -> None:
    assert try_to_install(store, PACKED[:begin] + added + PACKED[end:]) in (None, SOUND)


FIELDS = st.sampled_from([b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06"])


@settings(max_examples=100)
@given(FIELDS, st.integers(0, 2), st.integers(4, 45), st.binary(min_size=1, max_size=8))
def test_changed_fields_of_the_zip(store: Store, mark: bytes, which: int, place: int, value: bytes) -> None:
    at = -1
    for _ in range(which + 1):
        at = max(at, PACKED.find(mark, at + 1))
    content = PACKED[: at + place] + value + PACKED[at + place + len(value) :]
    assert try_to_install(store, content[: len(PACKED)]) in (None, SOUND)


NAMES = st.sampled_from([MANIFEST, *MEMBERS, "../up.md", "/root.md", "report.md", "a/", "con.md"]) | st.text(max_size=9)


@settings(max_examples=100)
@given(st.lists(st.tuples(NAMES, st.binary(max_size=40) | st.just(json.dumps(manifest()).encode())), max_size=5))
def test_zips_of_anything(store: Store, named: list[tuple[str, bytes]]) -> None:
    try:
        # zipfile ends a name at its first NUL, and fails where nothing is before it.
        content = zipped([(name, content) for name, content in named if name.partition("\0")[0]])
    except (ValueError, UnicodeError):
        return
    assert try_to_install(store, content) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=9,
)


@settings(max_examples=100)
@given(st.sampled_from([*manifest(), "surprise"]), JSON)
def test_anything_in_a_manifest(field: str, value: object) -> None:
    text = json.dumps({**manifest(), field: value}).encode()
    read = or_a_sentence(lambda: parse_manifest(text, "it"))
    assert read is None or read.to_dict()[field] == value


@settings(max_examples=100)
@given(JSON, st.binary(max_size=40))
def test_anything_in_a_header_of_weights(header: object, data: bytes) -> None:
    text = json.dumps(header).encode()
    assert or_a_sentence(lambda: count_weights(len(text).to_bytes(8, "little") + text + data, "it")) != 0


def test_the_fuzz_would_see_a_sound_one(store: Store, tmp_path: Path) -> None:
    assert try_to_install(store, PACKED) == SOUND == try_to_install(store, zipped(files()))
