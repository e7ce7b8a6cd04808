"""Which source rules: the one that was asked for, or the most exact one that lives, and no change on a whim."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.sync.source import RANKS, View

SWITCH_SECONDS = 2.0
"""How long a better source has to be there before it takes the music over from one that lives."""


class Choice:
    """The ruling source, `internal` where there is no other."""

    def __init__(self, wanted: str) -> None:
        self.wanted = wanted
        self.ruler = "internal" if wanted == "auto" else wanted
        self._since: dict[str, float] = {}

    def want(self, source: str) -> None:
        """Somebody set the parameter `sync`."""
        self.wanted = source
        if source != "auto":
            self.ruler = source

    def decide(self, seconds: float, views: Mapping[str, View], rolling: bool) -> None:
        """Choose anew.

        Args:
            views: what is known of each source that can be followed.
            rolling: whether our transport rolls.
        """
        live = {name: view for name, view in views.items() if view.state != "lost"}
        self._since = {name: self._since.get(name, seconds) for name in live}
        if self.wanted != "auto":
            self.ruler = self.wanted
            return
        best = min(live, key=lambda name: _order(name, live[name]), default="internal")
        if best != self.ruler and best != "internal" and self._may_take_over(best, seconds, live, rolling):
            self.ruler = best
        elif self.ruler not in (views if rolling else live):
            # Who is lost rules on over what still plays at its tempo, not over what stands.
            self.ruler = "internal"

    def wake_seconds(self, views: Mapping[str, View]) -> float | None:
        """When a better source will have been there long enough."""
        waiting = [
            since + SWITCH_SECONDS for name, since in self._since.items() if name != self.ruler and name in views
        ]
        return min(waiting, default=None) if self.wanted == "auto" else None

    def _may_take_over(self, best: str, seconds: float, live: Mapping[str, View], rolling: bool) -> bool:
        view = live[best]
        if not rolling or (view.rolling and self.ruler not in live):
            # Nothing to disturb, or somebody pressed play.
            return self.ruler not in live or _order(best, view) < _order(self.ruler, live[self.ruler])
        if view.rolling is False:
            return False
        return seconds - self._since[best] >= SWITCH_SECONDS and view.state == "locked"


def _order(name: str, view: View) -> tuple[bool, int]:
    return view.rolling is False, RANKS.index(name)
