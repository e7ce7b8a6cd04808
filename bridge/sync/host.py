"""A host that says where it stands: polled and late (AbletonOSC, REAPER, Ardour, Bitwig), or exact (Link, a plug-in).

Positions in beats are taken as they are, positions in bars are counted on from the last change of metre. A host that
tells its song's seconds beside the beats gives the two together, so that their lateness falls out.
"""

from __future__ import annotations

from bridge.controls.parameters import FASTEST_BPM, SLOWEST_BPM
from bridge.events import HostReport
from bridge.sync.late import LATE_SECONDS, LateLine
from bridge.sync.source import Fact, State, View

LOST_SECONDS = 3.0
"""So long without a word while it rolls, it is lost; at 30 bpm a host that tells every beat speaks every 2 s."""

LOST_EXACT_SECONDS = 1.0

JUMP_BEATS, LEAP_BEATS = 0.25, 1.0
"""A report further off than lateness explains is a jump: at once from a leap on, else where the next one agrees."""

EXACT_JUMP_BEATS, EXACT_LEAP_BEATS = 1.0 / 16, 1.0 / 2
"""So far off an exact host has jumped where its next report agrees; and so far, whatever the next one says."""

TOGETHER_SECONDS = 0.005
"""Two messages that near came in one."""

SONG_SECONDS = 4.0
"""How far back the song's own seconds are compared with ours."""

NAMES = {
    "link": "Ableton Link",
    "osc": "the plug-in",
    "ableton": "Live",
    "reaper": "REAPER",
    "bitwig": "Bitwig",
    "ardour": "Ardour",
}

PORT_SOURCES = {
    "AbletonOSC": ("ableton",),
    "REAPER": ("reaper",),
    "DrivenByMoss": ("bitwig",),
    "REAPER or Bitwig": ("reaper", "bitwig"),
    "Ardour": ("ardour",),
}
"""Which sources come by a port, by what the port calls itself."""


class SongClock:
    """The host's own seconds against ours: the least late of the last few reports says how they lie."""

    def __init__(self) -> None:
        self._pairs: list[tuple[float, float]] = []

    def take(self, seconds: float, song_seconds: float) -> None:
        """The song stood at `song_seconds`, says a report that came at `seconds`."""
        late = seconds - song_seconds
        if self._pairs and abs(late - self._pairs[-1][1]) > 2.0 * LATE_SECONDS:
            self._pairs.clear()
        self._pairs.append((seconds, late))
        self._pairs = [pair for pair in self._pairs if pair[0] > seconds - SONG_SECONDS]

    def moment(self, seconds: float) -> float:
        """When, by our clock, the song stood where a report that came at `seconds` says; `seconds` where unknown."""
        if not self._pairs or abs(self._pairs[-1][0] - seconds) > TOGETHER_SECONDS:
            return seconds
        return seconds - (self._pairs[-1][1] - min(late for _, late in self._pairs))


class BarCount:
    """Beats from bars: counted on from where the metre last changed, so that a change is no jump."""

    def __init__(self) -> None:
        self.metre: tuple[int, int] | None = None
        self._since = (0, 0.0)  # this bar began at these beats
        self._last: tuple[int, float] | None = None

    def change(self, metre: tuple[int, int]) -> None:
        """The metre is `metre` from the bar that was reported last."""
        if metre != self.metre and self.metre is not None and self._last is not None:
            bar = self._last[0]
            self._since = (bar, self._since[1] + (bar - self._since[0]) * self._bar_beats)
        self.metre = metre

    def beats(self, bar: int, beat: float) -> float:
        """Beats of a place; where no metre was told it is the plain one."""
        self._last = (bar, beat)
        return self.line(bar) + beat * 4.0 / self._metre[1]

    def line(self, bar: int) -> float:
        """Beats of the bar line that `bar` begins with."""
        return self._since[1] + (bar - self._since[0]) * self._bar_beats

    def guess(self, bar: int, beat: float, passed_beats: float) -> None:
        """Where no metre was told: one bar line on from the last place, `passed_beats` quarter notes ago."""
        numerator, denominator = self._metre
        if self._last is None or bar != self._last[0] + 1:
            return
        counted = round(self._last[1] + passed_beats * denominator / 4.0 - beat)
        if counted != numerator and 1 <= counted <= 32 and self._last[1] < counted + 1.0:
            # The bar that has just ended was that long, and so are those before it as far as anybody can tell.
            self._since = (self._last[0], self._since[1] + (self._last[0] - self._since[0]) * self._bar_beats)
            self.metre = (counted, denominator)

    @property
    def _metre(self) -> tuple[int, int]:
        return self.metre or (4, 4)

    @property
    def _bar_beats(self) -> float:
        return 4.0 * self._metre[0] / self._metre[1]


