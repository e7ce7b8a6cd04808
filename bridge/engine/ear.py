"""Which of the player's notes are melody, which pass through, and which keys are down."""

from __future__ import annotations

from collections import Counter

from bridge.controls.settings import Settings
from bridge.engine.ledger import Ledger
from bridge.events import EndNote, MelodyHeard, NoteOff, NoteOn, OutMessage, PlayNote
from gapt_core.frames import LiveMelody

NEVER = -1e9
"""In beats: long before any music."""

Key = tuple[int, int]
"""Channel and pitch: on an MPE keyboard the same pitch may be down on two channels at once."""


class Ear:
    """Keeps melody tokens by frame; a part of the engine, called by nothing else."""

    def __init__(self, settings: Settings) -> None:
        self.heard_any = False
        """Whether any melody was heard in this piece."""
        self.newest_beats = NEVER
        """When the newest note of the melody began."""
        self._settings = settings
        self._melody = LiveMelody()
        self._held: Counter[Key] = Counter()
        self._thru = Ledger()
        self._channels = settings.heard_channels

    def configure(self, settings: Settings) -> None:
        """Listen by `settings` from the next note on; what is down is released as it was pressed."""
        self._settings = settings
        self._channels = settings.heard_channels

    def token(self, frame: int) -> int:
        """The melody token of `frame` from what was heard so far."""
        return self._melody.token(frame)

    def is_melody(self, event: NoteOn) -> bool:
        """Whether the note is on a channel of the melody and not below the split."""
        return event.channel in self._channels and event.pitch >= self._settings.split

    def press(self, event: NoteOn, beats: float, counts: bool) -> list[OutMessage]:
        """A key went down; what leaves at once. `counts`: it is melody from `beats` on."""
        out: list[OutMessage] = []
        if counts:
            self._melody.note_on(beats, event.pitch)
            self._held[event.channel, event.pitch] += 1
            self.heard_any = True
            self.newest_beats = beats
            out.append(MelodyHeard(beats, event.pitch, event.velocity, event.channel))
        if self._settings.thru:
            note = PlayNote(beats, event.pitch, event.velocity, event.channel, passed=True)
            self._thru.record(note)
            out.append(note)
        return out

    def release(self, event: NoteOff, beats: float) -> list[OutMessage]:
        """A key went up; what leaves at once."""
        return self._release((event.channel, event.pitch), beats)

    def release_all(self, beats: float) -> list[OutMessage]:
        """Every key goes up at `beats`, and what passed through ends."""
        out = [message for key in sorted(self._held.elements()) for message in self._release(key, beats)]
        return [*out, *self._thru.end_all(beats)]

    def passes(self, channel: int) -> bool:
        """Whether a note of the player sounds through us on `channel`: then that channel must not be silenced."""
        return self._thru.sounds_on(channel)

    def clear(self, beats: float) -> list[OutMessage]:
        """Forget the melody so far and what is down; what passes through goes on until its key goes up."""
        ends: list[OutMessage] = [
            MelodyHeard(beats, pitch, 0, channel) for channel, pitch in sorted(self._held.elements())
        ]
        self._melody.clear()
        self._held.clear()
        self.newest_beats = NEVER
        return ends

    def _release(self, key: Key, beats: float) -> list[OutMessage]:
        channel, pitch = key
        out: list[OutMessage] = []
        if self._held[key]:
            self._held -= Counter([key])
            self._melody.note_off(beats, pitch)
            out.append(MelodyHeard(beats, pitch, 0, channel))
        if self._thru.sounds(channel, pitch):
            end = EndNote(beats, pitch, channel)
            self._thru.record(end)
            out.append(end)
        return out
