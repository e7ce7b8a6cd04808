"""One file for a preset, and what strangers may make of one: a sentence each, and the store stays as it was."""

from __future__ import annotations

import hashlib
import json
import pickle
import stat
import struct
from pathlib import Path
from typing import Any
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_LZMA, ZipInfo

import numpy as np
import pytest
from archives import MANIFEST, MEMBERS, WEIGHTS, files, manifest, tree, zipped
from safetensors.numpy import save
from tiny_presets import CARD, tiny_weights, write_tiny

from presets.archive import pack, unpack
from presets.contents import Contents
from presets.errors import PresetError
from presets.keeper import install
from presets.manifest import manifest_from_dict
from presets.store import Store

PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 640, 480) + b"rest"
MIDI = b"MThd\x00\x00\x00\x06\x00\x01\x00\x02\x01\xe0"
REPORT = {**MEMBERS, "report.md": b"# Report\n\n![curves](curves.png)\n", "curves.png": PNG, "duet-1.mid": MIDI}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    write_tiny(tmp_path / "user" / "mine")
    write_tiny(tmp_path / "builtin" / "default")
    return Store(tmp_path / "user", tmp_path / "builtin")


def refusal(store: Store, content: bytes) -> str:
    """What installing a file of this content ends in; the store must stay as it was."""
    path = store.user.parent / "evil.gapt"
    path.write_bytes(content)
    before = tree(store.user)
    with pytest.raises(PresetError) as raised:
        install(store, path, hide=True)
    assert tree(store.user) == before
    sentence = str(raised.value)
    assert sentence.isprintable() and sentence.endswith(".") and len(sentence) < 800
    assert str(path) in sentence or "cannot name a preset" in sentence
    return sentence


def entry(name: str, attributes: int) -> ZipInfo:
    info = ZipInfo(name)
    info.create_system, info.external_attr = 3, attributes
    return info


def test_what_is_packed_is_what_is_unpacked(tmp_path: Path) -> None:
    contents = Contents(manifest_from_dict(manifest(REPORT)), REPORT)
    (tmp_path / "tiny.gapt").write_bytes(pack(contents))
    read = unpack(tmp_path / "tiny.gapt")
    assert read == contents
    assert pack(read) == pack(contents)


def test_equal_presets_have_equal_bytes_on_every_machine() -> None:
    weights = b'\x40\x00\x00\x00\x00\x00\x00\x00{"a":{"dtype":"F16","shape":[10],"data_offsets":[0,20]}}'
    weights = weights.ljust(8 + 64) + bytes(20)
    members = {"policy.safetensors": weights, "card.md": b"# Card\n"}
    packed = pack(Contents(manifest_from_dict(manifest(members)), members))
    turned = dict(reversed(members.items()))
    assert pack(Contents(manifest_from_dict(manifest(members)), turned)) == packed
    assert hashlib.sha256(packed).hexdigest() == ("1989ccb3da509769fefcb5ba55ec4a05ea8ce1c0d8086adbc359dfd53f9bd577")


@pytest.mark.parametrize("method", [0, ZIP_DEFLATED])
def test_a_file_zipped_by_hand_is_read(store: Store, method: int) -> None:
    path = store.user.parent / "by-hand.gapt"
    path.write_bytes(zipped(dict(reversed(files(REPORT).items())), method))
    preset = install(store, path)
    preset.verify()
    assert preset.read("duet-1.mid") == MIDI


SPARSE = zipped(files())


def rezipped(changes: dict[str, bytes | None]) -> bytes:
    """A sound file with other content of some members, whatever the manifest says; None for none."""
    return zipped({name: content for name, content in {**files(), **changes}.items() if content is not None})


def promised(members: dict[str, bytes], **changes: Any) -> bytes:
    """A file whose manifest promises just what is in it."""
    return zipped(files({**MEMBERS, **members}, **changes))


def with_more(*more: tuple[str | ZipInfo, bytes]) -> bytes:
    return zipped([*files().items(), *more])


def patched(content: bytes, mark: bytes, place: int, value: bytes) -> bytes:
    """With `value` at `place` from the first `mark`."""
    begin = content.index(mark) + place
    return content[:begin] + value + content[begin + len(value) :]


