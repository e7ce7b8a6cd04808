"""The folders of a system that hosts keep theirs in."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import platformdirs

SystemName = Literal["macos", "windows", "linux"]

NAMES: Mapping[str, SystemName] = {"darwin": "macos", "win32": "windows"}
"""Python's names; whatever else is a Linux to us."""

TITLES: Mapping[SystemName, str] = {"macos": "macOS", "windows": "Windows", "linux": "Linux"}

LEDGER = "daw.json"


@dataclass(frozen=True, slots=True)
class System:
    """A system, and a user's folders on it.

    Attributes:
        folders: `home`, `documents`, `config` (where programs on Linux keep settings), `roaming` and `local` (where
            those on Windows do).
        data: our own folder for data.
    """

    name: SystemName
    folders: Mapping[str, Path]
    data: Path

    @classmethod
    def here(cls) -> System:
        """This one. Documents may have been moved, as OneDrive does: the system is asked where they are."""
        data = platformdirs.user_data_path("gapt-bridge", appauthor=False)
        name = NAMES.get(sys.platform, "linux")
        return cls.of(name, Path.home(), os.environ, data, platformdirs.user_documents_path())

    @classmethod
    def of(
        cls, name: SystemName, home: Path, environment: Mapping[str, str], data: Path, documents: Path | None = None
    ) -> System:
        """The system of that name, with the folders that `environment` names or else the usual ones of `home`."""
        app_data = home / "AppData"
        folders = {
            "home": home,
            "documents": documents or home / "Documents",
            "config": Path(environment.get("XDG_CONFIG_HOME") or home / ".config"),
            "roaming": Path(environment.get("APPDATA") or app_data / "Roaming"),
            "local": Path(environment.get("LOCALAPPDATA") or app_data / "Local"),
        }
        return cls(name, folders, data)

    def found(self, patterns: tuple[str, ...]) -> list[Path]:
        """The folders there are that fit a pattern such as `{documents}/Max *`, in order."""
        found = []
        for pattern in patterns:
            root, rest = self._split(pattern)
            found += sorted(path for path in (root.glob(rest) if rest else [root]) if path.is_dir())
        return found

    def place(self, pattern: str) -> Path:
        """The folder that `pattern` names, whether it is there or not; a `*` stays one."""
        root, rest = self._split(pattern)
        return root / rest

    def _split(self, pattern: str) -> tuple[Path, str]:
        """The folder in braces, and what is below it."""
        word, _, rest = pattern.removeprefix("{").partition("}")
        return self.folders[word], rest.lstrip("/")
