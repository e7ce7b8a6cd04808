"""Changes what is in the store, whole or not at all: installs, exports, removes and chooses presets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from presets.archive import pack, unpack
from presets.errors import PresetError
from presets.files import write_atomically
from presets.manifest import MANIFEST
from presets.place import current, names, take_away
from presets.preset import Preset, check_name, load_preset, write_contents
from presets.store import CHOICE, Store


def install(store: Store, source: Path, name: str | None = None, *, hide: bool = False) -> Preset:
    """Copy a `.gapt` file, or a preset's folder, into the user's folder; all of it is checked before.

    Args:
        name: what to call it there; None for the name that it has.
        hide: whether the user's preset of that name gives way, and one that came with the program is hidden.

    Raises:
        PresetError: it is not sound, something of that name is there, or the disk refuses; nothing has changed.
    """
    contents = load_preset(source).contents() if source.is_dir() else unpack(source)
    name = contents.manifest.name if name is None else name
    check_name(name)
    way_out = "add --name to call this one something else, or --replace"
    if name in names(store.user) and not hide:
        raise PresetError(f"You have a preset “{name}” already: {way_out}.")
    if name in names(store.builtin) and not hide:
        raise PresetError(f"A preset that came with the program is called “{name}”: {way_out} to hide that one.")
    renamed = replace(contents, manifest=replace(contents.manifest, name=name))
    return write_contents(store.user / name, renamed, replace=hide)


def export(store: Store, name: str, file: Path, *, overwrite: bool = False) -> Preset:
    """Write a preset, of that name or in that folder, as the one file `file`, if it is whole.

    Raises:
        PresetError: there is no such preset, it is damaged, or the file is there already or cannot be written.
    """
    preset = store.find(name)
    packed = pack(preset.contents())
    if file.exists() and not overwrite:
        raise PresetError(f"{file} is there already: name another file, or add --replace.")
    try:
        write_atomically(file, packed)
    except OSError as error:
        raise PresetError(
            f"{file} cannot be written ({error.strerror}): see to room and rights there, or name another file."
        ) from error
    return preset


def check_removable(store: Store, name: str) -> None:
    """Refuse to remove what is not a preset of the user's.

    Raises:
        PresetError: there is no such preset, it came with the program, or it is a folder of something else.
    """
    folder = store.folder(name)
    if folder.parent != store.user:
        raise PresetError(
            f"“{name}” came with the program and stays: `gapt presets use` chooses another one to play in its place."
        )
    if not (current(folder) / MANIFEST).exists():
        raise PresetError(
            f"{folder} holds no {MANIFEST} and may not be a preset: look into it, and delete it yourself."
        )


def remove(store: Store, name: str) -> None:
    """Remove a preset of the user's. Where it was in use, the built-in default is.

    Raises:
        PresetError: it is none (`check_removable`), or the disk refuses.
    """
    check_removable(store, name)
    was_in_use = store.in_use() == name
    try:
        take_away(store.user / name)
        if was_in_use and name not in store.folders():
            (store.user / CHOICE).unlink(missing_ok=True)
    except OSError as error:
        raise PresetError(
            f"“{name}” cannot be removed ({error.strerror}): close what has it open, and see to the rights in "
            f"{store.user}."
        ) from error


def use(store: Store, name: str) -> None:
    """Let the preset of that name play wherever none is named.

    Raises:
        PresetError: there is none, it is damaged, or the choice cannot be written.
    """
    load_preset(store.folder(name)).verify()
    try:
        store.user.mkdir(parents=True, exist_ok=True)
        write_atomically(store.user / CHOICE, f"{name}\n".encode())
    except OSError as error:
        raise PresetError(
            f"{store.user / CHOICE} cannot be written ({error.strerror}): see to room and rights there."
        ) from error
