"""The MIDI back ends, as bytes in and bytes out; nothing else in the project imports them.

python-rtmidi serves Python 3.10 to 3.12 and has no wheel for later ones; pylibremidi serves those
(`docs/dependencies.md`). On Linux both reach the ALSA sequencer where the kernel has it, else JACK.
"""

from __future__ import annotations

import ctypes
import importlib
import logging
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from bridge.errors import BridgeError

POLL_SECONDS = 0.001

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
    try:
        return RtMidi(importlib.import_module("rtmidi"))
    except ImportError as error:
        reason = error
    try:
        return LibreMidi(importlib.import_module("pylibremidi"))
    except ImportError:
        raise BridgeError(
            f"No MIDI back end can be loaded ({reason}): install it with `pip install python-rtmidi` "
            "(`pylibremidi` from Python 3.13 on; Debian also needs libasound2), or play over OSC alone with --no-midi."
        ) from reason


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
            raise BridgeError(
                f"The MIDI port takes no more notes ({error}): plug it in again and start anew."
            ) from error

    def gone(self) -> bool:
        return self._other is not None and self._other not in self._port.get_ports()

    def close(self) -> None:
        if self._open:
            self._open = False
            self._port.close_port()
            self._port.delete()


class LibreMidi:
    """pylibremidi; it hands messages out only when asked, so each way in has a thread that asks every millisecond."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module
        jack = _linux_needs_jack()
        self._api = module.API.JACK_MIDI if jack else module.midi1_default_api()
        self._observer = module.Observer(module.ObserverConfiguration(), self._api)

    def inputs(self) -> list[str]:
        return [_shown(port) for port in self._observer.get_input_ports()]

    def outputs(self) -> list[str]:
        return [_shown(port) for port in self._observer.get_output_ports()]

    def open_input(self, name: str, virtual: bool, received: Received) -> Connection:
        configuration = self._module.InputConfiguration()
        configuration.on_message = lambda message: received(_message_bytes(message))
        port = self._module.MidiIn(configuration, self._api)
        self._open(port, name, virtual, self._observer.get_input_ports())
        return _LibreConnection(port, None if virtual else name, self.inputs, polled=True)

    def open_output(self, name: str, virtual: bool) -> Connection:
        port = self._module.MidiOut(self._module.OutputConfiguration(), self._api)
        self._open(port, name, virtual, self._observer.get_output_ports())
        return _LibreConnection(port, None if virtual else name, self.outputs, polled=False)

    @staticmethod
    def _open(port: Any, name: str, virtual: bool, known: list[Any]) -> None:
        if virtual:
            port.open_virtual_port(name)
        else:
            for other in [other for other in known if _shown(other) == name][:1]:
                port.open_port(other, "GAPT Bridge")
        # What `open_…` returns is an error even where all went well.
        if not port.is_port_open():
            raise _not_opened(name, "no answer from the system")


class _LibreConnection:
    def __init__(self, port: Any, other: str | None, listed: Callable[[], list[str]], polled: bool) -> None:
        self._port = port
        self._other = other
        self._listed = listed
        self._closing = threading.Event()
        self._poller = threading.Thread(target=self._poll, name="midi in", daemon=True) if polled else None
        if self._poller is not None:
            self._poller.start()

    def send(self, data: list[int]) -> None:
        self._port.send_message(*data)

    def gone(self) -> bool:
        return self._other is not None and self._other not in self._listed()

    def close(self) -> None:
        if self._closing.is_set():
            return
        self._closing.set()
        if self._poller is not None:
            self._poller.join()
        self._port.close_port()

    def _poll(self) -> None:
        while not self._closing.wait(POLL_SECONDS):
            self._port.poll()


def _shown(port: Any) -> str:
    return f"{port.device_name}:{port.port_name}" if port.device_name not in port.port_name else str(port.port_name)


def _message_bytes(message: Any) -> list[int]:
    # The binding knows no length; reading past a short message is harmless there, but means nothing.
    status = message[0]
    length = 3 if 0x80 <= status < 0xC0 or 0xE0 <= status < 0xF0 else 2 if status < 0xE0 else 1
    return [message[i] for i in range(length)]


def _linux_needs_jack() -> bool:
    """Whether this is a Linux without the ALSA sequencer but with JACK's library, which is then made ready."""
    if not sys.platform.startswith("linux") or Path("/dev/snd/seq").exists():
        return False
    if not _load_system_jack():
        raise BridgeError(
            "This machine has neither the ALSA sequencer nor JACK: start a JACK server (for example "
            "`jackd -r -d dummy`), or play over OSC alone with --no-midi."
        )
    return True


def _load_system_jack() -> bool:
    """Make the system's libjack win over the copy inside the back end's wheel, and keep it from printing.

    The copy may speak another protocol than the server (`JACK protocol mismatch`).
    """
    try:
        library = ctypes.CDLL("libjack.so.0", mode=ctypes.RTLD_GLOBAL)
    except OSError:
        return False
    library.jack_set_error_function(_quiet)
    library.jack_set_info_function(_quiet)
    return True


@ctypes.CFUNCTYPE(None, ctypes.c_char_p)
def _quiet(line: bytes) -> None:
    logger.debug("JACK: %s", line.decode(errors="replace"))


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