def flagged(flags: int) -> bytes:
    """Every member with these general purpose flags, in the directory and before its data."""
    content = SPARSE
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = content.index(mark)
        content = content[: at + place] + flags.to_bytes(2, "little") + content[at + place + 2 :]
    return content


def overlapping() -> bytes:
    """Two members of the directory with the same data."""
    second = SPARSE.index(b"PK\x01\x02", SPARSE.index(b"PK\x01\x02") + 4)
    return SPARSE[: second + 42] + bytes(4) + SPARSE[second + 46 :]


def zip64(entries: int) -> bytes:
    """A file whose end points to a directory of 64 bits."""
    content = SPARSE
    end = content.rindex(b"PK\x05\x06")
    record = struct.pack("<4sQ2H2I4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, entries, entries, 10, 0)
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, end, 1)
    return content[:end] + record + locator + content[end:]


BOMB = bytes(2 << 20)
NAN = save({"a": np.array([np.nan] * 10, np.float16)})
LARGE = {f"kit-{n}.safetensors": {"sha256": "0" * 64, "bytes": 1 << 29} for n in range(9)}
PICKLE = pickle.dumps({"weights": [0.0] * 10})

EVIL: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "it is no zip"),
    "text": (b"no zip at all " * 99, "it is no zip"),
    "a picture": (PNG * 9, "it is no zip"),
    "the end is missing": (SPARSE[:-1], "it is no zip"),
    "half of it is missing": (SPARSE[: len(SPARSE) // 2], "it is no zip"),
    "only an end": (SPARSE[-22:], "more in it than one zip"),
    "an empty zip": (zipped({}), "no manifest.json"),
    "something before it": (b"#!/bin/sh\n" + SPARSE, "more in it than one zip"),
    "something behind it": (SPARSE + b"more", "it is no zip"),
    "a comment": (SPARSE[:-2] + b"\x04\x00more", "it is no zip"),
    "a directory of 64 bits": (zip64(1 << 40), "more in it than one zip"),
    "a million files": (
        zipped([(f"{n}.md", b"") for n in range(2000)]),
        "more files than a preset has",
    ),
    "no manifest": (zipped(MEMBERS), "no manifest.json"),
    "no manifest but a folder of it": (zipped({f"tiny/{name}": c for name, c in files().items()}), "no manifest.json"),
    "a member twice": (with_more(("card.md", b"other")), "“card.md” is in it twice"),
    "the manifest twice": (with_more((MANIFEST, b"{}")), "“manifest.json” is in it twice"),
    "one that is not listed": (with_more(("run.py", b"import os")), "does not list “run.py”"),
    "a path upwards": (with_more(("../../evil.md", b"x")), "does not list “../../evil.md”"),
    "a path upwards that is listed": (promised({"../evil.md": b"x"}), "members"),
    "an absolute path": (with_more(("/etc/passwd", b"x")), "does not list “/etc/passwd”"),
    "an absolute path that is listed": (promised({"/etc/evil.md": b"x"}), "members"),
    "a path of Windows": (with_more(("C:\\evil.md", b"x")), "does not list “C:\\evil.md”"),
    "a device of Windows": (promised({"con.md": b"x"}), "members"),
    "a folder": (with_more(("folder/", b"")), "is a folder"),
    "control characters": (with_more(("\x1b]0;title\x07.md", b"x")), "does not list “?]0;title?.md”"),
    "control characters that are listed": (promised({"a\nb.md": b"x"}), "members"),
    "a name with an end in it": (with_more(("more.mdX", b"x")).replace(b"more.mdX", b"more.md\0"), "is an odd name"),
    "a name in another case": (promised({"CARD.MD": b"x"}), "members"),
    "a long name": (with_more(("x" * 30_000, b"x")), "does not list “xxx"),
    "a link": (
        zipped([(entry(name, stat.S_IFLNK << 16), content) for name, content in files().items()]),
        "is a folder, a link or a device",
    ),
    "a device": (with_more((entry("null.md", stat.S_IFCHR << 16), b"")), "is a folder, a link or a device"),
    "an encrypted member": (flagged(0x1), "is encrypted"),
    "a strongly encrypted member": (flagged(0x41), "is encrypted"),
    "a patch": (flagged(0x20), "is encrypted"),
    "bzip2": (zipped(files(), ZIP_BZIP2), "in a way that is not read here"),
    "lzma": (zipped(files(), ZIP_LZMA), "in a way that is not read here"),
    "a bomb": (zipped(files({**MEMBERS, "curves.png": BOMB}), ZIP_DEFLATED), "more than 100 times its size"),
    "a bomb of a manifest": (zipped({**files(), MANIFEST: BOMB}, ZIP_DEFLATED), "more than 100 times its size"),
    "a large manifest": (rezipped({MANIFEST: BOMB}), "is larger than"),
    "two members in one place": (overlapping(), "lies within another member"),
    "a missing member": (rezipped({WEIGHTS: None}), "it lacks policy.safetensors"),
    "a member of another length": (rezipped({"card.md": CARD.encode() + b"x"}), "not as long as its manifest says"),
    "another member of that length": (rezipped({"card.md": CARD.encode().upper()}), "not those of the manifest"),
    "a flipped bit": (
        patched(SPARSE, b"# A tiny preset", 3, b"B"),
        "Bad CRC-32",
    ),
    "a wrong hash": (
        zipped(files(members={**manifest()["members"], "card.md": {"sha256": "0" * 64, "bytes": len(CARD)}})),
        "card.md are not those of the manifest",
    ),
    "a pickle": (promised({WEIGHTS: PICKLE}), "not sane safetensors"),
    "a pickle of torch": (promised({WEIGHTS: zipped({"data.pkl": PICKLE})}), "not sane safetensors"),
    "no number": (promised({WEIGHTS: NAN}), "'a' holds a number that is not finite"),
    "whole numbers": (promised({WEIGHTS: save({"a": np.zeros(10, np.int64)})}), "'a' is no tensor of F16"),
    "another count": (promised({WEIGHTS: tiny_weights()}, parameters=11), "holds 10 numbers, its manifest says 11"),
    "huge tensors": (
        promised({WEIGHTS: tiny_weights().replace(b"[2,3]", b"[9,9]")}),
        "other bytes than its shape needs",
    ),
    "a huge promise": (
        zipped(files(members={**manifest()["members"], WEIGHTS: {"sha256": "0" * 64, "bytes": 1 << 40}})),
        "members",
    ),
    "a promise of many": (
        zipped(files(members={**manifest()["members"], **LARGE})),
        "at most",
    ),
    "as many keys as fit": (
        zipped(files(figures={str(n): 0 for n in range(80_000)})),
        "docs/preset-format.md",
    ),
    "a deep manifest": (rezipped({MANIFEST: b'{"a":' * 90_000 + b"1" + b"}" * 90_000}), "nested too deeply"),
    "a deep recipe": (
        zipped(files(training={**manifest()["training"], "recipe": json.loads("[" * 200 + "]" * 200)})),
        "nested too deeply",
    ),
    "a manifest that is no JSON": (rezipped({MANIFEST: b"\xff\xfe"}), "is not JSON"),
    "a later format": (zipped(files(format=3)), "update gapt-bridge"),
    "another name": (zipped(files(name="../tiny")), "name must match"),
    "a device's name": (zipped(files(name="nul")), "cannot name a preset"),
    "no picture": (promised({"curves.png": b"<svg/>"}), "curves.png is not what its name says"),
    "a picture too large to open": (
        promised({"curves.png": PNG.replace(struct.pack(">I", 640), struct.pack(">I", 1 << 20))}),
        "curves.png is not what its name says",
    ),
    "no MIDI": (promised({"duet.mid": b"RIFF"}), "duet.mid is not what its name says"),
    "no text": (promised({"card.md": b"\xff\xfe"}), "card.md is not what its name says"),
    "a kit without weights": (promised({"kit.json": b'{"nets": {"judge": {}}}'}), "does not fit its index"),
    "a kit that is a pickle": (
        promised({"kit.json": b'{"nets": {"judge": {}}}', "kit-judge.safetensors": PICKLE}),
        "kit-judge.safetensors is not sane safetensors",
    ),
}


@pytest.mark.parametrize("name", EVIL)
def test_what_is_not_sound_is_refused(store: Store, name: str) -> None:
    content, reason = EVIL[name]
    assert reason in refusal(store, content)


def test_a_million_keys_are_refused_unread(store: Store) -> None:
    keys = b",".join(b'"%d":0' % n for n in range(10**6))
    assert "is larger than" in refusal(store, zipped({**files(), MANIFEST: b"{" + keys + b"}"}))
