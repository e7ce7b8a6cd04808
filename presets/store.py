"""Where presets are looked for: the user's own folder, then those that came with the program."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from presets.errors import PresetError
from presets.place import names, tidy
from presets.preset import NAME, Preset, load_preset
from presets.text import plain

ENVIRONMENT = "GAPT_PRESETS"
DEFAULT = "default"
CHOICE = ".in-use"
"""File in the user's folder with the name of the preset that plays where none is named; without it `DEFAULT` does."""

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
        """Every folder that could be a preset, by name and in the order of names, damaged ones too.

        What a killed process left half done in the user's folder is finished first.
        """
        tidy(self.user)
        found = {name: root / name for root in (self.builtin, self.user) for name in names(root)}
        return {name: found[name] for name in sorted(found) if NAME.fullmatch(name)}

    def folder(self, name: str) -> Path:
        """The folder of the preset of that name.

        Raises:
            PresetError: there is none.
        """
        folder = self.folders().get(name)
        if folder is None:
            raise PresetError(f"There is no preset “{plain(name)}”; `gapt presets list` shows those there are.")
        return folder

    def find(self, name: str) -> Preset:
        """The preset of that name, or the one in that folder where `name` is a path.

        Raises:
            PresetError: there is none, or its manifest is damaged.
        """
        return load_preset(Path(name) if is_path(name) else self.folder(name))

    def all(self) -> list[Preset]:
        """Every preset whose manifest can be read; of one that cannot, the reason is logged."""
        presets = []
        for folder in self.folders().values():
            try:
                presets.append(load_preset(folder))
            except PresetError as error:
                logger.warning("%s", error)
        return presets

    def in_use(self) -> str:
        """The name of the preset that plays where none is named; a chosen one that is gone is logged."""
        chosen = self._chosen()
        if chosen is None or chosen in self.folders():
            return chosen or DEFAULT
        logger.warning("The preset in use, “%s”, is gone: “%s” plays; `gapt presets use` chooses.", chosen, DEFAULT)
        return DEFAULT

    def _chosen(self) -> str | None:
        try:
            with (self.user / CHOICE).open("rb") as file:
                name = file.read(100).decode("ascii", errors="replace").strip()
        except OSError:
            return None
        return name if NAME.fullmatch(name) else None


def is_path(name: str) -> bool:
    """Whether `name` is a path to a preset's folder rather than a preset's name."""
    return name.startswith(".") or "/" in name or "\\" in name
