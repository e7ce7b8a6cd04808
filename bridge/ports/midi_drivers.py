"""The MIDI back ends, as bytes in and bytes out; nothing else in the project imports them.

python-rtmidi serves Python 3.10 to 3.12 and has no wheel for later ones; rtmidi2 serves those
(`docs/dependencies.md`). On Linux both reach the ALSA sequencer where the kernel has it, else JACK.
"""

from __future__ import annotations

import ctypes
import importlib
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from bridge.errors import BridgeError
from bridge.ports.midi_jack import IS_INPUT, IS_OUTPUT, Jack
from bridge.ports.midi_jack import LIBRARY as JACK_LIBRARY

CALLBACK_SECONDS = 0.02
"""How long a callback under way may take after it is called off. Closing keeps Python's lock and waits for the
driver's thread; were that one in a callback of ours, waiting for the same lock, both would wait for ever."""

HEARD = (True, False, False)
"""What an input ignores: system exclusive, but neither MIDI clock nor active sensing, as back ends else do."""

Received = Callable[[list[int]], None]
"""Takes the bytes of one message, on the driver's thread; must not raise."""


class Connection(Protocol):
    """One open port."""

    def send(self, data: list[int]) -> None:
        """Send the bytes of one message; ways in have nothing to send to.

        Raises:
            BridgeError: the port takes no more.
        """

    def close(self) -> None:
        """Release the port. Safe to call twice."""

    def abandon(self) -> None:
        """Forget the port without a word to the system, which has died: closing could end the program."""


class Driver(Protocol):
    """A MIDI back end. Names are those the system shows. To be asked from one thread at a time."""

    @property
    def life(self) -> int:
        """Grows when the system was dead and is back: connections of an earlier life are lost, even those to ports
        that are there again."""

    def inputs(self) -> list[str]:
        """Ports that can be listened to.

        Raises:
            BridgeError: the system's MIDI does not answer.
        """

    def outputs(self) -> list[str]:
        """Ports that can be played to.

        Raises:
            BridgeError: the system's MIDI does not answer.
        """

    def linked(self, name: str) -> bool:
        """Whether we are still connected to the port `name`, as far as the system tells; where it does not, yes."""

    def open_input(self, name: str, virtual: bool, received: Received) -> Connection:
        """Listen to the port `name`, or offer one of that name to others.

        Raises:
            BridgeError: it cannot be had.
        """

    def open_output(self, name: str, virtual: bool) -> Connection:
        """Play to the port `name`, or offer one of that name to others.

        Raises:
            BridgeError: it cannot be had.
        """


def load_driver() -> Driver:
    """The back end of this machine.

    Raises:
        BridgeError: there is none, or the system offers no MIDI.
    """
    _prefer_system_library("libasound.so.2")
    library = _prefer_system_library(JACK_LIBRARY)
    reasons = []
    for name, kind in (("rtmidi", RtMidi), ("rtmidi2", RtMidi2)):
        try:
            module = importlib.import_module(name)
        except ImportError as error:
            reasons.append(str(error))
        else:
            return kind(module, _jack_where_needed(library))
    raise BridgeError(
        f"No MIDI back end can be loaded ({'; '.join(reasons)}): install one with `pip install python-rtmidi` "
        "(`rtmidi2` from Python 3.13 on; Debian also needs libasound2), or play over OSC alone: `gapt jam --no-midi`."
    )


class _Listed:
    """What both back ends share: JACK tells better than they do what there is."""

    def __init__(self, module: ModuleType, jack: Jack | None) -> None:
        self._module = module
        self._jack = jack
        # Kept: other programs are told of every client that comes and goes, and look through their ports again.
        self._lists: dict[str, Any] = {}
        self._api = module.API_UNIX_JACK if jack else module.API_UNSPECIFIED

    @property
    def life(self) -> int:
        return self._jack.life if self._jack else 0

    def inputs(self) -> list[str]:
        return self._jack.ports(IS_OUTPUT) if self._jack else self._listed("MidiIn")

    def outputs(self) -> list[str]:
        return self._jack.ports(IS_INPUT) if self._jack else self._listed("MidiOut")

    def linked(self, name: str) -> bool:
        return self._jack.linked(name) if self._jack else True

    def _listed(self, kind: str) -> list[str]:
        if kind not in self._lists:
            self._lists[kind] = self._client(getattr(self._module, kind), "GAPT Bridge list")
        return self._names(self._lists[kind])

    def _names(self, client: Any) -> list[str]:
        raise NotImplementedError

    def _client(self, kind: Any, name: str) -> Any:
        raise NotImplementedError

    def _need_server(self) -> None:
        # A client that finds no server does worse than fail: it frees what older clients still use.
        if self._jack and not self._jack.answers():
            raise _no_system("the JACK server is gone")


