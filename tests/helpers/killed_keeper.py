"""A program that runs a command and kills it before its first change of a file, before its second, and so on.

    python killed_keeper.py TEMPLATE COMMAND...

TEMPLATE is a folder of presets; every run gets a copy of it. Printed is a JSON line for each run, the last of which
was not killed: what it was killed before, what a reader then sees who may change nothing, and what the next command
sees and leaves.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bridge.cli import gapt
from presets.errors import PresetError
from presets.place import PREFIX, names
from presets.preset import load_preset, write_preset
from presets.store import ENVIRONMENT, Store

CHANGES = frozenset(
    {
        *("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.chmod", "os.truncate", "os.link", "os.symlink"),
        *("fcntl.flock", "shutil.rmtree", "tempfile.mkdtemp", "tempfile.mkstemp", "fsync"),
    }
)
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
"""Where files need not wait for a disk; a kill does not lose what the system was given to write."""

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def is_change(event: str, arguments: tuple[Any, ...]) -> bool:
    """Whether an audit event announces a change of a file."""
    return event in CHANGES or (event == "open" and bool((arguments[2] or 0) & WRITING))


def kill_at(count: int, told: int) -> None:
    """Let this process kill itself before its `count`-th change, having written to the pipe `told` before which."""
    left = [count]

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if is_change(event, arguments):
            left[0] -= 1
            if not left[0]:
                os.write(told, f"{event} {arguments[:2]}".encode())
                os.kill(os.getpid(), signal.SIGKILL)

    sync = os.fsync

    def watched_sync(file: int) -> None:
        sys.audit("fsync", file)
        sync(file)

    os.fsync = watched_sync
    sys.addaudithook(watch)


def in_child(work: Callable[[], None], count: int) -> tuple[int, str]:
    """How a child ended that did `work`, as `os.waitpid` says, and before what it was killed."""
    heard, told = os.pipe()
    child = os.fork()
    if not child:
        try:
            kill_at(count, told)
            work()
        finally:
            failed = sys.exc_info()[1]
            sys.stderr.write(f"{failed!r}\n" * (failed is not None))
            os._exit(failed is not None)
    os.close(told)
    with os.fdopen(heard, "rb") as pipe:
        before = pipe.read().decode()
    return os.waitpid(child, 0)[1], before


def do(command: list[str]) -> None:
    """Run a command of `gapt`, or what a training ends in."""
    if command[0] == "write":
        store = Store.default()
        old = load_preset(Path(command[1])).contents()
        fields = {name: value for name, value in old.manifest.to_dict().items() if name != "members"}
        write_preset(store.user / command[2], {**fields, "version": command[3]}, old.members, replace=True)
    else:
        gapt.main(command, standalone_mode=False)


def seen(root: Path) -> dict[str, str]:
    """The version of each preset, or what is wrong with it, as a reader sees it who can change nothing."""
    versions = {}
    for name in names(root):
        try:
            preset = load_preset(root / name)
            preset.verify()
            versions[name] = preset.manifest.version
        except PresetError as error:
            versions[name] = str(error)
    return versions


def main(template: Path, command: list[str]) -> None:
    count = 0
    status = -1
    while status:
        count += 1
        with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
            root = Path(folder) / "presets"
            if template.exists():
                shutil.copytree(template, root)
            os.environ[ENVIRONMENT] = str(root)
            status, before = in_child(lambda: do(command), count)
            raw = seen(root)
            store = Store.default()
            store.folders()
            in_use = store.in_use()
            left = sorted(path.name for path in root.glob(f"{PREFIX}*")) if root.is_dir() else []
            killed = os.WIFSIGNALED(status)
            row = {"killed": killed, "before": before, "raw": raw, "next": seen(root), "in_use": in_use, "left": left}
            sys.stdout.write(f"{json.dumps(row)}\n")
            sys.stdout.flush()
        if status and not killed:
            sys.exit(f"the command itself failed: {status}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
