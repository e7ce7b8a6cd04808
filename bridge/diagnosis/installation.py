"""Checks of the installation: whose the packages are, presets, settings, caches."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution, distributions, packages_distributions
from importlib.util import find_spec
from pathlib import Path

from bridge.controls.user_file import UserFile
from bridge.diagnosis.findings import Finding
from bridge.errors import BridgeError
from presets.errors import PresetError
from presets.preset import load_preset
from presets.store import Store

DISTRIBUTION = "gapt-bridge"
PACKAGES = ("bridge", "gapt_core", "plugin_host", "presets")


def packages() -> Iterator[Finding]:
    """Whether our four packages are ours alone, of one version and of one place."""
    versions = {found.version for found in distributions(name=DISTRIBUTION)}
    try:
        how = _how_installed()
    except PackageNotFoundError:
        yield Finding("installation", "fail", "not installed, only found", "run `pip install -e .` in the checkout.")
        return
    if len(versions) > 1:
        text = f"versions {' and '.join(sorted(versions))} at once"
        advice = f"run `pip uninstall {DISTRIBUTION}` until it says there is none, then install again."
        yield Finding("installation", "fail", text, advice)
    else:
        yield Finding("installation", "ok", f"{DISTRIBUTION} {versions.pop()}, {how}")
    yield from _owners()


def _owners() -> Iterator[Finding]:
    owners = packages_distributions()
    folders = {name: _folder(name) for name in PACKAGES}
    for name in PACKAGES:
        others = sorted(set(owners.get(name, ())) - {DISTRIBUTION})
        if others:
            advice = f"run `pip uninstall {' '.join(others)}`, then `pip install --force-reinstall {DISTRIBUTION}`."
            yield Finding("packages", "fail", f"“{name}” is also installed by {', '.join(others)}", advice)
    if len({folder.parent for folder in folders.values()}) > 1:
        places = ", ".join(f"{name} in {folder.parent}" for name, folder in folders.items())
        advice = "another folder is in front of the installed one: start `gapt` elsewhere, or unset PYTHONPATH."
        yield Finding("packages", "fail", f"not in one place: {places}", advice)
    strangers = [path for folder in folders.values() if (path := _not_ours(folder)) is not None]
    if strangers:
        text = f"{strangers[0]} belongs to another user"
        advice = "an update may fail half way: install as the user who owns it, or into an environment of your own."
        yield Finding("packages", "warn", text, advice)


def presets() -> Iterator[Finding]:
    """Whether every preset in the store can be played."""
    store = Store.default()
    sound = 0
    for name, folder in store.folders().items():
        try:
            load_preset(folder).verify()
            sound += 1
        except PresetError as error:
            yield Finding("presets", "warn", f"“{name}”: {error}", "install it again, or remove its folder.")
    if sound:
        yield Finding("presets", "ok", f"{sound} sound; your own belong in {store.user}")
    else:
        yield Finding("presets", "fail", "none can be played", f"run `pip install --force-reinstall {DISTRIBUTION}`.")


def settings() -> Iterator[Finding]:
    """Whether the user's settings file can be read and written."""
    try:
        file = UserFile.load()
    except BridgeError as error:
        yield Finding("settings", "fail", str(error), "put the line right that it names.")
        return
    there = file.path if file.path.exists() else _nearest(file.path)
    if not os.access(there, os.W_OK):
        advice = f"MIDI learn cannot be kept: see to the rights of {there}."
        yield Finding("settings", "warn", f"{file.path} cannot be written", advice)
    elif file.path.exists():
        count = len(file.jam) + sum(map(len, file.controls.values()))
        yield Finding("settings", "ok", f"{file.path}, {count} {'line' if count == 1 else 'lines'}")
    else:
        yield Finding("settings", "ok", f"none yet; they will be in {file.path}")


def _how_installed() -> str:
    """Editable from a checkout, or as a wheel; and where.

    Raises:
        PackageNotFoundError: neither.
    """
    distribution(DISTRIBUTION)
    # A checkout one stands in is found as well, and tells nothing of how it was installed.
    told = [found.read_text("direct_url.json") or "{}" for found in distributions(name=DISTRIBUTION)]
    editable = any(json.loads(text).get("dir_info", {}).get("editable", False) for text in told)
    return f"{'editable, ' if editable else ''}in {_folder('bridge').parent}"


def _folder(package: str) -> Path:
    spec = find_spec(package)
    assert spec is not None and spec.origin is not None, package
    return Path(spec.origin).parent


def _not_ours(folder: Path) -> Path | None:
    """The first file of a package that belongs to another user; whatever root installed for all is as it should be."""
    if sys.platform == "win32":
        return None
    ours = {os.geteuid(), _owner(folder)} if _owner(folder) in (0, os.geteuid()) else {os.geteuid()}
    return next((path for path in (folder, *sorted(folder.rglob("*.py"))) if _owner(path) not in ours), None)


def _owner(path: Path) -> int:
    return path.stat().st_uid


def _nearest(path: Path) -> Path:
    """The first folder above `path` that exists."""
    return next(folder for folder in path.parents if folder.exists())
