"""Starts a process of ours at the other end of a socket that only the two share.

The process's end is handed over by inheritance, on Windows through `share`, so there is no port to be found and
nobody else can speak; when either side dies the other reads the end.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence

BUFFER_BYTES = 1 << 18

# The child gets this process's own import path, so that it runs the same code whatever folder it is started in.
_START = (
    "import os, sys; sys.path[:] = sys.argv.pop(1).split(os.pathsep); "
    "from importlib import import_module; sys.exit(import_module(sys.argv.pop(1)).main(sys.argv[1:]))"
)


def wire_pair() -> tuple[socket.socket, socket.socket]:
    """Two ends of one wire, with room for bursts and no delay for small messages."""
    pair = socket.socketpair()
    for end in pair:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
        if end.family == socket.AF_INET:
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return pair


def spawn(
    module: str,
    arguments: Sequence[str],
    wire: socket.socket,
    errors: int,
    environment: Mapping[str, str] = os.environ,
    *,
    apart: bool = False,
) -> subprocess.Popen[bytes]:
    """A process that runs `module.main([*arguments, number])` and exits with what that returns.

    Args:
        wire: the end for the process, which opens it with `inherited_wire(number)`; the caller closes its own copy.
        errors: the file descriptor for what it writes to its error stream.
        apart: whether it stays out of reach of the signals that a terminal or a shell sends to us.

    Raises:
        OSError: the system gives no process.
    """
    command = [sys.executable, "-c", _START, os.pathsep.join(sys.path), module, *arguments]
    if sys.platform == "win32":
        flags = subprocess.ABOVE_NORMAL_PRIORITY_CLASS | subprocess.CREATE_NO_WINDOW
        process = subprocess.Popen(
            [*command, "0"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            env=dict(environment),
            creationflags=flags | (subprocess.CREATE_NEW_PROCESS_GROUP if apart else 0),
        )
        assert process.stdin is not None
        with process.stdin as hand:
            hand.write(wire.share(process.pid))
        return process
    number = wire.fileno()
    return subprocess.Popen(
        [*command, str(number)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=errors,
        env=dict(environment),
        pass_fds=(number,),
        start_new_session=apart,
    )


def inherited_wire(number: str) -> socket.socket:
    """In the process: its end of the wire; `number` is the last argument it was given."""
    if sys.platform == "win32":
        return socket.fromshare(sys.stdin.buffer.read())
    return socket.socket(fileno=int(number))
