"""Sees to it that the parameters of preset and style say what plays, where a change of them has failed."""

from __future__ import annotations

from collections.abc import Callable

from bridge.controls.settings import Settings
from bridge.events import Set
from bridge.seams import Clock, Inbox
from plugin_host.accompanist import Accompanist


class PresetKeeper:
    """Looked at now and then. A preset that cannot be had is told in a sentence and taken back."""

    def __init__(
        self,
        clock: Clock,
        accompanist: Accompanist,
        now: Callable[[], Settings],
        inbox: Inbox,
        tell: Callable[[str], None],
    ) -> None:
        """Watch `accompanist`; `now` gives the settings as they are now."""
        self._clock = clock
        self._accompanist = accompanist
        self._now = now
        self._inbox = inbox
        self._tell = tell

    def tend(self) -> None:
        """Take back what could not be had."""
        player, settings = self._accompanist, self._now()
        trouble = player.trouble
        if trouble is None or player.changing or (player.preset, player.style) == (settings.preset, settings.style):
            return
        self._tell(trouble)
        for name, value in (("preset", player.preset), ("style", player.style)):
            self._inbox(Set(self._clock.now(), name, value))
