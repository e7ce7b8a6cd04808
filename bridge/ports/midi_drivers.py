"""The MIDI back ends, as bytes in and bytes out; nothing else in the project imports them.

python-rtmidi serves Python 3.10 to 3.12 and has no wheel for later ones; rtmidi2 serves those
(`docs/dependencies.md`). On Linux both reach the ALSA sequencer where the kernel has it, else JACK.
"""

from __future__ import annotations

import ctypes
import importlib
import logging
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from bridge.errors import BridgeError

CALLBACK_SECONDS = 0.02
"""How long a callback under way may take after it is called off. Closing keeps Python's lock and waits for the
driver's thread; were that one in a callback of ours, waiting for the same lock, both would wait for ever."""

JACK_NO_START_SERVER = 1

Received = Callable[[list[int]], None]
"""Takes the bytes of one message, on the driver's thread; must not raise."""

logger = logging.getLogger(__name__)


class Connection(Protocol):
    """One open port."""

    def send(self, data: list[int]) -> None:
        """Send the bytes of one message; ways in have nothing to send to.

        Raises:
            BridgeError: the port takes no more.
        """

    def gone(self) -> bool:
        """Whether the port of another program or device has left the system."""

    def close(self) -> None:
        """Release the port. Safe to call twice."""


class Driver(Protocol):
    """A MIDI back end. Names are those the system shows."""

    def inputs(self) -> list[str]:
        """Ports that can be listened to."""

    def outputs(self) -> list[str]:
        """Ports that can be played to."""

    def open_input(self, name: str, virtual: bool, received: Received) -> Connection:
        """Listen to the port `name`, or offer one of that name to others."""

    def open_output(self, name: str, virtual: bool) -> Connection:
        """Play to the port `name`, or offer one of that name to others."""


def load_driver() -> Driver:
    """The back end of this machine.

    Raises:
        BridgeError: there is none, or the system offers no MIDI.
    """
    for name in ("libasound.so.2", "libjack.so.0"):
        _prefer_system_library(name)
    reasons = []
    for name, kind in (("rtmidi", RtMidi), ("rtmidi2", RtMidi2)):
        try:
            return kind(importlib.import_module(name))
        except ImportError as error:
            reasons.append(str(error))
    raise BridgeError(
        f"No MIDI back end can be loaded ({'; '.join(reasons)}): install one with `pip install python-rtmidi` "
        "(`rtmidi2` from Python 3.13 on; Debian also needs libasound2), or play over OSC alone with --no-midi."
    )


class RtMidi:
    """python-rtmidi; its callback runs on the driver's own thread."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module
        jack = _linux_needs_jack()
        self._api = module.API_UNIX_JACK if jack else module.API_UNSPECIFIED
        self._errors = (module.RtMidiError, ValueError, TypeError)

    def inputs(self) -> list[str]:
        return self._listed(self._module.MidiIn)

    def outputs(self) -> list[str]:
        return self._listed(self._module.MidiOut)

    def open_input(self, name: str, virtual: bool, received: Received) -> Connection:
        port = self._opened(self._module.MidiIn, name, virtual)
        port.set_callback(lambda event, _: received(event[0]))
        return _RtConnection(port, None if virtual else name, self._errors)

    def open_output(self, name: str, virtual: bool) -> Connection:
        port = self._opened(self._module.MidiOut, name, virtual)
        return _RtConnection(port, None if virtual else name, self._errors)

    def _client(self, kind: Any, name: str) -> Any:
        try:
            return kind(self._api, name=name)
        except self._module.RtMidiError as error:
            raise _no_system(error) from error

    def _listed(self, kind: Any) -> list[str]:
        client = self._client(kind, "GAPT Bridge list")
        names: list[str] = client.get_ports()
        client.delete()
        return names

    def _opened(self, kind: Any, name: str, virtual: bool) -> Any:
        client = self._client(kind, name if virtual else "GAPT Bridge")
        try:
            if virtual:
                return client.open_virtual_port(name)
            return client.open_port(client.get_ports().index(name), "GAPT Bridge")
        except self._errors as error:
            raise _not_opened(name, error) from error


class _RtConnection:
    def __init__(self, port: Any, other: str | None, errors: tuple[type[Exception], ...]) -> None:
        self._port = port
        self._other = other
        self._errors = errors
        self._open = True

    def send(self, data: list[int]) -> None:
        try:
            self._port.send_message(data)
        except self._errors as error:
            raise _lost(error) from error

    def gone(self) -> bool:
        return self._other is not None and self._other not in self._port.get_ports()

    def close(self) -> None:
        if not self._open:
            return
        self._open = False
        if hasattr(self._port, "cancel_callback"):
            self._port.cancel_callback()
            time.sleep(CALLBACK_SECONDS)
        self._port.close_port()
        self._port.delete()


class RtMidi2:
    """rtmidi2: the same C++ inside. It ends the whole program where a port cannot be opened, so we look before."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module
        self._api = module.API_UNIX_JACK if _linux_needs_jack() else module.API_UNSPECIFIED

    def inputs(self) -> list[str]:
        return list(self._client(self._module.MidiIn, "GAPT Bridge list").ports)

    def outputs(self) -> list[str]:
        return list(self._client(self._module.MidiOut, "GAPT Bridge list").ports)

    def open_input(self, name: str, virtual: bool, received: Received) -> Connection:
        port = self._opened(self._module.MidiIn, name, virtual)
        port.callback = lambda data, _: received(data)
        return _RtConnection2(port, None if virtual else name)

    def open_output(self, name: str, virtual: bool) -> Connection:
        return _RtConnection2(self._opened(self._module.MidiOut, name, virtual), None if virtual else name)

    def _client(self, kind: Any, name: str) -> Any:
        try:
            return kind(name, api=self._api)
        except RuntimeError as error:
            raise _no_system(error) from error

    def _opened(self, kind: Any, name: str, virtual: bool) -> Any:
        client = self._client(kind, name if virtual else "GAPT Bridge")
        try:
            if virtual:
                client.open_virtual_port(name)
            else:
                client.open_port(client.ports.index(name))
        except ValueError as error:
            raise _not_opened(name, error) from error
        return client


