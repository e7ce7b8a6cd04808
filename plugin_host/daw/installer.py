"""Copies our files into a host's folders, and knows them again: what a user has changed stays as it is.

The ledger, a file in our own folder for data, says which bytes of ours each file was written with. A file with other
bytes is somebody's own work. Hashes are noted before a file is written, so that a kill in between costs nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from plugin_host.daw.hosts import ANY_VERSION, Host
from plugin_host.daw.places import LEDGER, TITLES, System
from plugin_host.errors import HostError
from presets.files import write_atomically

State = Literal["missing", "installed", "outdated", "changed"]
"""Of a file: `outdated` is an earlier one of ours that nobody has changed."""

FORMAT = 1

ELSEWHERE = "close what has it open, see who may write there, or name another folder with --to FOLDER"
OUR_OWN = "it is our own list of what is installed; see who may write there"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Item:
    """One of our files and where it belongs: `target`, below the host's folder `base`."""

    host: str
    source: Path
    base: Path
    target: Path


@dataclass(frozen=True, slots=True)
class Deed:
    """What became of a file, or would; `state` is how it was found."""

    item: Item
    state: State
    written: bool


class Ledger:
    """What we wrote, where, and with which bytes."""

    def __init__(self, path: Path) -> None:
        """Read what is at `path`; a damaged ledger counts as empty, and is logged."""
        self._path = path
        self._files: dict[str, dict[str, Any]] = {}
        if path.exists():
            try:
                self._files = _read(path)
            except (ValueError, TypeError, KeyError) as error:
                logger.warning("%s is damaged (%s): files count as yours where they differ from ours.", path, error)

    @classmethod
    def of(cls, system: System) -> Ledger:
        """The user's own."""
        return cls(system.data / LEDGER)

    def hashes(self, target: Path) -> list[str]:
        """SHA-256 of all that we ever wrote to `target`."""
        return list(self._files.get(str(target), {}).get("sha256", ()))

    def bases(self, host: str) -> list[Path]:
        """Folders of `host` that we wrote to and that hold a file of ours still, in the order in which we did."""
        found = ((Path(line["base"]), Path(target)) for target, line in self._files.items() if line["host"] == host)
        return list(dict.fromkeys(base for base, target in found if os.path.lexists(target)))

    def add(self, item: Item, digest: str) -> None:
        """Note that the bytes of `digest` are ours at the item's target; returns when it is on the disk.

        Raises:
            HostError: the disk refuses.
        """
        hashes = self.hashes(item.target)
        if digest in hashes:
            return
        line = {"host": item.host, "base": str(item.base), "sha256": [*hashes, digest]}
        self._files[str(item.target)] = line
        text = json.dumps({"format": FORMAT, "files": self._files}, indent=1, ensure_ascii=False)
        with _refused_in_words(self._path, OUR_OWN):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self._path, text.encode())


def bases(host: Host, system: System, ledger: Ledger) -> list[Path]:
    """The host's folders that are there: its usual ones, and those that the user has named before."""
    return list(dict.fromkeys([*system.found(host.bases.get(system.name, ())), *ledger.bases(host.name)]))


def targets(host: Host, system: System, ledger: Ledger, to: Path | None = None) -> list[Path]:
    """The folders of the host to install into: `to`, or else those that are there, or may be made.

    Where `to` is one inside the host's own that our files go to, such as Max's “Packages”, the host's is meant.

    Raises:
        HostError: there is none; the sentence says where one was looked for, and the way out.
    """
    if to is not None:
        if not to.is_dir():
            there = f"{to} is no folder" if to.exists() else f"There is no folder {to}"
            raise HostError(f"{there}: name the one where {host.title} keeps {host.folder}.")
        return [_own(host, to.resolve())]
    found = bases(host, system, ledger)
    usual = host.bases.get(system.name, ())
    if not found and host.creates and usual:
        found = [system.place(usual[0])]
    if found:
        return found
    if not usual:
        runs_on = " and ".join(TITLES[name] for name in host.bases)
        raise HostError(f"{host.title} runs on {runs_on} only: copy the files elsewhere with --to FOLDER.")
    places = " or ".join(str(system.place(pattern)).replace(ANY_VERSION, "…") for pattern in usual)
    raise HostError(
        f"There is no {places}: start {host.title} once, or say with --to FOLDER where it keeps {host.folder}."
    )


def _own(host: Host, to: Path) -> Path:
    """The host's folder of which `to` is a part's folder, or one above that; else `to`."""
    for part in host.parts:
        for inside in (Path(part.folder), *Path(part.folder).parents):
            if inside.parts and to.parts[-len(inside.parts) :] == inside.parts:
                return to.parents[len(inside.parts) - 1]
    return to


def items(host: Host, folders: list[Path]) -> list[Item]:
    """All files of the host, for each of its folders."""
    return [
        Item(host.name, source, base, base / part.folder / source.name)
        for base in folders
        for part in host.parts
        for source in host.files(part)
    ]


def state_of(item: Item, ledger: Ledger) -> State:
    """How the file at the item's target is.

    Raises:
        HostError: something else stands there, or it cannot be read.
    """
    try:
        found = digest_of(item.target.read_bytes())
    except FileNotFoundError:
        return "missing"
    except (IsADirectoryError, NotADirectoryError) as error:
        raise HostError(f"{_there(item.target)} is in the way of our {item.target.name}: move it elsewhere.") from error
    except OSError as error:
        raise HostError(f"{item.target} cannot be read ({error.strerror}): see who may read it.") from error
    if found == digest_of(item.source.read_bytes()):
        return "installed"
    return "outdated" if found in ledger.hashes(item.target) else "changed"


def install(todo: list[Item], ledger: Ledger, force: bool = False, dry_run: bool = False) -> Iterator[Deed]:
    """Write what is missing or outdated, with `force` also over what was changed; tells of each file.

    Raises:
        HostError: a file cannot be written; those told of are in their place, the others are as they were.
    """
    states = [(item, state_of(item, ledger)) for item in todo]
    for item, state in states:
        writes = state in ("missing", "outdated") or (state == "changed" and force)
        if not dry_run and (writes or state == "installed"):
            _put(item, ledger, writes)
        yield Deed(item, state, writes)


def digest_of(content: bytes) -> str:
    """SHA-256, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def _put(item: Item, ledger: Ledger, writes: bool) -> None:
    content = item.source.read_bytes()
    ledger.add(item, digest_of(content))
    if not writes:
        return
    with _refused_in_words(item.target, ELSEWHERE):
        item.target.parent.mkdir(parents=True, exist_ok=True)
        _sweep(item.target)
        write_atomically(item.target, content)


def _there(path: Path) -> Path:
    """`path`, or what stands where a folder above it should be."""
    return next((above for above in (path, *path.parents) if os.path.lexists(above)), path)


def _sweep(target: Path) -> None:
    """Remove what a killed copy left beside `target`."""
    for left in target.parent.glob(f".{target.name}-????????"):
        left.unlink(missing_ok=True)


@contextlib.contextmanager
def _refused_in_words(path: Path, way_out: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise HostError(f"{path} cannot be written ({error.strerror or error}): {way_out}.") from error


def _read(path: Path) -> dict[str, dict[str, Any]]:
    said = json.loads(path.read_text("utf-8"))
    if said["format"] != FORMAT:
        raise ValueError(f"format {said['format']}")
    return {
        str(target): {
            "host": str(line["host"]),
            "base": str(line["base"]),
            "sha256": [str(digest) for digest in line["sha256"]],
        }
        for target, line in said["files"].items()
    }
