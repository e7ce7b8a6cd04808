"""Keeps open the ports of the hosts whose tempo the player may want to follow."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from bridge.controls.settings import Settings
from bridge.errors import BridgeError
from bridge.ports.osc.dialects.ableton import AbletonOsc
from bridge.ports.osc.dialects.ardour import Ardour
from bridge.ports.osc.dialects.bitwig import DrivenByMoss
from bridge.ports.osc.dialects.dialect import Dialect
from bridge.ports.osc.dialects.either import ReaperOrBitwig
from bridge.ports.osc.dialects.port import DialectPort
from bridge.ports.osc.dialects.reaper import Reaper
from bridge.seams import Clock, Inbox, InPort

Now = Callable[[], Settings]
Opener = Callable[[Clock, Now], InPort]

logger = logging.getLogger(__name__)


def _speaks(dialect: Callable[[], Dialect]) -> Opener:
    return lambda clock, now: DialectPort(clock, dialect())


def _link(clock: Clock, now: Now) -> InPort:
    from bridge.ports.link import LinkPort

    return LinkPort(clock, lambda: now().bar_beats, now().link_start_stop, now().tempo)


OPENERS: Mapping[str, tuple[Opener, ...]] = {
    "auto": (_speaks(AbletonOsc), _speaks(Ardour), _speaks(ReaperOrBitwig)),
    "ableton": (_speaks(AbletonOsc),),
    "ardour": (_speaks(Ardour),),
    "reaper": (_speaks(Reaper),),
    "bitwig": (_speaks(DrivenByMoss),),
    "link": (_link,),
}
"""Sources with ports of their own; the others come by the ports that are open anyway.

Link is joined only when it is chosen: it is the more exact clock, but knows neither song nor bar numbers, and a host
that sends MIDI clock as well says more by that.
"""


class HostPorts:
    """An `InPort` for as many as the parameter `sync` needs at the moment."""

    name = "hosts"

    def __init__(self, clock: Clock, now: Now, tell: Callable[[str], None]) -> None:
        """Open nothing yet.

        Args:
            now: the settings as they are now.
            tell: gets a sentence when a port cannot be had that was chosen while we play, or by name.
        """
        self._clock = clock
        self._now = now
        self._tell = tell
        self._told = ""
        self._source, self._starts = "", False
        self._ports: list[InPort] = []
        self._inbox: Inbox | None = None

    def start(self, inbox: Inbox) -> None:
        """Open what is chosen now.

        Raises:
            BridgeError: it cannot be had.
        """
        self._inbox = inbox
        for error in self._change(inbox):
            raise error

    def tend(self) -> None:
        """Open other ports where another source has been chosen since; what cannot be had is told once."""
        if self._inbox is not None and (self._source, self._starts) != self._wanted():
            for error in self._change(self._inbox):
                self._tell(str(error))
        problem = "" if self._source == "auto" else next(filter(None, map(_problem, self._ports)), "")
        if problem and problem != self._told:
            self._tell(problem)
        self._told = problem

    def close(self) -> None:
        """Release the ports. Safe to call twice."""
        self._inbox = None
        self._release()

    def _change(self, inbox: Inbox) -> list[BridgeError]:
        """Open what is wanted now in place of what is open; returns why each of the others cannot be had."""
        self._release()
        self._source, self._starts = self._wanted()
        errors = []
        for opener in OPENERS.get(self._source, ()):
            try:
                port = opener(self._clock, self._now)
                port.start(inbox)
            except BridgeError as error:
                errors.append(error)
            else:
                self._ports.append(port)
        return errors

    def _wanted(self) -> tuple[str, bool]:
        now = self._now()
        return now.sync, now.sync == "link" and now.link_start_stop

    def _release(self) -> None:
        for port in self._ports:
            port.close()
        self._ports.clear()


def _problem(port: InPort) -> str:
    return port.problem if isinstance(port, DialectPort) else ""
