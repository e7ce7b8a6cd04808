"""The MIDI ports of a session: opened together, watched together."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from bridge.errors import BridgeError
from bridge.guardian.guardian import Guardian
from bridge.ports.midi_drivers import Driver, load_driver
from bridge.ports.midi_echo import Echoes
from bridge.ports.midi_in import MidiInPort
from bridge.ports.midi_names import need_virtual_ports, refuse_same_port
from bridge.ports.midi_out import MidiOutPort
from bridge.seams import Clock, Inbox

logger = logging.getLogger(__name__)


class MidiPorts:
    """Ways in and out that know of each other.

    Attributes:
        echoes: what came back and was not heard as melody.
    """

    def __init__(
        self,
        driver: Driver,
        guardian: Guardian,
        ways_in: list[MidiInPort],
        ways_out: list[MidiOutPort],
        echoes: Echoes,
        report: Callable[[str], None],
    ) -> None:
        self.ways_in = ways_in
        self.ways_out = ways_out
        self.echoes = echoes
        self._driver = driver
        self._guardian = guardian
        self._report = report
        self._life = driver.life
        self._missed: list[MidiInPort | MidiOutPort] = []

    def start(self, inbox: Inbox) -> None:
        """Listen from now on, and report ports lost and back.

        Raises:
            BridgeError: a port cannot be opened.
        """
        for way_out in self.ways_out:
            way_out.start(inbox)
        for way_in in self.ways_in:
            way_in.start(inbox)

    def tend(self) -> None:
        """Notice what was unplugged, plugged in again or died; about twice a second, from the thread that opened."""
        heard, played = self._names()
        if heard is None or self._driver.life != self._life:
            # What the guardian holds of a dead system can be neither used nor closed.
            self._guardian.kill()
            self._life = self._driver.life
        self._guardian.tend()
        for way_in in self.ways_in:
            way_in.tend(heard)
        for way_out in self.ways_out:
            way_out.tend(played)
        self._tell_changes()
        looping = self.echoes.loop()
        if looping is not None:
            self._report(
                f"What we play comes back on “{looping}” and is not heard as melody: "
                "cut that way back in your software, or listen to another port with --in."
            )

    def close(self) -> None:
        """Release every port. Safe to call twice."""
        for way_in in self.ways_in:
            way_in.close()
        for way_out in self.ways_out:
            way_out.close()

    def _tell_changes(self) -> None:
        """Say which ports are lost or back since we looked last; one that went and came between is neither."""
        news: list[str] = []
        ports: list[MidiInPort | MidiOutPort] = [*self.ways_in, *self.ways_out]
        for port in ports:
            if port.there and port in self._missed:
                self._missed.remove(port)
                news.append(f"“{port.name}” is back.")
            elif not port.there and port not in self._missed:
                self._missed.append(port)
                news.append(f"“{port.name}” is unplugged: the music goes on, and it is found again when it is back.")
        for sentence in dict.fromkeys(news):  # many devices can be both heard and played to
            self._report(sentence)

    def _names(self) -> tuple[list[str], list[str]] | tuple[None, None]:
        """Ports that can be listened and played to; None where the system's MIDI does not answer."""
        try:
            return self._driver.inputs(), self._driver.outputs()
        except BridgeError as error:
            logger.debug("%s", error)
            return None, None


def open_midi(
    heard: Sequence[str | None],
    played: Sequence[str | None],
    clock: Clock,
    guardian: Guardian,
    same_port: bool = False,
    report: Callable[[str], None] = logger.warning,
) -> MidiPorts:
    """Ports by parts of their names, or for None one of our own that others can connect to.

    Args:
        heard: ports to listen to.
        played: ports to play to.
        same_port: whether one may be both.
        report: told in a sentence, on the thread that tends, when a port is lost or back and when what we play keeps
            coming back.

    Raises:
        BridgeError: one cannot be had.
    """
    driver = load_driver()
    echoes = Echoes()
    if None in (*heard, *played):
        need_virtual_ports()
    ways_in = [MidiInPort(driver, clock, name, echoes) for name in heard]
    ports = MidiPorts(driver, guardian, ways_in, [], echoes, report)
    try:
        for name in played:
            ports.ways_out.append(MidiOutPort(driver, guardian, clock, name, echoes))
        names_out = [] if same_port else [port.name for port in ports.ways_out]
        refuse_same_port([port.name for port in ways_in], names_out)
    except BridgeError:
        ports.close()
        raise
    return ports