class HostFollower:
    """Follows one host by its reports."""

    def __init__(self, host: str) -> None:
        self._name = NAMES[host]
        self._lost_seconds = LOST_EXACT_SECONDS if host == "link" else LOST_SECONDS
        self._line = LateLine()
        self._song = SongClock()
        self._bars = BarCount()
        self._told_metre = False
        self._bar_line: float | None = None
        self._playing: bool | None = None
        self._place: tuple[float, float] | None = None  # the newest position: when, and beats
        self._doubt: tuple[float, float] | None = None  # a position that may be a jump
        self._exact = False
        self._stretch = 0
        self._heard: float | None = None

    def take(self, fact: Fact) -> None:
        """A report came; what it does not say stays."""
        assert isinstance(fact, HostReport)
        self._heard = fact.seconds
        self._exact = fact.exact
        if fact.metre is not None:
            self._told_metre = True
            self._bars.change(fact.metre)
        if fact.bpm is not None and SLOWEST_BPM <= fact.bpm <= FASTEST_BPM:
            self._line.tell(fact.seconds, fact.bpm)
        if fact.song_seconds is not None:
            self._song.take(fact.seconds, fact.song_seconds)
        beats = self._beats(fact)
        if fact.playing is not None:
            self._play(fact.playing)
        if beats is not None:
            self._stand(self._song.moment(fact.seconds), beats)

    def gone(self, seconds: float) -> None:
        """Its port was lost."""
        if self._heard is not None:
            self._heard = min(self._heard, seconds - self._lost_seconds)
        if not self._playing:
            self._heard = None

    def view(self, seconds: float) -> View | None:
        """Its transport; None before the first position, and where a host of tempo alone fell silent."""
        if self._heard is None or self._place is None:
            return None
        silent = seconds >= self._heard + self._lost_seconds
        rolling = self._playing if self._exact else bool(self._playing)
        if silent and rolling is None:
            return None
        settled = self._exact or self._line.settled
        state: State = "lost" if silent and rolling else "locked" if settled or not rolling else "locking"
        since, beats = self._place
        if rolling is not False:
            since, beats = self._line.anchor
        metre = self._bars.metre if self._told_metre or self._bar_line is not None else None
        stretch = self._stretch
        return View(state, since, beats, self._line.bpm, rolling, stretch, self._name, metre, self._bar_line)

    def wake_seconds(self) -> float | None:
        """When it will be lost."""
        return None if self._heard is None or self._playing is False else self._heard + self._lost_seconds

    def _play(self, playing: bool) -> None:
        if playing and not self._playing:
            self._stretch += 1
            if self._place is not None and self._heard is not None:
                self._line.restart(self._heard, self._place[1])
        self._playing = playing

    def _beats(self, fact: HostReport) -> float | None:
        if fact.beats is not None or fact.bar is None:
            return fact.beats
        if self._place is not None and self._playing and not self._told_metre and self._line.bpm:
            self._bars.guess(*fact.bar, (fact.seconds - self._place[0]) * self._line.bpm / 60.0)
        self._bar_line = self._bars.line(fact.bar[0])
        return self._bars.beats(*fact.bar)

    def _stand(self, seconds: float, beats: float) -> None:
        """A position came, of the moment `seconds`."""
        before, self._place = self._place, (seconds, beats)
        if self._playing is None and before is not None and not self._exact:
            # We came late and have not heard it start: it moves, so it plays.
            self._play(0.0 < beats - before[1] <= 8.0 * (seconds - before[0]))
            self._playing = self._playing or None
        if before is None or self._playing is False or (self._playing is None and not self._exact):
            self._line.restart(seconds, beats)
        elif self._exact:
            self._stand_exactly(seconds, beats)
        elif self._is_jump(seconds, beats):
            self._jump(seconds, beats)
        elif self._doubt is None:
            self._line.add(seconds, beats)

    def _stand_exactly(self, seconds: float, beats: float) -> None:
        doubt, self._doubt = self._doubt, None
        off = abs(beats - self._line.beats_at(seconds))
        if off > EXACT_JUMP_BEATS:
            passed = 0.0 if doubt is None else (seconds - doubt[0]) * (self._line.bpm or 120.0) / 60.0
            agrees = doubt is not None and abs(beats - doubt[1] - passed) <= EXACT_JUMP_BEATS
            if off < EXACT_LEAP_BEATS and not agrees:
                # A message held up on its way looks like this too: the next one tells.
                self._doubt = (seconds, beats)
                return
            self._stretch += 1
        self._line.restart(seconds, beats)

    def _is_jump(self, seconds: float, beats: float) -> bool:
        doubt, self._doubt = self._doubt, None
        off = self._off(self._line.beats_at(seconds), beats)
        if off == 0.0 or off >= LEAP_BEATS:
            return off > 0.0
        if self._line.bpm is None:
            return False
        self._doubt = (seconds, beats)
        if doubt is None:
            return False
        passed = (seconds - doubt[0]) * self._line.bpm / 60.0
        return self._off(doubt[1] + passed, beats) == 0.0

    def _off(self, expected: float, beats: float) -> float:
        """How far a report lies from what is expected, where that is more than lateness explains; else 0."""
        late = LATE_SECONDS * (self._line.bpm or 120.0) / 60.0
        off = max(beats - expected, expected - beats - late)
        return off if off > max(JUMP_BEATS, late) else 0.0

    def _jump(self, seconds: float, beats: float) -> None:
        self._doubt = None
        self._stretch += 1
        self._line.restart(seconds, beats)
