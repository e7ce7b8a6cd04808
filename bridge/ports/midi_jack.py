"""The JACK server as a client without ports sees it: which MIDI ports there are, and whether it still lives.

The back ends know neither the death of a server nor a cheap way to list ports. After a server has died, a client
of it must never be closed: the library has freed what closing would touch, and the program would end with it.
"""

from __future__ import annotations

import ctypes
from typing import Any

from bridge.errors import BridgeError

LIBRARY = "libjack.so.0"
MIDI_TYPE = b"8 bit raw midi"
NO_START_SERVER = 1
IS_INPUT, IS_OUTPUT = 1, 2
CLIENT = b"GAPT Bridge watch"
OURS = b"GAPT Bridge"
"""How the names of all our clients begin."""

SEMAPHORE_BYTES = 64
"""More than any system's `sem_t` takes."""


class Jack:
    """The server that clients of this process use. To be asked from one thread at a time.

    The library calls back on threads that it may end at any moment; one that ends while it waits for Python's lock
    takes the lock along. So what it calls are functions of the C library: to log a line is to take its length, and to
    tell that the server went down is to raise a semaphore.
    """

    def __init__(self, library: ctypes.CDLL) -> None:
        """Look for no server yet; `library` is the system's JACK."""
        self.life = 0
        """How many times a server was found, so that connections to a dead one are known even where another runs."""
        self._library = library
        self._system = ctypes.CDLL(None)
        self._client: int | None = None
        self._down = ctypes.create_string_buffer(SEMAPHORE_BYTES)
        # The library raises it when the server goes, whoever has forgotten this object by then.
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._down))
        self._system.sem_init(self._down, 0, 0)
        for name in ("jack_set_error_function", "jack_set_info_function"):
            getattr(library, name)(ctypes.cast(self._system.strlen, ctypes.c_void_p))
        library.jack_client_open.restype = ctypes.c_void_p
        library.jack_on_shutdown.argtypes = [ctypes.c_void_p] * 3
        library.jack_get_ports.restype = ctypes.POINTER(ctypes.c_char_p)
        library.jack_get_ports.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong]
        library.jack_port_by_name.restype = ctypes.c_void_p
        library.jack_port_by_name.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
        library.jack_port_get_all_connections.restype = ctypes.POINTER(ctypes.c_char_p)
        library.jack_port_get_all_connections.argtypes = [ctypes.c_void_p] * 2
        library.jack_free.argtypes = [ctypes.c_void_p]

    def answers(self) -> bool:
        """Whether there is a server; one that came after another counts as a new `life`."""
        if self._system.sem_trywait(self._down) == 0:
            self._client = None
        if self._client is None:
            self._client = self._library.jack_client_open(CLIENT, NO_START_SERVER, None)
            if self._client is None:
                return False
            raise_it = ctypes.cast(self._system.sem_post, ctypes.c_void_p)
            self._library.jack_on_shutdown(self._client, raise_it, ctypes.cast(self._down, ctypes.c_void_p))
            self.life += 1
        return True

    def ports(self, flags: int) -> list[str]:
        """Names (`client:port`) of the MIDI ports with `flags`, `IS_INPUT` or `IS_OUTPUT` as their owners see them.

        Raises:
            BridgeError: there is no server.
        """
        if not self.answers():
            raise BridgeError("The JACK server does not answer: start it again.")
        found = self._library.jack_get_ports(self._client, None, MIDI_TYPE, flags)
        return [name.decode(errors="replace") for name in self._taken(found)]

    def linked(self, name: str) -> bool:
        """Whether a port of ours is connected to `name`. One that went and came back is there again, but alone."""
        port = self._library.jack_port_by_name(self._client, name.encode()) if self.answers() else None
        found = self._library.jack_port_get_all_connections(self._client, port) if port else None
        return any(other.startswith(OURS) for other in self._taken(found))

    def _taken(self, found: Any) -> list[bytes]:
        """The names in an array that ends in a null pointer, and the array freed; a null pointer is an empty one."""
        names: list[bytes] = []
        while found and (name := found[len(names)]) is not None:
            names.append(name)
        if found:
            self._library.jack_free(found)
        return names
