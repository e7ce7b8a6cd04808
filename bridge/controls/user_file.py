"""The user's settings file: what a session starts with, and what the controllers of each device move.

People write it (docs/settings.md), and MIDI learn adds lines to it: what they wrote, comments and order, stays.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import platformdirs
import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import InlineTable

from bridge.controls.parameters import PARAMETERS, Value
from bridge.errors import BridgeError
from presets.files import write_atomically

ENVIRONMENT = "GAPT_SETTINGS"
FILE = "settings.toml"

FORBIDDEN = frozenset({0, 6, 32, 38, 64, *range(96, 102), *range(120, 128)})
"""Controllers with a meaning of their own in MIDI: banks, data entry, the sustain pedal, modes."""

_CONTROLLER = re.compile(r"(?:ch\s*(\d{1,2})\s+)?cc\s*(\d{1,3})", re.IGNORECASE)

Read = TypeVar("Read")


class Controller(NamedTuple):
    """A controller, on one channel (0 to 15) or on any (None)."""

    control: int
    channel: int | None = None

    @classmethod
    def parse(cls, text: str) -> Controller:
        """From `cc 21` or `ch 2 cc 21`, where channels count from 1.

        Raises:
            BridgeError: it is none, or one that cannot be had.
        """
        match = _CONTROLLER.fullmatch(text.strip())
        if match is None:
            raise BridgeError(f"“{text}” is no controller: write it as in “cc 21”, or “ch 2 cc 21” for one channel.")
        channel, control = int(match[1] or 0), int(match[2])
        if control in FORBIDDEN or control > 127 or channel > 16 or match[1] in ("0", "00"):
            raise BridgeError(
                f"“{text}” cannot be mapped: take a controller such as 1 to 5 or 20 to 31, channel 1 to 16."
            )
        return cls(control, channel - 1 if channel else None)

    def __str__(self) -> str:
        prefix = "" if self.channel is None else f"ch {self.channel + 1} "
        return f"{prefix}cc {self.control}"


class UserFile:
    """What the file says.

    Attributes:
        path: where it is or will be.
        jam: values of parameters, by name.
        controls: by device, the parameter that each controller moves.
        programs: by device, the preset of each program, 0 to 127.
    """

    def __init__(self, path: Path) -> None:
        """Nothing said yet; see `load`."""
        self.path = path
        self.jam: dict[str, Value] = {}
        self.controls: dict[str, dict[Controller, str]] = {}
        self.programs: dict[str, dict[int, str]] = {}

    @classmethod
    def load(cls, path: Path | None = None, environment: Mapping[str, str] = os.environ) -> UserFile:
        """What the file at `path` says, or else at `GAPT_SETTINGS`, or else in the user's own folder for settings.

        Nothing where there is no file.

        Raises:
            BridgeError: it cannot be read, or says what cannot be.
        """
        file = cls(path or default_path(environment))
        document = file._document().unwrap()
        file._only(document, ("jam", "midi"), "the file")
        for name, value in file._table(document, "jam").items():
            file.jam[name] = file._said("[jam]", _jam_value, name, value)
        for device, table in file._table(document, "midi").items():
            where = f'[midi."{device}"]'
            inside = file._table({where: table}, where)
            file._only(inside, ("controls", "programs"), where)
            lines = file._table(inside, "controls", where).items()
            file.controls[device] = dict(file._said(where, _control, *line) for line in lines)
            lines = file._table(inside, "programs", where).items()
            file.programs[device] = dict(file._said(where, _program, *line) for line in lines)
        return file

    def save_control(self, device: str, controller: Controller, parameter: str | None) -> None:
        """Write that `controller` of `device` moves `parameter`, or for None nothing any more; the rest stays.

        Raises:
            BridgeError: the file cannot be read or written.
        """
        document = self._document()
        _write_line(document, device, controller, parameter)
        text = tomlkit.dumps(document)
        said = tomlkit.parse(text).unwrap()
        if said.get("midi", {}).get(device, {}).get("controls", {}).get(str(controller)) != parameter:
            raise BridgeError(
                f"The settings file {self.path} is written so that nothing can be added: "
                f'put `"{controller}" = "{parameter}"` under [midi."{device}".controls] by hand.'
            )
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self.path, text.encode())
        except OSError as error:
            raise BridgeError(
                f"The settings file {self.path} cannot be written ({error}): see to its rights."
            ) from error

    def _document(self) -> Any:
        try:
            return tomlkit.parse(self.path.read_bytes()) if self.path.exists() else tomlkit.document()
        except (OSError, UnicodeDecodeError, TOMLKitError) as error:
            raise BridgeError(
                f"The settings file {self.path} cannot be read ({error}): put it right, or move it away."
            ) from error

    def _only(self, table: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
        for key in table:
            if key not in known:
                raise self._wrong(f"{where} has an unknown part “{key}”; there are {' and '.join(known)}")

    def _table(self, outer: Mapping[str, Any], key: str, where: str = "the file") -> dict[str, Any]:
        table = outer.get(key, {})
        if not isinstance(table, dict):
            raise self._wrong(f"“{key}” in {where} is no table")
        return table

    def _said(self, where: str, read: Callable[[str, object], Read], key: str, value: object) -> Read:
        try:
            return read(key, value)
        except BridgeError as error:
            raise self._wrong(f"in {where} {str(error).rstrip('.')}") from error

    def _wrong(self, what: str) -> BridgeError:
        return BridgeError(f"The settings file {self.path}: {what}; correct the line or delete it.")


def default_path(environment: Mapping[str, str] = os.environ) -> Path:
    """Where the file is unless somebody says otherwise."""
    override = environment.get(ENVIRONMENT)
    return Path(override) if override else platformdirs.user_config_path("gapt-bridge", appauthor=False) / FILE


def mappable(name: object) -> str:
    """`name`, of a parameter that a controller can move.

    Raises:
        BridgeError: there is no such parameter, or it is a text.
    """
    parameter = PARAMETERS.get(name) if isinstance(name, str) else None
    if parameter is None:
        raise BridgeError(f"there is no parameter “{name}”; docs/osc.md lists them.")
    if parameter.kind == "text":
        raise BridgeError(f"“{name}” is a text, which no controller can move.")
    return parameter.name


def _write_line(document: Any, device: str, controller: Controller, parameter: str | None) -> None:
    table = document
    for key in ("midi", device, "controls"):
        if key not in table:
            inline = isinstance(table, InlineTable)
            table[key] = tomlkit.inline_table() if inline else tomlkit.table(is_super_table=key != "controls")
        table = table[key]
    for key in [key for key in table if _CONTROLLER.fullmatch(key.strip()) and Controller.parse(key) == controller]:
        del table[key]
    if parameter is not None:
        table[str(controller)] = parameter


def _jam_value(name: str, value: object) -> Value:
    parameter = PARAMETERS.get(name)
    if parameter is None or parameter.kind == "trigger":
        raise BridgeError(f"there is no parameter “{name}” to set; docs/osc.md lists them.")
    return parameter.checked(value)


def _control(key: str, parameter: object) -> tuple[Controller, str]:
    return Controller.parse(key), mappable(parameter)


def _program(key: str, preset: object) -> tuple[int, str]:
    if not (key.isascii() and key.isdigit() and int(key) <= 127 and isinstance(preset, str) and preset.strip()):
        raise BridgeError(f"“{key}” should be a program, 0 to 127, and stand for the name of a preset.")
    return int(key), preset.strip()
