"""What Live with AbletonOSC is to a client: its protocol, its tenth of a second, its one listener at a time.

Written after the script's documentation and behaviour: a property is told when listening to it begins and whenever it
changes, to the fixed port of whoever spoke last; `current_song_time` changes all the time while the song plays.
"""

from __future__ import annotations

import socket
import threading
import time
from types import TracebackType

from pythonosc.osc_message_builder import OscMessageBuilder

from bridge.ports.osc.codec import parse

TICK_SECONDS = 0.1


class AbletonPeer:
    """Runs from its making to `close`; `properties` may be read and set by the test through `set`."""

    def __init__(self, response_port: int = 0, port: int = 0) -> None:
        self.response_port = response_port
        self.received: list[str] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", port))
        self._socket.setblocking(False)
        self.port: int = self._socket.getsockname()[1]
        self._properties: dict[str, float | bool | str] = {
            "tempo": 120.0,
            "is_playing": False,
            "signature_numerator": 4,
            "signature_denominator": 4,
            "current_song_time": 0.0,
            "loop": False,
            "loop_start": 0.0,
            "loop_length": 4.0,
            "root_note": 0,
            "scale_name": "Major",
        }
        self._listened: set[str] = set()
        self._last_host: str | None = None
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __enter__(self) -> AbletonPeer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @property
    def listened(self) -> set[str]:
        """The properties that a client listens to."""
        with self._lock:
            return set(self._listened)

    def set(self, name: str, value: float | bool | str) -> None:
        """As if somebody had turned it in Live."""
        with self._lock:
            self._change(name, value)

    def reload(self) -> None:
        """Load the script anew: all listeners are forgotten, and it says so."""
        with self._lock:
            self._listened.clear()
            self._send("/live/startup")

    def forget(self) -> None:
        """As when another set is opened: nobody listens any more, and nobody is told."""
        with self._lock:
            self._listened.clear()

    def close(self) -> None:
        self._closing.set()
        self._thread.join()
        self._socket.close()

    def _run(self) -> None:
        before = time.perf_counter()
        while not self._closing.wait(TICK_SECONDS):
            now = time.perf_counter()
            with self._lock:
                self._process()
                if self._properties["is_playing"]:
                    passed = (now - before) * float(self._properties["tempo"]) / 60.0
                    self._change("current_song_time", float(self._properties["current_song_time"]) + passed)
            before = now

    def _process(self) -> None:
        while True:
            try:
                datagram, sender = self._socket.recvfrom(65536)
            except OSError:
                return
            self._last_host = sender[0]
            for message in parse(datagram):
                self.received.append(message.address)
                self._handle(message.address)

    def _handle(self, address: str) -> None:
        verb, _, name = address.removeprefix("/live/song/").partition("/")
        if address == "/live/test":
            self._send("/live/test", "ok")
        elif verb == "start_listen" and name in self._properties:
            self._listened.add(name)
            self._send(f"/live/song/get/{name}", self._properties[name])
        elif verb == "stop_listen" and name in self._properties:
            self._listened.discard(name)
        else:
            self._send("/live/error", f"Unknown OSC address: {address}")

    def _change(self, name: str, value: float | bool | str) -> None:
        self._properties[name] = value
        if name in self._listened:
            self._send(f"/live/song/get/{name}", value)

    def _send(self, address: str, *values: float | bool | str) -> None:
        builder = OscMessageBuilder(address)
        for value in values:
            builder.add_arg(value)  # a bool goes as T or F, as from Live
        if self._last_host is not None:
            self._socket.sendto(builder.build().dgram, (self._last_host, self.response_port))