class RtMidi(_Listed):
    """python-rtmidi; its callback runs on the driver's own thread."""

    def __init__(self, module: ModuleType, jack: Jack | None = None) -> None:
        super().__init__(module, jack)
        self._errors = (module.RtMidiError, ValueError, TypeError)

    def open_input(self, name: str, virtual: bool, received: Received) -> Connection:
        port = self._opened(self._module.MidiIn, name, virtual)
        port.ignore_types(*HEARD)
        port.set_callback(lambda event, _: received(event[0]))
        return _RtConnection(port, self._errors)

    def open_output(self, name: str, virtual: bool) -> Connection:
        return _RtConnection(self._opened(self._module.MidiOut, name, virtual), self._errors)

    def _client(self, kind: Any, name: str) -> Any:
        self._need_server()
        try:
            return kind(self._api, name=name)
        except self._module.RtMidiError as error:
            raise _no_system(error) from error

    def _names(self, client: Any) -> list[str]:
        names: list[str] = client.get_ports()
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
    def __init__(self, port: Any, errors: tuple[type[Exception], ...]) -> None:
        self._port = port
        self._errors = errors
        self._open = True

    def send(self, data: list[int]) -> None:
        try:
            self._port.send_message(data)
        except self._errors as error:
            raise _lost(error) from error

    def close(self) -> None:
        if not self._open:
            return
        self._open = False
        if hasattr(self._port, "cancel_callback"):
            self._port.cancel_callback()
            time.sleep(CALLBACK_SECONDS)
        self._port.close_port()
        self._port.delete()

    def abandon(self) -> None:
        if self._open:
            _keep_for_ever(self._port)
        self._open = False


class RtMidi2(_Listed):
    """rtmidi2: the same C++ inside. It ends the whole program where a port cannot be opened, so we look before."""

    def open_input(self, name: str, virtual: bool, received: Received) -> Connection:
        port = self._opened(self._module.MidiIn, name, virtual)
        port.ignore_types(*HEARD)
        port.callback = lambda data, _: received(data)
        return _RtConnection2(port)

    def open_output(self, name: str, virtual: bool) -> Connection:
        return _RtConnection2(self._opened(self._module.MidiOut, name, virtual))

    def _client(self, kind: Any, name: str) -> Any:
        self._need_server()
        try:
            return kind(name, api=self._api)
        except RuntimeError as error:
            raise _no_system(error) from error

    def _names(self, client: Any) -> list[str]:
        return list(client.ports)

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
    def __init__(self, port: Any) -> None:
        self._port = port
        self._open = True

    def send(self, data: list[int]) -> None:
        try:
            self._port.send_message(data)
        except (RuntimeError, AttributeError) as error:
            raise _lost(error) from error

    def close(self) -> None:
        if not self._open:
            return
        self._open = False
        if hasattr(self._port, "callback"):
            self._port.callback = None
            time.sleep(CALLBACK_SECONDS)
        self._port.close_port()
        # Only with the object goes the client, and with it the name for the next one.
        self._port = None

    def abandon(self) -> None:
        if self._open:
            _keep_for_ever(self._port)
        self._open = False


def _jack_where_needed(library: ctypes.CDLL | None) -> Jack | None:
    """The JACK server where this is a Linux without the ALSA sequencer.

    Raises:
        BridgeError: it has neither.
    """
    if not sys.platform.startswith("linux") or Path("/dev/snd/seq").exists():
        return None
    jack = Jack(library) if library else None
    if jack is None or not jack.answers():
        raise BridgeError(
            "This machine has neither the ALSA sequencer nor a JACK server: load the one (`sudo modprobe snd-seq`) or "
            "start the other (for example `jackd -r -d dummy`), or play over OSC alone: `gapt jam --no-midi`."
        )
    return jack


def _prefer_system_library(name: str) -> ctypes.CDLL | None:
    """Load the system's library, before the back end is imported, so that it wins over the copy in its wheel.

    The copy may speak another protocol than the server (`JACK protocol mismatch`). None where the system has none.
    """
    try:
        return ctypes.CDLL(name, mode=ctypes.RTLD_GLOBAL)
    except OSError:
        return None


def _keep_for_ever(port: object) -> None:
    """See to it that `port` is never freed, for to free it is to close it."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(port))


def _lost(error: object) -> BridgeError:
    return BridgeError(f"The MIDI port takes no more notes ({error}): plug it in again.")


def _no_system(error: object) -> BridgeError:
    return BridgeError(
        f"The system's MIDI does not answer ({error}): load the ALSA sequencer (`sudo modprobe "
        "snd-seq`) or start JACK, or play over OSC alone: `gapt jam --no-midi`."
    )


def _not_opened(name: str, error: object) -> BridgeError:
    return BridgeError(
        f"The MIDI port “{name}” cannot be opened ({error}): close what else uses it, "
        "or choose another with --in and --out."
    )
