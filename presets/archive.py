"""A preset as one file, `.gapt`: a zip of its manifest and its members, and of nothing else.

A file from a stranger may lie in every field. The zip's directory is held to a plain form before anything is
unpacked, and what is unpacked is bounded by what the manifest promises, which is bounded itself.
"""

from __future__ import annotations

import io
import stat
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from presets.contents import Contents
from presets.errors import PresetError
from presets.manifest import CARD, MANIFEST, MAX_MANIFEST_BYTES, MAX_PRESET_BYTES, Manifest, parse_manifest
from presets.text import plain

SUFFIX = ".gapt"

MOST_BYTES = MAX_PRESET_BYTES + (1 << 20) + MAX_MANIFEST_BYTES
MOST_DIRECTORY_BYTES = 1 << 16
MOST_RATIO, SMALL_BYTES = 100, 1 << 12
"""How many times its own size a member may unpack to, apart from small ones."""

EPOCH = (1980, 1, 1, 0, 0, 0)
UNIX = 3
HARMLESS_FLAGS = 0x2 | 0x4 | 0x8 | 0x800
"""How hard deflate tried, sizes told behind a member, names in UTF-8. Others change how a member is to be read."""

END = struct.Struct("<4s4H2IH")
END_MARK, ZIP64_MARK = b"PK\x05\x06", b"PK\x06\x07"
ZIP64_LOCATOR_BYTES = 20
LOCAL_HEADER_BYTES = 30


def pack(contents: Contents) -> bytes:
    """The `.gapt` file; equal contents give equal bytes, on every machine."""
    first = {MANIFEST: contents.manifest.to_json(), CARD: contents.members[CARD]}
    file = io.BytesIO()
    with ZipFile(file, "w") as archive:
        for name, content in {**first, **dict(sorted(contents.members.items()))}.items():
            # Stored: weights hardly shrink, and not every zlib packs alike.
            info = ZipInfo(name, EPOCH)
            info.create_system, info.external_attr = UNIX, (stat.S_IFREG | 0o644) << 16
            archive.writestr(info, content, ZIP_STORED)
    return file.getvalue()


def unpack(path: Path) -> Contents:
    """What the `.gapt` file holds, checked from end to end; nothing is written.

    Raises:
        PresetError: it is no such file, damaged, or not what a preset may be.
    """
    if path.exists() and not path.is_file():
        raise PresetError(f"{path} is neither a file nor a folder: give a {SUFFIX} file.")
    try:
        with path.open("rb") as file:
            directory = _directory(file)
            with ZipFile(file) as archive:
                contents = _read(archive, directory, path)
    except OSError as error:
        raise PresetError(f"{path} cannot be read ({error.strerror or error}): give a {SUFFIX} file.") from error
    except (BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise PresetError(f"{path} is no sound {SUFFIX} file ({plain(error)}): ask for it again.") from error
    contents.check(path)
    return contents


def _directory(file: IO[bytes]) -> int:
    """Where the directory begins, if all of it is one zip from the first byte to the last."""
    size = file.seek(0, io.SEEK_END)
    if size > MOST_BYTES:
        raise ValueError(f"it has more than {MOST_BYTES} bytes")
    file.seek(max(0, size - END.size - ZIP64_LOCATOR_BYTES))
    tail = file.read()
    if len(tail) < END.size or tail[-END.size :][:4] != END_MARK:
        raise ValueError("it is no zip, or its end is missing")
    _, disk, first_disk, here, entries, length, begin, comment = END.unpack(tail[-END.size :])
    if disk or first_disk or here != entries or comment or begin + length + END.size != size:
        raise ValueError("there is more in it than one zip")
    if length > MOST_DIRECTORY_BYTES or tail.startswith(ZIP64_MARK):
        raise ValueError("it lists more files than a preset has")
    file.seek(0)
    begins: int = begin
    return begins


def _read(archive: ZipFile, directory: int, path: Path) -> Contents:
    entries = _entries(archive, directory)
    manifest = parse_manifest(_content(archive, entries[MANIFEST], MAX_MANIFEST_BYTES), f"{MANIFEST} in {path}")
    _check_names(entries, manifest)
    members = {name: _content(archive, entries[name], member.bytes) for name, member in manifest.members.items()}
    return Contents(manifest, members)


def _entries(archive: ZipFile, directory: int) -> dict[str, ZipInfo]:
    entries: dict[str, ZipInfo] = {}
    end = 0
    for info in sorted(archive.infolist(), key=lambda info: info.header_offset):
        name = plain(info.orig_filename, 80)
        if info.filename in entries:
            raise ValueError(f"“{name}” is in it twice")
        if info.header_offset < end:
            raise ValueError(f"“{name}” lies within another member")
        _check_entry(info, name)
        end = info.header_offset + LOCAL_HEADER_BYTES + len(name) + info.compress_size
        entries[info.filename] = info
    if end > directory:
        raise ValueError("a member lies within the directory")
    if MANIFEST not in entries:
        raise ValueError(f"it holds no {MANIFEST}")
    return entries


def _check_entry(info: ZipInfo, name: str) -> None:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if info.filename != info.orig_filename:
        raise ValueError(f"“{name}” is an odd name")
    if info.flag_bits & ~HARMLESS_FLAGS:
        raise ValueError(f"“{name}” is encrypted")
    if kind not in (0, stat.S_IFREG) or info.is_dir():
        raise ValueError(f"“{name}” is a folder, a link or a device")
    if info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise ValueError(f"“{name}” is compressed in a way that is not read here")
    if info.file_size > MOST_RATIO * info.compress_size + SMALL_BYTES:
        raise ValueError(f"“{name}” unpacks to more than {MOST_RATIO} times its size")


def _check_names(entries: Mapping[str, ZipInfo], manifest: Manifest) -> None:
    for name in entries:
        if name != MANIFEST and name not in manifest.members:
            raise ValueError(f"its manifest does not list “{plain(name, 80)}”")
    for name, member in manifest.members.items():
        if name not in entries:
            raise ValueError(f"it lacks {name}, which its manifest lists")
        if entries[name].file_size != member.bytes:
            raise ValueError(f"{name} is not as long as its manifest says")


def _content(archive: ZipFile, info: ZipInfo, most: int) -> bytes:
    if info.file_size > most:
        raise ValueError(f"{info.filename} is larger than {most} bytes")
    with archive.open(info) as member:
        content = member.read(most + 1)
    if len(content) != info.file_size:
        raise ValueError(f"{info.filename} is not as long as the directory says")
    return content
