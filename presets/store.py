"""Where presets are looked for: the user's own folder, then those that came with the program."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from presets.errors import PresetError
from presets.preset import NAME, Preset, load_preset

ENVIRONMENT = "GAPT_PRESETS"
DEFAULT = "default"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Store:
    """Folders of presets: the user's, which comes first and may be written to, and the built-in one."""

    user: Path
    builtin: Path

    @classmethod
    def default(cls, environment: Mapping[str, str] = os.environ) -> Store:
        """The built-in folder and the user's: `GAPT_PRESETS` where it is set, else the platform's folder for data."""
        override = environment.get(ENVIRONMENT)
        user = Path(override) if override else platformdirs.user_data_path("gapt-bridge", appauthor=False) / "presets"
        return cls(user, Path(__file__).parent / "builtin")

    def folders(self) -> dict[str, Path]:
        """Every folder that could be a preset, by name and in the order of names, damaged ones too."""
        found: dict[str, Path] = {}
        for root in (self.builtin, self.user):
            for folder in root.iterdir() if root.is_dir() else ():
                if folder.is_dir() and NAME.fullmatch(folder.name):
                    found[folder.name] = folder
        return dict(sorted(found.items()))

    def find(self, name: str) -> Preset:
        """The preset of that name, or the one in that folder where `name` is a path.

        Raises:
            PresetError: there is none, or its manifest is damaged.
        """
        if _is_path(name):
            return load_preset(Path(name))
        folder = self.folders().get(name)
        if folder is None:
            raise PresetError(f"There is no preset “{name}”; `gapt presets list` shows those there are.")
        return load_preset(folder)

    def all(self) -> list[Preset]:
        """Every preset whose manifest can be read; of one that cannot, the reason is logged."""
        presets = []
        for folder in self.folders().values():
            try:
                presets.append(load_preset(folder))
            except PresetError as error:
                logger.warning("%s", error)
        return presets


def _is_path(name: str) -> bool:
    return name.startswith(".") or "/" in name or "\\" in name
