"""Where the music stands: rolling or not, beats against seconds, bars against frames."""

from __future__ import annotations

from bridge.events import MetreChange, Position, TempoChange
from bridge.timing.beatmap import BeatMap
from bridge.timing.metre import BarGrid
from gapt_core.frames import frame_of
from gapt_core.vocabulary import FRAMES_PER_BEAT

REMEMBERED_SECONDS = 60.0
"""How far back an event may still be turned into beats by the tempo of its own time."""

TOLD_BPM = 0.05
"""A smaller change of tempo is no news to anybody."""


class Transport:
    """The position of a session. Beats run on while it stands, so that a clock can be sent then too."""

    def __init__(self, bpm: float, bars: BarGrid | None = None) -> None:
        self.bars = bars or BarGrid()
        self.rolling = False
        self._stands_at = 0.0
        self._map = BeatMap(bpm)
        self._told = bpm

    @property
    def bpm(self) -> float:
        """The newest tempo."""
        return self._map.bpm

    def beats_at(self, seconds: float) -> float:
        """Beats at `seconds`; while it stands they run on from wherever they were, and mean no place in the song."""
        return self._map.beats_at(seconds)

    def place_at(self, seconds: float) -> float:
        """Where in the song, in beats, the music is at `seconds`, or stands."""
        return self.beats_at(seconds) if self.rolling else self._stands_at

    def seconds_at(self, beats: float) -> float:
        """Seconds at `beats`, by the tempo known so far."""
        return self._map.seconds_at(beats)

    def beats_of(self, seconds: float) -> float:
        """How many beats last `seconds` at the newest tempo."""
        return seconds * self._map.bpm / 60.0

    def change_tempo(self, event: TempoChange | Position) -> bool:
        """Take a tempo or a correction; whether the tempo is another one than was told last."""
        if isinstance(event, Position):
            self._map.anchor(event.seconds, event.beats, event.bpm)
        else:
            self._map.change_tempo(event.seconds, event.bpm)
        self._map.forget_before(event.seconds - REMEMBERED_SECONDS)
        return self._news()

    def change_metre(self, event: MetreChange, earliest: int) -> None:
        """Take a metre; while rolling from the first bar line at or after frame `earliest`, or from where it says."""
        if event.beats is not None:
            self.bars.begin(frame_of(event.beats), event.numerator, event.denominator)
        elif self.rolling:
            self.bars.change(earliest, event.numerator, event.denominator)
        else:
            self.bars.restart(event.numerator, event.denominator)

    def roll(self, seconds: float, beats: float) -> None:
        """Roll from `beats` at `seconds`, whatever was before."""
        self._map = BeatMap(self._map.bpm, seconds, beats)
        self.rolling = True

    def stand(self, beats: float) -> None:
        """Stand at `beats`."""
        self.rolling, self._stands_at = False, beats

    def bar_at(self, beats: float) -> tuple[int, float]:
        """Bar from 1, and beat of its metre from 1.0, at `beats`; before beat 0 bars count from 0 down."""
        frames = beats * FRAMES_PER_BEAT
        frame = int(frames // 1)
        bar, place = self.bars.bar(frame)
        _, _, beat = self.bars.place(frame)
        return bar + 1, 1.0 + (place + frames - frame) / beat

    def signature_at(self, beats: float) -> tuple[int, int]:
        """The metre at `beats`."""
        return self.bars.signature(int(beats * FRAMES_PER_BEAT // 1))

    def _news(self) -> bool:
        news = abs(self._map.bpm - self._told) >= TOLD_BPM
        if news:
            self._told = self._map.bpm
        return news
