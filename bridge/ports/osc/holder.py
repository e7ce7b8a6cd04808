"""Says which program holds a UDP port, as far as the system tells us."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
from pathlib import Path

_PATIENCE_SECONDS = 5.0
_PROC = Path("/proc")


def holder(port: int) -> str:
    """Name and process number of what holds the UDP `port` of this computer; empty where that cannot be told."""
    if sys.platform == "linux":
        pid = _pid_by_proc(port)
        return "" if pid is None else f"{_read(_PROC / str(pid) / 'comm').strip()} (process {pid})"
    if sys.platform == "win32":
        return _by_netstat(port)
    return _by_lsof(port)


def _pid_by_proc(port: int) -> int | None:
    inodes = {f"socket:[{inode}]" for table in ("udp", "udp6") for inode in _inodes(_PROC / "net" / table, port)}
    for folder in _PROC.glob("[0-9]*/fd"):
        try:
            if any(link.is_symlink() and str(link.readlink()) in inodes for link in folder.iterdir()):
                return int(folder.parent.name)
        except OSError:
            continue  # another user's, or gone meanwhile
    return None


def _inodes(table: Path, port: int) -> list[str]:
    rows = [line.split() for line in _read(table).splitlines()[1:]]
    return [row[9] for row in rows if int(row[1].rpartition(":")[2], 16) == port]


def _by_lsof(port: int) -> str:
    words = {line[:1]: line[1:] for line in _output("lsof", "-nP", f"-iUDP:{port}", "-Fpc").splitlines()}
    return f"{words['c']} (process {words['p']})" if {"c", "p"} <= set(words) else ""


def _by_netstat(port: int) -> str:
    rows = [line.split() for line in _output("netstat", "-ano", "-p", "UDP").splitlines()]
    pids = [row[-1] for row in rows if len(row) >= 4 and row[1].endswith(f":{port}")]
    if not pids:
        return ""
    tasks = list(csv.reader(_output("tasklist", "/FI", f"PID eq {pids[0]}", "/FO", "CSV", "/NH").splitlines()))
    return f"{tasks[0][0]} (process {pids[0]})" if tasks and len(tasks[0]) > 1 else f"process {pids[0]}"


def _output(*command: str) -> str:
    if shutil.which(command[0]) is None:
        return ""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""
