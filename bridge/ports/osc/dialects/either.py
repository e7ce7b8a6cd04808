"""REAPER or Bitwig, which both send to UDP port 9000: who it is shows in every datagram."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.events import HostReport
from bridge.ports.osc.codec import Message
from bridge.ports.osc.dialects.bitwig import DrivenByMoss
from bridge.ports.osc.dialects.dialect import Line
from bridge.ports.osc.dialects.reaper import Reaper

_BITWIG = frozenset({"/update", "/time/signature"})
"""DrivenByMoss begins and ends with the first whatever it sends."""


class ReaperOrBitwig:
    """For a player who has not said which."""

    name = "REAPER or Bitwig"
    port_in = 9000
    port_out: int | None = 8000
    silence_seconds = DrivenByMoss.silence_seconds

    def __init__(self) -> None:
        self._reaper = Reaper()
        self._bitwig = DrivenByMoss()

    def read(self, seconds: float, messages: Sequence[Message]) -> HostReport | None:
        """What the messages say together."""
        is_bitwig = any(message.address in _BITWIG for message in messages)
        return (self._bitwig if is_bitwig else self._reaper).read(seconds, messages)

    def is_new(self, message: Message) -> bool:
        """Neither says."""
        return False

    def greeting(self, port: int) -> list[Line]:
        """Bitwig answers it, REAPER does not know it."""
        return self._bitwig.greeting(port)

    def farewell(self, port: int) -> list[Line]:
        """Both go on speaking."""
        return []
