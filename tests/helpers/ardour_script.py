"""Our scripts for Ardour, run by its own Lua interpreter as Ardour runs them: kept as the code of `factory` alone."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ardour import START_SECONDS, interpreter

SCRIPTS = Path(__file__).parents[2] / "plugin_host" / "daw" / "ardour"

_AROUND = """
local backend = AudioEngine:set_backend ("None (Dummy)", "", "")
backend:set_device_name ("Normal Speed")
backend:set_buffer_size (256)
Session = create_session (arg[1], "song", 48000)
assert (Session)
local description
ardour = function (words) description = words end
dofile (arg[2])
assert (description["type"] and description.name and description.author and description.description)
local kept, load = string.dump (factory, true), load
for _, name in ipairs {"ardour", "action_params", "signals", "factory"} do _G[name] = nil end
for _, name in ipairs {"require", "dofile", "package", "debug", "coroutine", "rawget", "rawset"} do _G[name] = nil end
local function make (params) return load (kept) (params) end
local function tell (...)
  local words = {...}
  for index, word in ipairs (words) do words[index] = tostring (word) end
  print ("told|" .. table.concat (words, "|"))
  io.flush ()
end
"""

_END = """
Session:close ()
quit ()
"""


@contextmanager
def running(folder: Path, script: str, body: str) -> Iterator[Iterator[list[str]]]:
    """What `body` tells (`tell (...)`), in words, in a new session; `make (params)` makes what `script` makes."""
    program = interpreter()
    assert program is not None
    (folder / "around.lua").write_text(_AROUND + body + _END, "utf-8")
    process = subprocess.Popen(
        [program, str(folder / "around.lua"), str(folder / "song"), str(SCRIPTS / script)],
        env={**os.environ, "XDG_CONFIG_HOME": str(folder / "config"), "HOME": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield (line.rstrip("\n").split("|")[1:] for line in process.stdout if line.startswith("told|"))
    finally:
        process.kill()
        process.communicate(timeout=START_SECONDS)


def told(folder: Path, script: str, body: str) -> list[list[str]]:
    """All that `body` tells until it ends."""
    with running(folder, script, body) as lines:
        return list(lines)
