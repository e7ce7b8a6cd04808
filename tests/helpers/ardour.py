"""A real Ardour without a window or a sound card: its Lua interpreter on the Dummy backend, with the OSC surface on."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PORT = 3819
START_SECONDS = 60.0

_MAKE = """
AudioEngine:set_backend ("None (Dummy)", "", "")
local session = create_session (arg[1], "song", 48000)
assert (session)
local tempi = Temporal.TempoMap.fetch_writable ()
tempi:set_tempo (Temporal.Tempo (tonumber (arg[2]), tonumber (arg[2]), 4), Temporal.timepos_t (0))
Temporal.TempoMap.update (tempi)
tempi = nil
session:save_state ("")
session:close ()
quit ()
"""

_RUN = """
local backend = AudioEngine:set_backend ("None (Dummy)", "", "")
backend:set_device_name ("Normal Speed")
backend:set_buffer_size (256)
local session = load_session (arg[1], "song")
assert (session)
print ("up")
io.flush ()
sleep (600)
"""


def interpreter() -> str | None:
    """Where Ardour's Lua interpreter is."""
    return next((path for version in (9, 8, 7) if (path := shutil.which(f"ardour{version}-lua"))), None)


def missing() -> str:
    """Why there can be no Ardour here; empty where there can."""
    if interpreter() is None:
        return "no ardour-lua is installed (Debian: ardour)"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        try:
            udp.bind(("", PORT))
        except OSError:
            return f"UDP port {PORT} is held, perhaps by another Ardour"
    return ""


@contextmanager
def running(folder: Path, bpm: float) -> Iterator[None]:
    """Ardour with an empty session of this tempo, made in `folder`, that plays in real time."""
    program = interpreter()
    assert program is not None
    environment = {**os.environ, "XDG_CONFIG_HOME": str(folder / "config"), "HOME": str(folder)}
    for name, text in (("make.lua", _MAKE), ("run.lua", _RUN)):
        (folder / name).write_text(text, "utf-8")
    session = folder / "song"
    subprocess.run(
        [program, str(folder / "make.lua"), str(session), str(bpm)],
        env=environment,
        check=True,
        capture_output=True,
        timeout=START_SECONDS,
    )
    _switch_osc_on(session / "song.ardour")
    process = subprocess.Popen(
        [program, str(folder / "run.lua"), str(session)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert any(line.strip() == "up" for line in process.stdout), "Ardour does not start"
        yield
    finally:
        process.kill()
        process.communicate()


def _switch_osc_on(session: Path) -> None:
    """In the session, for its own word on surfaces overrules the configuration."""
    name = "Open Sound Control (OSC)"
    on = f'<Protocol name="{name}" active="1" debugmode="0" address-only="0" remote-port="8000"/>'
    text, changed = re.subn(rf'<Protocol name="{re.escape(name)}"[^>]*/>', on, session.read_text("utf-8"))
    assert changed == 1
    session.write_text(text, "utf-8")
