"""The JACK server as a client without ports sees it: which MIDI ports there are, and whether it still lives.

The back ends know neither the death of a server nor a cheap way to list ports. After a server has died, a client
of it must never be closed: the library has freed what closing would touch, and the program would end with it.
"""

from __future__ import annotations

import ctypes
import logging

from bridge.errors import BridgeError

LIBRARY = "libjack.so.0"
MIDI_TYPE = b"8 bit raw midi"
NO_START_SERVER = 1
IS_INPUT, IS_OUTPUT = 1, 2
CLIENT = b"GAPT Bridge watch"

logger = logging.getLogger(__name__)

_OnShutdown = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class Jack:
    """The server that clients of this process use. To be asked from one thread at a time."""

    def __init__(self, library: ctypes.CDLL) -> None:
        """Look for no server yet; `library` is the system's JACK."""
        self.life = 0
        """How many times a server was found, so that connections to a dead one are known even where another runs."""
        self._library = library
        self._client: int | None = None
        self._down = False
        # The library keeps the address of this function, so the function has to stay.
        self._on_shutdown = _OnShutdown(self._went_down)
        library.jack_set_error_function(_quiet)
        library.jack_set_info_function(_quiet)
        library.jack_client_open.restype = ctypes.c_void_p
        library.jack_on_shutdown.argtypes = [ctypes.c_void_p, _OnShutdown, ctypes.c_void_p]
        library.jack_get_ports.restype = ctypes.POINTER(ctypes.c_char_p)
        library.jack_get_ports.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong]
        library.jack_free.argtypes = [ctypes.c_void_p]

    def answers(self) -> bool:
        """Whether there is a server; one that came after another counts as a new `life`."""
        if self._down:
            self._client, self._down = None, False
        if self._client is None:
            self._client = self._library.jack_client_open(CLIENT, NO_START_SERVER, None)
            if self._client is None:
                return False
            self._library.jack_on_shutdown(self._client, self._on_shutdown, None)
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
        names: list[str] = []
        while found and (name := found[len(names)]) is not None:
            names.append(name.decode(errors="replace"))
        if found:
            self._library.jack_free(found)
        return names

    def _went_down(self, _: object) -> None:
        self._down = True


@ctypes.CFUNCTYPE(None, ctypes.c_char_p)
def _quiet(line: bytes) -> None:
    logger.debug("JACK: %s", line.decode(errors="replace"))
