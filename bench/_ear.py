"""An OSC client of the bridge: what comes, with the moment at which it came. And Pure Data as another one."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from dataclasses import dataclass

from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.osc_packet import OscPacket

DATAGRAM_BYTES = 1 << 16
BUFFER_BYTES = 1 << 22
POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Told:
    """A message that came at `seconds` of `time.perf_counter`."""

    seconds: float
    address: str
    arguments: tuple[object, ...]


class Ear:
    """A UDP port on this computer that keeps whatever comes, until `close`."""

    def __init__(self) -> None:
        """Listen from now on."""
        self.told: list[Told] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(POLL_SECONDS)
        self._open = True
        self._thread = threading.Thread(target=self._run, name="ear", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self._socket.getsockname()[1]
        return port

    def send(self, port: int, address: str, *arguments: object) -> None:
        """Send a message from here, so that the answer comes here."""
        builder = OscMessageBuilder(address)
        for argument in arguments:
            builder.add_arg(argument)  # type: ignore[arg-type]
        with contextlib.suppress(ConnectionRefusedError):
            self._socket.sendto(builder.build().dgram, ("127.0.0.1", port))

    def heard(self, address: str) -> list[Told]:
        """All that came to an address, in order."""
        return [told for told in list(self.told) if told.address == address]

    def newest(self, address: str) -> tuple[object, ...]:
        """The arguments of what came last to an address; none where nothing came."""
        for told in reversed(list(self.told)):
            if told.address == address:
                return told.arguments
        return ()

    def close(self) -> None:
        """Listen no more."""
        self._open = False
        self._thread.join()
        self._socket.close()

    def _run(self) -> None:
        while self._open:
            try:
                data = self._socket.recv(DATAGRAM_BYTES)
            except (TimeoutError, ConnectionRefusedError):
                continue
            seconds = time.perf_counter()
            for timed in OscPacket(data).messages:
                message: OscMessage = timed.message
                self.told.append(Told(seconds, message.address, tuple(message.params)))


def pd_patch(bridge: int, listens: int, ear: int) -> str:
    """A patch for Pure Data without extras: it subscribes to the bridge and tells every chord on to `ear`.

    Args:
        bridge: UDP port of the bridge.
        listens: UDP port at which Pd listens.
        ear: UDP port to which it sends `/pd/chord name beat pitch…`.
    """
    objects = (
        "obj 20 20 loadbang",
        f"msg 20 45 connect 127.0.0.1 {bridge}",
        "obj 20 200 netsend -u -b",
        f"msg 120 110 {listens}",
        "obj 120 135 oscformat -f i gapt subscribe",
        "obj 120 160 list trim",
        f"msg 300 45 connect 127.0.0.1 {ear}",
        "obj 300 300 netsend -u -b",
        f"obj 300 90 netreceive -u -b {listens}",
        "obj 300 115 oscparse",
        "obj 300 140 list trim",
        "obj 300 165 route gapt",
        "obj 300 190 route chord",
        "obj 300 215 list",
        "obj 300 240 oscformat pd chord",
        "obj 300 265 list trim",
        "obj 120 60 del 300",
    )
    wires = ((0, 1), (0, 6), (0, 16), (1, 2), (16, 3), (3, 4), (4, 5), (5, 2), (6, 7))
    wires += ((8, 9), (9, 10), (10, 11), (11, 12), (12, 13), (13, 14), (14, 15), (15, 7))
    lines = ["#N canvas 0 0 600 400 12", *(f"#X {line}" for line in objects)]
    return ";\n".join([*lines, *(f"#X connect {source} 0 {target} 0" for source, target in wires)]) + ";\n"