class _RtConnection2:
    def __init__(self, port: Any, other: str | None) -> None:
        self._port = port
        self._other = other
        self._open = True

    def send(self, data: list[int]) -> None:
        try:
            self._port.send_message(data)
        except RuntimeError as error:
            raise _lost(error) from error

    def gone(self) -> bool:
        return self._other is not None and self._other not in self._port.ports

    def close(self) -> None:
        if not self._open:
            return
        self._open = False
        if hasattr(self._port, "callback"):
            self._port.callback = None
            time.sleep(CALLBACK_SECONDS)
        self._port.close_port()


def _linux_needs_jack() -> bool:
    """Whether this is a Linux without the ALSA sequencer but with a JACK server.

    Raises:
        BridgeError: it has neither.
    """
    if not sys.platform.startswith("linux") or Path("/dev/snd/seq").exists():
        return False
    if not _jack_answers():
        raise BridgeError(
            "This machine has neither the ALSA sequencer nor a JACK server: start one (for example "
            "`jackd -r -d dummy`), or play over OSC alone with --no-midi."
        )
    return True


def _jack_answers() -> bool:
    library = _prefer_system_library("libjack.so.0")
    if library is None:
        return False
    library.jack_set_error_function(_quiet)
    library.jack_set_info_function(_quiet)
    library.jack_client_open.restype = ctypes.c_void_p
    library.jack_client_close.argtypes = [ctypes.c_void_p]
    client = library.jack_client_open(b"GAPT Bridge probe", JACK_NO_START_SERVER, None)
    if client is not None:
        library.jack_client_close(client)
    return client is not None


def _prefer_system_library(name: str) -> ctypes.CDLL | None:
    """Load the system's library, before the back end is imported, so that it wins over the copy in its wheel.

    The copy may speak another protocol than the server (`JACK protocol mismatch`). None where the system has none.
    """
    try:
        return ctypes.CDLL(name, mode=ctypes.RTLD_GLOBAL)
    except OSError:
        return None


@ctypes.CFUNCTYPE(None, ctypes.c_char_p)
def _quiet(line: bytes) -> None:
    logger.debug("JACK: %s", line.decode(errors="replace"))


def _lost(error: object) -> BridgeError:
    return BridgeError(f"The MIDI port takes no more notes ({error}): plug it in again and start anew.")


def _no_system(error: object) -> BridgeError:
    return BridgeError(
        f"The system's MIDI does not answer ({error}): start JACK or load the ALSA sequencer, "
        "or play over OSC alone with --no-midi."
    )


def _not_opened(name: str, error: object) -> BridgeError:
    return BridgeError(
        f"The MIDI port “{name}” cannot be opened ({error}): close what else uses it, "
        "or choose another with --in and --out."
    )
