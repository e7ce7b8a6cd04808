"""Lua run inside a host that knows no more than its reference says: a strict table of functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lupa import lua53, lua54

VERSIONS = {"5.3": lua53, "5.4": lua54}
"""Lua's interpreters, by version: hosts bring either."""

_STRICT = """
function(name, functions)
  setmetatable(functions, {__index = function(_, key) error(name .. "." .. key .. " is not in the reference", 2) end})
  _G[name] = functions
  setmetatable(_G, {__index = function(_, key) error("there is no global " .. tostring(key), 2) end})
end
"""


class HostError(Exception):
    """The script called the host otherwise than its reference has it."""


@dataclass(frozen=True)
class Function:
    """A function of a host.

    Attributes:
        kinds: a kind for each argument, which are all needed.
        does: what it does; it gets the arguments.
    """

    kinds: tuple[str, ...]
    does: Callable[..., Any]


CHECKS: Mapping[str, Callable[[object], bool]] = {
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "project": lambda value: value == 0 and not isinstance(value, bool),
}


def run(script: Path, name: str, functions: Mapping[str, Function], version: str = "5.4") -> None:
    """Run `script` with `functions` in the global table `name`.

    Raises:
        HostError: it called one with other arguments.
        lupa.LuaError: anything else that Lua complains of, an unknown name among it.
    """
    lua = VERSIONS[version].LuaRuntime(unpack_returned_tuples=True, register_eval=False, register_builtins=False)
    table = lua.table_from({key: _checked(f"{name}.{key}", function) for key, function in functions.items()})
    lua.eval(_STRICT)(name, table)
    lua.execute(script.read_text("utf-8"))


def _checked(name: str, function: Function) -> Callable[..., Any]:
    def called(*arguments: object) -> Any:
        if len(arguments) != len(function.kinds):
            raise HostError(f"{name} takes {len(function.kinds)} arguments, not {len(arguments)}")
        for kind, value in zip(function.kinds, arguments, strict=True):
            fits = CHECKS[kind](value) if kind in CHECKS else type(value).__name__ == kind
            if not fits:
                raise HostError(f"{name} takes a {kind}, not {value!r}")
        return function.does(*arguments)

    return called
